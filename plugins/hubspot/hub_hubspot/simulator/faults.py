"""Faults: how a request can go wrong on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hub_hubspot.simulator.errors import bad_request

KINDS = frozenset({"status", "html", "slow", "half_body", "drop", "commit_then_drop", "commit_then_status"})


@dataclass(slots=True)
class Fault:
    """One planned fault.

    - `status`: answer `status` with an error body (429 gets the rate-limit body); the request is not performed.
    - `html`: the same with an HTML page.
    - `slow`: wait `delay` seconds, then answer as usual.
    - `half_body`: perform the request, announce the whole body, send half of it and break the connection.
    - `drop`: break the connection; the request is not performed.
    - `commit_then_drop`: perform the request, then break the connection.
    - `commit_then_status`: perform the request, then answer `status` (say 502).

    Breaking the connection needs a real server: the headers go out and the connection is closed before the
    body. In-process ASGI transports have no connection to break.
    """

    path: str = ".*"
    """Regular expression, searched in the path."""
    kind: str = "status"
    method: str | None = None
    times: int = 1
    skip: int = 0
    """So many matching requests pass before the fault starts."""
    status: int = 503
    retry_after: str | None = None
    """Value of a Retry-After header, nonsense included; None sends none."""
    delay: float = 0.0
    policy: str = "TEN_SECONDLY_ROLLING"
    """`policyName` of a 429."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise bad_request(f"Unknown kind of fault {self.kind!r}: one of {sorted(KINDS)}")
        re.compile(self.path)

    @property
    def commits(self) -> bool:
        """Whether the request is performed before the answer goes wrong."""
        return self.kind in ("slow", "half_body", "commit_then_drop", "commit_then_status")


class FaultPlan:
    """Faults in order; a request meets the first that matches it and has times left."""

    def __init__(self, faults: Iterable[Mapping[str, Any]] = ()) -> None:
        self._faults: list[Fault] = []
        for one in faults:
            self.add(one)

    def add(self, fault: Mapping[str, Any]) -> None:
        """Plan a fault; 400 for unknown keys or kinds."""
        try:
            self._faults.append(Fault(**fault))
        except (TypeError, re.error) as error:
            raise bad_request(f"Not a fault: {error}") from error

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def planned(self) -> list[dict[str, Any]]:
        """The faults still to come."""
        return [asdict(one) for one in self._faults]

    def meet(self, method: str, path: str) -> Fault | None:
        """The fault for this request, used up once."""
        for fault in self._faults:
            if fault.method not in (None, method) or not re.search(fault.path, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
            return fault
        return None

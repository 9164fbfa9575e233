"""What a hook receives: one workspace's tie to one vendor account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hub_core.manifest import Settings


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with a 2xx status, or one of the statuses that the caller said it expects.

    ``data`` is the decoded JSON body, None when there is none.
    """

    status: int
    data: Any
    headers: Mapping[str, str]


class Http(Protocol):
    """The vendor over HTTP. It already carries auth, time-outs, the API budget, retries and redacted logging."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        bucket: str = "default",
        repeatable: bool | None = None,
        expect: tuple[int, ...] = (),
    ) -> Response:
        """Send one request; ``path`` is relative to the base URL, or a whole URL of the same host.

        ``repeatable`` says that sending it twice does no harm; None means: GET, PUT and DELETE are, POST and PATCH are
        not. A repeatable request is tried again after a broken connection or a 5xx; any request is tried again after a
        429, 423 or 477, which refuse before acting.

        ``expect`` lists statuses other than 2xx that the caller handles itself.

        Raises `CredentialsRejected` (401), `MissingScope` (403), `RateLimited` (429 for longer than the hub
        waits), `Unavailable` (network, 5xx, an answer that is not JSON; ``in_doubt`` when the request was not
        repeatable and may have been carried out), `VendorRefused` for any other status.
        """
        ...


class VendorRefused(Exception):
    """A 4xx that the plugin did not expect; ``data`` is the vendor's decoded body, never shown to people as it is."""

    def __init__(self, status: int, data: Any) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.data = data


@dataclass(frozen=True, slots=True)
class Connection:
    """``settings`` is an instance of the manifest's settings class, secrets included. ``base_url`` may be an operator's
    override (a sandbox, a proxy, a simulator)."""

    workspace: str
    key: str
    settings: Settings
    base_url: str
    http: Http

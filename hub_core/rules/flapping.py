"""A field that goes back and forth: two hubs, or the hub and a workflow of the CRM, write it in turn and never end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hub_core.model.records import HubValue


@dataclass(frozen=True, slots=True)
class Applied:
    """One change that syncs have made to a field: in the CRM or in the hub, in that side's form; None is blank."""

    side: Literal["hub", "crm"]
    before: HubValue | None
    after: HubValue | None
    at: datetime


def is_flapping(history: Sequence[Applied], limit: int = 4, *, within: timedelta = timedelta(days=7)) -> bool:
    """Whether the latest ``limit`` changes, made ``within`` that time, go round in a circle.

    ``history`` is one field's, oldest first; what goes before the latest ``limit`` changes only says which values it
    has had. Each change but the first of them brings back a value that the field had before: A to B, B to A, A to B,
    ...; or B to A again and again, when somebody else writes the B.
    """
    latest = history[-limit:]
    if len(latest) < limit or latest[-1].at - latest[0].at > within:
        return False
    had: set[str] = set()
    for number, change in enumerate(history, start=limit - len(history)):
        before, after = _same(change.before), _same(change.after)
        if number > 0 and after not in had:
            return False
        had |= {before, after}
    return True


def _same(value: HubValue | None) -> str:
    """A value of either side, so that equal ones are equal: 17 and "17", True and "true", lists in any order."""
    if isinstance(value, list):
        return json.dumps(sorted(value))
    if isinstance(value, str):
        return value.strip().casefold()
    return "" if value is None else json.dumps(value, sort_keys=True)


def explain(history: Sequence[Applied], label: str, *, limit: int = 4, crm_name: str = "the CRM") -> str:
    """Why a field is not synced any more, for the people who have to end it; no values are in it."""
    latest = history[-limit:]
    since = latest[0].at.strftime("%Y-%m-%d %H:%M")
    here, there = (sum(change.side == side for change in latest) for side in ("hub", "crm"))
    places = [f"{count} in {place}" for count, place in ((there, crm_name), (here, "the hub")) if count]
    return (
        f"{label} keeps going back and forth: its last {len(latest)} changes since {since} ({' and '.join(places)}) "
        f"brought back values it had before. Something else writes it too: another hub, a workflow of {crm_name}, an "
        "import. It is not synced until you say which side is right: let the CRM overwrite the hub, let the hub "
        "overwrite the CRM, or end the other writer."
    )

"""Reading a vendor's answer: what a status means, how long to wait, which scopes are missing. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, cast

from hub_core.manifest import LimitHeaders


class Meaning(Enum):
    """What a status says about the request."""

    GOOD = "carried out"
    WAIT = "refused before acting; come back later"
    AGAIN = "failed at the vendor, or on the way"
    REJECTED = "the credentials are not accepted"
    FORBIDDEN = "the credentials may not do this"
    REFUSED = "refused for good"


_SCOPE = re.compile(r"[\w.:/-]{1,100}")

_BY_STATUS = {
    401: Meaning.REJECTED,
    403: Meaning.FORBIDDEN,
    408: Meaning.AGAIN,
    423: Meaning.WAIT,  # locked
    425: Meaning.AGAIN,
    429: Meaning.WAIT,
    477: Meaning.WAIT,  # the account is being moved between data centres
}


def meaning(status: int) -> Meaning:
    """What ``status`` means; anything not known by itself goes by its class."""
    if 200 <= status < 300:
        return Meaning.GOOD
    return _BY_STATUS.get(status) or (Meaning.AGAIN if status >= 500 else Meaning.REFUSED)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the vendor asks us to wait: 0 or more; None when it does not say, or says nonsense.

    A date counts from the vendor's own clock (its ``Date`` header) where it sends one, from ``now`` otherwise.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = _http_date(text)
        if until is None:
            return None
        seconds = (until - (_http_date(headers.get("date", "")) or now)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def no_more_today(headers: Mapping[str, str], data: Any, names: LimitHeaders | None) -> bool:
    """Whether a refusal (429) is for the rest of the vendor's day, so that no short wait helps."""
    if names is None:
        return False
    if names.daily_remaining and headers.get(names.daily_remaining, "").strip() == "0":
        return True
    if names.daily_body is None or not isinstance(data, dict):
        return False
    key, word = names.daily_body
    return cast(dict[str, Any], data).get(key) == word


@dataclass(frozen=True, slots=True)
class ToldLimit:
    """A vendor's own account of a limit: ``maximum`` requests in ``seconds``, ``remaining`` of them left."""

    maximum: int
    remaining: int
    seconds: float


def told_limit(headers: Mapping[str, str], names: LimitHeaders | None) -> ToldLimit | None:
    """What an answer's headers say of the limit; None when they do not. Without ``names``, as in the draft standard
    (https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/): ``RateLimit-Policy: "x";q=100;w=10`` and
    ``RateLimit: "x";r=50``; of several policies the first."""
    if names is None:
        policy = headers.get("ratelimit-policy", "").partition(",")[0]
        state = headers.get("ratelimit", "").partition(",")[0]
        numbers = (_parameter(policy, "q"), _parameter(state, "r"), _parameter(policy, "w"))
        unit = 1.0
    else:
        numbers = tuple(headers.get(name, "") for name in (names.maximum, names.remaining, names.interval_ms))
        unit = 0.001
    if not all(number.isdecimal() and len(number) < 10 for number in numbers):
        return None
    maximum, remaining, interval = map(int, numbers)
    if not maximum or not interval:
        return None
    return ToldLimit(maximum, remaining, interval * unit)


def _parameter(text: str, name: str) -> str:
    found = re.search(rf";\s*{name}=(\d+)", text)
    return found[1] if found else ""


def scopes_named(data: Any) -> tuple[str, ...]:
    """The scopes that the body of a 403 names, in its order: texts under any key that speaks of scopes."""
    return tuple(dict.fromkeys(_scopes(data, under_scope=False)))


def _scopes(data: Any, *, under_scope: bool, depth: int = 0) -> Iterator[str]:
    if depth > 8:  # an answer is not to be trusted with our stack
        return
    if isinstance(data, str):
        if under_scope:
            yield from (word for word in data.replace(",", " ").split() if _SCOPE.fullmatch(word))
    elif isinstance(data, list):
        for item in cast(list[Any], data):
            yield from _scopes(item, under_scope=under_scope, depth=depth + 1)
    elif isinstance(data, dict):
        for key, item in cast(dict[str, Any], data).items():
            yield from _scopes(item, under_scope="scope" in key.lower(), depth=depth + 1)


def midnight_wait(now: datetime) -> float:
    """Seconds to wait when a day's budget is spent, an hour at most. Only the vendor knows in whose time zone the day
    ends, and it ends at a full hour: so the next one is the time to ask again."""
    past_the_hour = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    return min(3600.0, (timedelta(minutes=61) - past_the_hour).total_seconds())

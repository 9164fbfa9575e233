"""Tokens and rate limits: who may ask, and how often."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hub_hubspot.simulator.config import SimulatorConfig
from hub_hubspot.simulator.errors import ApiError

DAY = 86_400
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Token:
    """One credential. `scopes` None means every scope; `requests_left` None means no end by count."""

    value: str
    scopes: frozenset[str] | None = None
    requests_left: int | None = None
    expires_at: float | None = None
    oauth: bool = False
    revoked: bool = False
    windows: dict[str, deque[float]] = field(default_factory=dict[str, deque[float]])

    def spend(self, now: float) -> None:
        """Count one request of this token, or refuse it with 401."""
        if self.revoked:
            raise unauthenticated()
        if self.expires_at is not None and now >= self.expires_at:
            raise expired()
        if self.requests_left is not None:
            if self.requests_left <= 0:
                raise expired()
            self.requests_left -= 1

    def requires(self, any_of: tuple[str, ...]) -> None:
        """Refuse with 403 unless the token has one of these scopes. No scope at all is always granted."""
        if not any_of or self.scopes is None or self.scopes.intersection(any_of):
            return
        context = {"requiredGranularScopes": list(any_of), "missingScopes": list(any_of)}
        message = (
            "This app hasn't been granted all required scopes to make this call. "
            "Read more about required scopes in the scopes section of the documentation."
        )
        detail = {"message": "One or more of the following scopes are required.", "context": context}
        raise ApiError(403, message, "MISSING_SCOPES", errors=[detail], context=context)


def unauthenticated() -> ApiError:
    """401 for no token, a malformed header or an unknown token."""
    return ApiError(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
        "INVALID_AUTHENTICATION",
    )


def expired() -> ApiError:
    """401 for a token whose time is over."""
    message = "The access token is expired! Refresh it or make a new one."
    return ApiError(401, message, "EXPIRED_AUTHENTICATION")


class Limiter:
    """Counts requests per token and per day. Refused requests do not count."""

    def __init__(self) -> None:
        self._day = -1
        self._today = 0

    def admit(self, config: SimulatorConfig, token: Token, bucket: str, now: float) -> Headers:
        """Count a request and return its rate-limit headers, or refuse it with 429.

        `bucket` is `search` (no headers, not counted in the ten-second window), `associations` or `general`.
        """
        self._start_day(config, now)
        daily = None if token.oauth else config.daily_limit
        if daily is not None and self._today >= daily:
            raise too_many("DAILY", "daily")
        maximum, interval = _window(config, token, bucket)
        recent = token.windows.setdefault(bucket, deque())
        while recent and recent[0] <= now - interval:
            recent.popleft()
        if maximum is not None and len(recent) >= maximum:
            if bucket == "search":
                raise too_many("SECONDLY", "secondly")
            raise too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")
        recent.append(now)
        self._today += 1
        if bucket == "search" or maximum is None:
            return []
        headers = {
            "max": maximum,
            "remaining": maximum - len(recent),
            "interval-milliseconds": int(interval * 1000),
        }
        if daily is not None:
            headers |= {"daily": daily, "daily-remaining": daily - self._today}
        return [(f"x-hubspot-ratelimit-{name}".encode(), b"%d" % value) for name, value in headers.items()]

    def _start_day(self, config: SimulatorConfig, now: float) -> None:
        day = int((now + config.utc_offset_minutes * 60) // DAY)
        if day != self._day:
            self._day, self._today = day, 0


def _window(config: SimulatorConfig, token: Token, bucket: str) -> tuple[int | None, float]:
    if bucket == "search":
        return config.search_limit, 1.0
    if bucket == "associations":
        return config.associations_limit, config.rate_interval
    return (config.oauth_rate_limit if token.oauth else config.rate_limit), config.rate_interval


def too_many(policy: str, name: str) -> ApiError:
    """429. The vendor's body has `errorType` and `policyName`, and no `category`."""
    return ApiError(
        429, f"You have reached your {name} limit.", "", extra={"errorType": "RATE_LIMIT", "policyName": policy}
    )

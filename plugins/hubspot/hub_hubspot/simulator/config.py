"""What can be set about the simulated account, at the start and (through the admin API) while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Settings of one simulated account. Times are seconds, limits are requests; `None` switches a limit off."""

    access_tokens: frozenset[str] = frozenset({"pat-simulator"})
    """Static tokens (private app or service key) which the account accepts."""
    token_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Scopes per static token; a token not named here has every scope."""
    token_requests: Mapping[str, int] = field(default_factory=dict[str, int])
    """Static tokens which expire after so many requests."""
    token_expires_at: Mapping[str, float] = field(default_factory=dict[str, float])
    """Static tokens which expire at this time of the clock (epoch seconds)."""
    oauth_client_id: str = "simulator-client"
    oauth_client_secret: str = "simulator-secret"  # noqa: S105 - a loopback toy, not a secret
    oauth_codes: frozenset[str] = frozenset({"simulator-code"})
    """Authorization codes which may be exchanged once; the authorize page makes more."""
    oauth_token_lifetime: int = 1800

    portal_id: int = 44_556_677
    account_type: str = "STANDARD"
    company_currency: str = "EUR"
    time_zone: str = "Europe/Amsterdam"
    utc_offset_minutes: int = 60
    """Where the account's midnight lies: the daily limit starts again then."""

    search_lag: float = 2.0
    """A new or changed record shows its new state in search only after so long."""
    rate_limit: int | None = 190
    """Requests per `rate_interval` and static token; OAuth tokens have `oauth_rate_limit`."""
    oauth_rate_limit: int | None = 110
    associations_limit: int | None = 150
    """Requests per `rate_interval` and token to the associations paths, counted apart."""
    rate_interval: float = 10.0
    search_limit: int | None = 5
    """Searches per second and token."""
    daily_limit: int | None = 625_000
    latency: float = 0.0
    """Every answer waits so long."""
    shuffle_results: bool = True
    """Batch answers come back in another order than their inputs."""
    auto_associate: bool = False
    """A contact is put with the company which has the domain of its e-mail."""
    association_page: int = 500
    """Links per input in one association batch read."""
    required_properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Admin rule per object type: enforced on writes through 2026-09 paths, ignored by older versions."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """Faults from the start; see `faults.Fault` for the keys."""
    seed: int = 0
    clock: Callable[[], float] = time.time


RUNTIME_SETTINGS = frozenset(
    {
        "search_lag",
        "rate_limit",
        "oauth_rate_limit",
        "associations_limit",
        "rate_interval",
        "search_limit",
        "daily_limit",
        "latency",
        "shuffle_results",
        "auto_associate",
        "association_page",
        "required_properties",
        "oauth_token_lifetime",
    }
)
"""The settings which `POST /_simulator/config` may change."""

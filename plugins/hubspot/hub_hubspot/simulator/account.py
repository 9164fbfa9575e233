"""The simulated account: everything which lives as long as the app."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import replace
from typing import Any

from hub_hubspot.simulator.config import RUNTIME_SETTINGS, SimulatorConfig
from hub_hubspot.simulator.errors import ApiError, bad_request
from hub_hubspot.simulator.faults import FaultPlan
from hub_hubspot.simulator.graph import Graph
from hub_hubspot.simulator.limits import Limiter, Token, unauthenticated
from hub_hubspot.simulator.people import OWNERS
from hub_hubspot.simulator.store import Table, new_tables


class Account:
    """State of one account. `settings` starts as the configuration and may change at run time."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.settings = config
        self.tables = new_tables()
        self.graph = Graph()
        self.limiter = Limiter()
        self.faults = FaultPlan(config.faults)
        self.random = random.Random(config.seed)  # noqa: S311 - repeatable on purpose
        self.owners = OWNERS
        self.owner_ids = frozenset(one["id"] for one in OWNERS if not one["archived"])
        self.calls: Counter[str] = Counter()
        self.totals: Counter[str] = Counter()
        self.codes: dict[str, dict[str, Any]] = {code: {} for code in config.oauth_codes}
        self.refresh_tokens: dict[str, frozenset[str] | None] = {}
        self.tokens = {
            value: Token(
                value,
                scopes=config.token_scopes.get(value),
                requests_left=config.token_requests.get(value),
                expires_at=config.token_expires_at.get(value),
            )
            for value in config.access_tokens
        }

    def now(self) -> float:
        """The time of the injected clock, epoch seconds."""
        return self.settings.clock()

    def now_ms(self) -> int:
        """The time of the injected clock, epoch milliseconds."""
        return int(self.settings.clock() * 1000)

    def table(self, name: str) -> Table:
        """The table of an object type, by plural or singular name or type id."""
        table = self.tables.get(name.lower())
        if table is None:
            raise ApiError(400, f"Unable to infer object type from: {name}")
        return table

    def each_table(self) -> list[Table]:
        """Every table once, in a fixed order."""
        return list(dict.fromkeys(self.tables.values()))

    def token(self, header: str) -> Token:
        """The token of an Authorization header, or 401."""
        kind, _, value = header.partition(" ")
        token = self.tokens.get(value.strip())
        if kind.lower() != "bearer" or token is None:
            raise unauthenticated()
        return token

    def correlation_id(self) -> str:
        """An id for one error answer."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def shuffled(self, results: list[Any]) -> list[Any]:
        """Batch results in the order in which the vendor happens to give them."""
        if self.settings.shuffle_results:
            self.random.shuffle(results)
        return results

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change settings at run time; 400 for one which cannot be changed."""
        if unknown := sorted(set(changes) - RUNTIME_SETTINGS):
            raise bad_request(f"These settings cannot be changed: {unknown}")
        self.settings = replace(self.settings, **changes)

"""A simulated HubSpot account, and the hub's connection to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from hub_hubspot.connector import HubSpotSettings, plugin
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.connection import Connection
from hub_core.engine.http import open_http
from hub_core.plugin import Associated, ByIds, Outcome, RecordKind, Write

BASE = "http://simulator"


class SlowClock:
    """The account's time; it passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Account:
    """One simulated account: ``connection`` is the hub's way in, ``admin`` the back door."""

    connection: Connection
    admin: httpx.AsyncClient

    async def seed(self, type_: str, records: list[dict[str, str]]) -> list[str]:
        return (await self._admin("POST", "records", {"type": type_, "records": records}))["ids"]

    async def change(self, type_: str, id_: str, **properties: str) -> None:
        await self._admin("PATCH", f"records/{type_}/{id_}", {"properties": properties})

    async def delete(self, type_: str, id_: str) -> None:
        await self._admin("DELETE", f"records/{type_}/{id_}")

    async def state(self, type_: str) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in (await self._admin("GET", f"state?type={type_}"))[type_]}

    async def fault(self, **fault: Any) -> None:
        await self._admin("POST", "faults", fault)

    async def calls(self) -> dict[str, int]:
        """Calls by route since the last time."""
        counted = (await self._admin("GET", "calls"))["routes"]
        await self._admin("DELETE", "calls")
        return counted

    async def export(self, *writes: Write, kind: RecordKind = RecordKind.CONTACT) -> dict[str, Outcome]:
        outcomes = await plugin.export(self.connection, kind, writes)
        assert len(outcomes) == len(writes)
        return {outcome.ref: outcome for outcome in outcomes}

    async def ties(self, id_: str, kind: RecordKind = RecordKind.CONTACT) -> tuple[Associated, ...]:
        other = RecordKind.COMPANY if kind is RecordKind.CONTACT else RecordKind.CONTACT
        [record] = await plugin.match(self.connection, kind, ByIds((id_,), (), other))
        assert record.associated is not None
        return tuple(sorted(record.associated, key=lambda tie: tie.crm_id))

    async def _admin(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.admin.request(method, f"/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def clock() -> SlowClock:
    return SlowClock()


@pytest.fixture
def config() -> SimulatorConfig:
    """Parametrise it for another account. Limits are off: the pace is core's business."""
    return SimulatorConfig(search_lag=0, search_limit=None, rate_limit=None, associations_limit=None)


@pytest.fixture
def transport(config: SimulatorConfig, clock: SlowClock) -> httpx.ASGITransport:
    return httpx.ASGITransport(create_app(replace(config, clock=clock)))


@pytest.fixture
def connect(transport: httpx.ASGITransport) -> Callable[[str], AbstractAsyncContextManager[Connection]]:
    """Opens a connection with the token given."""

    @asynccontextmanager
    async def opened(token: str) -> AsyncIterator[Connection]:
        settings = HubSpotSettings.model_validate({"access_token": token})
        manifest = plugin.manifest
        async with open_http(
            key="hubspot",
            base_url=BASE,
            auth=manifest.auth,
            settings=settings,
            limits={},
            share=1,
            account="test",
            db=None,
            transport=transport,
        ) as http:
            yield Connection("w", "hubspot", settings, BASE, http)

    return opened


@pytest.fixture
async def account(
    transport: httpx.ASGITransport, connect: Callable[[str], AbstractAsyncContextManager[Connection]]
) -> AsyncIterator[Account]:
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as admin, connect("pat-simulator") as connection:
        yield Account(connection, admin)

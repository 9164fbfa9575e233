"""A simulated account to ask, in the process or served on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from hub_hubspot.simulator import SimulatorConfig, create_app


class Clock:
    """A clock which moves only when told to."""

    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now


class Vendor:
    """Short ways to ask the simulated vendor. Paths starting with `/` are taken whole."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock, version: str = "2026-09") -> None:
        self.client, self.clock, self.version = client, clock, version

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = "pat-simulator", **query: Any):
        whole = path if path.startswith("/") else f"/crm/objects/{self.version}/{path}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        json = {} if body is None else {"json": body}
        return await self.client.request(method, whole, params=query or None, headers=headers, **json)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.ask("GET", path, **query)

    async def post(self, path: str, body: Any, **query: Any) -> httpx.Response:
        return await self.ask("POST", path, body, **query)

    async def patch(self, path: str, body: Any, **query: Any) -> httpx.Response:
        return await self.ask("PATCH", path, body, **query)

    async def create(self, kind: str, links: Any = None, /, **properties: str) -> str:
        answer = await self.post(kind, {"properties": properties, "associations": links or []})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def read(self, kind: str, one: str, *names: str) -> dict[str, str | None]:
        answer = await self.get(f"{kind}/{one}", properties=",".join(names))
        assert answer.status_code == 200, answer.text
        return answer.json()["properties"]

    async def search(self, kind: str, *filters: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
        return await self.post(f"{kind}/search", body)

    async def found(self, kind: str, name: str, operator: str, value: Any = None, high: str | None = None) -> list[str]:
        one: dict[str, Any] = {"propertyName": name, "operator": operator}
        if isinstance(value, list):
            one["values"] = value
        elif value is not None:
            one["value"] = value
        if high is not None:
            one["highValue"] = high
        answer = await self.search(kind, one, limit=200)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["results"]]

    async def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, f"/_simulator/{path}", body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def links(self, kind: str, one: str, target: str) -> dict[str, list[int]]:
        """Linked ids with their type ids, from the state."""
        rows = {row["id"]: row for row in (await self.admin("GET", f"state?type={kind}"))[kind]}
        return {link["id"]: link["types"] for link in rows[one]["associations"].get(target, [])}


@pytest.fixture
async def vendor_with() -> AsyncIterator[Callable[..., Vendor]]:
    """Make an account with these settings; without others, search shows everything at once."""
    clients: list[httpx.AsyncClient] = []

    def make(version: str = "2026-09", **settings: Any) -> Vendor:
        clock = Clock()
        config = replace(SimulatorConfig(clock=clock, search_lag=0.0, search_limit=None), **settings)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(config)), base_url="http://simulator")
        clients.append(client)
        return Vendor(client, clock, version)

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def vendor(vendor_with: Callable[..., Vendor]) -> Vendor:
    """An account with default settings."""
    return vendor_with()


@pytest.fixture
def served() -> Iterator[str]:
    """The address of an account served on loopback, with the clock of the machine."""
    config = SimulatorConfig(search_lag=0.0, search_limit=None)
    server = uvicorn.Server(uvicorn.Config(create_app(config), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield "http://127.0.0.1:%d" % server.servers[0].sockets[0].getsockname()[1]  # noqa: UP031
    server.should_exit = True
    thread.join(5)

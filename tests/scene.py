"""A hub with an active CRM: HubSpot as played by its simulator on loopback, a real database, a mapping."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.engine.jobs import InlineJobs
from hub_core.engine.settings import read_settings
from hub_core.engine.simulators import serve
from hub_core.engine.store import plans, setups
from hub_core.engine.store.database import all_rows, execute, value
from hub_core.engine.store.plans import Item
from hub_core.engine.store.runs import Run
from hub_core.model.plan import ExportOptions, RunState
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup
from hub_core.services import advancing, connections, runs
from hub_core.services.hub import Hub, open_hub

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY

SETUP: dict[str, Any] = {
    "fields": {
        "contacts": {
            "rows": [
                {"source": {"hub": "firstName"}, "crm": "firstname"},
                {"source": {"hub": "lastName"}, "crm": "lastname"},
                {"source": {"hub": "companyName"}, "crm": "company"},
                {"source": {"hub": "linkedInProfileUrl"}, "crm": "hs_linkedin_url"},
                {"source": {"hub": "professionalEmail"}, "crm": "email"},
                {"source": {"hub": "jobTitle"}, "crm": "jobtitle"},
                {"source": {"hub": "mobilePhone"}, "crm": "mobilephone"},
            ]
        },
        "companies": {
            "rows": [
                {"source": {"hub": "name"}, "crm": "name"},
                {"source": {"hub": "domain"}, "crm": "domain"},
                {"source": {"hub": "city"}, "crm": "city"},
            ]
        },
    }
}


@dataclass
class Scene:
    """``admin`` is the back door to the simulated account."""

    hub: Hub
    admin: httpx.AsyncClient
    base_url: str

    # The hub's side

    async def add(self, kind: RecordKind, *records: Mapping[str, Any]) -> list[int]:
        """Put records into the hub; a contact's "company" names the hub company it works at."""
        ids: list[int] = []
        async with self.hub.db.transaction() as conn:
            for record in records:
                values = {key: each for key, each in record.items() if key != "company"}
                count = await value(conn, "SELECT count(*) FROM record")
                ids.append(
                    await value(
                        conn,
                        "INSERT INTO record (workspace_id, kind, external_id, values, company_id)"
                        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                        [
                            self.hub.workspace_id,
                            kind.value,
                            f"r{count}",
                            orjson.dumps(values).decode(),
                            record.get("company"),
                        ],
                    )
                )
            await execute(conn, "DELETE FROM key_scope WHERE connection_id IS NULL")
            await execute(conn, "DELETE FROM hub_key")
        return ids

    async def edit(self, record_id: int, **values: Any) -> None:
        async with self.hub.db.transaction() as conn:
            await execute(
                conn,
                "UPDATE record SET values = values || %s::jsonb, updated_at = now() WHERE id = %s",
                [orjson.dumps(values).decode(), record_id],
            )
            await execute(conn, "DELETE FROM key_scope WHERE connection_id IS NULL")
            await execute(conn, "DELETE FROM hub_key")

    async def save_setup(self, document: Mapping[str, Any]) -> None:
        async with self.hub.db.transaction() as conn:
            stored = await self.hub.stored("hubspot")
            version, _ = await setups.load_setup(conn, stored.id)
            await setups.save_setup(conn, stored.id, CrmSetup.model_validate(document), expected=version)

    async def plan(self, kind: RecordKind, **options: Any) -> Run:
        return await self.work(await runs.start_export(self.hub, ExportOptions(kind=kind, **options)))

    async def export(self, kind: RecordKind, **options: Any) -> Run:
        """Plan and apply."""
        planned = await self.plan(kind, **options)
        assert planned.state is RunState.PLANNED, planned.message
        return await self.apply(planned)

    async def apply(self, run: Run) -> Run:
        return await self.work(await runs.resume(self.hub, run.id))

    async def work(self, run: Run, *, max_chunks: int | None = None) -> Run:
        async def advance(run_id: int) -> float | None:
            return await advancing.advance(self.hub, run_id)

        async def done() -> bool:
            now = await runs.get_run(self.hub, run.id)
            return now.state not in (RunState.PLANNING, RunState.APPLYING)

        jobs = InlineJobs(advance, max_chunks=max_chunks)
        await jobs.start(run.id, "x")
        await jobs.work_until(done)
        return await runs.get_run(self.hub, run.id)

    async def items(self, run: Run) -> dict[int, Item]:
        """The run's items by hub record."""
        async with self.hub.db.transaction() as conn:
            return {item.decision.record_id: item for item in await plans.items(conn, run.id, limit=10_000)}

    async def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        async with self.hub.db.transaction() as conn:
            return await all_rows(conn, sql, list(params))

    # The CRM's side

    async def seed(self, kind: RecordKind, *records: Mapping[str, str]) -> list[str]:
        answer = await self._admin("POST", "records", {"type": kind.plural, "records": list(records)})
        return answer["ids"]

    async def change(self, kind: RecordKind, crm_id: str, **properties: str) -> None:
        await self._admin("PATCH", f"records/{kind.plural}/{crm_id}", {"properties": properties})

    async def delete(self, kind: RecordKind, crm_id: str) -> None:
        await self._admin("DELETE", f"records/{kind.plural}/{crm_id}")

    async def crm(self, kind: RecordKind) -> dict[str, dict[str, Any]]:
        """Everything in the CRM that is not archived, by id: its properties without blanks, "ties" to the others."""
        state = await self._admin("GET", f"state?type={kind.plural}")
        return {
            row["id"]: {key: each for key, each in row["properties"].items() if each}
            | {"ties": {tie["id"]: tie["types"] for ties in row["associations"].values() for tie in ties}}
            for row in state[kind.plural]
            if not row["archived"]
        }

    async def tie(self, contact: str, company: str, *types: int) -> None:
        tie = {"from": contact, "to": company, "toType": "companies", "types": list(types)}
        await self._admin("POST", "records", {"type": "contacts", "records": [], "associations": [tie]})

    async def fault(self, **fault: Any) -> None:
        await self._admin("POST", "faults", fault)

    async def config(self, **settings: Any) -> None:
        await self._admin("POST", "config", settings)

    async def calls(self) -> dict[str, Any]:
        """What was called since the last time: total, reads, writes, routes."""
        counted = await self._admin("GET", "calls")
        await self._admin("DELETE", "calls")
        return counted

    async def _admin(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.admin.request(method, f"/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@asynccontextmanager
async def scene(
    database_url: str, home: str, *, setup: Mapping[str, Any] | None = None, **config: Any
) -> AsyncGenerator[Scene]:
    """A hub on ``database_url`` connected to a simulated account of its own."""
    settings = read_settings({"HUB_HOME": home, "HUB_DATABASE_URL": database_url})
    options: dict[str, Any] = {"rate_limit": None, "search_limit": None, **config}
    with serve(create_app(SimulatorConfig(**options))) as base_url:
        async with open_hub(settings) as hub, httpx.AsyncClient(base_url=base_url, timeout=60) as admin:
            await connections.connect(hub, "hubspot", {"access_token": "pat-simulator"}, base_url=base_url)
            await connections.enable(hub, "hubspot")
            made = Scene(hub, admin, base_url)
            await made.save_setup(SETUP if setup is None else setup)
            await made.calls()
            yield made

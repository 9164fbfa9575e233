"""Repair items: opened once, told anew, closed, opened again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hub_core.engine.store import connections, repairs, syncing, workspaces
from hub_core.engine.store.database import Database
from hub_core.model.fields import CrmType, FieldInfo, Option
from hub_core.model.records import Account, RecordKind
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Drift, Problem

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
WAS = FieldInfo("level", "Level", CrmType.CHOICE, options=(Option("a", "Alpha"), Option("b", "Beta", active=False)))
GONE = Drift(CONTACT, "level", Problem.REMOVED, Status.ERROR, "It is gone.", "Bring it back.")
SHORT = Drift(CONTACT, "title", Problem.LENGTH_SHRUNK, Status.WARNING, "It is short.", "Write less.")


async def _connection(db: Database) -> int:
    async with db.transaction() as conn:
        workspace = await workspaces.workspace_id(conn, "default")
        return await connections.save_connection(
            conn, workspace, kind="crm", key="x", settings={}, base_url="", account=Account("1", "One")
        )


async def test_an_item_is_opened_once_told_anew_and_closed_when_it_is_found_no_more(db: Database) -> None:
    number = await _connection(db)
    async with db.transaction() as conn:
        await repairs.keep_open(conn, number, CONTACT, [SHORT, GONE], before={"level": WAS}, arrived=["one"])
        first = await repairs.open_repairs(conn, number)
        assert [(item.crm_field, item.before) for item in first] == [("level", WAS), ("title", None)]
        await repairs.keep_open(conn, number, CONTACT, [replace(GONE, text="Still gone.")], before={}, arrived=["two"])
        (only,) = await repairs.open_repairs(conn, number)
        assert (only.id, only.text, only.before) == (first[0].id, "Still gone.", WAS)
        assert only.arrived == ("one", "two")
        await repairs.keep_open(conn, number, CONTACT, [], before={})
        assert await repairs.open_repairs(conn, number) == []
        await repairs.keep_open(conn, number, CONTACT, [GONE], before={})
        everything = await repairs.list_repairs(conn, number)
    assert [item.closed_at is None for item in everything] == [True, False, False]


async def test_each_kind_of_records_has_its_own_items(db: Database) -> None:
    number = await _connection(db)
    async with db.transaction() as conn:
        await repairs.keep_open(conn, number, CONTACT, [GONE], before={})
        await repairs.keep_open(conn, number, COMPANY, [replace(GONE, kind=COMPANY)], before={})
        await repairs.keep_open(conn, number, CONTACT, [], before={})
        assert [item.kind for item in await repairs.open_repairs(conn, number)] == [COMPANY]
        assert await repairs.open_repairs(conn, number, CONTACT) == []


async def test_what_changed_while_a_row_was_paused_is_looked_at_again_by_the_next_sync(db: Database) -> None:
    number = await _connection(db)
    async with db.transaction() as conn:

        async def synced(day: str) -> None:
            await syncing.synced_until(conn, number, CONTACT, datetime.fromisoformat(f"2026-01-{day}T00:00:00Z"))

        async def since() -> str:
            found = (await syncing.sync_state(conn, number, CONTACT)).since
            return found.astimezone(UTC).date().isoformat() if found else ""

        await repairs.keep_open(conn, number, CONTACT, [GONE], before={})
        await repairs.keep_open(conn, number, CONTACT, [], before={})
        assert await since() == ""  # nothing was ever synced
        await synced("01")
        await repairs.keep_open(conn, number, CONTACT, [GONE, SHORT], before={})
        await synced("02")
        await repairs.keep_open(conn, number, CONTACT, [GONE], before={})
        assert await since() == "2026-01-02"  # a warning pauses nothing
        await synced("03")
        await repairs.keep_open(conn, number, CONTACT, [GONE], before={})
        await repairs.keep_open(conn, number, CONTACT, [], before={})
        assert await since() == "2026-01-01"


async def test_items_are_closed_by_number(db: Database) -> None:
    number = await _connection(db)
    async with db.transaction() as conn:
        await repairs.keep_open(conn, number, CONTACT, [GONE, SHORT], before={})
        gone, short = await repairs.open_repairs(conn, number)
        assert await repairs.close_repairs(conn, number, [short.id]) == 1
        assert await repairs.close_repairs(conn, number, [short.id]) == 0
        assert await repairs.close_repairs(conn, number + 1, [gone.id]) == 0
        assert [item.id for item in await repairs.open_repairs(conn, number)] == [gone.id]

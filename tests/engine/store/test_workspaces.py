from __future__ import annotations

import asyncio

from hub_core.engine.store.connections import save_connection
from hub_core.engine.store.database import Database
from hub_core.engine.store.workspaces import active_crm, switch_crm, workspace_id
from hub_core.model.records import Account


async def _crm(db: Database, key: str) -> tuple[int, int]:
    async with db.transaction() as conn:
        workspace = await workspace_id(conn, "sales")
        number = await save_connection(
            conn, workspace, kind="crm", key=key, settings={}, base_url="https://x.example", account=Account("1", key)
        )
    return workspace, number


async def test_a_workspace_is_made_once_also_when_asked_for_in_parallel(db: Database) -> None:
    async def ask() -> int:
        async with db.transaction() as conn:
            return await workspace_id(conn, "sales")

    assert len(set(await asyncio.gather(*(ask() for _ in range(8))))) == 1


async def test_no_crm_is_active_at_first(db: Database) -> None:
    async with db.transaction() as conn:
        assert await active_crm(conn, await workspace_id(conn, "sales")) is None


async def test_a_switch_that_expects_another_crm_changes_nothing(db: Database) -> None:
    workspace, one = await _crm(db, "one")
    _, two = await _crm(db, "two")
    async with db.transaction() as conn:
        assert await switch_crm(conn, workspace, expected=None, to=one)
        assert not await switch_crm(conn, workspace, expected=None, to=two)
        assert not await switch_crm(conn, workspace, expected=two, to=None)
        active = await active_crm(conn, workspace)
        assert active is not None
        assert active.key == "one"
        assert await switch_crm(conn, workspace, expected=one, to=two)

from __future__ import annotations

from hub_core.engine.store import connections
from hub_core.engine.store.connections import Sealed
from hub_core.engine.store.database import Conn, Database
from hub_core.engine.store.workspaces import switch_crm, workspace_id
from hub_core.model.records import Account

ADA = Account("7", "Ada's account", "ada@example.com", "https://x.example/{kind}/{id}", "Europe/Amsterdam")


async def _save(conn: Conn, workspace: int, key: str = "finder", kind: str = "enrichment") -> int:
    return await connections.save_connection(
        conn, workspace, kind=kind, key=key, settings={"depth": 3}, base_url="https://x.example", account=ADA
    )


async def test_a_connection_comes_back_as_it_was_stored(db: Database) -> None:
    async with db.transaction() as conn:
        workspace = await workspace_id(conn, "sales")
        number = await _save(conn, workspace)
        stored = await connections.get_connection(conn, number)
    assert stored is not None
    assert (stored.workspace, stored.settings, stored.account) == ("sales", {"depth": 3}, ADA)
    assert (stored.enabled, stored.health) == (False, "connected")


async def test_connecting_again_keeps_the_row_and_makes_it_healthy(db: Database) -> None:
    async with db.transaction() as conn:
        workspace = await workspace_id(conn, "sales")
        number = await _save(conn, workspace)
        await connections.set_enabled(conn, number, True)
        await connections.set_health(conn, number, connections.RECONNECT, "The token was refused.")
        assert await _save(conn, workspace) == number
        stored = await connections.find_connection(conn, workspace, "finder")
    assert stored is not None
    assert (stored.enabled, stored.health, stored.health_reason) == (True, "connected", "")


async def test_a_crm_is_enabled_when_its_workspace_says_so(db: Database) -> None:
    async with db.transaction() as conn:
        workspace = await workspace_id(conn, "sales")
        await _save(conn, workspace, "a-finder")
        number = await _save(conn, workspace, "z-crm", "crm")
        before = await connections.list_connections(conn, workspace)
        await switch_crm(conn, workspace, expected=None, to=number)
        after = await connections.list_connections(conn, workspace)
    assert [(each.key, each.enabled) for each in before] == [("a-finder", False), ("z-crm", False)]
    assert [(each.key, each.enabled) for each in after] == [("z-crm", True), ("a-finder", False)]


async def test_a_workspace_sees_its_own_connections_only(db: Database) -> None:
    async with db.transaction() as conn:
        await _save(conn, await workspace_id(conn, "sales"))
        other = await workspace_id(conn, "other")
        assert await connections.list_connections(conn, other) == []
        assert await connections.find_connection(conn, other, "finder") is None


async def test_replacing_secrets_leaves_no_old_one_behind(db: Database) -> None:
    async with db.transaction() as conn:
        number = await _save(conn, await workspace_id(conn, "sales"))
        await connections.replace_secrets(conn, number, [Sealed("old", "k", b"n", b"c")])
        new = [Sealed("a", "k", b"1", b"2"), Sealed("b", "k", b"3", b"4")]
        await connections.replace_secrets(conn, number, new)
        assert await connections.load_secrets(conn, number) == new

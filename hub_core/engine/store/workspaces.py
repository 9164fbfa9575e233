"""Table ``workspace``: the tenants, and which CRM of each is active."""

from __future__ import annotations

from hub_core.engine.store.connections import StoredConnection, get_connection
from hub_core.engine.store.database import Conn, all_rows, execute, value


async def workspace_id(conn: Conn, key: str) -> int:
    """The id of the workspace ``key``, which is made if there is none."""
    found = await value(conn, "SELECT id FROM workspace WHERE key = %s", [key])
    if found is None:
        # A parallel insert makes ours a no-op; the row is then there to be read.
        await execute(conn, "INSERT INTO workspace (key, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", [key, key])
        found = await value(conn, "SELECT id FROM workspace WHERE key = %s", [key])
    return found


async def active_crm(conn: Conn, workspace_id: int) -> StoredConnection | None:
    """The one CRM that the workspace exports to, None when none is enabled."""
    found = await value(conn, "SELECT active_crm FROM workspace WHERE id = %s", [workspace_id])
    return None if found is None else await get_connection(conn, found)


async def active_crms(conn: Conn) -> list[StoredConnection]:
    """The active CRM of every workspace that has one."""
    rows = await all_rows(conn, "SELECT active_crm FROM workspace WHERE active_crm IS NOT NULL ORDER BY id")
    found = [await get_connection(conn, row["active_crm"]) for row in rows]
    return [stored for stored in found if stored is not None]


async def switch_crm(conn: Conn, workspace_id: int, *, expected: int | None, to: int | None) -> bool:
    """Make ``to`` the active CRM if ``expected`` (ids of connections) still is; False when it is not."""
    changed = await execute(
        conn,
        "UPDATE workspace SET active_crm = %s WHERE id = %s AND active_crm IS NOT DISTINCT FROM %s",
        [to, workspace_id, expected],
    )
    return changed == 1


async def remove_workspace(conn: Conn, key: str) -> None:
    """Remove the workspace ``key`` and everything in it, if there is one."""
    found = await value(conn, "SELECT id FROM workspace WHERE key = %s", [key])
    if found is None:
        return
    for statement in (
        "DELETE FROM hub_key WHERE scope IN (SELECT id FROM key_scope WHERE workspace_id = %s)",
        "DELETE FROM crm_key WHERE scope IN (SELECT id FROM key_scope WHERE workspace_id = %s)",
        "DELETE FROM key_scope WHERE workspace_id = %s",
        "DELETE FROM journal WHERE workspace_id = %s",
        "DELETE FROM run WHERE workspace_id = %s",
        "UPDATE workspace SET active_crm = NULL WHERE id = %s",
        "DELETE FROM crm_record WHERE connection_id IN (SELECT id FROM connection WHERE workspace_id = %s)",
        "DELETE FROM connection WHERE workspace_id = %s",
        "DELETE FROM record WHERE workspace_id = %s AND kind = 'contact'",
        "DELETE FROM record WHERE workspace_id = %s",
        "DELETE FROM custom_field WHERE workspace_id = %s",
        "DELETE FROM workspace WHERE id = %s",
    ):
        await execute(conn, statement, [found])


async def workspace_key(conn: Conn, workspace_id: int) -> str:
    """The key of a workspace."""
    return await value(conn, "SELECT key FROM workspace WHERE id = %s", [workspace_id])

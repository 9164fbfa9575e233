"""Table ``connection`` and ``secret``: a workspace's ties to its integrations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from psycopg.types.json import Json

from hub_core.engine.store.database import Conn, Row, all_rows, execute, one_row, value
from hub_core.model.records import Account

CONNECTED = "connected"
RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """One connection as stored, without its secrets. ``enabled``: it is the active CRM, or a switched-on integration of
    another kind. ``health`` is "connected" or "reconnect" (the vendor does not accept the credentials any more)."""

    id: int
    workspace_id: int
    workspace: str
    kind: str
    key: str
    settings: Mapping[str, Any]
    base_url: str
    account: Account
    enabled: bool
    health: str
    health_reason: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """One encrypted secret; ``key_id`` names the master key that opens it."""

    name: str
    key_id: str
    nonce: bytes
    ciphertext: bytes


_SELECT = """
SELECT c.id, c.workspace_id, w.key AS workspace, c.kind, c.key, c.settings, c.base_url, c.account, c.health,
       c.health_reason,
       CASE WHEN c.kind = 'crm' THEN w.active_crm IS NOT DISTINCT FROM c.id ELSE c.enabled END AS enabled
FROM connection c JOIN workspace w ON w.id = c.workspace_id
"""


def _stored(row: Row) -> StoredConnection:
    columns = {**row, "account": Account(**row["account"])}
    return StoredConnection(**cast("dict[str, Any]", columns))


async def list_connections(conn: Conn, workspace_id: int) -> list[StoredConnection]:
    """Every connection of the workspace, the active CRM first, then by key."""
    rows = await all_rows(
        conn, f"{_SELECT} WHERE c.workspace_id = %s ORDER BY c.id = w.active_crm DESC NULLS LAST, c.key", [workspace_id]
    )
    return [_stored(row) for row in rows]


async def find_connection(conn: Conn, workspace_id: int, key: str) -> StoredConnection | None:
    """The workspace's connection to the integration ``key``."""
    row = await one_row(conn, f"{_SELECT} WHERE c.workspace_id = %s AND c.key = %s", [workspace_id, key])
    return None if row is None else _stored(row)


async def get_connection(conn: Conn, connection_id: int) -> StoredConnection | None:
    """The connection with this id (a run keeps the one that it started with)."""
    row = await one_row(conn, f"{_SELECT} WHERE c.id = %s", [connection_id])
    return None if row is None else _stored(row)


async def save_connection(
    conn: Conn,
    workspace_id: int,
    *,
    kind: str,
    key: str,
    settings: Mapping[str, Any],
    base_url: str,
    account: Account,
) -> int:
    """Store the connection, or change the one there is; it is healthy afterwards. Returns its id."""
    return await value(
        conn,
        """
        INSERT INTO connection (workspace_id, kind, key, settings, base_url, account)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (workspace_id, key) DO UPDATE SET
            kind = EXCLUDED.kind, settings = EXCLUDED.settings, base_url = EXCLUDED.base_url,
            account = EXCLUDED.account, health = 'connected', health_reason = '', updated_at = now()
        RETURNING id
        """,
        [workspace_id, kind, key, Json(dict(settings)), base_url, Json(asdict(account))],
    )


async def set_enabled(conn: Conn, connection_id: int, enabled: bool) -> None:
    """Switch a connection of a kind other than crm on or off."""
    await execute(
        conn, "UPDATE connection SET enabled = %s, updated_at = now() WHERE id = %s", [enabled, connection_id]
    )


async def set_health(conn: Conn, connection_id: int, health: str, reason: str = "") -> None:
    """Say how the connection fares; ``reason`` is shown to people."""
    await execute(
        conn,
        "UPDATE connection SET health = %s, health_reason = %s, updated_at = now() WHERE id = %s",
        [health, reason, connection_id],
    )


async def replace_secrets(conn: Conn, connection_id: int, secrets: Iterable[Sealed]) -> None:
    """Keep exactly these secrets for the connection."""
    await execute(conn, "DELETE FROM secret WHERE connection_id = %s", [connection_id])
    for sealed in secrets:
        await execute(
            conn,
            "INSERT INTO secret (connection_id, name, key_id, nonce, ciphertext) VALUES (%s, %s, %s, %s, %s)",
            [connection_id, sealed.name, sealed.key_id, sealed.nonce, sealed.ciphertext],
        )


async def load_secrets(conn: Conn, connection_id: int) -> list[Sealed]:
    """The connection's secrets, still encrypted."""
    rows = await all_rows(
        conn,
        "SELECT name, key_id, nonce, ciphertext FROM secret WHERE connection_id = %s ORDER BY name",
        [connection_id],
    )
    return [Sealed(**row) for row in rows]

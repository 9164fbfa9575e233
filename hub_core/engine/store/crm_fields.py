"""Table ``crm_fields``: what a CRM's fields were when they were last listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Json

from hub_core.engine.store.database import Conn, execute, value
from hub_core.model.fields import CrmType, FieldInfo, Option
from hub_core.model.records import RecordKind


async def load_fields(conn: Conn, connection_id: int, kind: RecordKind, *, max_age: float) -> list[FieldInfo] | None:
    """The fields as listed at most ``max_age`` seconds ago, None when there is no such listing."""
    rows = await value(
        conn,
        """
        SELECT fields FROM crm_fields
        WHERE connection_id = %s AND kind = %s AND read_at > now() - make_interval(secs => %s)
        """,
        [connection_id, kind.value, max_age],
    )
    return None if rows is None else [field_from(row) for row in rows]


async def last_fields(conn: Conn, connection_id: int, kind: RecordKind) -> list[FieldInfo]:
    """The fields as last listed, however long ago; nobody else changes the listing until the transaction ends."""
    rows = await value(
        conn,
        "SELECT fields FROM crm_fields WHERE connection_id = %s AND kind = %s FOR UPDATE",
        [connection_id, kind.value],
    )
    return [field_from(row) for row in rows or ()]


async def save_fields(conn: Conn, connection_id: int, kind: RecordKind, fields: Sequence[FieldInfo]) -> None:
    """Keep this listing instead of the one before."""
    await execute(
        conn,
        """
        INSERT INTO crm_fields (connection_id, kind, fields, read_at) VALUES (%s, %s, %s, now())
        ON CONFLICT (connection_id, kind) DO UPDATE SET fields = EXCLUDED.fields, read_at = EXCLUDED.read_at
        """,
        [connection_id, kind.value, Json([asdict(field) for field in fields])],
    )


async def forget_fields(conn: Conn, connection_id: int) -> None:
    """Have every listing of the connection read anew; it stays to be compared with."""
    await execute(conn, "UPDATE crm_fields SET read_at = '-infinity' WHERE connection_id = %s", [connection_id])


def field_from(row: dict[str, Any]) -> FieldInfo:
    """A field as stored (`dataclasses.asdict` of it)."""
    row["type"] = CrmType(row["type"])
    row["options"] = tuple(Option(**option) for option in row["options"])
    return FieldInfo(**row)

"""Table ``repair``: what has changed about the CRM's fields and concerns the mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.types.json import Json

from hub_core.engine.store.crm_fields import field_from
from hub_core.engine.store.database import Conn, Row, all_rows, execute
from hub_core.model.fields import FieldInfo
from hub_core.model.records import RecordKind
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Drift, Problem


@dataclass(frozen=True, slots=True)
class Repair:
    """One item: see `Drift`. ``before`` is the field when all was well, None when there was none; ``arrived`` names the
    fields that have come since then."""

    id: int
    kind: RecordKind
    crm_field: str
    problem: Problem
    status: Status
    text: str
    fix: str
    before: FieldInfo | None
    arrived: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None


def _repair(row: Row) -> Repair:
    before = row["before"]
    return Repair(
        id=row["id"],
        kind=RecordKind(row["kind"]),
        crm_field=row["crm_field"],
        problem=Problem(row["problem"]),
        status=Status(row["status"]),
        text=row["text"],
        fix=row["fix"],
        before=None if before is None else field_from(before),
        arrived=tuple(row["arrived"]),
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
    )


_SELECT = "SELECT id, kind, crm_field, problem, status, text, fix, before, arrived, opened_at, closed_at FROM repair"


async def open_repairs(conn: Conn, connection_id: int, kind: RecordKind | None = None) -> list[Repair]:
    """The open items, of one kind or of all, errors first, then the oldest."""
    rows = await all_rows(
        conn,
        f"{_SELECT} WHERE connection_id = %(id)s AND closed_at IS NULL AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
        " ORDER BY status, id",
        {"id": connection_id, "kind": kind},
    )
    return [_repair(row) for row in rows]


async def list_repairs(conn: Conn, connection_id: int, limit: int = 100) -> list[Repair]:
    """The newest items, closed ones too."""
    rows = await all_rows(conn, f"{_SELECT} WHERE connection_id = %s ORDER BY id DESC LIMIT %s", [connection_id, limit])
    return [_repair(row) for row in rows]


async def keep_open(
    conn: Conn,
    connection_id: int,
    kind: RecordKind,
    found: Sequence[Drift],
    *,
    before: Mapping[str, FieldInfo],
    arrived: Collection[str] = (),
) -> None:
    """Have exactly ``found`` open: new ones are opened, known ones told anew, the others closed.

    ``before``: the CRM's fields that they were compared with. ``arrived``: fields that the last listing did not have.
    """
    for drift in found:
        was = before.get(drift.field)
        await execute(
            conn,
            """
            INSERT INTO repair
                (connection_id, kind, crm_field, problem, status, text, fix, before, arrived, synced_until)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, (SELECT since FROM sync WHERE connection_id = %s AND kind = %s))
            ON CONFLICT (connection_id, kind, crm_field, problem) WHERE closed_at IS NULL
            DO UPDATE SET status = EXCLUDED.status, text = EXCLUDED.text, fix = EXCLUDED.fix,
                arrived = repair.arrived || EXCLUDED.arrived
            """,
            [
                *(connection_id, kind.value, drift.field, drift.problem.value, drift.status.value),
                *(drift.text, drift.fix, Json(None if was is None else asdict(was)), list(arrived)),
                *(connection_id, kind.value),
            ],
        )
    closed = await all_rows(
        conn,
        """
        UPDATE repair SET closed_at = now()
        WHERE connection_id = %s AND kind = %s AND closed_at IS NULL
            AND (crm_field, problem) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))
        RETURNING crm_field, problem, status, coalesce(synced_until, 'epoch') AS synced_until
        """,
        [connection_id, kind.value, [drift.field for drift in found], [drift.problem.value for drift in found]],
    )
    paused = [row for row in closed if row["status"] == Status.ERROR]
    if paused:
        await _look_again(conn, connection_id, kind, min(row["synced_until"] for row in paused))
    back = [row["crm_field"] for row in closed if row["problem"] == Problem.REMOVED]
    if back:
        await _read_anew(conn, connection_id, kind, back)


async def _look_again(conn: Conn, connection_id: int, kind: RecordKind, since: datetime) -> None:
    """Have the next sync look at what was changed while a row was paused, which earlier syncs have passed."""
    await execute(
        conn,
        "UPDATE sync SET since = least(since, %s) WHERE connection_id = %s AND kind = %s AND since IS NOT NULL",
        [since, connection_id, kind.value],
    )


async def _read_anew(conn: Conn, connection_id: int, kind: RecordKind, fields: list[str]) -> None:
    """Have the mirror read everything again when it needs these fields: it has missed what became of them."""
    await execute(
        conn,
        "UPDATE mirror SET fields = ARRAY(SELECT unnest(fields) EXCEPT SELECT unnest(%s::text[]))"
        " WHERE connection_id = %s AND kind = %s",
        [fields, connection_id, kind.value],
    )


async def forget_blanks(conn: Conn, connection_id: int, kind: RecordKind) -> None:
    """Forget what both sides agreed on about fields that were away and are blank in the CRM now: one that was made anew
    is blank in every record, which is nobody's wish to clear the hub's values. The mirror has been read since."""
    rows = await all_rows(
        conn,
        "UPDATE repair SET forgotten = true WHERE connection_id = %s AND kind = %s AND problem = 'removed'"
        " AND closed_at IS NOT NULL AND NOT forgotten RETURNING crm_field",
        [connection_id, kind.value],
    )
    for field in {row["crm_field"] for row in rows}:
        await execute(
            conn,
            """
            UPDATE link SET agreed = agreed - %(field)s::text FROM crm_record m
            WHERE m.connection_id = link.connection_id AND m.kind = link.kind AND m.crm_id = link.crm_id
                AND link.connection_id = %(id)s AND link.kind = %(kind)s
                AND link.agreed ->> %(field)s IS NOT NULL AND NOT m.values ? %(field)s
            """,
            {"field": field, "id": connection_id, "kind": kind.value},
        )


async def close_repairs(conn: Conn, connection_id: int, ids: Iterable[int]) -> int:
    """Close these items; returns how many were open."""
    return await execute(
        conn,
        "UPDATE repair SET closed_at = now() WHERE connection_id = %s AND id = ANY(%s) AND closed_at IS NULL",
        [connection_id, list(ids)],
    )

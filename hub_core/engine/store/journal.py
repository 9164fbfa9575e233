"""The journal: every change that was made on either side, with before and after, run and cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from hub_core.engine.store.database import Conn, Row, all_rows, value
from hub_core.model.plan import Change
from hub_core.model.records import RecordKind
from hub_core.rules.undoing import Noted


@dataclass(frozen=True, slots=True)
class Entry:
    """One applied change of one record: which fields, before and after, and why."""

    record_id: int
    crm_id: str
    action: str
    changes: tuple[Change, ...]
    cause: str


async def write_journal(
    conn: Conn,
    workspace_id: int,
    connection_id: int,
    run_id: int,
    kind: RecordKind,
    entries: Sequence[Entry],
    *,
    side: str = "crm",
) -> None:
    """Append what was changed on one side: in the "crm", or in the "hub" (then fields and values are the hub's)."""
    if not entries:
        return
    async with conn.cursor().copy(
        "COPY journal (workspace_id, connection_id, run_id, kind, record_id, crm_id, side, action, changes, cause)"
        " FROM STDIN"
    ) as copy:
        for entry in entries:
            changes = [(change.field, change.before, change.after) for change in entry.changes]
            await copy.write_row(
                (
                    workspace_id,
                    connection_id,
                    run_id,
                    kind.value,
                    entry.record_id,
                    entry.crm_id,
                    side,
                    entry.action,
                    orjson.dumps(changes).decode(),
                    entry.cause,
                )
            )


_COLUMNS = "id, run_id, kind, record_id, crm_id, side, action, changes, cause, at"


def _noted(row: Row) -> Noted:
    fields = dict(row)
    fields["kind"] = RecordKind(row["kind"])
    fields["changes"] = tuple(Change(*change) for change in row["changes"])
    return Noted(**fields)


async def last_changes(conn: Conn, run_id: int, record_ids: Sequence[int], field: str) -> dict[int, Change]:
    """What a run last did to one field of these hub records, by record id."""
    rows = await all_rows(
        conn,
        # Each record's by its index; "+ 0" keeps the planner from reading all that the run has done for every page.
        "SELECT last.* FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (SELECT j.record_id, c"
        " FROM journal j, jsonb_array_elements(j.changes) c WHERE j.record_id = wanted.id AND j.run_id + 0 = %s"
        " AND c ->> 0 = %s ORDER BY j.id DESC LIMIT 1) last",
        [list(record_ids), run_id, field],
    )
    return {row["record_id"]: Change(*row["c"]) for row in rows}


async def of_record(conn: Conn, workspace_id: int, record_id: int, *, before: int | None, limit: int) -> list[Noted]:
    """What was done to one hub record and to the CRM's side of it, the newest first, ``before`` row that number."""
    rows = await all_rows(
        conn,
        f"SELECT {_COLUMNS} FROM journal WHERE workspace_id = %(workspace)s AND record_id = %(record)s"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {"workspace": workspace_id, "record": record_id, "before": before, "limit": limit},
    )
    return [_noted(row) for row in rows]


async def of_run(
    conn: Conn, run_id: int, kind: RecordKind, *, after: int = 0, limit: int, record_id: int | None = None
) -> dict[int, list[Noted]]:
    """What a run did to the next ``limit`` records of a kind with an id above ``after`` (or to that one record): its
    rows in order, by hub record."""
    rows = await all_rows(
        conn,
        f"""
        SELECT {_COLUMNS} FROM journal WHERE run_id = %(run)s AND kind = %(kind)s AND record_id IN (
            SELECT DISTINCT record_id FROM journal WHERE run_id = %(run)s AND kind = %(kind)s AND record_id > %(after)s
                AND (%(record)s::bigint IS NULL OR record_id = %(record)s) ORDER BY record_id LIMIT %(limit)s)
        ORDER BY record_id, id
        """,
        {"run": run_id, "kind": kind.value, "after": after, "limit": limit, "record": record_id},
    )
    found: dict[int, list[Noted]] = {}
    for row in rows:
        found.setdefault(row["record_id"], []).append(_noted(row))
    return found


async def count_records(conn: Conn, run_id: int, record_id: int | None = None) -> int:
    """How many records (or whether that one) a run did something to."""
    return await value(
        conn,
        "SELECT count(DISTINCT (kind, record_id)) FROM journal"
        " WHERE run_id = %(run)s AND (%(record)s::bigint IS NULL OR record_id = %(record)s)",
        {"run": run_id, "record": record_id},
    )


async def has_done(conn: Conn, run_id: int, action: str) -> bool:
    """Whether a run did this to any record."""
    return await value(conn, "SELECT EXISTS (SELECT FROM journal WHERE run_id = %s AND action = %s)", [run_id, action])

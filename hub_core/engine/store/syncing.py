"""What a sync has to look at: linked records that either side has changed, and writing the hub's side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from hub_core.engine.store.database import Conn, all_rows, execute, one_row, value
from hub_core.model.plan import Change
from hub_core.model.records import CrmValue, HubValue, Record, RecordKind
from hub_core.rules.incoming import employer_keys


@dataclass(frozen=True, slots=True)
class SyncState:
    """``since``: what changed before it has been looked at; None when nothing was ever synced. ``confirmed``: a person
    has let the first sync go on."""

    since: datetime | None
    confirmed: bool


async def sync_state(conn: Conn, connection_id: int, kind: RecordKind) -> SyncState:
    row = await one_row(
        conn, "SELECT since, confirmed_at FROM sync WHERE connection_id = %s AND kind = %s", [connection_id, kind.value]
    )
    return SyncState(None, False) if row is None else SyncState(row["since"], row["confirmed_at"] is not None)


async def confirm(conn: Conn, connection_id: int, kind: RecordKind) -> None:
    """Remember that a person has let the first sync go on."""
    await execute(
        conn,
        "INSERT INTO sync (connection_id, kind, confirmed_at) VALUES (%s, %s, now())"
        " ON CONFLICT (connection_id, kind) DO UPDATE SET confirmed_at = coalesce(sync.confirmed_at, now())",
        [connection_id, kind.value],
    )


async def synced_until(conn: Conn, connection_id: int, kind: RecordKind, since: datetime) -> None:
    """Remember that all changes before ``since`` have been looked at."""
    await execute(
        conn,
        "INSERT INTO sync (connection_id, kind, since) VALUES (%s, %s, %s)"
        " ON CONFLICT (connection_id, kind) DO UPDATE SET since = excluded.since",
        [connection_id, kind.value, since],
    )


async def low_water(conn: Conn) -> datetime:
    """The moment before which no change can still turn up: rows carry the time at which their transaction began, so
    that is the begin of the oldest transaction which has written and is not over."""
    return await value(
        conn,
        "SELECT least(now(), min(xact_start)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_xid IS NOT NULL",
    )


def touched_table(run_id: int) -> str:
    """The table that holds which hub records a sync run has to look at."""
    return f"touched_{run_id}"


async def find_touched(
    conn: Conn, run_id: int, workspace_id: int, connection_id: int, kind: RecordKind, since: datetime | None
) -> int:
    """Store which linked records either side has changed since ``since`` (None: all of them); returns how many."""
    table = touched_table(run_id)
    await execute(conn, f"DROP TABLE IF EXISTS {table}")
    await execute(
        conn,
        f"""
        CREATE UNLOGGED TABLE {table} AS
        SELECT l.record_id FROM record r JOIN link l ON l.record_id = r.id AND l.connection_id = %(connection)s
        WHERE r.workspace_id = %(ws)s AND r.kind = %(kind)s
            AND (%(since)s::timestamptz IS NULL OR r.updated_at >= %(since)s)
        UNION
        SELECT l.record_id FROM crm_record m JOIN link l
            ON l.connection_id = m.connection_id AND l.kind = m.kind AND l.crm_id = m.crm_id
        WHERE m.connection_id = %(connection)s AND m.kind = %(kind)s
            AND (%(since)s::timestamptz IS NULL OR m.changed_at >= %(since)s)
        """,
        {"ws": workspace_id, "connection": connection_id, "kind": kind.value, "since": since},
    )
    await execute(conn, f"ALTER TABLE {table} ADD PRIMARY KEY (record_id)")
    return await value(conn, f"SELECT count(*) FROM {table}")


async def drop_touched(conn: Conn, run_id: int) -> None:
    await execute(conn, f"DROP TABLE IF EXISTS {touched_table(run_id)}")


@dataclass(frozen=True, slots=True)
class Pair:
    """A hub record and the CRM record it is linked to. ``crm_values`` is None when that one is gone.

    ``updated_at`` and ``crm_modified_at`` tell when either was last changed by somebody else than a sync; None and ""
    when a sync was the last. ``written_at``: how the CRM dated the last write of a sync.
    """

    record: Record
    updated_at: datetime | None
    crm_id: str
    crm_values: Mapping[str, CrmValue] | None
    crm_modified_at: str
    written_at: str
    agreed: Mapping[str, CrmValue | None]


_PAIR = """
    SELECT r.id, r.kind, r.values, r.external_id, r.company_id, nullif(r.updated_at, l.pulled_at) AS updated_at,
        l.crm_id, l.agreed, nullif(m.modified_at, l.written_at) AS modified_at, l.written_at,
        CASE WHEN m.deleted OR m.merged_into IS NOT NULL THEN NULL ELSE m.values END AS crm_values
    FROM {source} JOIN record r ON r.id = s.record_id
    JOIN link l ON l.record_id = r.id AND l.connection_id = %(connection)s
    LEFT JOIN crm_record m ON m.connection_id = l.connection_id AND m.kind = l.kind AND m.crm_id = l.crm_id
"""


def _pair(row: Mapping[str, Any]) -> Pair:
    return Pair(
        record=Record(row["id"], RecordKind(row["kind"]), row["values"], row["external_id"], row["company_id"]),
        updated_at=row["updated_at"],
        crm_id=row["crm_id"],
        crm_values=row["crm_values"],
        crm_modified_at=row["modified_at"] or "",
        written_at=row["written_at"] or "",
        agreed=row["agreed"],
    )


async def touched_after(conn: Conn, run_id: int, connection_id: int, after: int, limit: int) -> list[Pair]:
    """The next pairs that a sync run has to look at, by hub record id."""
    rows = await all_rows(
        conn,
        _PAIR.format(source=f"{touched_table(run_id)} s")
        + " WHERE s.record_id > %(after)s ORDER BY s.record_id LIMIT %(limit)s",
        {"connection": connection_id, "after": after, "limit": limit},
    )
    return [_pair(row) for row in rows]


async def pairs_of(conn: Conn, connection_id: int, record_ids: Sequence[int], *, lock: bool = False) -> dict[int, Pair]:
    """The pairs of these hub records; ``lock`` keeps the hub records from being changed until the transaction ends."""
    rows = await all_rows(
        conn,
        _PAIR.format(source="unnest(%(ids)s::bigint[]) AS s (record_id)")
        + (" ORDER BY r.id FOR UPDATE OF r" if lock else ""),
        {"connection": connection_id, "ids": list(record_ids)},
    )
    return {row["id"]: _pair(row) for row in rows}


async def write_hub(conn: Conn, kind: RecordKind, changed: Mapping[int, Mapping[str, HubValue]]) -> None:
    """Give hub records new values (all of them, by record id)."""
    keys = {record_id: employer_keys(kind, values) for record_id, values in changed.items()}
    await execute(
        conn,
        """
        UPDATE record SET values = new.values::jsonb, domain_key = new.domain_key, name_key = new.name_key,
            updated_at = now()
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS new (id, values, domain_key, name_key)
        WHERE record.id = new.id
        """,
        [
            list(changed),
            [orjson.dumps(values).decode() for values in changed.values()],
            [keys[record_id][0] for record_id in changed],
            [keys[record_id][1] for record_id in changed],
        ],
    )


async def recent_changes(
    conn: Conn, connection_id: int, record_ids: Sequence[int], since: datetime
) -> dict[int, list[tuple[str, Change, datetime]]]:
    """What was lately done to each of these records: (side, change, when), the oldest first."""
    rows = await all_rows(
        conn,
        "SELECT record_id, side, changes, at FROM journal WHERE connection_id = %s AND record_id = ANY(%s) AND at >= %s"
        " ORDER BY id",
        [connection_id, list(record_ids), since],
    )
    found: dict[int, list[tuple[str, Change, datetime]]] = {}
    for row in rows:
        for field, before, after in row["changes"]:
            found.setdefault(row["record_id"], []).append((row["side"], Change(field, before, after), row["at"]))
    return found


async def agree(conn: Conn, connection_id: int, agreed: Mapping[int, Mapping[str, CrmValue | None]]) -> None:
    """Remember what both sides agree on now, by hub record; other fields stay as they are."""
    await execute(
        conn,
        "UPDATE link SET agreed = link.agreed || new.agreed::jsonb FROM unnest(%s::bigint[], %s::text[])"
        " AS new (record_id, agreed) WHERE link.connection_id = %s AND link.record_id = new.record_id",
        [list(agreed), [orjson.dumps(each).decode() for each in agreed.values()], connection_id],
    )


async def mark_own(conn: Conn, connection_id: int, pulled: Sequence[int], written: Mapping[int, str]) -> None:
    """Remember which hub records this transaction has changed, and how the CRM dated what was written to it."""
    await execute(
        conn,
        "UPDATE link SET pulled_at = now() WHERE connection_id = %s AND record_id = ANY(%s)",
        [connection_id, list(pulled)],
    )
    await execute(
        conn,
        "UPDATE link SET written_at = new.at FROM unnest(%s::bigint[], %s::text[]) AS new (record_id, at)"
        " WHERE link.connection_id = %s AND link.record_id = new.record_id",
        [list(written), list(written.values()), connection_id],
    )


# Schedules


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sync ``kind`` every ``seconds``; ``next_at`` is when it is due."""

    kind: RecordKind
    seconds: int
    next_at: datetime


async def schedules(conn: Conn, workspace_id: int) -> list[Schedule]:
    """The schedules of a workspace, by kind."""
    rows = await all_rows(
        conn, "SELECT kind, seconds, next_at FROM schedule WHERE workspace_id = %s ORDER BY kind", [workspace_id]
    )
    return [Schedule(RecordKind(row["kind"]), row["seconds"], row["next_at"]) for row in rows]


async def set_schedule(conn: Conn, workspace_id: int, kind: RecordKind, seconds: int | None) -> None:
    """Sync ``kind`` every ``seconds`` from now on; None ends it."""
    if seconds is None:
        await execute(conn, "DELETE FROM schedule WHERE workspace_id = %s AND kind = %s", [workspace_id, kind.value])
        return
    await execute(
        conn,
        "INSERT INTO schedule (workspace_id, kind, seconds) VALUES (%s, %s, %s)"
        " ON CONFLICT (workspace_id, kind) DO UPDATE SET seconds = excluded.seconds, next_at = now()",
        [workspace_id, kind.value, seconds],
    )


async def take_due(conn: Conn) -> list[tuple[int, RecordKind]]:
    """The schedules that are due, as (workspace, kind), each for one caller only. They are due again after their
    interval. One whose last run has not come to an end is passed over.
    """
    rows = await all_rows(
        conn,
        """
        UPDATE schedule SET next_at = now() + make_interval(secs => seconds)
        WHERE (workspace_id, kind) IN (
            SELECT workspace_id, kind FROM schedule s WHERE next_at <= now() AND NOT EXISTS (
                SELECT FROM run r WHERE r.workspace_id = s.workspace_id AND r.job = 'sync' AND r.kind = s.kind
                    AND r.state IN ('planning', 'planned', 'applying', 'paused'))
            FOR UPDATE SKIP LOCKED)
        RETURNING workspace_id, kind
        """,
    )
    return [(row["workspace_id"], RecordKind(row["kind"])) for row in rows]

"""The mirror (tables crm_record and mirror): the CRM fields that the hub needs, as last read or written.

Everything is stored by the page, each page in one transaction with its keys and the cursor that reads on from it, so a
reading that stops anywhere goes on without a gap. An older answer (a lagging search's) never replaces a newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import orjson
from psycopg.rows import tuple_row

from hub_core.engine.store import keys
from hub_core.engine.store.database import Conn, all_rows, execute, one_row
from hub_core.engine.store.database import value as one_value
from hub_core.model.records import CrmRecord, CrmValue, Merge, RecordKind
from hub_core.rules.matching import FieldMap, MatchRule, crm_keys


@dataclass(frozen=True, slots=True)
class Mirror:
    """The copy of one kind of records of one connection, and the rule its keys are made by."""

    workspace_id: int
    connection_id: int
    kind: RecordKind
    rule: MatchRule
    mapping: FieldMap


@dataclass(frozen=True, slots=True)
class MirrorState:
    """How far the copy goes. ``cursor``: where reading goes on, None: at the beginning. ``complete``: everything has
    been read. ``fields``: the CRM fields it holds. ``read_at``: when the last reading ended, ``age`` seconds ago."""

    cursor: str | None = None
    complete: bool = False
    fields: frozenset[str] = frozenset()
    read_at: datetime | None = None
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What one or more pages brought; ``cursor`` reads on after them, ``done`` says that there is no more for now."""

    changes: Sequence[CrmRecord]
    cursor: str
    done: bool
    deletions: Sequence[str] = ()
    merges: Sequence[Merge] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A record of the mirror. ``id`` is the row's; ``gone``: the CRM has deleted it; ``merged_into``: the survivor."""

    id: int
    crm_id: str
    values: Mapping[str, CrmValue]
    modified_at: str = ""
    gone: bool = False
    merged_into: str | None = None


async def mirror_state(conn: Conn, connection_id: int, kind: RecordKind) -> MirrorState:
    """The state of a mirror; the default one when nothing was ever read."""
    row = await one_row(
        conn,
        "SELECT cursor, complete, fields, read_at, extract(epoch FROM now() - read_at)::float8 AS age FROM mirror "
        "WHERE connection_id = %s AND kind = %s",
        [connection_id, kind],
    )
    if row is None:
        return MirrorState()
    return MirrorState(row["cursor"], row["complete"], frozenset(row["fields"]), row["read_at"], row["age"])


async def mirror_size(conn: Conn, connection_id: int, kind: RecordKind) -> int:
    """How many records it holds."""
    return await one_value(
        conn,
        "SELECT count(*) FROM crm_record "
        "WHERE connection_id = %s AND kind = %s AND NOT deleted AND merged_into IS NULL",
        [connection_id, kind],
    )


async def begin_reading(conn: Conn, mirror: Mirror, fields: Collection[str]) -> None:
    """Start over: from now on everything is read again, with ``fields``."""
    await execute(
        conn,
        "INSERT INTO mirror (connection_id, kind, fields, full_since) VALUES (%s, %s, %s, now()) "
        "ON CONFLICT (connection_id, kind) DO UPDATE "
        "SET cursor = NULL, complete = false, fields = excluded.fields, full_since = now()",
        [mirror.connection_id, mirror.kind, sorted(fields)],
    )


async def store_read(conn: Conn, mirror: Mirror, read: Read, fields: Collection[str]) -> None:
    """Store what was read with ``fields``, and the cursor, in this transaction.

    At the end of a full reading, the records that it has not met are taken to be deleted.
    """
    # Rows and cursor are lost together or not at all, so nothing is gained by waiting for the disk.
    await execute(conn, "SET LOCAL synchronous_commit = off")
    await store_records(conn, mirror, read.changes, fields, revive=True)
    await _remove(conn, mirror, read.deletions, read.merges)
    if read.done:
        await _remove_unmet(conn, mirror)
    await execute(
        conn,
        "UPDATE mirror SET cursor = %s, complete = complete OR %s, read_at = CASE WHEN %s THEN now() ELSE read_at END, "
        "full_since = CASE WHEN %s THEN NULL ELSE full_since END WHERE connection_id = %s AND kind = %s",
        [read.cursor, read.done, read.done, read.done, mirror.connection_id, mirror.kind],
    )


async def store_records(
    conn: Conn, mirror: Mirror, records: Iterable[CrmRecord], fields: Collection[str], *, revive: bool = False
) -> None:
    """Store records of which ``fields`` were asked for; other fields that are held already stay as they are.

    ``revive``: the CRM lists them as present, so they are, even if they were deleted before.
    """
    latest = _latest(records)
    if not latest:
        return
    # First the lock, then the rows: whoever makes all keys anew then sees them.
    scope = await keys.crm_scope(
        conn, mirror.workspace_id, mirror.connection_id, mirror.kind, rule=mirror.rule, mapping=mirror.mapping
    )
    make = crm_keys(mirror.rule, mirror.mapping)
    given = {record.id: record.values for record in latest}
    lines = _lines(latest)
    # The keys are made while the database works; few rows will turn out to hold other values than those given.
    making = asyncio.create_task(asyncio.to_thread(lambda: {crm_id: make(values) for crm_id, values in given.items()}))
    try:
        await _stage(conn, lines)
        params = {"connection": mirror.connection_id, "kind": mirror.kind, "fields": list(fields), "revive": revive}
        async with conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_STORE, params)
            stored: list[tuple[int, str, bool, dict[str, CrmValue] | None]] = await cursor.fetchall()
    finally:
        made = await making
    if scope is None:
        return
    rows: list[keys.KeyRow] = []
    for id_, crm_id, present, values in stored:
        if present:
            found = made[crm_id] if values is None or values == given[crm_id] else make(values)
            rows += [(id_, clause, key) for clause, key in found]
    await keys.replace_crm_keys(conn, scope, rows, [id_ for id_, _, _, values in stored if values is not None])


async def store_gone(conn: Conn, mirror: Mirror, crm_ids: Sequence[str]) -> None:
    """The CRM was asked for these records and does not have them."""
    await _remove(conn, mirror, crm_ids, ())


async def held_records(conn: Conn, connection_id: int, kind: RecordKind, crm_ids: Sequence[str]) -> dict[str, Held]:
    """The records with these CRM ids, by id; the ones that are not held are left out."""
    return await _held(conn, "crm_id = ANY(%s)", [connection_id, kind, list(crm_ids)])


async def held_rows(conn: Conn, connection_id: int, kind: RecordKind, ids: Sequence[int]) -> dict[str, Held]:
    """As `held_records`, by the ids of the rows (what a bulk match gives)."""
    return await _held(conn, "id = ANY(%s)", [connection_id, kind, list(ids)])


async def survivors(conn: Conn, connection_id: int, kind: RecordKind, crm_ids: Sequence[str]) -> dict[str, str]:
    """For those of the CRM ids that were merged away: the id that survives, after any number of merges."""
    rows = await all_rows(
        conn,
        """
        WITH RECURSIVE merged (crm_id, into_id) AS (
            SELECT crm_id, merged_into FROM crm_record
            WHERE connection_id = %(connection)s AND kind = %(kind)s AND crm_id = ANY(%(ids)s)
                AND merged_into IS NOT NULL
            UNION
            SELECT merged.crm_id, next.merged_into FROM merged JOIN crm_record next
                ON next.connection_id = %(connection)s AND next.kind = %(kind)s AND next.crm_id = merged.into_id
            WHERE next.merged_into IS NOT NULL)
        SELECT crm_id, into_id FROM merged WHERE NOT EXISTS (
            SELECT FROM crm_record WHERE connection_id = %(connection)s AND kind = %(kind)s
                AND crm_id = merged.into_id AND merged_into IS NOT NULL)
        """,
        {"connection": connection_id, "kind": kind, "ids": list(crm_ids)},
    )
    return {row["crm_id"]: row["into_id"] for row in rows}


# --- how ---------------------------------------------------------------------------------------------------------

# "C": ISO times compare as bytes, whatever the database's language. A vendor that tells no time is always believed.
_NEWER: LiteralString = """(excluded.modified_at = '' OR excluded.modified_at COLLATE "C" >= held.modified_at)"""
# A search may still show what has just been deleted, so it takes a later change to bring a record back.
_BACK: LiteralString = """(%(revive)s OR excluded.modified_at COLLATE "C" > held.modified_at)"""

# Blank values are not sent, so those of the fields asked for go first.
_STORE: LiteralString = f"""
INSERT INTO crm_record AS held (connection_id, kind, crm_id, values, modified_at)
SELECT %(connection)s, %(kind)s, crm_id, values, modified_at FROM mirror_page
ON CONFLICT (connection_id, kind, crm_id) DO UPDATE SET
    values = CASE WHEN {_NEWER} THEN (held.values - %(fields)s::text[]) || excluded.values ELSE held.values END,
    modified_at = greatest(held.modified_at COLLATE "C", excluded.modified_at),
    seen_at = now(),
    changed_at = CASE WHEN ({_BACK} AND held.deleted) OR {_NEWER} AND held.values IS DISTINCT FROM
        (held.values - %(fields)s::text[]) || excluded.values THEN now() ELSE held.changed_at END,
    deleted = held.deleted AND NOT {_BACK},
    merged_into = CASE WHEN {_BACK} THEN NULL ELSE held.merged_into END
RETURNING id, crm_id, NOT deleted AND merged_into IS NULL AS present,
    CASE WHEN xmax = 0 THEN NULL ELSE values END AS values  -- null: the row is new
"""


def _latest(records: Iterable[CrmRecord]) -> list[CrmRecord]:
    """Each id once, with its newest state, in the order in which rows are locked."""
    newest: dict[str, CrmRecord] = {}
    for record in records:
        known = newest.get(record.id)
        if known is None or record.modified_at >= known.modified_at:
            newest[record.id] = record
    return [newest[id_] for id_ in sorted(newest)]


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _without_nul(value: CrmValue) -> CrmValue:
    """PostgreSQL cannot hold U+0000 in text."""
    return value.replace("\0", "") if isinstance(value, str) else [item.replace("\0", "") for item in value]


def _lines(records: Iterable[CrmRecord]) -> str:
    """Records as COPY takes them."""
    lines: list[str] = []
    for record in records:
        document = orjson.dumps(record.values).decode()
        if "\\" in document:  # nothing else needs an escape: JSON holds no raw tab or line end
            if "\\u0000" in document:
                document = orjson.dumps({name: _without_nul(each) for name, each in record.values.items()}).decode()
            document = document.replace("\\", "\\\\")
        lines.append(f"{_plain(record.id)}\t{document}\t{_plain(record.modified_at)}\n")
    return "".join(lines)


def _plain(text: str) -> str:
    """An id or a time in COPY's own notation; hardly any needs it."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


async def _stage(conn: Conn, lines: str) -> None:
    """Bring records into the temporary table mirror_page, which lasts as long as the transaction."""
    await execute(
        conn,
        "CREATE TEMPORARY TABLE IF NOT EXISTS mirror_page (crm_id text, values jsonb, modified_at text) "
        "ON COMMIT DELETE ROWS",
    )
    await execute(conn, "DELETE FROM mirror_page")
    async with conn.cursor() as cursor, cursor.copy("COPY mirror_page FROM STDIN") as copy:
        await copy.write(lines)


async def _remove(conn: Conn, mirror: Mirror, deletions: Sequence[str], merges: Sequence[Merge]) -> None:
    """Mark records as deleted or merged, and take their keys away. A merged record is remembered even if it was not
    held: a link may lead to it."""
    removed: list[int] = []
    if deletions:
        rows = await all_rows(
            conn,
            "UPDATE crm_record SET deleted = true, changed_at = now() "
            "WHERE connection_id = %s AND kind = %s AND crm_id = ANY(%s) AND NOT deleted RETURNING id",
            [mirror.connection_id, mirror.kind, list(deletions)],
        )
        removed += [row["id"] for row in rows]
    if merges:
        into = {merge.loser: merge.winner for merge in merges if merge.loser != merge.winner}
        rows = await all_rows(
            conn,
            "INSERT INTO crm_record (connection_id, kind, crm_id, values, merged_into) "
            "SELECT %s, %s, loser, '{}', winner FROM unnest(%s::text[], %s::text[]) AS merge (loser, winner) "
            "ORDER BY loser ON CONFLICT (connection_id, kind, crm_id) "
            "DO UPDATE SET merged_into = excluded.merged_into, changed_at = now() "
            "RETURNING id",
            [mirror.connection_id, mirror.kind, list(into), list(into.values())],
        )
        removed += [row["id"] for row in rows]
        await _follow(conn, mirror, into)
    if removed:
        await keys.forget_crm_keys(conn, removed)


async def _follow(conn: Conn, mirror: Mirror, into: Mapping[str, str]) -> None:
    """A link to a merged record becomes one to the survivor, unless another hub record is linked to that."""
    await execute(
        conn,
        "UPDATE link SET crm_id = merge.winner FROM unnest(%s::text[], %s::text[]) AS merge (loser, winner) "
        "WHERE link.connection_id = %s AND link.kind = %s AND link.crm_id = merge.loser "
        "AND NOT EXISTS (SELECT FROM link other WHERE other.connection_id = link.connection_id "
        "AND other.kind = link.kind AND other.crm_id = merge.winner) "
        # Two linked records merged into one third: only one link can follow.
        "AND merge.loser = (SELECT min(each.loser) FROM unnest(%s::text[], %s::text[]) AS each (loser, winner) "
        "JOIN link l ON l.connection_id = link.connection_id AND l.kind = link.kind AND l.crm_id = each.loser "
        "WHERE each.winner = merge.winner)",
        [list(into), list(into.values()), mirror.connection_id, mirror.kind, list(into), list(into.values())],
    )


async def _remove_unmet(conn: Conn, mirror: Mirror) -> None:
    """After a full reading: what was last seen before it began is there no more."""
    rows = await all_rows(
        conn,
        "UPDATE crm_record SET deleted = true, changed_at = now() FROM mirror "
        "WHERE mirror.connection_id = %s AND mirror.kind = %s "
        "AND crm_record.connection_id = mirror.connection_id AND crm_record.kind = mirror.kind "
        "AND crm_record.seen_at < mirror.full_since AND NOT crm_record.deleted AND crm_record.merged_into IS NULL "
        "RETURNING crm_record.id",
        [mirror.connection_id, mirror.kind],
    )
    if rows:
        await keys.forget_crm_keys(conn, [row["id"] for row in rows])


async def _held(conn: Conn, condition: LiteralString, params: Sequence[object]) -> dict[str, Held]:
    rows = await all_rows(
        conn,
        "SELECT id, crm_id, values, modified_at, deleted AS gone, merged_into FROM crm_record "
        f"WHERE connection_id = %s AND kind = %s AND {condition}",
        params,
    )
    return {row["crm_id"]: Held(**row) for row in rows}

"""Stored match keys (tables key_scope, hub_key, crm_key): one 64-bit number per clause of the match rule and value.

A scope is one side's keys under one compiled rule. When the rule or a compared CRM field changes, or the server has
crashed (the tables are not logged), there is no scope for the present rule, and the keys are made again from the
records. A writer of records holds the scope's lock shared until it commits, a rebuild holds it alone, so that no record
is left without keys. Records that the CRM has deleted or merged away have no keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias
from uuid import uuid4

from psycopg.rows import tuple_row

from hub_core.engine.store.database import Conn, execute, value
from hub_core.model.records import RecordKind
from hub_core.rules.matching import FieldMap, Keys, MatchRule, crm_keys, hub_keys

#: (record id, clause number, key)
KeyRow: TypeAlias = "tuple[int, int, int]"
CHUNK = 10_000


async def hub_scope(conn: Conn, workspace_id: int, kind: RecordKind, rule: MatchRule) -> int | None:
    """The scope to write keys of hub records into, locked until the transaction ends; for whoever writes records.

    None: there are records without keys of this rule; write none, `rebuild_hub_keys` makes them all.
    """
    return await _scope(conn, _hub_side(workspace_id, kind, rule))


async def find_hub_scope(conn: Conn, workspace_id: int, kind: RecordKind, rule: MatchRule) -> int | None:
    """The scope to read keys of hub records from; None when they must be made first (`rebuild_hub_keys`)."""
    return await _present(conn, _hub_side(workspace_id, kind, rule))


async def crm_scope(
    conn: Conn, workspace_id: int, connection_id: int, kind: RecordKind, *, rule: MatchRule, mapping: FieldMap
) -> int | None:
    """As `hub_scope`, for the mirror of a connection."""
    return await _scope(conn, _crm_side(workspace_id, connection_id, kind, rule, mapping))


async def find_crm_scope(
    conn: Conn, workspace_id: int, connection_id: int, kind: RecordKind, *, rule: MatchRule, mapping: FieldMap
) -> int | None:
    """As `find_hub_scope`, for the mirror of a connection."""
    return await _present(conn, _crm_side(workspace_id, connection_id, kind, rule, mapping))


async def replace_hub_keys(conn: Conn, scope: int, rows: Iterable[KeyRow], record_ids: Sequence[int]) -> None:
    """Write ``rows`` in place of the keys of ``record_ids``; records that are new need not be listed."""
    if record_ids:
        # A join, because "= ANY" in a statement that is prepared may be looked through from end to end for each row.
        sql = "DELETE FROM hub_key USING unnest(%s::bigint[]) AS old (id) WHERE record_id = old.id AND scope = %s"
        await execute(conn, sql, [list(record_ids), scope])
    await _copy(conn, _HUB, _text(scope, rows))


async def replace_crm_keys(conn: Conn, scope: int, rows: Iterable[KeyRow], crm_record_ids: Sequence[int]) -> None:
    """As `replace_hub_keys`; the ids are those of table crm_record."""
    if crm_record_ids:
        sql = "DELETE FROM crm_key USING unnest(%s::bigint[]) AS old (id) WHERE crm_record_id = old.id AND scope = %s"
        await execute(conn, sql, [list(crm_record_ids), scope])
    await _copy(conn, _CRM, _text(scope, rows))


async def forget_crm_keys(conn: Conn, crm_record_ids: Sequence[int]) -> None:
    """Take the keys of these CRM records away, under whatever rule: they are there no more."""
    sql = "DELETE FROM crm_key USING unnest(%s::bigint[]) AS old (id) WHERE crm_record_id = old.id"
    await execute(conn, sql, [list(crm_record_ids)])


async def ensure_hub_keys(conn: Conn, workspace_id: int, kind: RecordKind, rule: MatchRule) -> int:
    """The scope to read keys of hub records from; the keys are made first where they are not of this rule."""
    return await _ensure(conn, _hub_side(workspace_id, kind, rule))


async def ensure_crm_keys(
    conn: Conn, workspace_id: int, connection_id: int, kind: RecordKind, *, rule: MatchRule, mapping: FieldMap
) -> int:
    """As `ensure_hub_keys`, for the mirror of a connection."""
    return await _ensure(conn, _crm_side(workspace_id, connection_id, kind, rule, mapping))


async def rebuild_hub_keys(conn: Conn, workspace_id: int, kind: RecordKind, rule: MatchRule) -> int:
    """Make the keys of all hub records anew, in this transaction; returns the scope. Memory does not grow."""
    return await _rebuild(conn, _hub_side(workspace_id, kind, rule))


async def rebuild_crm_keys(
    conn: Conn, workspace_id: int, connection_id: int, kind: RecordKind, *, rule: MatchRule, mapping: FieldMap
) -> int:
    """As `rebuild_hub_keys`, for the mirror of a connection."""
    return await _rebuild(conn, _crm_side(workspace_id, connection_id, kind, rule, mapping))


def key_rows(keys: Keys, records: Iterable[tuple[int, Mapping[str, Any]]]) -> list[KeyRow]:
    """The rows to store for (id, values) pairs."""
    return [(id_, clause, key) for id_, values in records for clause, key in keys(values)]


# --- the two sides -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    """Where keys are stored: ``records`` selects (id, values) of the records that have them."""

    name: LiteralString
    column: LiteralString
    records: LiteralString


_HUB = _Table("hub_key", "record_id", "SELECT id, values FROM record WHERE workspace_id = %s AND kind = %s")
_CRM = _Table(
    "crm_key",
    "crm_record_id",
    "SELECT id, values FROM crm_record WHERE connection_id = %s AND kind = %s AND NOT deleted AND merged_into IS NULL",
)


@dataclass(frozen=True, slots=True)
class _Side:
    """The records of ``owner`` (a workspace, or the mirror of a connection) under one rule."""

    table: _Table
    workspace_id: int
    connection_id: int | None
    kind: RecordKind
    fingerprint: str
    keys: Keys

    @property
    def owner(self) -> int:
        return self.workspace_id if self.connection_id is None else self.connection_id


def _hub_side(workspace_id: int, kind: RecordKind, rule: MatchRule) -> _Side:
    return _Side(_HUB, workspace_id, None, kind, rule.fingerprint, hub_keys(rule))


def _crm_side(workspace_id: int, connection_id: int, kind: RecordKind, rule: MatchRule, mapping: FieldMap) -> _Side:
    return _Side(_CRM, workspace_id, connection_id, kind, rule.crm_fingerprint(mapping), crm_keys(rule, mapping))


async def _lock(conn: Conn, side: _Side, *, alone: bool) -> None:
    how: LiteralString = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    name = f"keys {side.workspace_id} {side.connection_id} {side.kind}"
    await execute(conn, f"SELECT {how}(hashtextextended(%s, 0))", [name])


async def _scope(conn: Conn, side: _Side) -> int | None:
    await _lock(conn, side, alone=False)
    found = await _present(conn, side)
    if found is not None:
        return found
    # Whoever asks is about to write records. Keys of another rule do not learn of them, so those keys are void from now
    # on. Where nothing has been stored yet, the keys begin with this rule.
    some = await value(conn, f"{side.table.records} LIMIT 1", [side.owner, side.kind]) is not None
    await execute(
        conn,
        f"""INSERT INTO key_scope AS present (workspace_id, connection_id, kind, fingerprint) VALUES (%s, %s, %s, %s)
        ON CONFLICT (workspace_id, connection_id, kind) DO UPDATE SET fingerprint = CASE
            WHEN %s OR EXISTS (SELECT 1 FROM {side.table.name} WHERE scope = present.id) THEN ''
            ELSE excluded.fingerprint END
        WHERE present.fingerprint <> ''""",
        [side.workspace_id, side.connection_id, side.kind, "" if some else side.fingerprint, some],
    )
    return await _present(conn, side)


async def _present(conn: Conn, side: _Side) -> int | None:
    return await value(
        conn,
        "SELECT id FROM key_scope WHERE workspace_id = %s AND connection_id IS NOT DISTINCT FROM %s AND kind = %s "
        "AND fingerprint = %s",
        [side.workspace_id, side.connection_id, side.kind, side.fingerprint],
    )


async def _ensure(conn: Conn, side: _Side) -> int:
    found = await _present(conn, side)
    if found is None:
        await _lock(conn, side, alone=True)
        found = await _present(conn, side)  # somebody else may have made them while we waited
    return await _rebuild(conn, side) if found is None else found


async def _rebuild(conn: Conn, side: _Side) -> int:
    await _lock(conn, side, alone=True)
    scope: int = await value(
        conn,
        "INSERT INTO key_scope (workspace_id, connection_id, kind, fingerprint) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (workspace_id, connection_id, kind) DO UPDATE SET fingerprint = excluded.fingerprint "
        "RETURNING id",
        [side.workspace_id, side.connection_id, side.kind, side.fingerprint],
    )
    await execute(conn, f"DELETE FROM {side.table.name} WHERE scope = %s", [scope])
    async with conn.cursor(f"keys_{uuid4().hex}", row_factory=tuple_row) as cursor:
        await cursor.execute(side.table.records, [side.owner, side.kind])
        made = ""
        while chunk := await cursor.fetchmany(CHUNK):
            # The database takes in one chunk while the keys of the next are made.
            making = asyncio.create_task(asyncio.to_thread(_lines, scope, side.keys, chunk))
            await _copy(conn, side.table, made)
            made = await making
        await _copy(conn, side.table, made)
    await execute(conn, f"ANALYZE {side.table.name}")
    return scope


def _lines(scope: int, keys: Keys, records: Iterable[tuple[int, Mapping[str, Any]]]) -> str:
    """Keys as COPY takes them."""
    return _text(scope, key_rows(keys, records))


def _text(scope: int, rows: Iterable[KeyRow]) -> str:
    return "".join([f"{id_}\t{key}\t{scope}\t{clause}\n" for id_, clause, key in rows])


async def _copy(conn: Conn, table: _Table, lines: str) -> None:
    if not lines:
        return
    into: LiteralString = f"COPY {table.name} ({table.column}, key, scope, clause) FROM STDIN"
    async with conn.cursor() as cursor, cursor.copy(into) as copy:
        await copy.write(lines)

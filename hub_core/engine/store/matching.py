"""Matching all hub records with all CRM records at once: one join of their stored keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from hub_core.engine.store.database import Conn, execute, one_row
from hub_core.engine.store.selection import Selection, where

#: The keys' join is one big hash join that runs on all cores, whatever the statistics say of freshly written keys.
_SETTINGS: tuple[LiteralString, ...] = (
    "work_mem = '256MB'",
    "max_parallel_workers_per_gather = 4",
    "parallel_setup_cost = 10",
    "parallel_tuple_cost = 0.001",
    "min_parallel_table_scan_size = '1MB'",
    "enable_nestloop = off",
    "enable_mergejoin = off",
)


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """How many hub records match one CRM record, and how many match several."""

    unique: int
    several: int


async def join_into(
    conn: Conn,
    table: str,
    *,
    hub_scope: int,
    crm_scope: int,
    connection_id: int,
    selected: Selection | None = None,
) -> MatchCounts:
    """Make ``table`` (record_id, crm_lo, crm_hi, clause): the unlinked hub records with a CRM record of the same key.

    ``crm_lo`` and ``crm_hi`` are the lowest and highest crm_record.id; where they differ, several match. ``clause`` is
    the first clause of the rule that holds. A match by key is to be confirmed on the values before it counts.
    Records that the CRM has deleted or merged away have no keys, so they do not occur.
    """
    for setting in _SETTINGS:
        await execute(conn, f"SET LOCAL {setting}")
    condition, params = ("true", dict[str, Any]()) if selected is None else where(selected)
    chosen = "" if selected is None else f"AND k.record_id IN (SELECT r.id FROM record r WHERE {condition})"
    statement = f"""
        CREATE UNLOGGED TABLE {sql.Identifier(table).as_string()} AS
        SELECT k.record_id, min(c.crm_record_id) AS crm_lo, max(c.crm_record_id) AS crm_hi, min(k.clause) AS clause
        FROM hub_key k JOIN crm_key c ON c.key = k.key
        WHERE k.scope = %(hub_scope)s AND c.scope = %(crm_scope)s {chosen}
            AND NOT EXISTS (SELECT FROM link l WHERE l.connection_id = %(connection)s AND l.record_id = k.record_id)
        GROUP BY k.record_id
    """
    await execute(
        conn, statement, {**params, "hub_scope": hub_scope, "crm_scope": crm_scope, "connection": connection_id}
    )
    for setting in _SETTINGS:
        await execute(conn, f"SET LOCAL {setting.partition(' ')[0]} TO DEFAULT")
    return await count_matches(conn, table)


async def count_matches(conn: Conn, table: str) -> MatchCounts:
    """What a table of `join_into` holds."""
    row = await one_row(
        conn,
        "SELECT count(*) FILTER (WHERE crm_lo = crm_hi) AS one, count(*) FILTER (WHERE crm_lo <> crm_hi) AS several "
        f"FROM {sql.Identifier(table).as_string()}",
    )
    return MatchCounts(row["one"], row["several"]) if row else MatchCounts(0, 0)

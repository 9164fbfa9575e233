"""Which hub records a run is about, as SQL; and the twins among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub_core.engine.store.database import Conn, all_rows, execute, refresh_statistics, value
from hub_core.model.records import Record, RecordKind
from hub_core.rules.selecting import Filter


class Via(StrEnum):
    """How the selected records relate to the filtered ones: they are these, employ them, or work for them."""

    THEMSELVES = "themselves"
    EMPLOYERS = "employers"
    EMPLOYEES = "employees"


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of ``kind`` (after ``via``) in a workspace."""

    workspace_id: int
    kind: RecordKind
    filters: tuple[Filter, ...] = ()
    via: Via = Via.THEMSELVES


def _conditions(filters: Sequence[Filter], alias: str, params: dict[str, Any]) -> str:
    parts: list[str] = []
    for number, item in enumerate(filters):
        name, wanted = f"field{number}", f"value{number}"
        params[name], params[wanted] = item.field, item.value
        column = f"{alias}.id::text" if item.field == "id" else f"{alias}.values ->> %({name})s"
        if item.operator == "~":
            parts.append(f"strpos(lower({column}), lower(%({wanted})s)) > 0")
        elif not item.value:
            parts.append(f"coalesce({column}, '') {'<>' if item.operator == '!=' else '='} ''")
        else:
            same = f"lower(coalesce({column}, '')) = lower(%({wanted})s)"
            parts.append(f"NOT {same}" if item.operator == "!=" else same)
    return "".join(f" AND {part}" for part in parts)


def where(selection: Selection) -> tuple[str, dict[str, Any]]:
    """A condition on ``record r`` and its parameters."""
    params: dict[str, Any] = {"ws": selection.workspace_id, "kind": selection.kind.value}
    if selection.via is Via.THEMSELVES:
        own = _conditions(selection.filters, "r", params)
        return f"r.workspace_id = %(ws)s AND r.kind = %(kind)s{own}", params
    others = _conditions(selection.filters, "o", params)
    if selection.via is Via.EMPLOYERS:
        inner = f"SELECT o.company_id FROM record o WHERE o.workspace_id = %(ws)s AND o.kind = 'contact'{others}"
        return f"r.workspace_id = %(ws)s AND r.kind = %(kind)s AND r.id IN ({inner})", params
    inner = f"SELECT o.id FROM record o WHERE o.workspace_id = %(ws)s AND o.kind = 'company'{others}"
    return f"r.workspace_id = %(ws)s AND r.kind = %(kind)s AND r.company_id IN ({inner})", params


async def count_selected(conn: Conn, selection: Selection) -> int:
    """How many records are selected."""
    condition, params = where(selection)
    return await value(conn, f"SELECT count(*) FROM record r WHERE {condition}", params)


async def count_linked(conn: Conn, selection: Selection, connection_id: int) -> int:
    """How many of them are linked already."""
    condition, params = where(selection)
    sql = (
        "SELECT count(*) FROM record r JOIN link l ON l.record_id = r.id AND l.connection_id = %(connection)s"
        f" WHERE {condition}"
    )
    return await value(conn, sql, {**params, "connection": connection_id})


async def selected_after(conn: Conn, selection: Selection, after: int, limit: int) -> list[Record]:
    """The next selected records by id."""
    condition, params = where(selection)
    rows = await all_rows(
        conn,
        f"SELECT r.id, r.values, r.external_id, r.company_id FROM record r"
        f" WHERE {condition} AND r.id > %(after)s ORDER BY r.id LIMIT %(limit)s",
        {**params, "after": after, "limit": limit},
    )
    return [Record(row["id"], selection.kind, row["values"], row["external_id"], row["company_id"]) for row in rows]


async def records_by_id(conn: Conn, kind: RecordKind, ids: Sequence[int]) -> dict[int, Record]:
    """Hub records by id; ids of the caller's own workspace only."""
    rows = await all_rows(
        conn,
        "SELECT id, values, external_id, company_id FROM record WHERE id = ANY(%s) AND kind = %s",
        [list(ids), kind.value],
    )
    return {row["id"]: Record(row["id"], kind, row["values"], row["external_id"], row["company_id"]) for row in rows}


async def look_at_sizes(conn: Conn) -> None:
    """Before the tables that a plan is made from are joined: they may have been filled a moment ago."""
    await refresh_statistics(conn, ("record", "crm_record", "hub_key", "crm_key", "link"))


def twins_table(run_id: int, kind: RecordKind) -> str:
    """The table that holds a run's twins while it is planned and applied."""
    return f"twins_{run_id}_{kind.value}"


#: All steps are joins of whole tables, whatever the planner makes of their sizes.
_BULK = ("enable_nestloop = off", "enable_mergejoin = off", "work_mem = '128MB'")


async def find_twins(
    conn: Conn, run_id: int, selection: Selection, connection_id: int, *, hub_scope: int, crm_scope: int
) -> int:
    """Store which selected, unlinked records are the same as an earlier one: they share a match key, or they match the
    same one CRM record. Returns how many there are.
    """
    condition, params = where(selection)
    table = twins_table(run_id, selection.kind)
    await execute(conn, f"DROP TABLE IF EXISTS {table}")
    for setting in _BULK:
        await execute(conn, f"SET LOCAL {setting}")
    await execute(
        conn,
        f"""
        CREATE UNLOGGED TABLE {table} AS
        WITH keys AS MATERIALIZED (
            SELECT k.record_id, k.key FROM hub_key k JOIN record r ON r.id = k.record_id
            WHERE k.scope = %(hub_scope)s AND {condition}
                AND NOT EXISTS (SELECT FROM link l WHERE l.connection_id = %(connection)s AND l.record_id = r.id)),
        shared AS (
            SELECT key, min(record_id) AS leader FROM keys GROUP BY key HAVING count(DISTINCT record_id) > 1),
        matched AS MATERIALIZED (
            SELECT k.record_id, min(c.crm_record_id) AS crm FROM keys k
            JOIN crm_key c ON c.scope = %(crm_scope)s AND c.key = k.key
            GROUP BY k.record_id HAVING min(c.crm_record_id) = max(c.crm_record_id)),
        claimed AS (
            SELECT crm, min(record_id) AS leader FROM matched GROUP BY crm HAVING count(*) > 1)
        SELECT record_id, min(leader) AS leader FROM (
            SELECT k.record_id, s.leader FROM keys k JOIN shared s USING (key) WHERE k.record_id <> s.leader
            UNION ALL
            SELECT m.record_id, c.leader FROM matched m JOIN claimed c USING (crm) WHERE m.record_id <> c.leader) found
        GROUP BY record_id
        """,
        {**params, "connection": connection_id, "hub_scope": hub_scope, "crm_scope": crm_scope},
    )
    while await execute(conn, f"UPDATE {table} t SET leader = l.leader FROM {table} l WHERE t.leader = l.record_id"):
        pass  # the same as one that is the same as another: all of them go to the first
    await execute(conn, f"CREATE INDEX ON {table} (record_id)")
    await execute(conn, f"CREATE INDEX ON {table} (leader)")
    return await value(conn, f"SELECT count(*) FROM {table}")


async def twins_of(
    conn: Conn, run_id: int, kind: RecordKind, record_ids: Sequence[int]
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """For these records: whose twin each is (record id -> leader), and which twins each leads."""
    table = twins_table(run_id, kind)
    if await value(conn, "SELECT to_regclass(%s)", [table]) is None:
        return {}, {}
    rows = await all_rows(
        conn,
        f"SELECT record_id, leader FROM {table} WHERE record_id = ANY(%(ids)s) OR leader = ANY(%(ids)s)",
        {"ids": list(record_ids)},
    )
    wanted = set(record_ids)
    follows = {row["record_id"]: row["leader"] for row in rows if row["record_id"] in wanted}
    leads: dict[int, list[int]] = {}
    for row in rows:
        leads.setdefault(row["leader"], []).append(row["record_id"])
    return follows, leads


async def drop_twins(conn: Conn, run_id: int) -> None:
    """Remove what `find_twins` stored for a run that has ended."""
    for kind in (RecordKind.CONTACT, RecordKind.COMPANY):
        await execute(conn, f"DROP TABLE IF EXISTS {twins_table(run_id, kind)}")

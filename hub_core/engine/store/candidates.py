"""What the database knows of hub records and their CRM records, for a page of them at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub_core.engine.store.database import Conn, all_rows
from hub_core.model.records import CrmValue, RecordKind


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A CRM record as the mirror holds it."""

    crm_id: str
    values: Mapping[str, CrmValue]
    modified_at: str


async def key_candidates(
    conn: Conn, record_ids: Sequence[int], *, hub_scope: int, crm_scope: int
) -> dict[int, list[Mirrored]]:
    """CRM records that share a match key with each of these hub records; to be confirmed on the values."""
    rows = await all_rows(
        conn,
        """
        SELECT DISTINCT ON (k.record_id, c.crm_record_id) k.record_id, m.crm_id, m.values, m.modified_at
        FROM hub_key k
        JOIN crm_key c ON c.scope = %(crm_scope)s AND c.key = k.key
        JOIN crm_record m ON m.id = c.crm_record_id AND NOT m.deleted AND m.merged_into IS NULL
        WHERE k.record_id = ANY(%(ids)s) AND k.scope = %(hub_scope)s
        ORDER BY k.record_id, c.crm_record_id
        """,
        {"ids": list(record_ids), "hub_scope": hub_scope, "crm_scope": crm_scope},
    )
    found: dict[int, list[Mirrored]] = {}
    for row in rows:
        found.setdefault(row["record_id"], []).append(Mirrored(row["crm_id"], row["values"], row["modified_at"]))
    return found


async def mirrored(conn: Conn, connection_id: int, kind: RecordKind, crm_ids: Sequence[str]) -> dict[str, Mirrored]:
    """The mirror's CRM records by id; deleted and merged ones are left out."""
    rows = await all_rows(
        conn,
        "SELECT crm_id, values, modified_at FROM crm_record WHERE connection_id = %s AND kind = %s"
        " AND crm_id = ANY(%s) AND NOT deleted AND merged_into IS NULL",
        [connection_id, kind.value, list(crm_ids)],
    )
    return {row["crm_id"]: Mirrored(row["crm_id"], row["values"], row["modified_at"]) for row in rows}


async def unlinked_mirrored(
    conn: Conn, connection_id: int, kind: RecordKind, field: str, values: Sequence[str]
) -> list[Mirrored]:
    """The mirror's CRM records whose ``field`` has one of ``values``, in capitals or not, and which no hub record is
    linked to."""
    rows = await all_rows(
        conn,
        """
        SELECT m.crm_id, m.values, m.modified_at FROM crm_record m
        WHERE m.connection_id = %(connection)s AND m.kind = %(kind)s AND lower(m.values ->> %(field)s) = ANY(
            SELECT lower(one) FROM unnest(%(values)s::text[]) AS one)
            AND NOT m.deleted AND m.merged_into IS NULL
            AND NOT EXISTS (SELECT FROM link l WHERE l.connection_id = m.connection_id AND l.kind = m.kind
                AND l.crm_id = m.crm_id)
        """,
        {"connection": connection_id, "kind": kind.value, "field": field, "values": list(values)},
    )
    return [Mirrored(row["crm_id"], row["values"], row["modified_at"]) for row in rows]


async def companies_of_run(
    conn: Conn, run_id: int, connection_id: int, company_ids: Sequence[int]
) -> dict[int, str | None]:
    """Which of these hub companies are in the CRM or will be: company id -> CRM id, None when the run creates it."""
    rows = await all_rows(
        conn,
        """
        SELECT record_id, crm_id FROM link WHERE connection_id = %(connection)s AND record_id = ANY(%(ids)s)
        UNION
        SELECT record_id, crm_id FROM plan_item WHERE run_id = %(run)s AND kind = 'company'
            AND record_id = ANY(%(ids)s) AND action IN ('create', 'update', 'link')
            AND NOT EXISTS (SELECT FROM link l WHERE l.connection_id = %(connection)s
                AND l.record_id = plan_item.record_id)
        """,
        {"connection": connection_id, "run": run_id, "ids": list(company_ids)},
    )
    return {row["record_id"]: row["crm_id"] for row in rows}


async def matching_of_run(conn: Conn, run_id: int, connection_id: int, record_ids: Sequence[int]) -> dict[int, int]:
    """Those of these hub records which a run has left alone because their CRM record is another hub record's: whose."""
    rows = await all_rows(
        conn,
        "SELECT i.record_id, l.record_id AS holder FROM plan_item i JOIN link l ON l.connection_id = %s"
        " AND l.kind = i.kind AND l.crm_id = i.crm_id"
        " WHERE i.run_id = %s AND i.record_id = ANY(%s) AND i.action = 'skip' AND l.record_id <> i.record_id",
        [connection_id, run_id, list(record_ids)],
    )
    return {row["record_id"]: row["holder"] for row in rows}

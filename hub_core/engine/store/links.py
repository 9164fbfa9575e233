"""Links ("this hub record is that CRM record") and the review queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from hub_core.engine.store.database import Conn, Row, all_rows, execute, one_row
from hub_core.errors import UnknownName
from hub_core.model.records import CrmValue, RecordKind


@dataclass(frozen=True, slots=True)
class Link:
    """``agreed`` holds, by CRM field, the value both sides had when they were last brought together."""

    record_id: int
    crm_id: str
    agreed: Mapping[str, CrmValue | None]


async def links_of(conn: Conn, connection_id: int, record_ids: Sequence[int]) -> dict[int, Link]:
    """The links of these hub records, by record id."""
    rows = await all_rows(
        conn,
        # Each by its index, come what may: "= ANY" would be left to the planner, which knows nothing of a table that a
        # run has just begun to fill, and may read all of the connection's links for every batch.
        "SELECT found.* FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (SELECT record_id, crm_id, agreed"
        " FROM link WHERE connection_id = %s AND record_id = wanted.id OFFSET 0) found",
        [list(record_ids), connection_id],
    )
    return {row["record_id"]: Link(row["record_id"], row["crm_id"], row["agreed"]) for row in rows}


async def linked_records(conn: Conn, connection_id: int, kind: RecordKind, crm_ids: Sequence[str]) -> dict[str, int]:
    """The hub records that these CRM records are linked to, by CRM id."""
    rows = await all_rows(
        conn,
        # Each by its index, as in `links_of`.
        "SELECT found.* FROM unnest(%s::text[]) AS wanted (id) CROSS JOIN LATERAL (SELECT crm_id, record_id"
        " FROM link WHERE connection_id = %s AND kind = %s AND crm_id = wanted.id OFFSET 0) found",
        [list(crm_ids), connection_id, kind.value],
    )
    return {row["crm_id"]: row["record_id"] for row in rows}


async def save_links(
    conn: Conn, connection_id: int, kind: RecordKind, run_id: int, links: Sequence[Link]
) -> dict[int, str]:
    """Store links, or bring ``agreed`` of present ones up to date. A link never changes whose it is.

    Returns, by record id, the CRM ids that could not be linked: another hub record has them, or this one has another.
    """
    if not links:
        return {}
    holders = await linked_records(conn, connection_id, kind, [link.crm_id for link in links])
    present = await links_of(conn, connection_id, [link.record_id for link in links])
    refused: dict[int, str] = {}
    for link in links:
        other = present[link.record_id].crm_id if link.record_id in present else link.crm_id
        if holders.setdefault(link.crm_id, link.record_id) != link.record_id or other != link.crm_id:
            refused[link.record_id] = link.crm_id
    free = [link for link in links if link.record_id not in refused]
    await execute(
        conn,
        """
        INSERT INTO link (connection_id, kind, record_id, crm_id, agreed, run_id)
        SELECT %s, %s, new.record_id, new.crm_id, new.agreed::jsonb, %s
        FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (record_id, crm_id, agreed)
        ON CONFLICT (connection_id, record_id)
            DO UPDATE SET agreed = link.agreed || excluded.agreed
        """,
        [
            connection_id,
            kind.value,
            run_id,
            [link.record_id for link in free],
            [link.crm_id for link in free],
            [orjson.dumps(link.agreed).decode() for link in free],
        ],
    )
    return refused


async def links_made_by(conn: Conn, connection_id: int, run_id: int, record_ids: Sequence[int]) -> dict[int, str]:
    """Those of these hub records whose link a run has made, with the CRM id it leads to now."""
    rows = await all_rows(
        conn,
        "SELECT record_id, crm_id FROM link WHERE connection_id = %s AND record_id = ANY(%s) AND run_id = %s",
        [connection_id, list(record_ids), run_id],
    )
    return {row["record_id"]: row["crm_id"] for row in rows}


async def remove_links(conn: Conn, connection_id: int, record_ids: Sequence[int]) -> None:
    """Forget that these hub records are linked."""
    await execute(
        conn,
        "DELETE FROM link WHERE connection_id = %s AND record_id = ANY(%s)",
        [connection_id, list(record_ids)],
    )


async def link_unchanged(conn: Conn, run_id: int, connection_id: int, workspace_id: int) -> int:
    """Carry out every planned "link": the CRM record has the hub's values already, so only the link is stored.

    Returns how many were linked. A CRM record that another hub record has taken meanwhile makes its item fail.
    """
    params = {"run": run_id, "connection": connection_id, "ws": workspace_id}
    await execute(
        conn,
        """
        WITH made AS (
            INSERT INTO link (connection_id, kind, record_id, crm_id, agreed, run_id)
            SELECT %(connection)s, i.kind, i.record_id, i.crm_id, coalesce(m.values, '{}'), i.run_id
            FROM plan_item i LEFT JOIN crm_record m
                ON m.connection_id = %(connection)s AND m.kind = i.kind AND m.crm_id = i.crm_id
            WHERE i.run_id = %(run)s AND i.state = 'planned' AND i.action = 'link'
            ON CONFLICT DO NOTHING RETURNING kind, record_id, crm_id)
        INSERT INTO journal (workspace_id, connection_id, run_id, kind, record_id, crm_id, side, action, changes, cause)
        SELECT %(ws)s, %(connection)s, %(run)s, kind, record_id, crm_id, 'crm', 'link', '[]', 'export' FROM made
        """,
        params,
    )
    linked = await execute(
        conn,
        """
        UPDATE plan_item i SET state = 'done', outcome = 'linked', ended_at = now()
        FROM link l WHERE i.run_id = %(run)s AND i.state = 'planned' AND i.action = 'link'
            AND l.connection_id = %(connection)s AND l.record_id = i.record_id AND l.crm_id = i.crm_id
        """,
        params,
    )
    await execute(
        conn,
        "UPDATE plan_item SET state = 'failed', outcome = 'failed', ended_at = now(),"
        " error = 'The CRM record is linked to another hub record already'"
        " WHERE run_id = %(run)s AND state = 'planned' AND action = 'link'",
        params,
    )
    return linked


# The review queue


@dataclass(frozen=True, slots=True)
class Review:
    """A question that only a person can answer. ``answer`` is "" while it is open."""

    id: int
    kind: RecordKind
    record_id: int
    reason: str
    candidates: tuple[str, ...]
    answer: str
    crm_id: str | None
    created_at: datetime


def _review(row: Row) -> Review:
    fields = dict(row)
    fields["kind"], fields["candidates"] = RecordKind(row["kind"]), tuple(row["candidates"])
    return Review(**fields)


_REVIEW = "id, kind, record_id, reason, candidates, answer, crm_id, created_at"


async def ask(
    conn: Conn, connection_id: int, kind: RecordKind, questions: Sequence[tuple[int, str, Sequence[str]]]
) -> None:
    """Queue (record id, reason, candidate CRM ids); a question asked before is brought up to date and opened again."""
    for record_id, reason, candidates in questions:
        await execute(
            conn,
            "INSERT INTO review (connection_id, kind, record_id, reason, candidates) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (connection_id, kind, record_id) DO UPDATE SET reason = excluded.reason,"
            " candidates = excluded.candidates, answer = '', crm_id = NULL, answered_at = NULL",
            [connection_id, kind.value, record_id, reason, list(candidates)],
        )


async def answers_of(
    conn: Conn, connection_id: int, kind: RecordKind, record_ids: Sequence[int]
) -> dict[int, tuple[str, str | None]]:
    """The remembered answers for these hub records: (choice, CRM id)."""
    rows = await all_rows(
        conn,
        "SELECT record_id, answer, crm_id FROM review"
        " WHERE connection_id = %s AND kind = %s AND record_id = ANY(%s) AND answer <> ''",
        [connection_id, kind.value, list(record_ids)],
    )
    return {row["record_id"]: (row["answer"], row["crm_id"]) for row in rows}


async def reviews(conn: Conn, connection_id: int, *, answered: bool = False, limit: int = 100) -> list[Review]:
    """Open questions (or the answered ones), the oldest first."""
    rows = await all_rows(
        conn,
        f"SELECT {_REVIEW} FROM review WHERE connection_id = %s AND (answer <> '') = %s ORDER BY id LIMIT %s",
        [connection_id, answered, limit],
    )
    return [_review(row) for row in rows]


async def count_reviews(conn: Conn, connection_id: int, *, answered: bool = False) -> int:
    """How many questions wait for an answer, or have one."""
    row = await one_row(
        conn,
        "SELECT count(*) AS n FROM review WHERE connection_id = %s AND (answer <> '') = %s",
        [connection_id, answered],
    )
    return row["n"] if row else 0


async def answer(conn: Conn, connection_id: int, review_id: int, choice: str, crm_id: str | None) -> Review:
    """Store a person's answer. Raises `UnknownName` when the connection has no such question."""
    row = await one_row(
        conn,
        f"UPDATE review SET answer = %s, crm_id = %s, answered_at = now()"
        f" WHERE id = %s AND connection_id = %s RETURNING {_REVIEW}",
        [choice, crm_id, review_id, connection_id],
    )
    if row is None:
        raise UnknownName("review", str(review_id), [], fix="See 'hub review list'.")
    return _review(row)

"""Tables ``record`` and ``custom_field``: the hub's contacts and companies, written in bulk.

Rows on their way in are staged by COPY in a temporary table of the transaction, then merged into ``record`` a slice at
a time. A value that a row does not give stays as it is, and a record that nothing changes is not written.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg.rows import tuple_row

from hub_core.engine.store.database import Conn, all_rows, execute, value
from hub_core.model.fields import STANDARD_FIELDS, FieldType, HubField
from hub_core.model.records import Record, RecordKind
from hub_core.rules.incoming import NAME_FIELD, Incoming

# --- fields ------------------------------------------------------------------------------------------------------


async def hub_fields(conn: Conn, workspace_id: int, kind: RecordKind) -> dict[str, HubField]:
    """The workspace's fields of ``kind`` by id: the standard ones, then its own."""
    rows = await all_rows(
        conn,
        "SELECT id, label, type, options FROM custom_field WHERE workspace_id = %s AND kind = %s ORDER BY id",
        [workspace_id, kind.value],
    )
    own = [
        HubField(row["id"], row["label"], FieldType(row["type"]), kind, custom=True, options=tuple(row["options"]))
        for row in rows
    ]
    return STANDARD_FIELDS[kind] | {field.id: field for field in own}


async def add_custom_fields(conn: Conn, workspace_id: int, fields: Iterable[HubField]) -> None:
    """Make these fields; one that is there already stays as it is."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO custom_field (workspace_id, kind, id, label, type, options) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [
                (workspace_id, field.kind.value, field.id, field.label, field.type.value, list(field.options))
                for field in fields
            ],
        )


# --- reading -----------------------------------------------------------------------------------------------------


async def count_records(conn: Conn, workspace_id: int, kind: RecordKind) -> int:
    """How many contacts or companies the workspace has."""
    return await value(
        conn, "SELECT count(*) FROM record WHERE workspace_id = %s AND kind = %s", [workspace_id, kind.value]
    )


async def records_after(conn: Conn, workspace_id: int, kind: RecordKind, after: int, limit: int) -> list[Record]:
    """The next ``limit`` records with an id above ``after``, by id."""
    rows = await all_rows(
        conn,
        "SELECT id, values, external_id, company_id FROM record "
        "WHERE workspace_id = %s AND kind = %s AND id > %s ORDER BY id LIMIT %s",
        [workspace_id, kind.value, after, limit],
    )
    return [Record(row["id"], kind, row["values"], row["external_id"], row["company_id"]) for row in rows]


async def lock_records(conn: Conn, kind: RecordKind, ids: Sequence[int]) -> dict[int, Record]:
    """These records by id, which nobody else can change until the transaction ends."""
    rows = await all_rows(
        conn,
        "SELECT id, values, external_id, company_id FROM record WHERE id = ANY(%s) AND kind = %s"
        " ORDER BY id FOR UPDATE",
        [list(ids), kind.value],
    )
    return {row["id"]: Record(row["id"], kind, row["values"], row["external_id"], row["company_id"]) for row in rows}


async def find_records(conn: Conn, workspace_id: int, text: str, kind: RecordKind | None = None) -> list[Record]:
    """The records that ``text`` names: by id or, when there is none, by source id or e-mail address."""
    rows = await all_rows(
        conn,
        """
        SELECT id, kind, values, external_id, company_id FROM record
        WHERE workspace_id = %(workspace)s AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (
            id = CASE WHEN %(text)s ~ '^[0-9]{1,18}$' THEN %(text)s::bigint END OR external_id = %(text)s
            OR lower(values ->> 'professionalEmail') = lower(%(text)s) OR lower(values ->> 'domain') = lower(%(text)s))
        ORDER BY id LIMIT 20
        """,
        {"workspace": workspace_id, "kind": kind, "text": text},
    )
    found = [
        Record(row["id"], RecordKind(row["kind"]), row["values"], row["external_id"], row["company_id"]) for row in rows
    ]
    return [record for record in found if str(record.id) == text] or found


# --- staging -----------------------------------------------------------------------------------------------------


async def lock_import(conn: Conn, workspace_id: int, kind: RecordKind) -> None:
    """Wait until no other transaction imports records of ``kind``; held until this one ends."""
    await execute(
        conn, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"import {workspace_id} {kind.value}"]
    )


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NEEDS_ESCAPE = re.compile(r"[\\\t\n\r]")


def _text(text: str | None) -> str:
    """A text in COPY's own notation."""
    if text is None:
        return "\\N"
    return text.translate(_ESCAPES) if _NEEDS_ESCAPE.search(text) else text


def staged_rows(rows: Iterable[Incoming], first: int) -> bytes:
    """Rows as `stage` wants them, numbered from ``first``."""
    lines: list[bytes] = []
    for number, (external_id, values, domain_key, name_key) in enumerate(rows, first):
        texts = f"{number}\t{_text(external_id)}\t{_text(domain_key)}\t{_text(name_key)}\t"
        lines += (texts.encode(), orjson.dumps(values).replace(b"\\", b"\\\\"), b"\n")
    return b"".join(lines)


async def stage(conn: Conn, chunks: AsyncIterable[bytes]) -> None:
    """Put rows (`staged_rows`) into a table of this transaction. The server takes them in while the next are made."""
    await execute(
        conn,
        "CREATE TEMPORARY TABLE staged (number bigint NOT NULL, external_id text NOT NULL, domain_key text, "
        "name_key text, values jsonb NOT NULL) ON COMMIT DROP",
    )
    into = "COPY staged (number, external_id, domain_key, name_key, values) FROM STDIN"
    async with conn.cursor() as cursor, cursor.copy(into) as copy:
        async for chunk in chunks:
            await copy.write(chunk)
    await execute(conn, "CREATE INDEX ON staged (number)")
    await execute(conn, "ANALYZE staged")


async def join_duplicates(conn: Conn) -> int:
    """Make one staged row of those with the same identity, where later values win; returns how many rows that took
    away."""
    await execute(
        conn,
        """
        CREATE TEMPORARY TABLE twice ON COMMIT DROP AS
        SELECT external_id, max(number) AS number, (array_agg(domain_key ORDER BY number DESC)
                FILTER (WHERE domain_key IS NOT NULL))[1] AS domain_key,
            (array_agg(name_key ORDER BY number DESC) FILTER (WHERE name_key IS NOT NULL))[1] AS name_key
        FROM staged GROUP BY external_id HAVING count(*) > 1
        """,
    )
    await execute(
        conn,
        """
        UPDATE staged SET values = joined.values, domain_key = joined.domain_key, name_key = joined.name_key
        FROM (
            SELECT twice.number, twice.domain_key, twice.name_key,
                coalesce(jsonb_object_agg(pair.key, pair.value ORDER BY each.number)
                    FILTER (WHERE pair.key IS NOT NULL), '{}') AS values
            FROM twice JOIN staged each USING (external_id) LEFT JOIN jsonb_each(each.values) pair ON true
            GROUP BY twice.number, twice.domain_key, twice.name_key) joined
        WHERE staged.number = joined.number
        """,
    )
    return await execute(
        conn,
        "DELETE FROM staged USING twice WHERE staged.external_id = twice.external_id AND staged.number < twice.number",
    )


# --- merging -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merged:
    """What one slice did to the records: how many were ``created``, and the ids of the ``changed`` ones."""

    created: int
    changed: Sequence[int]
    rows: Sequence[tuple[int, bool, str]]

    def written(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The new and changed records: (id, the values it has now). Decoding takes a while: call it in a thread."""
        return ((id_, orjson.loads(values)) for id_, _, values in self.rows)


# A key follows the field it is made of: one that the row does not give leaves the record's key alone.
_MERGE = """
    INSERT INTO record AS r (workspace_id, kind, external_id, values, domain_key, name_key)
    SELECT %(workspace)s, %(kind)s, external_id, values, domain_key, name_key FROM staged
    WHERE number > %(after)s AND number <= %(to)s
    ON CONFLICT (workspace_id, kind, external_id) DO UPDATE SET
        values = r.values || excluded.values,
        domain_key = CASE
            WHEN excluded.values ? 'domain' OR (excluded.values ? 'website' AND NOT r.values ? 'domain')
            THEN excluded.domain_key ELSE r.domain_key END,
        name_key = CASE WHEN excluded.values ? %(name)s THEN excluded.name_key ELSE r.name_key END,
        updated_at = now()
    WHERE r.values IS DISTINCT FROM r.values || excluded.values
    RETURNING id, xmax = 0 AS created, values::text
"""


async def merge_staged(conn: Conn, workspace_id: int, kind: RecordKind, after: int, to: int) -> Merged:
    """Merge the staged rows numbered above ``after``, up to ``to``, into the records."""
    params = {"workspace": workspace_id, "kind": kind.value, "name": NAME_FIELD[kind], "after": after, "to": to}
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_MERGE, params)
        rows: list[tuple[int, bool, str]] = await cursor.fetchall()
    changed = [id_ for id_, created, _ in rows if not created]
    return Merged(len(rows) - len(changed), changed, rows)


# --- employment --------------------------------------------------------------------------------------------------


async def assign_companies(conn: Conn, workspace_id: int) -> int:
    """Tie contacts to the hub companies that they say they work for; returns how many ties changed.

    The company's id at the source wins, then its domain, then its name. What fits two companies ties to neither. A
    contact that names no employer keeps the tie it has.
    """
    # Freshly imported records have no statistics yet, and without them the joins below are nested loops, which take
    # minutes; a hash join is right for any number of rows.
    await execute(conn, "SET LOCAL enable_nestloop = off")
    changed = await execute(
        conn,
        """
        WITH companies AS MATERIALIZED (
            SELECT id, external_id, domain_key, name_key FROM record
            WHERE workspace_id = %(workspace)s AND kind = 'company'),
        by_domain AS (
            SELECT domain_key AS key, min(id) AS id FROM companies WHERE domain_key IS NOT NULL
            GROUP BY domain_key HAVING count(*) = 1),
        by_name AS (
            SELECT name_key AS key, min(id) AS id FROM companies WHERE name_key IS NOT NULL
            GROUP BY name_key HAVING count(*) = 1),
        found AS (
            SELECT contact.id, coalesce(given.id, by_domain.id, by_name.id) AS company_id
            FROM record contact
            LEFT JOIN companies given ON given.external_id = contact.values ->> 'companyExternalId'
            LEFT JOIN by_domain ON by_domain.key = contact.domain_key
            LEFT JOIN by_name ON by_name.key = contact.name_key
            WHERE contact.workspace_id = %(workspace)s AND contact.kind = 'contact' AND
                (contact.domain_key IS NOT NULL OR contact.name_key IS NOT NULL
                    OR contact.values ? 'companyExternalId'))
        UPDATE record SET company_id = found.company_id FROM found
        WHERE record.id = found.id AND record.company_id IS DISTINCT FROM found.company_id
        """,
        {"workspace": workspace_id},
    )
    await execute(conn, "SET LOCAL enable_nestloop = on")
    return changed

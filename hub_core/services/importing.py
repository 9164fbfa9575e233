"""Importing contacts and companies from files.

An import happens as a whole or not at all. Rows that cannot be taken in go, unchanged and with the reason, to a file of
their own, which can be corrected and imported; the rest goes in. Importing the same file twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from hub_core.engine.store import keys, records, setups, workspaces
from hub_core.engine.store.database import Conn
from hub_core.engine.tables import Line, Table, open_table
from hub_core.model.records import Record, RecordKind
from hub_core.model.setup import SyncStep
from hub_core.rules.columns import Column, plan_columns
from hub_core.rules.incoming import Incoming, RowProblem, is_blank, reader
from hub_core.rules.matching import MatchRule, compile_rule, hub_keys
from hub_core.services.hub import Hub
from hub_core.services.rejects import Rejects, beside

_CHUNK = 500  # rows that are read at a time: few enough to stay in the processor's caches
_SLICE = 5_000  # rows that are merged at a time
_SAMPLES = 50  # rows that the recognition of columns looks at

#: Called with what is being done ("reading", "storing"), how much is done, and how much there is, in rows or lines.
OnProgress: TypeAlias = "Callable[[str, int, int], None]"


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would read: ``format`` for people, about how many ``lines``, and where each column goes."""

    format: str
    lines: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows: ``read`` = ``created`` + ``changed`` + ``unchanged`` + ``duplicates`` + ``rejected``.

    ``duplicates`` are earlier rows of an identity that occurs again; their values went into the later row where that
    one has none. ``reasons`` counts the rejected rows by (column, reason). ``employed`` is how many contacts were tied
    to another company than before. ``dry_run``: nothing was stored, the figures say what would be.
    """

    kind: RecordKind
    format: str
    columns: tuple[Column, ...]
    dry_run: bool
    read: int
    created: int
    changed: int
    unchanged: int
    duplicates: int
    rejected: int
    rejects_path: Path | None
    reasons: Mapping[tuple[str, str], int]
    employed: int


async def preview(
    hub: Hub, kind: RecordKind, path: Path, *, column_map: Mapping[str, str] | None = None, encoding: str | None = None
) -> Preview:
    """Where the columns would go. Raises as `import_file`."""
    table = await asyncio.to_thread(open_table, path, encoding=encoding)
    async with hub.db.transaction() as conn:
        columns = await _columns(conn, hub, kind, table, column_map or {})
    return Preview(table.format, table.lines, columns)


async def import_file(
    hub: Hub,
    kind: RecordKind,
    path: Path,
    *,
    column_map: Mapping[str, str] | None = None,
    encoding: str | None = None,
    rejects_path: Path | None = None,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import a file; ``column_map`` (heading -> field id, "" or "-" to leave out) goes before what is recognised.

    Rejected rows are written to ``rejects_path``, by default beside the file; a dry run writes them too.
    Raises `BadInput` for a file that cannot be used, `UnknownName` for a column or field of ``column_map``.
    """
    rejects_path = beside(path, rejects_path)
    table = await asyncio.to_thread(open_table, path, encoding=encoding)
    tell = on_progress or _quiet
    async with hub.db.transaction() as conn:
        await records.lock_import(conn, hub.workspace_id, kind)
        columns = await _columns(conn, hub, kind, table, column_map or {})
        await records.add_custom_fields(
            conn, hub.workspace_id, [each.field for each in columns if each.new and each.field]
        )
        rule = await _rule(conn, hub, kind)
        # Before the first record is written: whoever stores records holds the keys' lock.
        scope = await keys.hub_scope(conn, hub.workspace_id, kind, rule)
        with Rejects(rejects_path, table.headings) as rejects:
            reading = _Reading(kind, table, columns, rejects)
            async with aclosing(reading.chunks(tell)) as chunks:
                await records.stage(conn, chunks)
        duplicates = await records.join_duplicates(conn)
        stored = await _store(conn, hub, kind, rule, scope=scope, rows=reading.staged, tell=tell)
        employed = await records.assign_companies(conn, hub.workspace_id)
        if dry_run:
            await conn.rollback()
    return ImportReport(
        kind=kind,
        format=table.format,
        columns=columns,
        dry_run=dry_run,
        read=reading.staged + rejects.count,
        created=stored.created,
        changed=stored.changed,
        unchanged=reading.staged - duplicates - stored.created - stored.changed,
        duplicates=duplicates,
        rejected=rejects.count,
        rejects_path=rejects_path if rejects.count else None,
        reasons=dict(rejects.reasons.most_common()),
        employed=employed,
    )


async def list_records(hub: Hub, kind: RecordKind, *, after: int = 0, limit: int = 20) -> tuple[int, list[Record]]:
    """How many contacts or companies there are, and ``limit`` of them above the id ``after``."""
    async with hub.db.transaction() as conn:
        total = await records.count_records(conn, hub.workspace_id, kind)
        return total, await records.records_after(conn, hub.workspace_id, kind, after, limit)


def _quiet(what: str, done: int, total: int) -> None: ...


async def _columns(
    conn: Conn, hub: Hub, kind: RecordKind, table: Table, column_map: Mapping[str, str]
) -> tuple[Column, ...]:
    fields = await records.hub_fields(conn, hub.workspace_id, kind)
    samples = [["" if is_blank(cell) else cell for cell in cells] for _, cells in islice(table.rows(), _SAMPLES)]
    return plan_columns(kind, table.headings, samples, fields, column_map)


async def _rule(conn: Conn, hub: Hub, kind: RecordKind) -> MatchRule:
    """The match rule of the active CRM's set-up, or the one that a new set-up begins with."""
    stored = await workspaces.active_crm(conn, hub.workspace_id)
    sync = SyncStep() if stored is None else (await setups.load_setup(conn, stored.id))[1].sync
    return compile_rule(sync, kind, await records.hub_fields(conn, hub.workspace_id, kind))


# --- reading -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """The file on its way into the staging table; ``staged`` rows so far."""

    kind: RecordKind
    table: Table
    columns: tuple[Column, ...]
    rejects: Rejects
    staged: int = 0
    line: int = 0
    _read: Callable[[Sequence[list[str]]], list[Incoming | RowProblem]] = field(init=False)

    def __post_init__(self) -> None:
        used = [(each.index, each.heading, each.field) for each in self.columns if each.used]
        self._read = reader(self.kind, len(self.columns), used)

    async def chunks(self, tell: OnProgress) -> AsyncGenerator[bytes]:
        """The rows as `records.stage` wants them. The next ones are made in a thread while these are on their way."""
        rows = self.table.rows()
        making = asyncio.create_task(asyncio.to_thread(self._chunk, rows))
        try:
            while (chunk := await making) is not None:
                tell("reading", min(self.line, self.table.lines), self.table.lines)
                making = asyncio.create_task(asyncio.to_thread(self._chunk, rows))
                yield chunk
        finally:
            # A thread cannot be stopped: wait, or it would go on reading while the file of rejects is closed.
            await asyncio.gather(making, return_exceptions=True)

    def _chunk(self, rows: Iterator[Line]) -> bytes | None:
        """The next rows; None at the end of the file."""
        given = list(islice(rows, _CHUNK))
        if not given:
            return None
        taken: list[Incoming] = []
        for (line, cells), record in zip(given, self._read([cells for _, cells in given]), strict=True):
            if isinstance(record, RowProblem):
                self.rejects.add(line, cells, record)
            else:
                taken.append(record)
        self.line = given[-1][0]
        self.staged += len(taken)
        return records.staged_rows(taken, self.staged - len(taken) + 1)


# --- storing -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Stored:
    created: int = 0
    changed: int = 0


async def _store(
    conn: Conn, hub: Hub, kind: RecordKind, rule: MatchRule, *, scope: int | None, rows: int, tell: OnProgress
) -> _Stored:
    """Merge the staged rows slice by slice. A slice's match keys are made while the database merges the next one."""
    stored, key_of = _Stored(), hub_keys(rule)
    last: tuple[records.Merged, asyncio.Task[list[keys.KeyRow]]] | None = None

    def make(merged: records.Merged) -> list[keys.KeyRow]:
        return keys.key_rows(key_of, merged.written())

    async def write_keys() -> None:
        if last is not None and scope is not None:
            await keys.replace_hub_keys(conn, scope, await last[1], last[0].changed)

    for after in range(0, rows, _SLICE):
        merged = await records.merge_staged(conn, hub.workspace_id, kind, after, after + _SLICE)
        stored.created += merged.created
        stored.changed += len(merged.changed)
        await write_keys()
        last = (merged, asyncio.create_task(asyncio.to_thread(make, merged))) if scope is not None else None
        tell("storing", min(after + _SLICE, rows), rows)
    await write_keys()
    return stored

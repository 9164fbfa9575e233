"""Bringing the mirror of a CRM up to date: everything the first time, then what has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias

from hub_core.engine.store import setups
from hub_core.engine.store.database import Conn
from hub_core.engine.store.mirror import (
    Mirror,
    MirrorState,
    Read,
    begin_reading,
    mirror_size,
    mirror_state,
    store_read,
    store_records,
)
from hub_core.engine.store.mirror import store_gone as mark_gone
from hub_core.engine.store.records import hub_fields
from hub_core.model.fields import FieldInfo
from hub_core.model.records import CrmRecord, Page, RecordKind
from hub_core.rules.matching import compared_fields, compile_rule
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.fields import crm_fields
from hub_core.services.hub import Hub, OpenConnection

__all__ = ["MirrorReport", "mirror_of", "mirror_size", "refresh", "store_gone", "store_seen", "store_written"]

#: Pages are stored together until they hold this many records or this many seconds have passed.
BATCH, SECONDS = 5_000, 3.0

#: Told how many records have been read, and how many there are, if the CRM says so.
OnProgress: TypeAlias = "Callable[[int, int | None], None]"


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What a refresh read; all noughts when the mirror was fresh enough. ``complete``: it holds everything now."""

    pages: int = 0
    changes: int = 0
    deletions: int = 0
    calls: int = 0
    complete: bool = True


async def mirror_of(hub: Hub, crm: OpenConnection, kind: RecordKind) -> Mirror:
    """The mirror of one kind of the CRM's records, under the rule of the present set-up."""
    async with hub.db.transaction() as conn:
        _, setup = await setups.load_setup(conn, crm.stored.id)
        fields = await hub_fields(conn, hub.workspace_id, kind)
    rule = compile_rule(setup.sync, kind, fields)
    return Mirror(hub.workspace_id, crm.stored.id, kind, rule, compared_fields(setup.fields.of(kind)))


async def refresh(
    hub: Hub,
    crm: OpenConnection,
    kind: RecordKind,
    *,
    needed: Iterable[FieldInfo],
    max_age: float,
    whole: bool = False,
    mirror: Mirror | None = None,
    on_progress: OnProgress | None = None,
) -> MirrorReport:
    """Read what the CRM has changed since the last reading, unless that ended less than ``max_age`` seconds ago.

    Everything is read when there is no complete copy, when it lacks a needed field, or when ``whole`` says so. A full
    reading that was broken off goes on where it stood. Raises what `Connector.sync` raises; what was read is kept.
    """
    wanted = {field.id: field for field in needed}
    mirror = mirror or await mirror_of(hub, crm, kind)
    async with hub.db.transaction() as conn:
        state = await mirror_state(conn, crm.stored.id, kind)
    holds = wanted.keys() <= state.fields
    if holds and state.complete and not whole and state.age is not None and state.age < max_age:
        return MirrorReport()
    fields, known = await _fields(hub, crm, kind, wanted, state)
    calls = crm.http.calls
    if whole or not known:
        async with hub.db.transaction() as conn:
            await begin_reading(conn, mirror, fields)
        state = MirrorState(fields=frozenset(fields))
    reading = _pages(crm, kind, state.cursor, tuple(fields.values()))
    counts = await _store_all(hub, mirror, reading, fields, on_progress)
    return MirrorReport(*counts, calls=crm.http.calls - calls)


async def read_first_page(
    hub: Hub, crm: OpenConnection, kind: RecordKind, *, needed: Iterable[FieldInfo], mirror: Mirror
) -> int | None:
    """Begin a full reading, unless one has begun already; `refresh` goes on from there.

    Returns how many records the CRM has, None when it does not say.
    """
    async with hub.db.transaction() as conn:
        state = await mirror_state(conn, crm.stored.id, kind)
    fields, known = await _fields(hub, crm, kind, {field.id: field for field in needed}, state)
    if known and state.cursor is not None:
        return None
    page = await crm.connector.sync(crm.connection, kind, None, tuple(fields.values()))
    async with hub.db.transaction() as conn:
        await begin_reading(conn, mirror, fields)
        await store_read(conn, mirror, _joined([page]), fields)
    # A search that has not caught up yet counts fewer records than the page holds.
    if page.done or page.total is None:
        return len(page.changes) if page.done else None
    return max(page.total, len(page.changes))


async def store_seen(conn: Conn, mirror: Mirror, records: Iterable[CrmRecord], fields: Iterable[str]) -> None:
    """Keep records that the CRM has answered with, of which ``fields`` were asked for."""
    await store_records(conn, mirror, records, tuple(fields))


async def store_gone(conn: Conn, context: ExportContext, kind: KindContext, crm_ids: Sequence[str]) -> None:
    """Remember that the CRM does not have these records any more."""
    mirror = Mirror(context.hub.workspace_id, context.connection_id, kind.part.kind, kind.rule, kind.compared)
    await mark_gone(conn, mirror, crm_ids)


async def store_written(conn: Conn, context: ExportContext, kind: KindContext, records: Iterable[CrmRecord]) -> None:
    """Keep records as a run has written them, so that the next match finds them before the CRM's search does."""
    mirror = Mirror(context.hub.workspace_id, context.connection_id, kind.part.kind, kind.rule, kind.compared)
    await store_records(conn, mirror, records, [field.id for field in kind.fields])


async def _fields(
    hub: Hub, crm: OpenConnection, kind: RecordKind, wanted: Mapping[str, FieldInfo], state: MirrorState
) -> tuple[dict[str, FieldInfo], bool]:
    """The fields to read, and whether the copy holds them all, so that reading can go on from its cursor.

    What is held already is kept up to date too, whoever asked for it; a field that the CRM has no more is let go.
    """
    others = state.fields - wanted.keys()
    known = await crm_fields(hub, crm, kind) if others else {}
    fields = {**wanted, **{name: known[name] for name in sorted(others) if name in known}}
    return fields, state.cursor is not None and fields.keys() <= state.fields


async def _store_all(
    hub: Hub,
    mirror: Mirror,
    reading: AsyncGenerator[list[Page], None],
    fields: Collection[str],
    on_progress: OnProgress | None,
) -> tuple[int, int, int]:
    """Store what is read while the next pages are fetched. Returns how many pages, changes and deletions there were."""
    storing: asyncio.Task[None] | None = None
    pages = changes = deletions = 0
    total: int | None = None

    async def store(read: Read) -> None:
        async with hub.db.transaction() as conn:
            await store_read(conn, mirror, read, fields)

    try:
        async with aclosing(reading):
            async for batch in reading:
                if storing is not None:
                    await storing
                read = _joined(batch)
                storing = asyncio.create_task(store(read))
                pages += len(batch)
                changes += len(read.changes)
                deletions += len(read.deletions) + len(read.merges)
                total = next((page.total for page in batch if page.total is not None), total)
                if on_progress:
                    on_progress(changes, total)
    finally:
        if storing is not None:
            await storing  # also when the next page could not be fetched: what was read stays
    return pages, changes, deletions


async def _pages(
    crm: OpenConnection, kind: RecordKind, cursor: str | None, fields: tuple[FieldInfo, ...]
) -> AsyncGenerator[list[Page], None]:
    """All pages from ``cursor`` on, some together."""
    batch: list[Page] = []
    count, since = 0, monotonic()
    while True:
        try:
            page = await crm.connector.sync(crm.connection, kind, cursor, fields)
        except Exception:
            if batch:
                yield batch
            raise
        batch.append(page)
        cursor = page.next_cursor
        count += len(page.changes) + len(page.deletions)
        if page.done or count >= BATCH or monotonic() - since >= SECONDS:
            yield batch
            if page.done:
                return
            batch, count, since = [], 0, monotonic()


def _joined(pages: list[Page]) -> Read:
    """Pages as one; a record that one page changes and a later one deletes is deleted."""
    last = pages[-1]
    return Read(
        changes=[record for page in pages for record in page.changes],
        cursor=last.next_cursor,
        done=last.done,
        deletions=[crm_id for page in pages for crm_id in page.deletions],
        merges=[merge for page in pages for merge in page.merges],
    )

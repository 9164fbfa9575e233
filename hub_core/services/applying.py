"""Carrying out a plan, batch by batch: re-check, send, store the outcome, then the next batch.

A batch is stored as "sending" before it leaves. Whatever stops the hub then, the next chunk finds those items and looks
each one up in the CRM before it sends anything again (`reconcile`), so nothing is created twice and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub_core.engine.store import journal, links, plans, runs, selection
from hub_core.engine.store.database import Conn
from hub_core.engine.store.journal import Entry
from hub_core.engine.store.links import Link
from hub_core.engine.store.plans import Ended, Item
from hub_core.errors import ConnectorBug
from hub_core.model.fields import FieldInfo
from hub_core.model.plan import Action, Change, Decision
from hub_core.model.records import (
    Associate,
    ByIds,
    Create,
    CrmRecord,
    CrmValue,
    Dissociate,
    Outcome,
    RecordKind,
    Rejected,
    Update,
    Write,
    Written,
)
from hub_core.rules.associations import TIES, after, as_texts, planned_ties, steps_to
from hub_core.rules.exporting import owner_of_existing, replan
from hub_core.rules.values import canonical
from hub_core.services import claims, mirroring
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.gathering import with_twins_values

COMPANY = RecordKind.COMPANY


@dataclass(frozen=True, slots=True)
class Ready:
    """An item with what is needed to send it. ``current``: the CRM's values now, None for a create. ``targets``: the
    CRM ids of the companies it is to be tied to, by hub company."""

    item: Item
    current: CrmRecord | None
    targets: Mapping[int, str]

    @property
    def ref(self) -> str:
        return f"{self.item.run_id}-{self.item.seq}"


async def write_batch(context: ExportContext) -> bool:
    """Carry out the next batch; False when no planned write is left."""
    async with context.hub.db.transaction(batch=True) as conn:
        items = await plans.next_batch(conn, context.run.id, context.traits.batch, (Action.CREATE, Action.UPDATE))
    if not items:
        return False
    kind = context.kinds[items[0].kind]
    ready = await _ready(context, kind, items)
    if ready:
        await _send(context, kind, ready)
    return True


async def _ready(context: ExportContext, kind: KindContext, items: Sequence[Item]) -> list[Ready]:
    """The items of a batch that can be sent as planned. The others are planned again or ended here."""
    items, ended = await claims.settle(context, kind, items)
    if ended:
        await _end(context, ended)
    if not items:
        return []
    targets = await targets_of(context, items)
    if items[0].decision.action is Action.CREATE:
        return [Ready(item, None, targets) for item in await _without_paused(context, kind, items)]
    current = await _read(context, kind, items)
    ready: list[Ready] = []
    again: list[tuple[Item, CrmRecord]] = []
    ended.clear()
    for item in items:
        record = current.get(item.decision.crm_id or "")
        if record is None:
            reason = f"{context.crm_name} record {item.decision.crm_id} is not there any more"
            ended.append(Ended(item.seq, "failed", error=reason))
        elif _as_planned(kind, item.decision, record.values):
            ready.append(Ready(item, record, targets))
        else:
            again.append((item, record))
    if again:
        ready += await _replanned(context, kind, again, ended, targets)
    if ended:
        await _end(context, ended)
    await _forget_gone(context, kind, [item.decision.crm_id or "" for item in items], current)
    return ready


async def _forget_gone(
    context: ExportContext, kind: KindContext, crm_ids: Sequence[str], current: Mapping[str, CrmRecord]
) -> None:
    """What the CRM does not have any more is not in the mirror any more either."""
    gone = [crm_id for crm_id in crm_ids if crm_id not in current]
    if gone:
        async with context.hub.db.transaction(batch=True) as conn:
            await mirroring.store_gone(conn, context, kind, gone)


async def _without_paused(context: ExportContext, kind: KindContext, items: Sequence[Item]) -> list[Item]:
    """The creates without the fields whose rows were paused after the plan was made."""
    usable = kind.exporting.mapping.fields
    kept: list[Item] = []
    fewer: list[tuple[int, Decision]] = []
    for item in items:
        changes = tuple(change for change in item.decision.changes if change.field in usable)
        if len(changes) < len(item.decision.changes):
            item = replace(item, decision=replace(item.decision, changes=changes))  # noqa: PLW2901
            fewer.append((item.seq, item.decision))
        kept.append(item)
    if fewer:
        async with context.hub.db.transaction(batch=True) as conn:
            await runs.hold_lease(conn, context.run)
            await plans.set_planned(conn, context.run.id, fewer)
    return kept


async def targets_of(context: ExportContext, items: Sequence[Item]) -> dict[int, str]:
    """The CRM ids of the companies that these items are to be tied to, by hub company."""
    ids = sorted({step.record_id for item in items for step in item.decision.associations})
    if not ids:
        return {}
    async with context.hub.db.transaction(batch=True) as conn:
        found = await links.links_of(conn, context.connection_id, ids)
    return {record_id: link.crm_id for record_id, link in found.items()}


async def _read(context: ExportContext, kind: KindContext, items: Sequence[Item]) -> dict[str, CrmRecord]:
    ids = tuple(item.decision.crm_id for item in items if item.decision.crm_id)
    tied = COMPANY if any(item.decision.associations for item in items) else None
    query = ByIds(ids, kind.fields, associated=tied)
    records = await context.crm.connector.match(context.crm.connection, kind.part.kind, query)
    return {record.id: record for record in records}


def _as_planned(kind: KindContext, decision: Decision, current: Mapping[str, CrmValue]) -> bool:
    """Whether the CRM still has the before-values that the plan was shown with, and no owner who stays."""
    fields, changes = kind.exporting.mapping.fields, decision.changes
    if decision.owner and owner_of_existing(kind.exporting, current) != decision.owner:
        return False
    return all(
        change.field in fields
        and canonical(current.get(change.field), fields[change.field].type)
        == canonical(change.before, fields[change.field].type)
        for change in changes
    )


async def _replanned(
    context: ExportContext,
    kind: KindContext,
    again: Sequence[tuple[Item, CrmRecord]],
    ended: list[Ended],
    targets: Mapping[int, str],
) -> list[Ready]:
    """Decide once more on records whose CRM values are not the planned ones; ends those with nothing left to write."""
    ids = [item.decision.record_id for item, _ in again]
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        records = await selection.records_by_id(conn, kind.part.kind, ids)
        _, leads = await selection.twins_of(conn, context.run.id, kind.part.kind, ids)
        merged = await with_twins_values(conn, kind.part.kind, list(records.values()), leads)
        by_id = {record.id: record for record in merged}
        ready: list[Ready] = []
        unchanged: list[tuple[Item, CrmRecord]] = []
        await _journal_arrived(conn, context, kind, again)
        for item, current in again:
            record = by_id.get(item.decision.record_id)
            if record is None:
                ended.append(Ended(item.seq, "failed", error="The hub record was deleted meanwhile"))
                continue
            decision = replan(record, current.id, current.values, kind.exporting, item.decision)
            decision = replace(decision, tied=item.decision.tied)
            if decision.action is Action.UPDATE:
                ready.append(Ready(replace(item, decision=decision), current, targets))
            elif decision.action is Action.SKIP:
                ended.append(Ended(item.seq, "failed", error=decision.reason))
            else:
                unchanged.append((item, current))
        await plans.set_planned(conn, context.run.id, [(each.item.seq, each.item.decision) for each in ready])
        agreed = [
            Link(item.decision.record_id, current.id, _mapped(kind, current.values)) for item, current in unchanged
        ]
        refused = await links.save_links(conn, context.connection_id, kind.part.kind, context.run.id, agreed)
        for item, _ in unchanged:
            if item.decision.record_id in refused:
                ended.append(Ended(item.seq, "failed", error="The CRM record is linked to another hub record already"))
            else:  # it has every value already: written by a try that was cut off, or by somebody else
                ended.append(Ended(item.seq, "updated" if item.sent_at else "unchanged"))
    return ready


async def _journal_arrived(
    conn: Conn, context: ExportContext, kind: KindContext, items: Sequence[tuple[Item, CrmRecord]]
) -> None:
    """A try that was cut off may have written values without a word in the journal: those that are there now."""
    entries: list[Entry] = []
    for item, current in items:
        changes = arrived(item, current, kind.exporting.mapping.fields)
        if changes:
            entries.append(Entry(item.decision.record_id, current.id, "update", changes, "export"))
    where = (context.hub.workspace_id, context.connection_id, context.run.id, kind.part.kind)
    await journal.write_journal(conn, *where, entries)


def arrived(item: Item, current: CrmRecord, fields: Mapping[str, FieldInfo]) -> tuple[Change, ...]:
    """Which changes of an item that was on its way before are there now."""
    return tuple(
        change
        for change in item.decision.changes
        if item.sent_at is not None
        and change.field in fields
        and canonical(current.values.get(change.field), fields[change.field].type)
        == canonical(change.after, fields[change.field].type)
    )


def _with_ties(each: Ready) -> Ready:
    """With the ties from before the first try: afterwards nobody could tell which were there."""
    decision = each.item.decision
    if each.current is None or not decision.associations or decision.tied is not None:
        return each
    tied = tuple(as_texts(each.current.associated or ()))
    return replace(each, item=replace(each.item, decision=replace(decision, tied=tied)))


async def _send(context: ExportContext, kind: KindContext, ready: Sequence[Ready]) -> None:
    tied = [_with_ties(each) for each in ready]
    noted = [(now.item.seq, now.item.decision) for now, each in zip(tied, ready, strict=True) if now is not each]
    ready = tied
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await plans.set_planned(conn, context.run.id, noted)
        await plans.mark_sending(conn, context.run.id, [each.item.seq for each in ready])
    writes = [_write(each) for each in ready]
    outcomes = await context.crm.connector.export(context.crm.connection, kind.part.kind, writes)
    await store_outcomes(context, kind, ready, {outcome.ref: outcome for outcome in outcomes})


def _steps(ready: Ready) -> tuple[tuple[Associate, ...], tuple[Dissociate, ...]]:
    """The ties to make and to take away."""
    present = ready.current.associated or () if ready.current else ()
    steps = [
        steps_to(
            planned_ties(present, step, ready.targets[step.record_id]),
            step.kind,
            ready.targets[step.record_id],
            step.type,
        )
        for step in ready.item.decision.associations
        if step.record_id in ready.targets
    ]
    return tuple(tie for tie, _ in steps), tuple(other for _, others in steps for other in others)


def _write(ready: Ready) -> Write:
    decision = ready.item.decision
    made, taken = _steps(ready)
    if ready.current is None:
        values = {change.field: change.after for change in decision.changes if change.after is not None}
        return Create(ready.ref, values, decision.owner, made)
    changed = {change.field: change.after for change in decision.changes}
    return Update(ready.ref, ready.current.id, changed, decision.owner, made, taken)


def _entry(ready: Ready, done: Written, owner_field: str) -> Entry:
    """What the journal keeps of a write: its fields, its owner, its ties before and after."""
    decision = ready.item.decision
    changes = list(decision.changes)
    if decision.owner and owner_field:
        before = ready.current.values.get(owner_field) if ready.current else None
        changes.append(Change(owner_field, before, decision.owner))
    made, taken = _steps(ready)
    if made or taken:
        present = ready.current.associated or () if ready.current else ()
        before = as_texts(present) if decision.tied is None else list(decision.tied)
        changes.append(Change(TIES, before, as_texts(after(present, made, taken))))
    return Entry(decision.record_id, done.crm_id, decision.action.value, tuple(changes), "export")


async def store_outcomes(
    context: ExportContext, kind: KindContext, ready: Sequence[Ready], outcomes: Mapping[str, Outcome]
) -> None:
    """Store what became of a batch: outcome, link, mirror and journal in one transaction."""
    written: list[tuple[Ready, Written]] = []
    ended: list[Ended] = []
    existing: list[tuple[Ready, Rejected]] = []
    for each in ready:
        match outcomes.get(each.ref):
            case Written() as outcome:
                written.append((each, outcome))
            case Rejected(existing_id=found) as refusal if found and each.current is None:
                existing.append((each, refusal))
            case Rejected() as refusal:
                ended.append(Ended(each.item.seq, "failed", error=refusal.reason))
            case None:
                raise ConnectorBug(context.crm.connector.key, "export", f"there is no outcome for {each.ref}.")
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        made = [Link(each.item.decision.record_id, done.crm_id, _agreed(kind, each)) for each, done in written]
        refused = await links.save_links(conn, context.connection_id, kind.part.kind, context.run.id, made)
        taken = await links.linked_records(
            conn, context.connection_id, kind.part.kind, [refusal.existing_id for _, refusal in existing]
        )
        again: list[tuple[int, Decision]] = []
        for each, refusal in existing:
            holder = taken.setdefault(refusal.existing_id, each.item.decision.record_id)
            if holder != each.item.decision.record_id:
                reason = f"It is {context.crm_name} record {refusal.existing_id}, which is hub record {holder} already"
                ended.append(Ended(each.item.seq, "failed", error=reason))
            else:
                again.append((each.item.seq, _found_there(each.item.decision, refusal.existing_id, context.crm_name)))
        await plans.set_planned(conn, context.run.id, again)
        ended += [_ended(each, done, refused) for each, done in written]
        seen = [_as_written(kind, each, done) for each, done in written]
        await mirroring.store_written(conn, context, kind, seen)
        await journal.write_journal(
            conn,
            context.hub.workspace_id,
            context.connection_id,
            context.run.id,
            kind.part.kind,
            [_entry(each, done, kind.exporting.owner_field) for each, done in written],
        )
        await end_items(conn, context, ended)


def _found_there(decision: Decision, crm_id: str, crm_name: str) -> Decision:
    """A create that the CRM refused because the record is there: link and update instead, once it has been read."""
    return replace(
        decision, action=Action.UPDATE, crm_id=crm_id, reason=f"{crm_name} says it is there already, as record {crm_id}"
    )


def _ended(each: Ready, done: Written, refused: Mapping[int, str]) -> Ended:
    seq, record_id = each.item.seq, each.item.decision.record_id
    if record_id in refused:
        return Ended(seq, "failed", done.crm_id, "The CRM record is linked to another hub record already", done.url)
    left_out = f"Left out: {'; '.join(each.item.decision.problems)}" if each.item.decision.problems else ""
    word = "created" if each.current is None else "updated"
    return Ended(seq, word, done.crm_id, done.warning or left_out, done.url)


def _mapped(kind: KindContext, values: Mapping[str, CrmValue]) -> dict[str, CrmValue | None]:
    fields = kind.exporting.mapping.fields
    return {field: value for field, value in values.items() if field in fields}


def _agreed(kind: KindContext, each: Ready) -> dict[str, CrmValue | None]:
    """What both sides agree on after the write: the mapped values the CRM has now, without those it kept."""
    kept = {change.field for change in each.item.decision.kept}
    values = _mapped(kind, each.current.values) if each.current else {}
    values.update({change.field: change.after for change in each.item.decision.changes})
    return {field: value for field, value in values.items() if field not in kept}


def _as_written(kind: KindContext, each: Ready, done: Written) -> CrmRecord:
    """The CRM record as it must be now, for the mirror."""
    values: dict[str, CrmValue] = dict(each.current.values) if each.current else {}
    for change in each.item.decision.changes:
        if change.after is None:
            values.pop(change.field, None)
        else:
            values[change.field] = change.after
    if each.item.decision.owner and kind.exporting.owner_field:
        values[kind.exporting.owner_field] = each.item.decision.owner
    return CrmRecord(done.crm_id, values, done.modified_at)


async def _end(context: ExportContext, ended: Sequence[Ended]) -> None:
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await end_items(conn, context, ended)


async def end_items(conn: Conn, context: ExportContext, ended: Sequence[Ended]) -> None:
    """Store outcomes and count them in the run's progress."""
    await plans.end_items(conn, context.run.id, ended)
    failed = sum(end.outcome == "failed" for end in ended)
    await runs.add_progress(conn, context.run.id, applied=len(ended), failed=failed)

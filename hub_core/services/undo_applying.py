"""Carrying out an undo, batch by batch: re-check, write, read back, store both sides in one transaction.

Everything may safely be sent twice: values are set to what they were, ties likewise, and a record that is in the CRM's
bin already stays there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from hub_core.engine.store import journal, keys, links, mirror, plans, records, runs, syncing
from hub_core.engine.store.database import Conn
from hub_core.engine.store.journal import Entry
from hub_core.engine.store.links import Link
from hub_core.engine.store.plans import Ended, Item
from hub_core.errors import ConnectorBug
from hub_core.model.fields import FieldInfo
from hub_core.model.plan import Action, Change, Decision, HubChange
from hub_core.model.records import (
    Archive,
    Associated,
    CrmRecord,
    CrmValue,
    HubValue,
    Record,
    RecordKind,
    Rejected,
    Update,
    Write,
    Written,
)
from hub_core.rules.associations import TIES, between
from hub_core.rules.mapping import CompiledRow, compile_mapping
from hub_core.rules.matching import hub_keys
from hub_core.rules.undoing import recheck, same, ties_of, value_of
from hub_core.rules.values import ValueProblem
from hub_core.services import mirroring
from hub_core.services.export_context import ExportContext, known_fields
from hub_core.services.fields import crm_fields
from hub_core.services.gathering import AGREED_TIE
from hub_core.services.undoing import COMPANY, CONTACT, read, tied_contacts, undo_options

#: Contacts leave before the companies that were created for them.
_ORDER: tuple[tuple[tuple[Action, ...], RecordKind | None], ...] = (
    ((Action.UPDATE, Action.PULL, Action.UNLINK), None),
    ((Action.ARCHIVE,), CONTACT),
    ((Action.ARCHIVE,), COMPANY),
)
_WORDS = {Action.UPDATE: "restored", Action.PULL: "restored", Action.UNLINK: "unlinked", Action.ARCHIVE: "archived"}


@dataclass(slots=True)
class _Work:
    """One item on its way. ``current``: the CRM record, read before and after writing, None when it is gone.

    ``restored``: the changes that are carried out by now, in this or an earlier try.
    """

    item: Item
    decision: Decision
    current: CrmRecord | None
    restored: tuple[Change, ...] = ()
    warning: str = ""
    failed: str = ""

    @property
    def ref(self) -> str:
        return f"{self.item.run_id}-{self.item.seq}"


async def apply_chunk(context: ExportContext) -> bool:
    """Carry out the next batch; False when nothing is left."""
    for actions, only in _ORDER:
        async with context.hub.db.transaction(batch=True) as conn:
            items = await plans.next_batch(conn, context.run.id, context.traits.batch, actions, only)
        if items:
            await _carry_out(context, items)
            return True
    return False


async def _carry_out(context: ExportContext, items: Sequence[Item]) -> None:
    kind, action = items[0].kind, items[0].decision.action
    known = await crm_fields(context.hub, context.crm, kind)
    names = [change.field for item in items for change in item.decision.changes]
    writes = action in (Action.UPDATE, Action.ARCHIVE)
    ids = [item.decision.crm_id or "" for item in items]
    present = await read(context, kind, ids, names, known) if writes else {}
    users = await tied_contacts(context, list(present)) if (kind, action) == (COMPANY, Action.ARCHIVE) else {}
    works = [_checked(item, present, users, known) for item in items]
    if writes:
        await _write(context, kind, works, known)
    await _store(context, kind, works, names)


def _checked(
    item: Item, present: Mapping[str, CrmRecord], users: Mapping[str, tuple[str, ...]], known: Mapping[str, FieldInfo]
) -> _Work:
    crm_id = item.decision.crm_id or ""
    record = present.get(crm_id)
    checked = recheck(item.decision, record, known, sent=item.sent_at is not None, users=bool(users.get(crm_id)))
    return _Work(item, checked.decision, record, checked.done)


# Writing


async def _write(
    context: ExportContext, kind: RecordKind, works: Sequence[_Work], known: Mapping[str, FieldInfo]
) -> None:
    due = [each for each in works if each.current and (each.decision.changes or each.decision.action is Action.ARCHIVE)]
    due = [each for each in due if each.decision.action is not Action.SKIP]
    if not due:
        return
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await plans.mark_sending(conn, context.run.id, [each.item.seq for each in due])
    if due[0].decision.action is Action.ARCHIVE:
        await _send(context, kind, due, [Archive(each.ref, each.decision.crm_id or "") for each in due])
        return
    wanted = {each.ref: _wanted_ties(each) for each in due}
    await _send(context, kind, due, [_update(each, _restoring(each), wanted[each.ref]) for each in due])
    await _read_back(context, kind, due, known)
    await _insist(context, kind, [each for each in due if not each.failed], wanted, known)
    for each in due:
        if not each.failed:
            left = [change for change in each.decision.changes if not _is_restored(each, change, known)]
            each.restored += tuple(change for change in each.decision.changes if change not in left)
            labels = [known[change.field].label if change.field in known else "its companies" for change in left]
            each.warning = f"{context.crm_name} did not take back: {', '.join(labels)}" if left else each.warning


def _restoring(work: _Work) -> dict[str, CrmValue | None]:
    return {change.field: change.after for change in work.decision.changes if change.field != TIES}


def _wanted_ties(work: _Work) -> tuple[Associated, ...] | None:
    """The ties that a contact is to have in the end; None for a company."""
    present = work.current.associated if work.current else None
    change = next((change for change in work.decision.changes if change.field == TIES), None)
    return tuple(ties_of(change.after)) if change else present


def _update(work: _Work, values: Mapping[str, CrmValue | None], ties: Sequence[Associated] | None) -> Update:
    """What sets these values, and leads from the present ties to the wanted ones."""
    present = work.current.associated if work.current else None
    made, taken = between(COMPANY, present or (), ties) if ties is not None else ((), ())
    return Update(work.ref, work.decision.crm_id or "", values, associate=made, dissociate=taken)


async def _send(context: ExportContext, kind: RecordKind, works: Sequence[_Work], writes: Sequence[Write]) -> None:
    """Have writes carried out, and note what the CRM refused."""
    if not writes:
        return
    found = await context.crm.connector.export(context.crm.connection, kind, writes)
    outcomes = {outcome.ref: outcome for outcome in found}
    sent = {write.ref for write in writes}
    for each in works:
        match outcomes.get(each.ref):
            case Rejected() as refusal:
                each.failed = refusal.reason
            case Written(warning=warning):
                each.warning = warning
            case None if each.ref in sent:
                raise ConnectorBug(context.crm.connector.key, "export", f"there is no outcome for {each.ref}.")
            case None:
                pass


async def _read_back(
    context: ExportContext, kind: RecordKind, works: Sequence[_Work], known: Mapping[str, FieldInfo]
) -> None:
    names = [change.field for each in works for change in each.item.decision.changes]
    present = await read(context, kind, [each.decision.crm_id or "" for each in works], names, known)
    for each in works:
        each.current = present.get(each.decision.crm_id or "", each.current)


async def _insist(
    context: ExportContext,
    kind: RecordKind,
    works: Sequence[_Work],
    wanted: Mapping[str, tuple[Associated, ...] | None],
    known: Mapping[str, FieldInfo],
) -> None:
    """Some CRMs keep a value that is not cleared first (a stage does not go back), and tie contacts on their own."""
    stuck = {each.ref: _stuck(each, known) for each in works}
    clear = [_update(each, dict.fromkeys(stuck[each.ref]), None) for each in works if stuck[each.ref]]
    again = [_update(each, stuck[each.ref], wanted[each.ref]) for each in works]
    again = [write for write in again if write.values or write.associate or write.dissociate]
    if again:
        await _send(context, kind, works, clear)
        await _send(context, kind, works, again)
        await _read_back(context, kind, works, known)


def _stuck(work: _Work, known: Mapping[str, FieldInfo]) -> dict[str, CrmValue | None]:
    """The values that are still what they were before they were restored, as they should be."""
    return {
        change.field: change.after
        for change in work.decision.changes
        if change.field != TIES
        and change.after is not None
        and not _is_restored(work, change, known)
        and work.current is not None
        and same(change.field, value_of(work.current, change.field), change.before, known)
    }


def _is_restored(work: _Work, change: Change, known: Mapping[str, FieldInfo]) -> bool:
    return work.current is not None and same(change.field, value_of(work.current, change.field), change.after, known)


# Storing


@dataclass(slots=True)
class _Effects:
    """What a batch comes to, to be stored in one transaction; by hub record."""

    ended: list[Ended] = field(default_factory=list[Ended])
    entries: list[Entry] = field(default_factory=list[Entry])
    hub_entries: list[Entry] = field(default_factory=list[Entry])
    hub_values: dict[int, dict[str, HubValue]] = field(default_factory=dict[int, dict[str, HubValue]])
    agreed: dict[int, dict[str, CrmValue | None]] = field(default_factory=lambda: {})
    unlinked: list[int] = field(default_factory=list[int])
    seen: list[CrmRecord] = field(default_factory=list[CrmRecord])
    gone: list[str] = field(default_factory=list[str])


async def _store(context: ExportContext, kind: RecordKind, works: Sequence[_Work], names: Sequence[str]) -> None:
    """Outcomes, journal, links, mirror and the hub's own records, in one transaction."""
    run, connection = context.run, context.connection_id
    copy = await mirroring.mirror_of(context.hub, context.crm, kind)
    rows = await _mapped_rows(context, kind) if any(each.decision.hub_changes for each in works) else ()
    ids = [each.decision.record_id for each in works]
    effects = _Effects()
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, run)
        own = await records.lock_records(conn, kind, ids)
        made = await links.links_made_by(conn, connection, undo_options(run).undo_of, ids)
        linked = await links.links_of(conn, connection, ids)
        for each in works:
            record_id = each.decision.record_id
            _note(effects, context, each, own.get(record_id), linked.get(record_id), made.get(record_id), rows)
        await links.remove_links(conn, connection, effects.unlinked)
        await syncing.agree(conn, connection, effects.agreed)
        await syncing.write_hub(conn, kind, effects.hub_values)
        await _rekey(conn, context, copy, effects.hub_values)
        await mirror.store_records(conn, copy, effects.seen, sorted({name for name in names if name != TIES}))
        await mirror.store_gone(conn, copy, effects.gone)
        where = (context.hub.workspace_id, connection, run.id, kind)
        await journal.write_journal(conn, *where, effects.entries)
        await journal.write_journal(conn, *where, effects.hub_entries, side="hub")
        await plans.end_items(conn, run.id, effects.ended)
        failed = sum(end.outcome == "failed" for end in effects.ended)
        await runs.add_progress(conn, run.id, applied=len(effects.ended), failed=failed)


def _note(
    effects: _Effects,
    context: ExportContext,
    work: _Work,
    record: Record | None,
    link: Link | None,
    made: str | None,
    rows: Sequence[CompiledRow],
) -> None:
    """Add what became of one item."""
    decision, seq = work.decision, work.item.seq
    record_id, crm_id = decision.record_id, decision.crm_id or ""
    if work.failed or decision.action is Action.SKIP:
        outcome = "failed" if work.failed else "skipped"
        effects.ended.append(Ended(seq, outcome, error=work.failed or decision.reason))
        return
    writes = decision.action in (Action.UPDATE, Action.ARCHIVE)
    if writes and (work.current is None or decision.action is Action.ARCHIVE):
        effects.gone.append(crm_id)
    elif work.current is not None:
        effects.seen.append(work.current)
    archived = decision.action is Action.ARCHIVE and (work.current is not None or work.item.sent_at is not None)
    hub = [change for change in decision.hub_changes if record and record.values.get(change.field) == change.before]
    unlinks = link is not None and link.crm_id == crm_id and (made == crm_id or decision.action is Action.ARCHIVE)
    cause = f"undo of run {undo_options(context.run).undo_of}"

    def entry(action: str, changes: Sequence[Change]) -> Entry:
        return Entry(record_id, crm_id, action, tuple(changes), cause)

    if archived:
        effects.entries.append(entry("archive", decision.changes))
    elif work.restored:
        effects.entries.append(entry("update", work.restored))
    elif unlinks:
        effects.entries.append(entry("unlink", ()))
    if hub and record:
        effects.hub_entries.append(entry("update", [Change(*_parts(change)) for change in hub]))
        effects.hub_values[record_id] = _with(record.values, hub)
    if unlinks:
        effects.unlinked.append(record_id)
    elif link is not None and (work.restored or hub):
        effects.agreed[record_id] = _agreed(link, work.restored, effects.hub_values.get(record_id), hub, rows)
    done = archived or bool(work.restored) or bool(hub) or unlinks
    word = _WORDS[decision.action] if done else "unchanged" if decision.action is Action.ARCHIVE else "skipped"
    effects.ended.append(Ended(seq, word, error=work.warning or _why(work, context.crm_name)))


def _why(work: _Work, crm_name: str) -> str:
    """What of an item that went through was not restored."""
    if work.decision.action is Action.UPDATE and work.current is None:
        return f"{crm_name} has the record no more"
    if len(work.decision.kept) > len(work.item.decision.kept):
        return "Changed since the plan was made, so it stays"
    return ""


def _parts(change: HubChange) -> tuple[str, CrmValue | None, CrmValue | None]:
    """The journal holds values of either side in the same columns."""
    return change.field, cast("CrmValue | None", change.before), cast("CrmValue | None", change.after)


def _with(values: Mapping[str, HubValue], changes: Sequence[HubChange]) -> dict[str, HubValue]:
    new = {**values, **{change.field: change.after for change in changes}}
    return {name: value for name, value in new.items() if value is not None}


def _agreed(
    link: Link,
    restored: Sequence[Change],
    values: Mapping[str, HubValue] | None,
    hub: Sequence[HubChange],
    rows: Sequence[CompiledRow],
) -> dict[str, CrmValue | None]:
    """What counts as agreed on from now on: the values that both sides had before the run."""
    agreed: dict[str, CrmValue | None] = {}
    for change in restored:
        if change.field == TIES:
            agreed[AGREED_TIE] = None
        elif change.field in link.agreed:
            agreed[change.field] = change.after
    changed = {change.field for change in hub}
    for row in rows:
        if row.hub.id in changed and row.field.id in link.agreed:
            value = (values or {}).get(row.hub.id)
            with suppress(ValueProblem):
                agreed[row.field.id] = None if value is None else row.write(value)
    return agreed


async def _mapped_rows(context: ExportContext, kind: RecordKind) -> tuple[CompiledRow, ...]:
    """The mapping's rows, as far as they can be used: an undo must not fail because a field was removed since."""
    known = await crm_fields(context.hub, context.crm, kind)
    async with context.hub.db.transaction() as conn:
        fields = await known_fields(conn, context.hub.workspace_id)
    mapping = context.setup.fields.of(kind)
    usable = [row for row in mapping.rows if row.crm in known and (row.hub_field or "") in fields[kind]]
    return compile_mapping(mapping.model_copy(update={"rows": tuple(usable)}), fields[kind], known).rows


async def _rekey(
    conn: Conn, context: ExportContext, copy: mirror.Mirror, changed: Mapping[int, Mapping[str, HubValue]]
) -> None:
    """Make the match keys of changed hub records anew."""
    if not changed:
        return
    scope = await keys.hub_scope(conn, context.hub.workspace_id, copy.kind, copy.rule)
    if scope is not None:
        made = keys.key_rows(hub_keys(copy.rule), changed.items())
        await keys.replace_hub_keys(conn, scope, made, list(changed))

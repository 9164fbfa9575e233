"""Carrying out a sync, batch by batch, on both sides. Each record is merged again on the values it has now, so whatever
happened since the plan, a batch may be done twice, and what somebody edits meanwhile is left to the next sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub_core.engine.store import journal, keys, links, plans, runs, syncing
from hub_core.engine.store.database import Conn
from hub_core.engine.store.journal import Entry
from hub_core.engine.store.plans import Ended, Item
from hub_core.engine.store.syncing import Pair
from hub_core.errors import NotPossible
from hub_core.model.plan import Action, Change, Decision
from hub_core.model.records import ByIds, CrmRecord, CrmValue, HubValue, Outcome, RecordKind, Rejected, Update, Written
from hub_core.rules import safety
from hub_core.rules.associations import TIES, after, as_texts, steps_to
from hub_core.rules.matching import hub_keys
from hub_core.rules.merging import RecordDecision
from hub_core.services import mirroring
from hub_core.services.applying import arrived
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.gathering import AGREED_TIE, agreed_tie
from hub_core.services.syncing import merged_now

COMPANY = RecordKind.COMPANY


async def apply_chunk(context: ExportContext) -> bool:
    """Carry out the next batch; False when nothing is left and the sync is over."""
    kind = context.kinds[context.run.kind]
    first = bool(context.run.cursor.get("first"))
    size = context.traits.batch
    if first and not context.run.applied:
        size = min(size, safety.canary_size(context.run.total))
    async with context.hub.db.transaction(batch=True) as conn:
        items = await plans.next_batch(conn, context.run.id, size, (Action.UPDATE, Action.PULL))
        pairs = await syncing.pairs_of(conn, context.connection_id, [item.decision.record_id for item in items])
    if not items:
        await _over(context, kind)
        return False
    await _carry_out(context, kind, items, pairs)
    if first:
        await _stop_if_unsafe(context)
    return True


async def _over(context: ExportContext, kind: KindContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        low = datetime.fromisoformat(str(context.run.cursor["low"]))
        await syncing.synced_until(conn, context.connection_id, kind.part.kind, low)


async def _stop_if_unsafe(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        run = await runs.get_run(conn, context.run.id)
    counts = safety.Counts(run.total, tried=run.applied, failed=run.failed)
    stop = safety.check(counts, crm_name=context.crm_name)
    if stop:
        raise NotPossible(stop.reason, fix=stop.fix)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A record merged on the values both sides have now. ``current`` is None when nothing is asked of the CRM."""

    item: Item
    pair: Pair
    merged: RecordDecision
    current: CrmRecord | None
    write: Update | None

    @property
    def ref(self) -> str:
        return f"{self.item.run_id}-{self.item.seq}"


async def _carry_out(
    context: ExportContext, kind: KindContext, items: Sequence[Item], pairs: Mapping[int, Pair]
) -> None:
    current: dict[str, CrmRecord] = {}
    if items[0].decision.action is Action.UPDATE:
        tied = COMPANY if any(item.decision.associations for item in items) else None
        query = ByIds(tuple(item.decision.crm_id or "" for item in items), kind.fields, associated=tied)
        found = await context.crm.connector.match(context.crm.connection, kind.part.kind, query)
        current = {record.id: record for record in found}
    targets = await _targets(context, items)
    ready: list[_Ready] = []
    ended: list[Ended] = []
    for item in items:
        pair = pairs.get(item.decision.record_id)
        asked = item.decision.action is Action.UPDATE
        record = current.get(item.decision.crm_id or "") if asked else None
        if pair is None:
            ended.append(Ended(item.seq, "failed", error="The hub record or its link was removed meanwhile"))
        elif (asked and record is None) or (not asked and pair.crm_values is None):
            reason = f"{context.crm_name} record {item.decision.crm_id} is not there any more"
            ended.append(Ended(item.seq, "failed", error=reason))
        else:
            ready.append(_ready(kind, item, pair, record, targets))
    writes = [each.write for each in ready if each.write is not None]
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        tying = [each for each in ready if each.write and each.write.associate and each.item.decision.tied is None]
        await plans.set_planned(conn, context.run.id, [(each.item.seq, _with_ties(each)) for each in tying])
        await plans.mark_sending(conn, context.run.id, [each.item.seq for each in ready if each.write])
        if not writes:
            await _store(conn, context, kind, ready, {}, ended)
            return
    outcomes = await context.crm.connector.export(context.crm.connection, kind.part.kind, writes)
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await _store(conn, context, kind, ready, {outcome.ref: outcome for outcome in outcomes}, ended)


async def _targets(context: ExportContext, items: Sequence[Item]) -> dict[int, str]:
    ids = sorted({step.record_id for item in items for step in item.decision.associations})
    if not ids:
        return {}
    async with context.hub.db.transaction(batch=True) as conn:
        return {key: link.crm_id for key, link in (await links.links_of(conn, context.connection_id, ids)).items()}


def _ready(kind: KindContext, item: Item, pair: Pair, current: CrmRecord | None, targets: Mapping[int, str]) -> _Ready:
    values = pair.crm_values or {} if current is None else current.values
    merged = merged_now(kind, pair, values, current.modified_at if current else "")
    planned = {change.field for change in item.decision.changes}
    changed = {
        change.field: change.after for change in merged.to_crm if current is not None and change.field in planned
    }
    steps = [
        steps_to(current.associated or (), step.kind, targets[step.record_id], step.type)
        for step in item.decision.associations
        if current is not None and step.record_id in targets
    ]
    write = None
    if current is not None and (changed or steps):
        write = Update(
            f"{item.run_id}-{item.seq}",
            current.id,
            changed,
            associate=tuple(tie for tie, _ in steps),
            dissociate=tuple(other for _, others in steps for other in others),
        )
    return _Ready(item, pair, merged, current, write)


async def _store(
    conn: Conn,
    context: ExportContext,
    kind: KindContext,
    ready: Sequence[_Ready],
    outcomes: Mapping[str, Outcome],
    ended: list[Ended],
) -> None:
    """Store what became of a batch on both sides: outcomes, agreed values, the hub's records, mirror and journal."""
    locked = await syncing.pairs_of(conn, context.connection_id, [each.pair.record.id for each in ready], lock=True)
    hub_values: dict[int, Mapping[str, HubValue]] = {}
    agreed: dict[int, Mapping[str, CrmValue | None]] = {}
    seen: dict[int, CrmRecord] = {}
    entries: list[Entry] = []
    hub_entries: list[Entry] = []
    for each in ready:
        outcome = outcomes.get(each.ref) if each.write else None
        if isinstance(outcome, Rejected):
            ended.append(Ended(each.item.seq, "failed", error=outcome.reason))
            continue
        record_id, reason = each.pair.record.id, each.item.decision.reason
        now = locked.get(record_id)
        applied = _pulled(each, now)
        if now is not None and applied:
            hub_values[record_id] = _with(now.record.values, applied)
            changes = tuple(Change(field, before, after_) for field, before, after_ in applied)  # pyright: ignore[reportArgumentType]
            hub_entries.append(Entry(record_id, each.pair.crm_id, "update", changes, f"sync: {reason}"))
        agreed[record_id] = _agreed(each, kind, {field for field, _, _ in applied})
        if each.current and (came := _arrived(each, kind)):
            entries.append(Entry(record_id, each.current.id, "update", came, f"sync: {reason}"))
        if isinstance(outcome, Written) and each.write and each.current:
            seen[record_id] = _as_written(each, outcome)
            entries.append(Entry(record_id, outcome.crm_id, "update", _changes(each), f"sync: {reason}"))
        word = "updated" if each.write else "pulled" if applied else "unchanged"
        warning = outcome.warning if isinstance(outcome, Written) else ""
        ended.append(Ended(each.item.seq, word, each.pair.crm_id, warning))
    await syncing.write_hub(conn, kind.part.kind, hub_values)
    written = {done: record.modified_at for done, record in seen.items()}
    await syncing.mark_own(conn, context.connection_id, list(hub_values), written)
    await _rekey(conn, context, kind, hub_values)
    await syncing.agree(conn, context.connection_id, agreed)
    await mirroring.store_written(conn, context, kind, seen.values())
    where = (context.hub.workspace_id, context.connection_id, context.run.id, kind.part.kind)
    await journal.write_journal(conn, *where, entries)
    await journal.write_journal(conn, *where, hub_entries, side="hub")
    await plans.end_items(conn, context.run.id, ended)
    failed = sum(end.outcome == "failed" for end in ended)
    await runs.add_progress(conn, context.run.id, applied=len(ended), failed=failed)


def _pulled(each: _Ready, now: Pair | None) -> list[tuple[str, HubValue | None, HubValue | None]]:
    """The hub's changes that still hold: a field that was edited since it was merged is left to the next sync."""
    if now is None:
        return []
    planned = {change.field for change in each.item.decision.hub_changes}
    return [
        (change.field, change.before, change.after)
        for change in each.merged.to_hub
        if change.field in planned and now.record.values.get(change.field) == change.before
    ]


def _with(
    values: Mapping[str, HubValue], applied: Sequence[tuple[str, HubValue | None, HubValue | None]]
) -> dict[str, HubValue]:
    new = dict(values)
    for field, _, value in applied:
        if value is None:
            new.pop(field, None)
        else:
            new[field] = value
    return new


def _agreed(each: _Ready, kind: KindContext, pulled: set[str]) -> dict[str, CrmValue | None]:
    """What both sides agree on now: fields that were written, on either side, and those that agreed anyway."""
    written = set(each.write.values) if each.write else set[str]()
    to_crm = {change.field for change in each.merged.to_crm}
    to_hub = {
        row.field.id for row in kind.exporting.mapping.rows if row.hub.id in {c.field for c in each.merged.to_hub}
    }
    fed = {row.field.id for row in kind.exporting.mapping.rows if row.hub.id in pulled}
    agreed = {
        field: value
        for field, value in each.merged.agreed_after.items()
        if field in written or field in fed or (field not in to_crm and field not in to_hub)
    }
    if each.write:
        for tie in each.write.associate:
            agreed[AGREED_TIE] = agreed_tie(tie.crm_id, tie.type)
    return agreed


def _arrived(each: _Ready, kind: KindContext) -> tuple[Change, ...]:
    """What an earlier try, which was cut off, has written without a word in the journal."""
    if each.current is None:
        return ()
    changes = arrived(each.item, each.current, kind.exporting.mapping.fields)
    return tuple(change for change in changes if each.write is None or change.field not in each.write.values)


def _with_ties(each: _Ready) -> Decision:
    """With the ties from before the first try: afterwards nobody could tell which were there."""
    present = each.current.associated or () if each.current else ()
    return replace(each.item.decision, tied=tuple(as_texts(present)))


def _changes(each: _Ready) -> tuple[Change, ...]:
    assert each.write is not None and each.current is not None
    changes = [Change(name, each.current.values.get(name), value) for name, value in each.write.values.items()]
    if each.write.associate or each.write.dissociate:
        present = each.current.associated or ()
        tied = after(present, each.write.associate, each.write.dissociate)
        before = each.item.decision.tied
        changes.append(Change(TIES, as_texts(present) if before is None else list(before), as_texts(tied)))
    return tuple(changes)


def _as_written(each: _Ready, done: Written) -> CrmRecord:
    assert each.write is not None and each.current is not None
    values = dict(each.current.values)
    for name, value in each.write.values.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    return CrmRecord(done.crm_id, values, done.modified_at)


async def _rekey(
    conn: Conn, context: ExportContext, kind: KindContext, changed: Mapping[int, Mapping[str, HubValue]]
) -> None:
    """Make the match keys of changed hub records anew."""
    if not changed:
        return
    scope = await keys.hub_scope(conn, context.hub.workspace_id, kind.part.kind, kind.rule)
    if scope is not None:
        rows = keys.key_rows(hub_keys(kind.rule), changed.items())
        await keys.replace_hub_keys(conn, scope, rows, list(changed))

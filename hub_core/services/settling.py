"""What comes around the writing: looking up what was in flight when a run was cut off, and reading ties back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hub_core.engine.store import candidates, journal, links, plans, runs
from hub_core.engine.store.candidates import Mirrored
from hub_core.engine.store.database import Conn
from hub_core.engine.store.journal import Entry
from hub_core.engine.store.links import Link
from hub_core.engine.store.plans import Item
from hub_core.model.fields import CrmType
from hub_core.model.plan import Action, AssociationStep, Change, Decision
from hub_core.model.records import (
    Associated,
    ByIds,
    CrmValue,
    Outcome,
    RecordKind,
    Update,
    Written,
)
from hub_core.rules.associations import TIES, as_texts, is_tied, planned_ties, steps_to
from hub_core.rules.values import canonical
from hub_core.services import mirroring
from hub_core.services.applying import Ready, store_outcomes, targets_of
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.gathering import AGREED_TIE, agreed_tie

COMPANY = RecordKind.COMPANY

#: Reading the whole CRM is exact at once; beyond this many calls, waiting until its search has caught up is cheaper.
_FULL_READ_CALLS = 200
#: Seconds after which a request whose answer was lost has been carried out, or never will be.
IN_FLIGHT = 10.0


async def reconcile(context: ExportContext) -> float | None:
    """Find out what became of items that were sent and whose answer was lost. Nothing is sent here.

    Updates go back to "planned": they are re-checked before they are sent, and found done if they are. Creates are
    looked up among the CRM's records that nobody is linked to: one that has every value of the create is the one.

    Returns None when all is settled, or how many seconds the CRM still needs before it can be asked.
    """
    async with context.hub.db.transaction(batch=True) as conn:
        sending = await plans.items_sending(conn, context.run.id)
    if not sending:
        return None
    updates = [item for item in sending if item.decision.action is not Action.CREATE]
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await plans.set_planned(conn, context.run.id, [(item.seq, item.decision) for item in updates])
    for what in (RecordKind.COMPANY, RecordKind.CONTACT):
        creates = [item for item in sending if item.kind is what and item.decision.action is Action.CREATE]
        if not creates:
            continue
        wait = await _catch_up(context, context.kinds[what], creates)
        if wait:
            return wait
        await _look_up(context, context.kinds[what], creates)
    return None


async def _catch_up(context: ExportContext, kind: KindContext, creates: Sequence[Item]) -> float | None:
    """Bring the mirror to a state that must hold what was created; seconds to wait if that is not possible yet."""
    missing = _seconds_until(creates, IN_FLIGHT)
    if missing > 0:
        return missing
    async with context.hub.db.transaction(batch=True) as conn:
        size = await mirroring.mirror_size(conn, context.connection_id, kind.part.kind)
    if size / context.traits.page <= _FULL_READ_CALLS:
        await mirroring.refresh(context.hub, context.crm, kind.part.kind, needed=kind.fields, max_age=0, whole=True)
        return None
    missing = _seconds_until(creates, IN_FLIGHT + context.traits.search_lag)
    if missing > 0:
        return missing
    await mirroring.refresh(context.hub, context.crm, kind.part.kind, needed=kind.fields, max_age=0)
    return None


def _seconds_until(creates: Sequence[Item], age: float) -> float:
    """How long it takes until the last of them was sent ``age`` seconds ago."""
    last = max(item.sent_at for item in creates if item.sent_at)
    return (last + timedelta(seconds=age) - datetime.now(UTC)).total_seconds()


async def _look_up(context: ExportContext, kind: KindContext, creates: Sequence[Item]) -> None:
    found: dict[int, Mirrored] = {}
    used: set[str] = set()
    async with context.hub.db.transaction(batch=True) as conn:
        for field, items in _by_telling_field(kind, creates).items():
            values = [str(_created(item)[field]) for item in items]
            strangers = await candidates.unlinked_mirrored(conn, context.connection_id, kind.part.kind, field, values)
            for item in items:
                for stranger in strangers:
                    if stranger.crm_id not in used and _same(kind, _created(item), stranger.values):
                        found[item.seq] = stranger
                        used.add(stranger.crm_id)
                        break
    targets = await targets_of(context, creates)
    arrived = [Ready(item, None, targets) for item in creates if item.seq in found]
    if arrived:
        outcomes: dict[str, Outcome] = {
            each.ref: Written(each.ref, found[each.item.seq].crm_id, found[each.item.seq].modified_at)
            for each in arrived
        }
        await store_outcomes(context, kind, arrived, outcomes)
    lost = [item for item in creates if item.seq not in found]
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        await plans.set_planned(conn, context.run.id, [(item.seq, item.decision) for item in lost])


def _created(item: Item) -> dict[str, CrmValue]:
    return {change.field: change.after for change in item.decision.changes if change.after is not None}


def _by_telling_field(kind: KindContext, creates: Sequence[Item]) -> dict[str, list[Item]]:
    """Creates by the field with the longest text, which few other records share; best one of a type that CRMs keep as
    it was sent, but for capitals."""
    fields = kind.exporting.mapping.fields
    kept = {name for name, field in fields.items() if field.type in (CrmType.TEXT, CrmType.EMAIL)}
    groups: dict[str, list[Item]] = {}
    for item in creates:
        texts = {field: value for field, value in _created(item).items() if isinstance(value, str)}
        if texts:
            telling = max(texts, key=lambda field: (field in kept, len(texts[field])))
            groups.setdefault(telling, []).append(item)
    return groups


def _same(kind: KindContext, created: Mapping[str, CrmValue], present: Mapping[str, CrmValue]) -> bool:
    fields = kind.exporting.mapping.fields
    return all(
        canonical(value, fields[field].type) == canonical(present.get(field), fields[field].type)
        for field, value in created.items()
        if field in fields  # its row may have been paused meanwhile
    )


# Ties that are there already, before planning; ties that were made, after writing


async def present_ties(
    context: ExportContext, decisions: Sequence[Decision], companies: Mapping[int, str | None]
) -> dict[int, tuple[AssociationStep, ...]]:
    """For existing CRM contacts that are to be tied: the steps that are really needed, by hub record, with what is
    there before. ``companies``: hub company -> its CRM id, None when it is still to be created."""
    asked = [decision for decision in decisions if decision.associations and decision.crm_id]
    ties = await _read_ties(context, [decision.crm_id or "" for decision in asked])
    needed: dict[int, tuple[AssociationStep, ...]] = {}
    for decision in asked:
        present = ties.get(decision.crm_id or "", ())
        before = tuple(tie.crm_id for tie in sorted(present, key=lambda tie: not tie.primary))
        needed[decision.record_id] = tuple(
            AssociationStep(step.kind, step.record_id, step.type, before)
            for step in decision.associations
            if not ((target := companies.get(step.record_id)) and is_tied(present, target, step.type))
        )
    return needed


async def _read_ties(context: ExportContext, contact_ids: Sequence[str]) -> dict[str, tuple[Associated, ...]]:
    if not contact_ids:
        return {}
    query = ByIds(tuple(contact_ids), (), associated=COMPANY)
    records = await context.crm.connector.match(context.crm.connection, RecordKind.CONTACT, query)
    return {record.id: record.associated or () for record in records}


async def verify_ties(context: ExportContext, after: int) -> int | None:
    """Read back the ties of the next written contacts after item ``after``, and put right what the CRM made of them.

    Returns the number of the last item looked at, None when there is none left.
    """
    async with context.hub.db.transaction(batch=True) as conn:
        items = await plans.written_with_associations(conn, context.run.id, after, context.traits.association_batch)
        ids = sorted({step.record_id for item in items for step in item.decision.associations})
        targets = {key: link.crm_id for key, link in (await links.links_of(conn, context.connection_id, ids)).items()}
    if not items:
        return None
    present = await _read_ties(context, [item.decision.crm_id or "" for item in items])
    wrong = [item for item in items if not _all_tied(item, targets, present)]
    if wrong:
        writes = [_repair(item, targets, present.get(item.decision.crm_id or "", ())) for item in wrong]
        writes = [write for write in writes if write.associate]
        if writes:
            await context.crm.connector.export(context.crm.connection, RecordKind.CONTACT, writes)
        present |= await _read_ties(context, [item.decision.crm_id or "" for item in wrong])
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        agreed = [
            Link(item.decision.record_id, item.decision.crm_id or "", _agreed_ties(item, targets))
            for item in items
            if _all_tied(item, targets, present)
        ]
        await links.save_links(conn, context.connection_id, RecordKind.CONTACT, context.run.id, agreed)
        await _journal_ties(conn, context, items, present)
        for item in items:
            if not _all_tied(item, targets, present):
                await plans.add_warning(conn, context.run.id, item.seq, _warning(context, item, targets))
        await runs.update_run(conn, context.run.id, cursor={"verified": items[-1].seq})
    return items[-1].seq


async def _journal_ties(
    conn: Conn, context: ExportContext, items: Sequence[Item], present: Mapping[str, Sequence[Associated]]
) -> None:
    """Where the CRM made other ties than it was told to (it may add some), the journal keeps what is there."""
    told = await journal.last_changes(conn, context.run.id, [item.decision.record_id for item in items], TIES)
    entries: list[Entry] = []
    for item in items:
        record_id, crm_id = item.decision.record_id, item.decision.crm_id or ""
        if record_id in told and told[record_id].after != (there := as_texts(present.get(crm_id, ()))):
            change = Change(TIES, told[record_id].after, there)
            entries.append(Entry(record_id, crm_id, "update", (change,), "the CRM's own doing"))
    await journal.write_journal(
        conn, context.hub.workspace_id, context.connection_id, context.run.id, RecordKind.CONTACT, entries
    )


def _all_tied(item: Item, targets: Mapping[int, str], present: Mapping[str, Sequence[Associated]]) -> bool:
    ties = present.get(item.decision.crm_id or "", ())
    return all(
        step.record_id in targets and is_tied(_planned(item, step, ties, targets), targets[step.record_id], step.type)
        for step in item.decision.associations
    )


def _planned(
    item: Item, step: AssociationStep, ties: Sequence[Associated], targets: Mapping[int, str]
) -> Sequence[Associated]:
    """The ties that the plan was about: those of a record that was there before, as far as the plan has shown them."""
    if item.outcome == "created":
        return ties
    return planned_ties(ties, step, targets.get(step.record_id, ""))


def _repair(item: Item, targets: Mapping[int, str], present: Sequence[Associated]) -> Update:
    steps = [
        steps_to(_planned(item, step, present, targets), step.kind, targets[step.record_id], step.type)
        for step in item.decision.associations
        if step.record_id in targets
        and not is_tied(_planned(item, step, present, targets), targets[step.record_id], step.type)
    ]
    return Update(
        f"{item.run_id}-{item.seq}-ties",
        item.decision.crm_id or "",
        {},
        associate=tuple(tie for tie, _ in steps),
        dissociate=tuple(other for _, others in steps for other in others),
    )


def _agreed_ties(item: Item, targets: Mapping[int, str]) -> dict[str, CrmValue | None]:
    [step] = item.decision.associations  # a contact works at one company
    return {AGREED_TIE: agreed_tie(targets[step.record_id], step.type)}


def _warning(context: ExportContext, item: Item, targets: Mapping[int, str]) -> str:
    if all(step.record_id not in targets for step in item.decision.associations):
        return f"Written, but its company is not in {context.crm_name}"
    return f"Written, but {context.crm_name} did not keep its tie to the company"

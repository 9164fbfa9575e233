"""Planning to take a run back: from the journal, against what both sides hold now. `undo_applying` carries it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from hub_core.engine.store import journal, links, plans, runs, selection, setups
from hub_core.engine.store.database import refresh_statistics
from hub_core.engine.store.runs import Run
from hub_core.errors import NotPossible
from hub_core.model.fields import FieldInfo
from hub_core.model.plan import Action, Decision, RunState, UndoOptions
from hub_core.model.records import ByIds, CrmRecord, Record, RecordKind
from hub_core.rules.associations import TIES
from hub_core.rules.undoing import Effect, Now, Undoing, decide, effect_of, ties_of, without_gone
from hub_core.services.export_context import ExportContext
from hub_core.services.fields import crm_fields
from hub_core.services.hub import Hub

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
#: Contacts come first: a company that a run has created can go when its contacts have left it.
KINDS = (CONTACT, COMPANY)
#: Records decided per transaction.
PAGE = 1000
#: What an undo carries out, besides leaving things as they are.
ACTIONS = (Action.UPDATE, Action.PULL, Action.UNLINK, Action.ARCHIVE)


async def start_undo(hub: Hub, run_id: int, *, record_id: int | None = None, keep_created: bool = False) -> Run:
    """Store a run that takes back what run ``run_id`` did, or what it did to one hub record; it is planned first.

    Raises `UnknownName`, and `NotPossible` for a run that has not ended, or that did nothing which can be taken back.
    """
    async with hub.db.transaction() as conn:
        run = await runs.get_run(conn, run_id, hub.workspace_id)
        if not run.state.ended:
            raise NotPossible(
                f"Run {run_id} is {run.state.value}; only an ended run can be taken back.",
                fix=f"End it first: hub runs cancel {run_id}",
            )
        if run.options.job == "undo" and await journal.has_done(conn, run_id, "archive"):
            raise NotPossible(
                f"Run {run_id} has moved records to the CRM's bin, and only the CRM can bring them back.",
                fix="Restore them in the CRM, then export again: they are found and linked.",
            )
        if record_id is not None and not await journal.count_records(conn, run_id, record_id):
            raise NotPossible(f"Run {run_id} has changed nothing about record {record_id}.")
        version, _ = await setups.load_setup(conn, run.connection_id)
        options = UndoOptions(run.kind, run_id, record_id, keep_created)
        new = await runs.new_run(
            conn, hub.workspace_id, run.connection_id, options, setup_version=version, stage="undo plan"
        )
        return await runs.get_run(conn, new)


def undo_options(run: Run) -> UndoOptions:
    """What an undo was asked for."""
    assert isinstance(run.options, UndoOptions)
    return run.options


async def plan_chunk(context: ExportContext) -> bool:
    """Decide about the next records of the run that is taken back; False when the plan is complete."""
    run, options = context.run, undo_options(context.run)
    cursor = {"part": 0, "after": 0, **run.cursor}
    if cursor["part"] >= len(KINDS):
        await _complete(context)
        return False
    kind = KINDS[cursor["part"]]
    async with context.hub.db.transaction() as conn:
        noted = await journal.of_run(
            conn, options.undo_of, kind, after=cursor["after"], limit=PAGE, record_id=options.record_id
        )
        total = run.total or await journal.count_records(conn, options.undo_of, options.record_id)
    decisions = await _decide(context, kind, [effect_of(rows) for rows in noted.values()]) if noted else []
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, run)
        await plans.add_items(conn, run.id, kind, await plans.next_seq(conn, run.id), decisions)
        if noted:
            cursor["after"] = max(noted)
            await runs.add_progress(conn, run.id, planned=len(noted))
        else:
            cursor.update(part=cursor["part"] + 1, after=0)
        await runs.update_run(conn, run.id, cursor=cursor, total=total)
    return True


async def _decide(context: ExportContext, kind: RecordKind, effects: Sequence[Effect]) -> list[Decision]:
    options = undo_options(context.run)
    known = await crm_fields(context.hub, context.crm, kind)
    undoing = Undoing(options.undo_of, context.crm_name, known, options.keep_created)
    present = await read(
        context,
        kind,
        [effect.crm_id for effect in effects if effect.crm or effect.created],
        [change.field for effect in effects for change in effect.crm],
        known,
    )
    ids = [effect.record_id for effect in effects]
    async with context.hub.db.transaction(batch=True) as conn:
        made = await links.links_made_by(conn, context.connection_id, options.undo_of, ids)
        own = await selection.records_by_id(conn, kind, ids)
    created = [effect.crm_id for effect in effects if effect.created and effect.crm_id in present]
    users = await _staying_users(context, created) if kind is COMPANY else {}
    decisions = [decide(effect, _now(effect, present, own, linked=made, users=users), undoing) for effect in effects]
    gone = await _gone_companies(context, decisions)
    return [without_gone(decision, gone, context.crm_name) for decision in decisions]


def _now(
    effect: Effect,
    present: Mapping[str, CrmRecord],
    own: Mapping[int, Record],
    *,
    linked: Mapping[int, str],
    users: Mapping[str, tuple[str, ...]],
) -> Now:
    record = own.get(effect.record_id)
    return Now(
        crm=present.get(effect.crm_id),
        hub=record.values if record else None,
        linked=linked.get(effect.record_id) == effect.crm_id,
        users=users.get(effect.crm_id, ()),
    )


async def read(
    context: ExportContext,
    kind: RecordKind,
    ids: Iterable[str],
    names: Iterable[str],
    known: Mapping[str, FieldInfo],
) -> dict[str, CrmRecord]:
    """CRM records by id with the fields of these names, contacts with their companies. Who is gone is left out."""
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    fields = tuple(known[name] for name in dict.fromkeys(names) if name in known)
    query = ByIds(
        wanted,
        fields or tuple(known.values())[:1],  # without any, nobody would say who is gone
        associated=COMPANY if kind is CONTACT else None,
    )
    records = await context.crm.connector.match(context.crm.connection, kind, query)
    return {record.id: record for record in records}


async def tied_contacts(context: ExportContext, company_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The contacts that are tied to each of these CRM companies, which are there."""
    if not company_ids:
        return {}
    query = ByIds(tuple(company_ids), (), associated=CONTACT)
    records = await context.crm.connector.match(context.crm.connection, COMPANY, query)
    return {record.id: tuple(tie.crm_id for tie in record.associated or ()) for record in records}


async def _staying_users(context: ExportContext, company_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Contacts that will still be tied to these companies once the contacts of this undo are dealt with."""
    tied = await tied_contacts(context, company_ids)
    ids = sorted({contact for contacts in tied.values() for contact in contacts})
    async with context.hub.db.transaction(batch=True) as conn:
        linked = await links.linked_records(conn, context.connection_id, CONTACT, ids)
        items = await plans.items_of(conn, context.run.id, CONTACT, list(linked.values()))
    by_crm_id = {item.decision.crm_id: item.decision for item in items}
    return {
        company: tuple(contact for contact in contacts if not _leaves(by_crm_id.get(contact), company))
        for company, contacts in tied.items()
    }


def _leaves(contact: Decision | None, company: str) -> bool:
    """Whether this undo takes a contact away from a company."""
    if contact is None:
        return False
    ties = [change for change in contact.changes if change.field == TIES]
    parted = any(company not in {tie.crm_id for tie in ties_of(change.after)} for change in ties)
    return contact.action is Action.ARCHIVE or parted


async def _gone_companies(context: ExportContext, decisions: Sequence[Decision]) -> set[str]:
    """Those of the companies which contacts are to be tied to again that the CRM has no more."""
    wanted = {
        tie.crm_id
        for decision in decisions
        if decision.action is Action.UPDATE
        for change in decision.changes
        if change.field == TIES
        for tie in ties_of(change.after) - ties_of(change.before)
    }
    if not wanted:
        return set()
    known = await crm_fields(context.hub, context.crm, COMPANY)
    return wanted - set(await read(context, COMPANY, wanted, (), known))


async def _complete(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        counts = await plans.counts_by_action(conn, context.run.id)
        await refresh_statistics(conn, ("plan_item",))
        await runs.update_run(
            conn,
            context.run.id,
            state=RunState.PLANNED.value,
            stage="undo apply",
            cursor={},
            estimate=_estimated_calls(counts, context.traits.batch),
            total=sum(number for (_, action), number in counts.items() if action in ACTIONS),
        )


def _estimated_calls(counts: Mapping[tuple[RecordKind, Action], int], batch: int) -> int:
    """Every batch is read, written and read back, with the ties of contacts; before archiving it is only read."""
    calls = {
        (CONTACT, Action.UPDATE): 5,
        (COMPANY, Action.UPDATE): 3,
        (CONTACT, Action.ARCHIVE): 3,
        (COMPANY, Action.ARCHIVE): 3,
    }
    return sum(ceil(counts.get(pair, 0) / batch) * number for pair, number in calls.items())

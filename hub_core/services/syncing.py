"""Planning a sync: what either side of linked records has changed since the last time is merged three ways (last
agreed, hub, CRM) under each row's mode. Only linked records take part; an export links them.

A sync is a run like an export: planned, looked at, applied in batches (`sync_applying`), resumed after a stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_core.engine.store import links, plans, repairs, runs, syncing
from hub_core.engine.store.database import Conn, refresh_statistics
from hub_core.engine.store.runs import Run
from hub_core.engine.store.setups import load_setup
from hub_core.engine.store.syncing import Pair
from hub_core.model.plan import Action, AssociationStep, Decision, RunState, SyncOptions
from hub_core.model.records import CrmValue, RecordKind
from hub_core.rules import flapping, safety
from hub_core.rules.flapping import Applied
from hub_core.rules.merging import RecordDecision, merge_record
from hub_core.services import mirroring
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.gathering import missing_ties
from hub_core.services.hub import Hub
from hub_core.services.settling import present_ties

PAGE = 500
#: How far back changes count for telling that a field flips back and forth.
_MEMORY = timedelta(days=7)
COMPANY = RecordKind.COMPANY


async def start_sync(hub: Hub, kind: RecordKind, *, automatic: bool = False) -> Run:
    """Store a run that brings the linked records of ``kind`` together. Raises `NotPossible` without an active CRM."""
    async with hub.crm() as crm, hub.db.transaction() as conn:
        version, _ = await load_setup(conn, crm.stored.id)
        options = SyncOptions(kind, automatic=automatic)
        run_id = await runs.new_run(
            conn, hub.workspace_id, crm.stored.id, options, setup_version=version, stage="sync plan"
        )
        return await runs.get_run(conn, run_id)


async def is_confirmed(hub: Hub, kind: RecordKind) -> bool:
    """Whether a person has let the first sync of the active CRM's ``kind`` go on."""
    async with hub.crm() as crm, hub.db.transaction() as conn:
        return (await syncing.sync_state(conn, crm.stored.id, kind)).confirmed


# Planning


async def plan_chunk(context: ExportContext) -> bool:
    """Do one bounded piece of planning; False when the plan is complete."""
    cursor = {"prepared": False, "after": 0, **context.run.cursor}
    kind = context.kinds[context.run.kind]
    if not cursor["prepared"]:
        await _prepare(context, kind, cursor)
        return True
    async with context.hub.db.transaction(batch=True) as conn:
        pairs = await syncing.touched_after(conn, context.run.id, context.connection_id, cursor["after"], PAGE)
        if not pairs:
            await _complete(conn, context, cursor)
            return False
        records = [pair.record for pair in pairs]
        linked = await links.links_of(conn, context.connection_id, [record.id for record in records])
        ties, companies = await missing_ties(conn, context, kind, records, linked)
        history = await _history(conn, context, [record.id for record in records])
    decisions = [_decide(context, kind, pair, history.get(pair.record.id, {})) for pair in pairs]
    wanted = [
        replace(decision, associations=ties.get(pair.record.id, ()), crm_id=pair.crm_id)
        for (decision, _), pair in zip(decisions, pairs, strict=True)
    ]
    needed = await present_ties(context, wanted, companies)
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        settled = [_with_ties(decision, needed.get(decision.record_id, ())) for decision in wanted]
        todo = [decision for decision in settled if decision.action is not Action.UNCHANGED]
        first = await plans.next_seq(conn, context.run.id)
        await plans.add_items(conn, context.run.id, kind.part.kind, first, todo)
        asked = [(each.record_id, each.reason, ()) for each in todo if each.action is Action.REVIEW]
        await links.ask(conn, context.connection_id, kind.part.kind, asked)
        agreed = {
            pair.record.id: merged.agreed_after
            for pair, (_, merged), decision in zip(pairs, decisions, settled, strict=True)
            if merged is not None and decision.action is Action.UNCHANGED and merged.agreed_after
        }
        await syncing.agree(conn, context.connection_id, agreed)
        cursor["after"] = pairs[-1].record.id
        await runs.add_progress(conn, context.run.id, planned=len(pairs))
        await runs.update_run(conn, context.run.id, cursor=cursor)
    return True


async def _prepare(context: ExportContext, kind: KindContext, cursor: dict[str, Any]) -> None:
    """Read what the CRM has changed, and find which linked records either side has changed."""
    async with context.hub.db.transaction() as conn:
        state = await syncing.sync_state(conn, context.connection_id, kind.part.kind)
        low = await syncing.low_water(conn)
    report = await mirroring.refresh(context.hub, context.crm, kind.part.kind, needed=kind.fields, max_age=0)
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        await repairs.forget_blanks(conn, context.connection_id, kind.part.kind)
        await refresh_statistics(conn, ("record", "crm_record", "link"))
        total = await syncing.find_touched(
            conn, context.run.id, context.hub.workspace_id, context.connection_id, kind.part.kind, state.since
        )
        cursor.update(prepared=True, after=0, low=low.isoformat(), first=state.since is None)
        route = f"{report.changes:,} changes read from {context.crm_name}; {total:,} linked records to look at"
        route = "\n".join(filter(None, (route, kind.paused)))
        await runs.update_run(conn, context.run.id, cursor=cursor, total=total, route=route)


def _decide(
    context: ExportContext, kind: KindContext, pair: Pair, history: Mapping[str, Sequence[Applied]]
) -> tuple[Decision, RecordDecision | None]:
    """What one pair comes to; None beside a record that is gone from the CRM."""
    if pair.crm_values is None:
        reason = f"{context.crm_name} record {pair.crm_id} was deleted there: create it again or skip?"
        return Decision(pair.record.id, Action.REVIEW, reason, pair.crm_id), None
    merged = merged_now(kind, pair, pair.crm_values)
    merged, restless = _without_restless(context, kind, merged, history)
    problems = (*merged.problems, *(f"{each.field}: {each.reason}" for each in merged.conflicts), *restless)
    if merged.to_crm:
        action = Action.UPDATE
    elif merged.to_hub:
        action = Action.PULL
    else:
        action = Action.SKIP if problems else Action.UNCHANGED
    reason = "; ".join(dict.fromkeys(merged.reasons.values())) or (problems[0] if problems else "Nothing to do")
    decision = Decision(
        pair.record.id, action, reason, pair.crm_id, merged.to_crm, problems=problems, hub_changes=merged.to_hub
    )
    return decision, merged


def merged_now(
    kind: KindContext, pair: Pair, crm_values: Mapping[str, CrmValue], modified_at: str = ""
) -> RecordDecision:
    """Merge a pair on these CRM values."""
    return merge_record(
        kind.exporting.mapping,
        hub_values=pair.record.values,
        crm_values=crm_values,
        agreed=pair.agreed,
        hub_changed_at=pair.updated_at,
        crm_changed_at=_moment(pair.crm_modified_at if modified_at in ("", pair.written_at) else modified_at),
    )


def _moment(text: str) -> datetime | None:
    """A vendor's modification time; None when it tells none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _history(
    conn: Conn, context: ExportContext, record_ids: Sequence[int]
) -> dict[int, dict[str, list[Applied]]]:
    """What was lately done to these records, by CRM field; a hub field's changes count for those it is mapped to."""
    since = datetime.now(UTC) - _MEMORY
    recent = await syncing.recent_changes(conn, context.connection_id, record_ids, since)
    rows = context.kinds[context.run.kind].exporting.mapping.rows
    crm_fields: dict[str, list[str]] = {}
    for row in rows:
        if row.feeds:  # into other CRM fields every change of the hub's is written: that is no going back and forth
            crm_fields.setdefault(row.hub.id, []).append(row.field.id)
    found: dict[int, dict[str, list[Applied]]] = {}
    for record_id, changes in recent.items():
        by_field = found.setdefault(record_id, {})
        for side, change, at in changes:
            names = [change.field] if side == "crm" else crm_fields.get(change.field, [])
            for name in names:
                applied = Applied("crm" if side == "crm" else "hub", change.before, change.after, at)
                by_field.setdefault(name, []).append(applied)
    return found


def _without_restless(
    context: ExportContext, kind: KindContext, merged: RecordDecision, history: Mapping[str, Sequence[Applied]]
) -> tuple[RecordDecision, list[str]]:
    """Leave out fields that somebody else keeps changing back; they are explained, not fought over."""
    restless = {field for field in merged.reasons if flapping.is_flapping(history.get(field, ()))}
    if not restless:
        return merged, []
    mapping = kind.exporting.mapping
    hub_fields = {row.hub.id for row in mapping.rows if row.field.id in restless}
    dropped = restless | {row.field.id for row in mapping.rows if row.hub.id in hub_fields}
    said = [
        flapping.explain(history[field], mapping.fields[field].label, crm_name=context.crm_name) for field in restless
    ]
    kept = replace(
        merged,
        to_crm=tuple(change for change in merged.to_crm if change.field not in dropped),
        to_hub=tuple(change for change in merged.to_hub if change.field not in hub_fields),
        agreed_after={field: value for field, value in merged.agreed_after.items() if field not in dropped},
        reasons={field: reason for field, reason in merged.reasons.items() if field not in dropped},
    )
    return kept, said


def _with_ties(decision: Decision, steps: tuple[AssociationStep, ...]) -> Decision:
    """A missing tie is a reason to write."""
    if not steps or decision.action is Action.REVIEW:
        return replace(decision, associations=())
    if decision.action in (Action.UNCHANGED, Action.SKIP, Action.PULL):
        return replace(decision, action=Action.UPDATE, reason="Its company is not tied to it yet", associations=steps)
    return replace(decision, associations=steps)


async def _complete(conn: Conn, context: ExportContext, cursor: Mapping[str, object]) -> None:
    """The plan is whole. A first sync waits for a person; one that would overwrite too much says so."""
    await runs.hold_lease(conn, context.run)
    await syncing.drop_touched(conn, context.run.id)
    counts = {action: number for (_, action), number in (await plans.counts_by_action(conn, context.run.id)).items()}
    writes = counts.get(Action.UPDATE, 0) + counts.get(Action.PULL, 0)
    overwritten = await plans.count_overwriting(conn, context.run.id)
    stop = safety.check(safety.Counts(context.run.total, overwrite=overwritten), crm_name=context.crm_name)
    if not counts:  # nothing to look at, nothing to wait for
        low = datetime.fromisoformat(str(cursor["low"]))
        await syncing.synced_until(conn, context.connection_id, context.run.kind, low)
        await runs.update_run(
            conn, context.run.id, state=RunState.DONE.value, stage="", total=0, ended_at=datetime.now(UTC)
        )
        return
    traits = context.traits
    updates = counts.get(Action.UPDATE, 0)
    estimate = -(-updates // traits.read_batch) + -(-updates // traits.batch)
    await runs.update_run(
        conn,
        context.run.id,
        state=RunState.PLANNED.value,
        stage="sync apply",
        cursor={"low": cursor["low"], "first": cursor["first"]},
        total=writes,
        estimate=estimate,
        message=f"{stop.reason} {stop.fix}" if stop and cursor["first"] else "",
    )

"""Making an export's plan, chunk by chunk: bring the mirror up to date, match, decide, store. Nothing is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub_core.engine.store import candidates, keys, links, plans, runs, selection
from hub_core.engine.store.database import Conn, refresh_statistics
from hub_core.manifest import CrmTraits
from hub_core.model.plan import Action, Decision, RunState
from hub_core.model.records import RecordKind
from hub_core.rules.exporting import decide
from hub_core.services import matching
from hub_core.services.export_context import ExportContext, KindContext
from hub_core.services.gathering import situations
from hub_core.services.settling import present_ties

#: Records decided per transaction.
PAGE = 1000


async def plan_chunk(context: ExportContext) -> bool:
    """Do one bounded piece of planning; False when the plan is complete. The run's cursor says where it stands."""
    cursor = {"part": 0, "prepared": False, "after": 0, **context.run.cursor}
    if cursor["part"] >= len(context.parts):
        await _complete(context)
        return False
    part = context.parts[cursor["part"]]
    kind = context.kinds[part.kind]
    if not cursor["prepared"]:
        await _prepare(context, kind)
        cursor["prepared"] = True
        async with context.hub.db.transaction(batch=True) as conn:
            await runs.hold_lease(conn, context.run)
            await runs.update_run(conn, context.run.id, cursor=cursor)
        return True
    async with context.hub.db.transaction(batch=True) as conn:
        records = await selection.selected_after(conn, part.selection, cursor["after"], PAGE)
        scopes = await _scopes(conn, context, kind)
        if scopes is None:  # the rule was changed, or the database restarted: the keys of the preparation are gone
            cursor["prepared"] = False
            await runs.update_run(conn, context.run.id, cursor=cursor)
            return True
        known = await situations(conn, context, kind, records, scopes) if records else []
        company_ids = sorted({step.record_id for each in known for step in each.associations})
        companies = await candidates.companies_of_run(conn, context.run.id, context.connection_id, company_ids)
    decisions = [decide(situation, kind.exporting) for situation in known]
    needed = await present_ties(context, decisions, companies)
    for index, situation in enumerate(known):
        steps = needed.get(situation.record.id)
        if steps is not None:
            decisions[index] = decide(replace(situation, associations=steps), kind.exporting)
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        if records:
            cursor["after"] = records[-1].id
            await _store(conn, context, kind, decisions)
            await runs.add_progress(conn, context.run.id, planned=len(records))
        else:
            cursor.update(part=cursor["part"] + 1, prepared=False, after=0)
        await runs.update_run(conn, context.run.id, cursor=cursor)
    return True


async def _scopes(conn: Conn, context: ExportContext, kind: KindContext) -> tuple[int, int] | None:
    """The key scopes of the hub's and the CRM's side, None when one has to be made anew."""
    workspace, what = context.hub.workspace_id, kind.part.kind
    hub_scope = await keys.find_hub_scope(conn, workspace, what, kind.rule)
    crm_scope = await keys.find_crm_scope(
        conn, workspace, context.connection_id, what, rule=kind.rule, mapping=kind.compared
    )
    return None if hub_scope is None or crm_scope is None else (hub_scope, crm_scope)


async def _prepare(context: ExportContext, kind: KindContext) -> None:
    """Bring the mirror up to date for one part, make the match keys, and find the twins."""
    selected = kind.part.selection
    async with context.hub.db.transaction() as conn:
        await selection.look_at_sizes(conn)
        total = await selection.count_selected(conn, selected)
        linked = await selection.count_linked(conn, selected, context.connection_id)
        await runs.hold_lease(conn, context.run)
        await runs.add_progress(conn, context.run.id, total=total)
    route = await matching.bring_up_to_date(
        context.hub,
        context.crm,
        kind.part.kind,
        rule=kind.rule,
        mapping=kind.compared,
        needed=kind.fields,
        selected=selected,
        count=total,
        linked=linked,
    )
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        earlier = (await runs.get_run(conn, context.run.id)).route
        lines = [earlier, *(f"{kind.part.kind.plural}: {text}" for text in (route.reason, kind.paused) if text)]
        await runs.update_run(conn, context.run.id, route="\n".join(filter(None, lines)))
        hub_scope = await matching.ensure_hub_keys(conn, context.hub.workspace_id, kind.part.kind, kind.rule)
        crm_scope = await matching.ensure_crm_keys(
            conn, context.hub.workspace_id, context.connection_id, kind.part.kind, rule=kind.rule, mapping=kind.compared
        )
        await selection.look_at_sizes(conn)
        await selection.find_twins(
            conn, context.run.id, selected, context.connection_id, hub_scope=hub_scope, crm_scope=crm_scope
        )


async def _store(conn: Conn, context: ExportContext, kind: KindContext, decisions: Sequence[Decision]) -> None:
    """Store the decisions as plan items, and the questions in the review queue."""
    if kind.part.only_link:
        # those who match another hub record's are kept: contacts are tied to that one
        decisions = [each for each in decisions if each.action in (Action.LINK, Action.UPDATE) or each.crm_id]
    else:
        questions = [
            (each.record_id, each.reason, each.candidates) for each in decisions if each.action is Action.REVIEW
        ]
        await links.ask(conn, context.connection_id, kind.part.kind, questions)
    first = await plans.next_seq(conn, context.run.id)
    await plans.add_items(conn, context.run.id, kind.part.kind, first, decisions)


async def _complete(context: ExportContext) -> None:
    """The plan is whole: say what applying it will cost."""
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        counts = await plans.counts_by_action(conn, context.run.id)
        tied = await plans.count_tied(conn, context.run.id)
        await refresh_statistics(conn, ("plan_item",))
        calls = estimated_calls(counts, tied, context.traits)
        writes = sum(number for (_, action), number in counts.items() if action.writes)
        await runs.update_run(
            conn, context.run.id, state=RunState.PLANNED.value, stage="apply", cursor={}, estimate=calls, total=writes
        )


def estimated_calls(
    counts: Mapping[tuple[RecordKind, Action], int], tied: Mapping[Action, int], traits: CrmTraits
) -> int:
    """API calls to apply a plan: creates, updates with their re-check, ties, and reading the ties back."""

    def batches(number: int, size: int) -> int:
        return math.ceil(number / size)

    calls = 0
    for kind in (RecordKind.COMPANY, RecordKind.CONTACT):
        calls += batches(counts.get((kind, Action.CREATE), 0), traits.batch)
        updates = counts.get((kind, Action.UPDATE), 0)
        calls += batches(updates, traits.read_batch) + batches(updates, traits.batch)
    if not traits.inline_associations:
        calls += batches(tied.get(Action.CREATE, 0), traits.batch)
    calls += 2 * batches(tied.get(Action.UPDATE, 0), traits.batch)
    return calls + batches(sum(tied.values()), traits.association_batch)

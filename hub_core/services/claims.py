"""Whose CRM record it is, settled before anything is sent: a plan may be older than the links and records of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub_core.engine.store import candidates as known
from hub_core.engine.store import keys, links, plans, runs, selection
from hub_core.engine.store.plans import Ended, Item
from hub_core.model.plan import Action, Decision
from hub_core.rules.matching import explain
from hub_core.services.export_context import ExportContext, KindContext


async def settle(context: ExportContext, kind: KindContext, items: Sequence[Item]) -> tuple[list[Item], list[Ended]]:
    """The items of a batch that may be sent, and those that end here.

    A create whose hub record has been linked since, or whose CRM record has turned up since, becomes an update, and
    waits for its batch. An update goes to the record that the link says. A CRM record belongs to one hub record only.
    """
    ids = [item.decision.record_id for item in items]
    async with context.hub.db.transaction(batch=True) as conn:
        await runs.hold_lease(conn, context.run)
        linked = {key: link.crm_id for key, link in (await links.links_of(conn, context.connection_id, ids)).items()}
        found = await _turned_up(context, kind, items) if items[0].decision.action is Action.CREATE else {}
        found |= {
            key: (crm_id, f"linked to {context.crm_name} record {crm_id} since") for key, crm_id in linked.items()
        }
        if items[0].decision.action is Action.CREATE:
            later = [item for item in items if item.decision.record_id in found]
            again = [(item.seq, _as_update(item.decision, *found[item.decision.record_id])) for item in later]
            await plans.set_planned(conn, context.run.id, again)
            return [item for item in items if item not in later], []
        moved = [_moved(item, linked) for item in items]
        crm_ids = [item.decision.crm_id or "" for item in moved]
        holders = await links.linked_records(conn, context.connection_id, kind.part.kind, crm_ids)
    kept: list[Item] = []
    ended: list[Ended] = []
    for item in moved:
        crm_id, record_id = item.decision.crm_id or "", item.decision.record_id
        holder = holders.setdefault(crm_id, record_id)
        if holder == record_id:
            kept.append(item)
        else:
            reason = f"{context.crm_name} record {crm_id} belongs to hub record {holder}"
            ended.append(Ended(item.seq, "failed", error=reason))
    return kept, ended


def _as_update(decision: Decision, crm_id: str, why: str) -> Decision:
    return replace(decision, action=Action.UPDATE, crm_id=crm_id, reason=f"Not created: {why}")


def _moved(item: Item, linked: Mapping[int, str]) -> Item:
    crm_id = linked.get(item.decision.record_id)
    if crm_id is None or crm_id == item.decision.crm_id:
        return item
    return replace(item, decision=replace(item.decision, crm_id=crm_id))


async def _turned_up(context: ExportContext, kind: KindContext, items: Sequence[Item]) -> dict[int, tuple[str, str]]:
    """Creates that match exactly one CRM record now which nobody is linked to: by hub record, its id and why.

    What a person has answered with "create" is created whatever matches.
    """
    ids = [item.decision.record_id for item in items]
    what, connection = kind.part.kind, context.connection_id
    async with context.hub.db.transaction(batch=True) as conn:
        hub_scope = await keys.find_hub_scope(conn, context.hub.workspace_id, what, kind.rule)
        crm_scope = await keys.find_crm_scope(
            conn, context.hub.workspace_id, connection, what, rule=kind.rule, mapping=kind.compared
        )
        if hub_scope is None or crm_scope is None:
            return {}
        found = await known.key_candidates(conn, ids, hub_scope=hub_scope, crm_scope=crm_scope)
        if not found:
            return {}
        answers = await links.answers_of(conn, connection, what, ids)
        records = await selection.records_by_id(conn, what, list(found))
        taken = await links.linked_records(
            conn, connection, what, [each.crm_id for candidates in found.values() for each in candidates]
        )
    turned_up: dict[int, tuple[str, str]] = {}
    for record_id, record in records.items():
        matching = [
            each.crm_id
            for each in found[record_id]
            if each.crm_id not in taken and explain(kind.rule, record.values, each.values, kind.compared)
        ]
        if len(matching) == 1 and answers.get(record_id, ("", None))[0] != "create":
            turned_up[record_id] = (matching[0], f"{context.crm_name} record {matching[0]} matches it now")
    return turned_up

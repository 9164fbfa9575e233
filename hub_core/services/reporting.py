"""A run as people look at it: the plan in numbers, sample diffs, results per record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub_core.engine.store import candidates, connections, plans, runs, selection, setups
from hub_core.engine.store.crm_fields import load_fields
from hub_core.engine.store.database import Conn
from hub_core.engine.store.plans import Item
from hub_core.engine.store.runs import Run
from hub_core.errors import PluginBroken, UnknownName
from hub_core.model.plan import Action
from hub_core.model.records import CrmValue, HubValue, RecordKind
from hub_core.model.setup import CrmSetup
from hub_core.rules.associations import TIES
from hub_core.services.hub import Hub

ANY_AGE = 1e9  # seconds
#: Which actions a plan shows examples of.
_SAMPLED = {
    "export": (Action.CREATE, Action.UPDATE, Action.PULL, Action.REVIEW),
    "undo": (Action.ARCHIVE, Action.UPDATE, Action.PULL, Action.SKIP),
}


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """``counts``: records by kind and action. ``conflicts``: records in which the CRM keeps a value that is not the
    hub's. ``samples``: a few items with their diffs. ``names``: of hub records, ``crm_names``: of the samples' CRM
    records by (kind, id), ``labels``: of CRM fields. ``reviews``: questions that this plan leaves open.
    """

    run: Run
    crm_name: str
    counts: Mapping[RecordKind, Mapping[Action, int]]
    conflicts: Mapping[RecordKind, int]
    samples: Sequence[Item]
    names: Mapping[int, str]
    crm_names: Mapping[tuple[RecordKind, str], str]
    labels: Mapping[str, str]
    reviews: int


async def summarise(hub: Hub, run_id: int, *, samples: int = 2) -> PlanSummary:
    """What a run plans to do. Raises `UnknownName`."""
    async with hub.db.transaction() as conn:
        run = await runs.get_run(conn, run_id, hub.workspace_id)
        by_pair = await plans.counts_by_action(conn, run_id)
        stored = await connections.get_connection(conn, run.connection_id)
        labels = {
            field.id: field.label
            for kind in (RecordKind.CONTACT, RecordKind.COMPANY)
            for field in await load_fields(conn, run.connection_id, kind, max_age=ANY_AGE) or ()
        } | {TIES: "Companies"}
        shown: list[Item] = []
        for action in _SAMPLED.get(run.options.job, _SAMPLED["export"]):
            shown += await plans.items(conn, run_id, actions=[action], limit=samples)
        names = await names_of(conn, shown)
        crm_names = await _crm_names(conn, run, shown)
        conflicts = await plans.count_kept(conn, run_id)
    counts: dict[RecordKind, dict[Action, int]] = {}
    for (kind, action), number in by_pair.items():
        counts.setdefault(kind, {})[action] = number
    reviews = sum(number for (_, action), number in by_pair.items() if action is Action.REVIEW)
    name = crm_name(stored.key if stored else "")
    return PlanSummary(run, name, counts, conflicts, shown, names, crm_names, labels, reviews)


async def crm_name_of(hub: Hub, run: Run) -> str:
    """What people call the CRM that a run works with."""
    async with hub.db.transaction() as conn:
        stored = await connections.get_connection(conn, run.connection_id)
    return crm_name(stored.key if stored else "")


def crm_name(key: str) -> str:
    """The plugin's name, or its key when it cannot be loaded any more."""
    from hub_core.engine.connectors import connector

    try:
        return connector(key, "crm").manifest.name
    except (PluginBroken, UnknownName):
        return key


async def names_of(conn: Conn, items: Sequence[Item]) -> dict[int, str]:
    """What people call the hub records of these items and the companies they are tied to, by record id."""
    found: dict[int, str] = {}
    for kind in (RecordKind.CONTACT, RecordKind.COMPANY):
        ids = [item.decision.record_id for item in items if item.kind is kind]
        ids += [step.record_id for item in items for step in item.decision.associations if step.kind is kind]
        records = await selection.records_by_id(conn, kind, ids)
        found |= {key: name_of(record.values) or record.external_id for key, record in records.items()}
    return found


async def _crm_names(conn: Conn, run: Run, items: Sequence[Item]) -> dict[tuple[RecordKind, str], str]:
    """What the CRM calls the candidates of these items, and the companies that contacts are tied to now."""
    setup = await setups.setup_at(conn, run.connection_id, run.setup_version)
    found: dict[tuple[RecordKind, str], str] = {}
    for kind in (RecordKind.CONTACT, RecordKind.COMPANY):
        ids = [crm_id for item in items if item.kind is kind for crm_id in item.decision.candidates]
        steps = [step for item in items for step in item.decision.associations if step.kind is kind]
        ids += [crm_id for step in steps for crm_id in step.before]
        for crm_id, record in (await candidates.mirrored(conn, run.connection_id, kind, ids)).items():
            found[kind, crm_id] = crm_record_name(setup, kind, record.values)
    return {key: name for key, name in found.items() if name}


def crm_record_name(setup: CrmSetup, kind: RecordKind, values: Mapping[str, CrmValue]) -> str:
    """A CRM record's name, by the fields that the set-up maps; "" when it maps none that tells."""
    rows = [row for row in setup.fields.of(kind).rows if row.active and row.hub_field]
    return name_of({row.hub_field or "": values[row.crm] for row in rows if row.crm in values})


def name_of(values: Mapping[str, HubValue]) -> str:
    """A record's name: of a company, or first and last name, or the e-mail address."""
    if "name" in values:
        return str(values["name"])
    parts = [str(values[field]) for field in ("firstName", "lastName") if field in values]
    return " ".join(parts) or str(values.get("fullName") or values.get("professionalEmail") or values.get("domain", ""))


async def newest_runs(hub: Hub, limit: int) -> list[Run]:
    """The workspace's newest runs."""
    async with hub.db.transaction() as conn:
        return await runs.list_runs(conn, hub.workspace_id, limit)


async def outcomes(hub: Hub, run_id: int) -> dict[str, int]:
    """How many records ended how."""
    async with hub.db.transaction() as conn:
        return await plans.counts_by_outcome(conn, run_id)


async def commonest_failures(hub: Hub, run_id: int) -> list[dict[str, Any]]:
    """The reasons why records failed, the commonest first."""
    async with hub.db.transaction() as conn:
        return [dict(row) for row in await plans.failures(conn, run_id)]


async def results(hub: Hub, run_id: int, *, only: Sequence[str] = ()) -> AsyncGenerator[dict[str, Any]]:
    """Every record of a run with its outcome, streamed; ``only`` names outcomes."""
    async with hub.db.transaction() as conn:
        run = await runs.get_run(conn, run_id, hub.workspace_id)
        stored = await connections.get_connection(conn, run.connection_id)
    template, after = stored.account.record_url if stored else "", 0
    while True:
        async with hub.db.transaction() as conn:
            page = await plans.items(conn, run_id, after=after, limit=1000, outcomes=only)
            names = await names_of(conn, page)
        for item in page:
            yield result(item, names, template)
        if not page:
            return
        after = page[-1].seq


def result(item: Item, names: Mapping[int, str], template: str = "") -> dict[str, Any]:
    """One plan item as plain data. ``template``: of a CRM record's address, with {kind} and {id}."""
    decision = item.decision
    url = template.format(kind=item.kind.value, id=decision.crm_id) if template and decision.crm_id else ""
    return {
        "seq": item.seq,
        "kind": item.kind.value,
        "record": decision.record_id,
        "name": names.get(decision.record_id, ""),
        "action": decision.action.value,
        "reason": decision.reason,
        "crm_id": decision.crm_id,
        "state": item.state.value,
        "outcome": item.outcome,
        "error": item.error,
        "url": item.url or url,
        "changes": [
            {"field": change.field, "before": change.before, "after": change.after} for change in decision.changes
        ],
        "kept": [{"field": change.field, "crm": change.before, "hub": change.after} for change in decision.kept],
        "hub_changes": [
            {"field": change.field, "before": change.before, "after": change.after} for change in decision.hub_changes
        ],
        "owner": decision.owner,
        "associations": [
            {"kind": step.kind.value, "record": step.record_id, "type": step.type.value, "before": list(step.before)}
            for step in decision.associations
        ],
        "candidates": list(decision.candidates),
        "problems": list(decision.problems),
    }


def run_data(run: Run) -> dict[str, Any]:
    """A run as plain data."""
    return {
        "id": run.id,
        "kind": run.kind.value,
        "state": "interrupted" if run.interrupted else run.state.value,
        "stage": run.stage,
        "total": run.total,
        "planned": run.planned,
        "applied": run.applied,
        "failed": run.failed,
        "api_calls": run.api_calls,
        "plan_calls": run.plan_calls if run.started_at else run.api_calls,
        "estimate": run.estimate,
        "route": run.route.splitlines(),
        "message": run.message,
        "waiting_until": run.waiting_until,
        "waiting_for": run.waiting_for,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "options": runs.options_to(run.options),
    }

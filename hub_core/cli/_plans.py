"""How a plan and what came of it look in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hub_core.model.plan import Action, RunState
from hub_core.model.records import RecordKind

if TYPE_CHECKING:
    from hub_core.engine.store.plans import Item
    from hub_core.engine.store.runs import Run
    from hub_core.services.reporting import PlanSummary

_STYLES = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.LINK: "cyan",
    Action.UNCHANGED: "dim",
    Action.SKIP: "dim",
    Action.REVIEW: "magenta",
}
_WORDS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.LINK: "link only",
    Action.UNCHANGED: "unchanged",
    Action.SKIP: "skip",
    Action.REVIEW: "review",
}


def plan_table(plan: PlanSummary) -> RenderableType:
    """The plan in numbers, a few diffs, the route that matching took, and what applying it will cost."""
    table = Table(title=f"Plan of run {plan.run.id} for {plan.crm_name}", title_justify="left", expand=False)
    table.add_column("")
    for action in Action:
        table.add_column(_WORDS[action], justify="right", style=_STYLES[action])
    for kind in (RecordKind.COMPANY, RecordKind.CONTACT):
        counts = plan.counts.get(kind)
        if counts:
            table.add_row(
                kind.plural, *(f"{counts.get(action, 0):,}" if counts.get(action) else "-" for action in Action)
            )
    parts: list[RenderableType] = [table] if plan.counts else [Text("No records are selected.")]
    parts += [_item(plan, item) for item in plan.samples]
    parts += [Text(f"Matching: {line}", style="dim") for line in plan.run.route.splitlines()]
    parts.append(Text(f"Applying it takes about {plan.run.estimate:,} API calls."))
    if plan.reviews:
        parts.append(Text(f"{plan.reviews:,} records wait for your decision: hub review list", style="magenta"))
    return Group(*parts)


def _item(plan: PlanSummary, item: Item) -> RenderableType:
    decision = item.decision
    name = plan.names.get(decision.record_id, "")
    head = Text.assemble(
        (f"\n{_WORDS[decision.action]} ", _STYLES[decision.action]),
        (f"{item.kind.value} {name}", "bold"),
        (f"  {decision.reason}", "dim"),
    )
    lines: list[RenderableType] = [head]
    for change in decision.changes[:6]:
        label = plan.labels.get(change.field, change.field)
        lines.append(
            Text.assemble(f"  {label}: ", (_shown(change.before), "red"), " -> ", (_shown(change.after), "green"))
        )
    if len(decision.changes) > 6:
        lines.append(Text(f"  ... and {len(decision.changes) - 6} more fields", style="dim"))
    for change in decision.kept[:3]:
        label = plan.labels.get(change.field, change.field)
        lines.append(
            Text(f"  {label}: keeps {_shown(change.before)} (the hub has {_shown(change.after)})", style="dim")
        )
    for step in decision.associations:
        before = f", tied to {', '.join(step.before)} now" if step.before else ""
        lines.append(Text(f"  tie to {step.kind.value} {step.record_id} as {step.type.value}{before}"))
    if decision.candidates:
        lines.append(Text(f"  candidates: {', '.join(decision.candidates)}"))
    return Group(*lines)


def _shown(value: object) -> str:
    if value is None:
        return "(blank)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType]
    return text if len(text) <= 60 else text[:59] + "…"


def result_table(run: Run, outcomes: Mapping[str, int], failures: Sequence[Mapping[str, Any]]) -> RenderableType:
    """How a run ended, with the commonest reasons of failures."""
    numbers = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(outcomes.items())) or "nothing to do"
    style = {RunState.DONE: "green", RunState.PARTIAL: "yellow", RunState.PAUSED: "magenta"}.get(run.state, "")
    parts: list[RenderableType] = [
        Text.assemble((f"Run {run.id} {run.state.value}: ", style), f"{numbers}; {run.api_calls:,} API calls.")
    ]
    if run.message:
        parts.append(Text(run.message, style="magenta"))
    parts += [Text(f"  {row['n']:,} x {row['error']}  (record {row['example']})", style="yellow") for row in failures]
    return Group(*parts)

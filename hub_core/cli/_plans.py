"""How a plan and what came of it look in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hub_core.model.plan import Action, AssociationStep, ExportOptions, RunState, UndoOptions
from hub_core.model.records import AssociationType, RecordKind

if TYPE_CHECKING:
    from hub_core.engine.store.plans import Item
    from hub_core.engine.store.runs import Run
    from hub_core.services.reporting import PlanSummary

_STYLES = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.PULL: "blue",
    Action.LINK: "cyan",
    Action.UNCHANGED: "dim",
    Action.SKIP: "dim",
    Action.REVIEW: "magenta",
    Action.ARCHIVE: "red",
    Action.UNLINK: "cyan",
}
_WORDS = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.PULL: "into the hub",
    Action.LINK: "link",
    Action.UNCHANGED: "unchanged",
    Action.SKIP: "skip",
    Action.REVIEW: "review",
    Action.ARCHIVE: "archive",
    Action.UNLINK: "unlink",
}


_OUTCOMES = {
    "created": "created",
    "updated": "updated",
    "pulled": "changed in the hub",
    "linked": "linked only",
    "restored": "as before again",
    "archived": "in the CRM's bin",
    "unlinked": "not linked any more",
    "unchanged": "unchanged",
    "skipped": "skipped",
    "review": "for review",
    "failed": "failed",
    "open": "not done yet",
}
_TYPES = {
    AssociationType.ADDITIONAL: "additional",
    AssociationType.PRIMARY: "primary",
    AssociationType.PRIMARY_REPLACE: "primary, the others taken away",
}
_STATES = {RunState.DONE: "green", RunState.PARTIAL: "yellow", RunState.PAUSED: "magenta", RunState.FAILED: "red"}


def counted(number: int, noun: str) -> str:
    """ "1 record", "2,000 records"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def plan_table(plan: PlanSummary) -> RenderableType:
    """The plan in numbers, a few diffs, the route that matching took, and what applying it will cost."""
    if not plan.counts:
        why = "no record is selected" if isinstance(plan.run.options, ExportOptions) else "nothing has changed"
        return Text(f"Plan of run {plan.run.id} for {plan.crm_name}: {why}, so there is nothing to do.")
    table = Table(title=f"Plan of run {plan.run.id} for {plan.crm_name}", title_justify="left")
    table.add_column("")
    columns = [action for action in Action if action in _columns(plan)]
    for action in columns:
        table.add_column(_WORDS[action], justify="right", style=_STYLES[action])
    exports = isinstance(plan.run.options, ExportOptions)
    if exports:
        table.add_column("conflicts", justify="right")
    for kind in (RecordKind.COMPANY, RecordKind.CONTACT):
        if counts := plan.counts.get(kind):
            numbers = [counts.get(action, 0) for action in columns]
            if exports:
                numbers.append(plan.conflicts.get(kind, 0))
            table.add_row(kind.plural, *(f"{number:,}" if number else "-" for number in numbers))
    parts: list[RenderableType] = [table]
    if conflicts := sum(plan.conflicts.values()):
        parts.append(Text(_conflicts(plan, conflicts), style="dim"))
    parts += [_item(plan, item) for item in plan.samples]
    parts.append(Text())
    parts += [Text(line, style="dim") for line in plan.run.route.splitlines()]
    cost = f"about {counted(plan.run.estimate, 'API call')}" if plan.run.estimate else "no API call"
    parts.append(Text(f"Planning took {counted(_plan_calls(plan.run), 'API call')}; applying it takes {cost}."))
    if plan.reviews:
        waits = "record waits" if plan.reviews == 1 else "records wait"
        parts.append(Text(f"{plan.reviews:,} {waits} for your decision: hub review list", style="magenta"))
    return Group(*parts)


def _columns(plan: PlanSummary) -> set[Action]:
    """An export's actions are always shown, of other runs those that occur."""
    if isinstance(plan.run.options, ExportOptions):
        return {Action.CREATE, Action.UPDATE, Action.LINK, Action.UNCHANGED, Action.SKIP, Action.REVIEW}
    return {action for counts in plan.counts.values() for action in counts}


def _conflicts(plan: PlanSummary, number: int) -> str:
    if isinstance(plan.run.options, UndoOptions):
        return f"Changed since: in {counted(number, 'record')} a value was, so it stays."
    overwrite = getattr(plan.run.options, "overwrite", False)
    how = "field mode says so" if overwrite else "value is kept; --overwrite would replace it"
    of = "1 record" if number == 1 else f"{number:,} records"
    return f"Conflicts: in {of} {plan.crm_name} has another value than the hub. Its {how}."


def _plan_calls(run: Run) -> int:
    return run.plan_calls if run.started_at else run.api_calls


def _item(plan: PlanSummary, item: Item) -> RenderableType:
    decision = item.decision
    head = Text.assemble(
        (f"\n{_WORDS[decision.action]} ", _STYLES[decision.action]),
        (f"{item.kind.value} {plan.names.get(decision.record_id, '')}", "bold"),
        (f"  {decision.reason}", "dim"),
    )
    lines: list[RenderableType] = [head]
    for change in decision.changes[:6]:
        label = plan.labels.get(change.field, change.field)
        lines.append(
            Text.assemble(f"  {label}: ", (shown(change.before), "red"), " -> ", (shown(change.after), "green"))
        )
    if more := len(decision.changes) - 6 if len(decision.changes) > 6 else 0:
        lines.append(Text(f"  ... and {counted(more, 'more field')}", style="dim"))
    for pulled in decision.hub_changes[:6]:
        values = (shown(pulled.before), "red"), " -> ", (shown(pulled.after), "green")
        lines.append(Text.assemble(f"  {pulled.field} in the hub: ", *values))
    for change in decision.kept[:3]:
        label = plan.labels.get(change.field, change.field)
        other = "before the run" if isinstance(plan.run.options, UndoOptions) else "the hub has"
        kept = f"  {label}: keeps {shown(change.before)} ({other} {shown(change.after)})"
        lines.append(Text(kept, style="dim", no_wrap=True, overflow="ellipsis"))
    lines += [_tie(plan, step) for step in decision.associations]
    if decision.owner:
        lines.append(Text.assemble("  Owner: ", (decision.owner, "green")))
    for crm_id in decision.candidates[:5]:
        lines.append(Text(f"  {crm_id}  {plan.crm_names.get((item.kind, crm_id), '')}".rstrip()))
    return Group(*lines)


def _tie(plan: PlanSummary, step: AssociationStep) -> Text:
    """ "tie to Acme (primary); now tied to Bits" """
    now = [plan.crm_names.get((step.kind, crm_id), crm_id) for crm_id in step.before]
    name = plan.names.get(step.record_id) or f"{step.kind.value} {step.record_id}"
    before = f"; now tied to {', '.join(now[:3])}" + (" and others" if len(now) > 3 else "") if now else ""
    return Text.assemble("  tie to ", (name, "green"), f" ({_TYPES[step.type]}){before}")


def shown(value: object) -> str:
    """A value in a line of its own: short, and a blank said."""
    if value is None:
        return "(blank)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType]
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def state_of(run: Run) -> Text:
    """A run's state in one word, as people see it."""
    return Text("interrupted", "red") if run.interrupted else Text(run.state.value, _STATES.get(run.state, ""))


def outcomes_text(outcomes: Mapping[str, int]) -> str:
    """ "373 created, 162 updated, 2 for review" """
    return ", ".join(f"{outcomes[name]:,} {word}" for name, word in _OUTCOMES.items() if outcomes.get(name))


def plan_text(counts: Mapping[Action, int]) -> str:
    """ "302 unchanged, 1 review" """
    return ", ".join(f"{counts[action]:,} {_WORDS[action]}" for action in Action if counts.get(action)) or "none"


def cost_text(run: Run) -> str:
    """ "25 API calls: 10 to plan, 15 to apply (13 were expected)" """
    text = counted(run.api_calls, "API call")
    if not run.started_at or not run.api_calls:
        return text
    expected = (
        f" ({run.estimate:,} expected)" if run.state.ended and run.estimate != run.api_calls - run.plan_calls else ""
    )
    return f"{text}: {run.plan_calls:,} to plan, {run.api_calls - run.plan_calls:,} to apply{expected}"


def result_table(run: Run, outcomes: Mapping[str, int], failures: Sequence[Mapping[str, Any]]) -> RenderableType:
    """How a run ended, with the commonest reasons of failures."""
    parts: list[RenderableType] = [
        Text.assemble(f"Run {run.id} ", state_of(run), f": {outcomes_text(outcomes) or 'nothing to do'}."),
        Text(f"{cost_text(run)}.", style="dim"),
    ]
    if run.message:
        parts.append(Text(run.message, style="magenta"))
    parts += [Text(f"  {row['n']:,} x {row['error']}  (record {row['example']})", style="yellow") for row in failures]
    if failures:
        parts.append(Text(f"See them: hub runs show {run.id} --outcome failed. Try again: hub runs retry {run.id}"))
    return Group(*parts)


def runs_table(found: Sequence[Run]) -> RenderableType:
    """Runs, the newest first, and why those that stand still do."""
    if not found:
        return Text("No runs yet. Start one: hub export contacts")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("Run", "What", "State", "Written", "Failed", "Calls", "Made"):
        right = column in ("Run", "Written", "Failed", "Calls")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for run in found:
        begun, written = run.started_at is not None, run.applied - run.failed
        table.add_row(
            str(run.id),
            f"{run.options.job} {run.kind.plural}",
            state_of(run),
            (f"{written:,}" if written == run.total else f"{written:,}/{run.total:,}") if begun else "-",
            Text(f"{run.failed:,}", "yellow" if run.failed else "") if begun else "-",
            f"{run.api_calls:,}",
            run.created_at.astimezone().strftime("%b %d %H:%M"),
        )
    stopped = [run for run in found if run.message and not run.state.ended]
    return Group(table, *(Text(f"Run {run.id}: {run.message}", "magenta") for run in stopped))

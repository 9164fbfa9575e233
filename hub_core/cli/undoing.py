"""``hub runs undo``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from hub_core.cli._output import Json, console, run
from hub_core.errors import ExitCode, NotPossible


def undo(
    number: Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")],
    record: Annotated[
        str | None,
        typer.Option(metavar="RECORD", help="Only this record: number, id at the source, or e-mail address."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only make and show the plan.")] = False,
    keep_created: Annotated[
        bool, typer.Option("--keep-created", help="Leave the CRM records that the run has created.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply the plan without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Take a run back: values, companies, links and created records, on both sides, as they were before it.

    What somebody has changed since stays, and is listed. Records that the run has created go to the CRM's bin, from
    where they can be restored; this needs your yes, or --yes where nobody can be asked.
    """
    raise typer.Exit(run(_undo(number, record, dry_run=dry_run, keep_created=keep_created, yes=yes, as_json=as_json)))


async def _undo(number: int, record: str | None, *, dry_run: bool, keep_created: bool, yes: bool, as_json: bool) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.cli._plans import plan_table
    from hub_core.cli.exporting import print_plan, report
    from hub_core.engine.settings import read_settings
    from hub_core.model.plan import Action, RunState
    from hub_core.services import reporting, runs, undoing
    from hub_core.services.hub import open_hub
    from hub_core.services.journal import find_record

    async with open_hub(read_settings()) as hub:
        record_id = (await find_record(hub, record)).id if record else None
        begun = await undoing.start_undo(hub, number, record_id=record_id, keep_created=keep_created)
        planned = await carry_on(hub, begun, quiet=as_json)
        if planned.state is not RunState.PLANNED:
            return await report(hub, planned, as_json)
        plan = await reporting.summarise(hub, planned.id)
        archives = sum(counts.get(Action.ARCHIVE, 0) for counts in plan.counts.values())
        if not as_json:
            console().print(plan_table(plan))
        if dry_run or not (yes or not planned.total or _agreed(planned, archives, plan.crm_name, as_json)):
            if as_json:
                await print_plan(hub, planned.id)
            else:
                console().print(f"Nothing was changed. To apply this plan: hub runs resume {planned.id}")
            return ExitCode.OK
        applied = await carry_on(hub, await runs.apply(hub, planned.id), quiet=as_json)
        return await report(hub, applied, as_json)


def _agreed(planned: Any, archives: int, crm_name: str, as_json: bool) -> bool:
    """Ask on a terminal; elsewhere the command itself is the answer, but not for moving records to the bin."""
    from hub_core.cli._plans import counted

    what = f"{counted(archives, 'record')} to {crm_name}'s bin"
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        if archives:
            raise NotPossible(
                f"This would move {what}, and nobody can be asked. Nothing was changed.",
                fix=f"Say --yes to move them or --keep-created to leave them, or apply this plan: "
                f"hub runs resume {planned.id}",
            )
        return True
    if archives and not typer.confirm(f"Move {what}?", default=False):
        return False
    return typer.confirm("Apply this plan?", default=False)

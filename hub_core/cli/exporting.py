"""``hub export``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub_core.cli._output import Json, console, emit, print_json_stream, run
from hub_core.errors import BadInput, ExitCode


class Kind(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"


class Association(StrEnum):
    ADDITIONAL = "additional"
    PRIMARY = "primary"
    PRIMARY_REPLACE = "primary-replace"


def export(
    kind: Annotated[Kind, typer.Argument(help="What to export.")],
    filter_: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="TEST", help="field=value, field!=value or field~part; all must hold."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only make and show the plan.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply the plan without asking.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace values that the CRM has; without it only blanks are filled.")
    ] = False,
    owner: Annotated[str | None, typer.Option(metavar="ID", help="CRM user who is to own the records.")] = None,
    association: Annotated[
        Association | None, typer.Option(help="How contacts are tied to companies, instead of the set-up's way.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A manual-at-export field's value.")
    ] = None,
    with_associated: Annotated[
        bool, typer.Option("--with-associated", help="Also export the contacts' companies, or the companies' contacts.")
    ] = False,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="The hub user who exports; decides the owner.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write contacts or companies into the active CRM: plan, look at it, apply.

    Without --overwrite a value that the CRM has is kept, and only blanks are filled. In a terminal you are asked before
    anything is written; the plan is kept, so saying no loses nothing (hub runs resume N applies it later).
    """
    from hub_core.model.plan import ExportOptions
    from hub_core.model.records import AssociationType, RecordKind

    options = ExportOptions(
        kind=RecordKind.CONTACT if kind is Kind.CONTACTS else RecordKind.COMPANY,
        overwrite=overwrite,
        owner=owner,
        association=AssociationType(association.value) if association else None,
        manual=_pairs(set_ or []),
        with_associated=with_associated,
        filters=tuple(filter_ or ()),
        user=user,
        apply=not dry_run and (yes or as_json or not _can_ask()),
    )
    code = run(_export(options, dry_run=dry_run, as_json=as_json))
    raise typer.Exit(code)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not equals or not field.strip():
            raise BadInput(f"--set {text!r} is not of the form FIELD=VALUE.")
        pairs[field.strip()] = value
    return pairs


async def _export(options: Any, *, dry_run: bool, as_json: bool) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.cli._plans import plan_table
    from hub_core.engine.settings import read_settings
    from hub_core.model.plan import RunState
    from hub_core.services import reporting, runs
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings()) as hub:
        planned = await carry_on(hub, await runs.start_export(hub, options), quiet=as_json)
        if planned.state is not RunState.PLANNED:
            return await report(hub, planned, as_json)
        if not as_json:
            console().print(plan_table(await reporting.summarise(hub, planned.id)))
        if dry_run or not (options.apply or typer.confirm("Apply this plan?", default=False)):
            if as_json:
                await print_plan(hub, planned.id)
            else:
                console().print(f"Nothing was written. To apply this plan: hub runs resume {planned.id}")
            return ExitCode.OK
        applied = await carry_on(hub, await runs.apply(hub, planned.id), quiet=as_json)
        return await report(hub, applied, as_json)


def _can_ask() -> bool:
    """Whether there is a terminal to ask on; elsewhere (a script, cron) the command itself is the answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


async def print_plan(hub: Any, run_id: int) -> None:
    """Print a run and every item of its plan as one JSON document."""
    from hub_core.services import reporting

    plan = await reporting.summarise(hub, run_id)
    counts = {kind.plural: {action.value: n for action, n in counts.items()} for kind, counts in plan.counts.items()}
    await print_json_stream(
        {"run": reporting.run_data(plan.run), "counts": counts}, "items", reporting.results(hub, run_id)
    )


async def report(hub: Any, run: Any, as_json: bool) -> int:
    """Print how a run ended; returns the exit code."""
    from hub_core.cli._plans import result_table
    from hub_core.services import reporting

    outcomes = await reporting.outcomes(hub, run.id)
    failures = await reporting.commonest_failures(hub, run.id)
    data = {"run": reporting.run_data(run), "outcomes": outcomes, "failures": failures}
    emit(data, as_json, lambda: result_table(run, outcomes, failures))
    return exit_code(run)


def exit_code(run: Any) -> int:
    """What a run that has come to rest means for a script."""
    from hub_core.model.plan import RunState

    if run.state is RunState.PAUSED:
        return run.exit_code or ExitCode.INTERRUPTED
    return {RunState.PARTIAL: ExitCode.PARTIAL, RunState.FAILED: ExitCode.FAILED}.get(run.state, ExitCode.OK)

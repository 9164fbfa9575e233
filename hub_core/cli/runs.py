"""``hub runs``: look at runs and carry them on."""

from __future__ import annotations

import csv
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub_core.cli._output import Json, console, emit, print_json, print_json_stream, run
from hub_core.cli.undoing import undo

app = typer.Typer()
Number = Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")]


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20, as_json: Json = False) -> None:
    """List the newest runs."""
    run(_with_hub(lambda hub: _list(hub, limit, as_json)))


@app.command()
def show(
    number: Number,
    format_: Annotated[Format, typer.Option("--format", help="How to print the records.")] = Format.TABLE,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only records that ended so: failed, created, review, ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many records in the table.")] = 20,
    as_json: Json = False,
) -> None:
    """Show a run and its records: what was planned, what became of it, and the vendor's own reasons."""
    chosen = Format.JSON if as_json else format_
    run(_with_hub(lambda hub: _show(hub, number, chosen, outcome or [], limit)))


@app.command()
def resume(number: Number, as_json: Json = False) -> None:
    """Apply a planned run, or go on with a paused or interrupted one.

    A run that was stopped while it was planned is planned to its end, and applied only if that had been agreed to.
    """
    raise typer.Exit(run(_with_hub(lambda hub: _go_on(hub, number, "resume", as_json))))


@app.command()
def retry(number: Number, as_json: Json = False) -> None:
    """Try the failed records of a run once more."""
    raise typer.Exit(run(_with_hub(lambda hub: _go_on(hub, number, "retry", as_json))))


@app.command()
def pause(number: Number, as_json: Json = False) -> None:
    """Stop a run after its present batch; it keeps its place."""
    run(_with_hub(lambda hub: _stop(hub, number, "pause", as_json)))


@app.command()
def cancel(number: Number, as_json: Json = False) -> None:
    """End a run after its present batch; what is done stays done."""
    run(_with_hub(lambda hub: _stop(hub, number, "cancel", as_json)))


app.command()(undo)


async def _with_hub(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings()) as hub:
        return await work(hub)


async def _list(hub: Any, limit: int, as_json: bool) -> None:
    from hub_core.cli._plans import runs_table
    from hub_core.services import reporting

    found = await reporting.newest_runs(hub, limit)
    emit([reporting.run_data(each) for each in found], as_json, lambda: runs_table(found))


async def _show(hub: Any, number: int, format_: Format, only: list[str], limit: int) -> None:
    from hub_core.cli._following import waiting_why
    from hub_core.cli._plans import plan_table, result_table
    from hub_core.model.plan import RunState
    from hub_core.services import reporting, runs

    now = await runs.get_run(hub, number)
    if format_ is Format.JSON:
        head = {"run": reporting.run_data(now), "outcomes": await reporting.outcomes(hub, number)}
        await print_json_stream(head, "items", reporting.results(hub, number, only=only))
        return
    if format_ is Format.CSV:
        await _csv(reporting.results(hub, number, only=only))
        return
    if now.state is RunState.PLANNED:
        console().print(plan_table(await reporting.summarise(hub, number)))
    else:
        outcomes = await reporting.outcomes(hub, number)
        console().print(result_table(now, outcomes, await reporting.commonest_failures(hub, number)))
    for line in (waiting_why(now), _what_now(now)):
        if line:
            console().print(line, markup=False)
    await _record_table(reporting.results(hub, number, only=only), limit)


def _what_now(run: Any) -> str:
    """How a run that stands still goes on."""
    from hub_core.model.plan import RunState

    if run.interrupted:
        return f"Nobody works on it any more; it goes on with: hub runs resume {run.id}"
    if run.state is RunState.PLANNED:
        return f"To apply this plan: hub runs resume {run.id}"
    if run.state is RunState.PAUSED and not run.message:
        return f"It goes on with: hub runs resume {run.id}"
    return ""


async def _record_table(results: Any, limit: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("Record", max_width=24, no_wrap=True, overflow="ellipsis")
    table.add_column("Outcome", no_wrap=True)
    table.add_column("CRM id", no_wrap=True)
    table.add_column("Why", overflow="fold")
    shown, more = 0, False
    async for item in results:
        if shown == limit:
            more = True
            break
        shown += 1
        table.add_row(
            str(item["seq"]),
            Text(item["name"] or str(item["record"])),
            item["outcome"] or item["action"],
            item["crm_id"] or "",
            Text(item["error"] or item["reason"]),
        )
    if shown:
        console().print(table)
    if more:
        console().print(f"The first {shown} records. All of them: --format csv, --format json, or --limit N")


async def _csv(results: Any) -> None:
    columns = ("seq", "kind", "record", "name", "action", "outcome", "crm_id", "reason", "error", "url")
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    async for item in results:
        writer.writerow([_harmless(item[column]) for column in columns])


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula gets a leading apostrophe."""
    text = "" if cell is None else str(cell)
    if text[:1] in ("=", "@", "\t", "\r") or (text[:1] in ("+", "-") and not text[1:].replace(" ", "").isdigit()):
        return "'" + text
    return text


async def _go_on(hub: Any, number: int, how: str, as_json: bool) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.cli._plans import plan_table
    from hub_core.cli.exporting import report
    from hub_core.model.plan import ExportOptions, RunState
    from hub_core.services import reporting, runs

    begin = runs.retry if how == "retry" else runs.resume
    now = await carry_on(hub, await begin(hub, number), quiet=as_json)
    if now.state is RunState.PLANNED:  # it had been stopped while it was planned
        accepted = isinstance(now.options, ExportOptions) and now.options.apply
        if not as_json:
            console().print(plan_table(await reporting.summarise(hub, number)))
        if accepted:
            return await report(hub, await carry_on(hub, await runs.apply(hub, number), quiet=as_json), as_json)
        if not as_json:
            console().print(f"To apply this plan: hub runs resume {number}")
        else:
            print_json({"run": reporting.run_data(now)})
        return 0
    return await report(hub, now, as_json)


async def _stop(hub: Any, number: int, how: str, as_json: bool) -> None:
    from hub_core.cli._following import at_rest, carry_on
    from hub_core.services import reporting, runs

    now = await (runs.pause if how == "pause" else runs.cancel)(hub, number)
    if not at_rest(now) and not now.leased:  # nobody works on it, so this is the one to stop it properly
        now = await carry_on(hub, now, quiet=as_json)
    word = now.state.value if not now.wanted else f"asked to {now.wanted}; it stops after the present batch"
    emit(reporting.run_data(now), as_json, lambda: f"Run {number}: {word}.")

"""``hub demo``: the whole job from files to a filled CRM, with the vendor played by the plugin's own simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import console, err, run
from hub_core.errors import BadInput, ExitCode, UnknownName

if TYPE_CHECKING:
    from hub_core.engine.store.runs import Run
    from hub_core.model.records import RecordKind
    from hub_core.services.hub import Hub

_DATA = Path(__file__).parent.parent / "data"


def demo(
    contacts: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own contacts: CSV or Excel.")] = None,
    companies: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own companies: CSV or Excel.")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="Where a column goes, if not recognised.")
    ] = None,
    crm: Annotated[str, typer.Option(metavar="KEY", help="Which CRM plugin's simulator to use.")] = "hubspot",
) -> None:
    """See the whole of it work: import, match, plan, apply, and export again.

    The CRM is simulated on this computer, so nothing leaves it. The demo has a workspace of its own, "demo", which it
    empties first; your other workspaces are left alone.
    """
    if contacts is None and companies is None:
        contacts, companies = _DATA / "sample-contacts.csv", _DATA / "sample-companies.csv"
    files = [("companies", companies), ("contacts", contacts)]
    from hub_core.cli.importing import pairs

    raise typer.Exit(run(_demo([(kind, path) for kind, path in files if path], pairs(map_ or []), crm)))


def _step(text: str) -> None:
    console().print(f"\n[bold]{text}[/bold]")


async def _demo(files: Sequence[tuple[str, Path]], columns: Mapping[str, str], key: str) -> int:
    from hub_core.cli.exporting import exit_code
    from hub_core.engine.discovery import load_simulator
    from hub_core.engine.settings import read_settings
    from hub_core.engine.simulators import serve
    from hub_core.model.records import RecordKind
    from hub_core.services.demo import fresh_workspace
    from hub_core.services.hub import open_hub

    began = time.monotonic()
    by_name = {kind.plural: kind for kind in RecordKind}
    simulator = load_simulator(key)()
    with err().status("Starting the database..."):
        settings = await fresh_workspace(read_settings())
    async with AsyncExitStack() as stack:
        base_url = stack.enter_context(serve(simulator))
        hub = await stack.enter_async_context(open_hub(settings))
        kinds = await _import(hub, [(by_name[name], path) for name, path in files], columns)
        await _connect(hub, key, base_url, simulator)
        await _set_up(hub, kinds)
        done = [await _export(hub, kind) for kind in kinds]
        writes = await _export_again(hub, kinds)
        await _sum_up(hub, done, writes, time.monotonic() - began)
        return max((exit_code(run_) for run_ in done), default=int(ExitCode.OK))


async def _import(hub: Hub, files: Sequence[tuple[RecordKind, Path]], columns: Mapping[str, str]) -> list[RecordKind]:
    """Import the files; returns the kinds of which there is a record now."""
    from hub_core.cli.importing import print_preview, print_report
    from hub_core.services import importing

    headings = {
        path: [column.heading for column in (await importing.preview(hub, kind, path)).columns] for kind, path in files
    }
    known = {heading for found in headings.values() for heading in found}
    for column in columns:
        if column not in known:
            raise UnknownName("column", column, known)
    kinds: list[RecordKind] = []
    for kind, path in files:
        _step(f"Import {kind.plural} from {path.name}")
        own = {column: field for column, field in columns.items() if column in headings[path]}
        preview = await importing.preview(hub, kind, path, column_map=own)
        print_preview(path, preview)
        rejects = hub.settings.home / f"demo-{kind.plural}.rejects.csv"
        with err().status(f"Importing {kind.plural}..."):
            report = await importing.import_file(hub, kind, path, column_map=own, rejects_path=rejects)
        print_report(report)
        if report.read > report.rejected:
            kinds.append(kind)
    if not kinds:
        raise BadInput(
            "No row can be used, so there is nothing to show.", fix='Say what the columns are: --map "Column=field"'
        )
    return kinds


async def _connect(hub: Hub, key: str, base_url: str, simulator: Any) -> None:
    from hub_core.services import connections

    stored = await connections.connect(hub, key, dict(simulator.sign_in), base_url=base_url)
    await connections.enable(hub, key)
    _step(f"Connected to {stored.account.label}, simulated at {base_url}")


async def _set_up(hub: Hub, kinds: Sequence[RecordKind]) -> None:
    from hub_core.services import demo, setup

    async with hub.crm() as crm:
        version, saved = await setup.load(hub, crm)
        suggestion = await setup.suggest(hub, crm, saved)
        await setup.save(hub, crm, suggestion.judged.setup, version)
        for kind in kinds:
            with err().status(f"Filling the CRM with {kind.plural} of its own..."):
                filled = await demo.fill_crm(hub, crm, suggestion.judged.setup, kind)
            rows = suggestion.judged.setup.fields.of(kind).rows
            pairs = ", ".join(f"{row.hub_field} -> {row.crm}" for row in rows if row.active and row.hub_field)
            console().print(f"{kind.plural.capitalize()} mapped: {pairs}", soft_wrap=False)
            console().print(f"It already holds {filled:,} {kind.plural}, partly the same as yours.", style="dim")


async def _export(hub: Hub, kind: RecordKind) -> Run:
    from hub_core.cli._following import at_rest, carry_on
    from hub_core.cli._plans import plan_table, result_table
    from hub_core.model.plan import ExportOptions, RunState
    from hub_core.services import reporting, runs

    _step(f"Plan the export of {kind.plural}")
    done = await carry_on(hub, await runs.start_export(hub, ExportOptions(kind)))
    if done.state is RunState.PLANNED:
        console().print(plan_table(await reporting.summarise(hub, done.id, samples=1)))
        _step("Apply it")
        done = await carry_on(hub, await runs.apply(hub, done.id))
    assert at_rest(done)
    outcomes = await reporting.outcomes(hub, done.id)
    console().print(result_table(done, outcomes, await reporting.commonest_failures(hub, done.id)))
    return done


async def _export_again(hub: Hub, kinds: Sequence[RecordKind]) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.cli._plans import plan_text
    from hub_core.model.plan import ExportOptions
    from hub_core.services import reporting, runs

    _step("Export again: nothing should be left to do")
    writes = 0
    for kind in kinds:
        planned = await carry_on(hub, await runs.start_export(hub, ExportOptions(kind)))
        counts = (await reporting.summarise(hub, planned.id)).counts.get(kind, {})
        writes += sum(number for action, number in counts.items() if action.writes)
        console().print(f"{kind.plural.capitalize()}: {plan_text(counts)}.")
        await runs.cancel(hub, planned.id)
    return writes


async def _sum_up(hub: Hub, done: Sequence[Run], writes: int, seconds: float) -> None:
    from hub_core.cli._plans import cost_text, counted, outcomes_text
    from hub_core.model.plan import RunState
    from hub_core.services import reporting

    _step("What happened")
    left = 0
    for run_ in done:
        outcomes = await reporting.outcomes(hub, run_.id)
        left += outcomes.get("review", 0)
        console().print(f"{run_.kind.plural.capitalize()}: {outcomes_text(outcomes) or 'none'}.\n  {cost_text(run_)}.")
    calls = counted(sum(run_.api_calls for run_ in done), "API call")
    ended = all(run_.state in (RunState.DONE, RunState.PARTIAL) for run_ in done)
    again = f" Exporting again would write {counted(writes, 'record')}." if ended else ""
    console().print(f"In all {calls}, {seconds:.0f} seconds.{again}")
    if left:
        waits = "record waits" if left == 1 else "records wait"
        console().print(f"{left:,} {waits} for your decision, because several CRM records match: hub review list")
    console().print(
        "Look around with HUB_WORKSPACE=demo set: hub runs list, hub review list. The database keeps running until"
        " 'hub db stop'.",
        style="dim",
    )

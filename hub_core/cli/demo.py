"""``hub demo``: the whole job from files to a filled CRM, with the vendor played by the plugin's own simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import console, err, run
from hub_core.errors import ExitCode, UnknownName

if TYPE_CHECKING:
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
    from hub_core.engine.discovery import load_simulator
    from hub_core.engine.settings import read_settings
    from hub_core.engine.simulators import serve
    from hub_core.model.records import RecordKind
    from hub_core.services.demo import fresh_workspace
    from hub_core.services.hub import open_hub

    by_name = {kind.plural: kind for kind in RecordKind}
    simulator = load_simulator(key)()
    with err().status("Starting the database..."):
        settings = await fresh_workspace(read_settings())
    async with AsyncExitStack() as stack:
        base_url = stack.enter_context(serve(simulator))
        hub = await stack.enter_async_context(open_hub(settings))
        kinds = [by_name[name] for name, _ in files]
        await _import(hub, [(by_name[name], path) for name, path in files], columns)
        await _connect(hub, key, base_url, simulator)
        await _set_up(hub, kinds)
        worst, calls = int(ExitCode.OK), 0
        for kind in kinds:
            code, used = await _export(hub, kind)
            worst, calls = max(worst, code), calls + used
        writes = await _export_again(hub, kinds)
        _step("What happened")
        await _sum_up(hub, kinds, calls, writes)
        return worst


async def _import(hub: Hub, files: Sequence[tuple[RecordKind, Path]], columns: Mapping[str, str]) -> None:
    from hub_core.cli.importing import print_preview, print_report
    from hub_core.services import importing

    unknown = set(columns)
    for kind, path in files:
        _step(f"Import {kind.plural} from {path.name}")
        headings = {column.heading for column in (await importing.preview(hub, kind, path)).columns}
        own = {column: field for column, field in columns.items() if column in headings}
        unknown -= own.keys()
        preview = await importing.preview(hub, kind, path, column_map=own)
        print_preview(path, preview)
        rejects = hub.settings.home / f"demo-{kind.plural}.rejects.csv"
        with err().status(f"Importing {kind.plural}..."):
            report = await importing.import_file(hub, kind, path, column_map=own, rejects_path=rejects)
        print_report(report)
    for column in sorted(unknown):
        raise UnknownName("column", column, [])


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


async def _export(hub: Hub, kind: RecordKind) -> tuple[int, int]:
    from hub_core.cli._following import at_rest, carry_on
    from hub_core.cli._plans import plan_table, result_table
    from hub_core.cli.exporting import exit_code
    from hub_core.model.plan import ExportOptions, RunState
    from hub_core.services import reporting, runs

    _step(f"Plan the export of {kind.plural}")
    planned = await carry_on(hub, await runs.start_export(hub, ExportOptions(kind)))
    if planned.state is RunState.PLANNED:
        console().print(plan_table(await reporting.summarise(hub, planned.id)))
        _step("Apply it")
        planned = await carry_on(hub, await runs.apply(hub, planned.id))
    assert at_rest(planned)
    outcomes = await reporting.outcomes(hub, planned.id)
    console().print(result_table(planned, outcomes, await reporting.commonest_failures(hub, planned.id)))
    return exit_code(planned), planned.api_calls


async def _export_again(hub: Hub, kinds: Sequence[RecordKind]) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.model.plan import ExportOptions
    from hub_core.services import reporting, runs

    _step("Export again: nothing should be left to do")
    writes = 0
    for kind in kinds:
        planned = await carry_on(hub, await runs.start_export(hub, ExportOptions(kind)))
        plan = await reporting.summarise(hub, planned.id)
        counts = plan.counts.get(kind, {})
        writes += sum(number for action, number in counts.items() if action.writes)
        said = ", ".join(f"{number:,} {action.value}" for action, number in counts.items())
        console().print(f"{kind.plural.capitalize()}: {said or 'none'}")
        await runs.cancel(hub, planned.id)
    return writes


async def _sum_up(hub: Hub, kinds: Sequence[RecordKind], calls: int, writes: int) -> None:
    from hub_core.services import reporting, reviews

    for each in reversed(await reporting.newest_runs(hub, 10)):
        if each.state.ended and each.applied:
            console().print(
                f"Run {each.id}: {each.applied:,} {each.kind.plural} written in {each.api_calls:,} API calls."
            )
    left = len(await reviews.questions(hub, limit=1000))
    if left:
        console().print(f"{left:,} records wait for a person's decision, because several CRM records match them.")
    console().print(f"{calls:,} API calls in all; exporting again would write {writes:,} records.")
    console().print(
        "Look around: HUB_WORKSPACE=demo hub runs list (or: hub review list). The database keeps running; hub db stop"
        " ends it.",
        style="dim",
    )

"""``hub sync`` and ``hub schedule``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub_core.cli._output import Json, console, emit, run
from hub_core.errors import ExitCode

schedule = typer.Typer()


class Kind(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"


def sync(
    kind: Annotated[Kind | None, typer.Argument(help="Only these; without it companies, then contacts.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only make and show the plan.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Let a first sync be applied.")] = False,
    as_json: Json = False,
) -> None:
    """Bring linked records together, field by field, both ways, under the modes of the field mapping.

    The first sync only shows its plan until it is confirmed. Records that are not linked yet are left to an export.
    """
    raise typer.Exit(run(_with_hub(lambda hub: _sync(hub, _kinds(kind), dry_run, confirm, as_json))))


@schedule.command("list")
def list_(as_json: Json = False) -> None:
    """List the syncs that start by themselves."""
    run(_with_hub(lambda hub: _list(hub, as_json)))


@schedule.command("set")
def set_(
    kind: Annotated[Kind, typer.Argument(help="What to sync.")],
    seconds: Annotated[int, typer.Option("--every", metavar="SECONDS", min=1, help="How often.")],
    as_json: Json = False,
) -> None:
    """Sync by itself every so often, as long as a worker runs (hub worker)."""
    run(_with_hub(lambda hub: _set(hub, kind, seconds, as_json)))


@schedule.command()
def remove(kind: Annotated[Kind, typer.Argument(help="What not to sync any more.")], as_json: Json = False) -> None:
    """Do not sync by itself any more."""
    run(_with_hub(lambda hub: _set(hub, kind, None, as_json)))


def _kinds(kind: Kind | None) -> list[Any]:
    from hub_core.model.records import RecordKind

    known = {Kind.COMPANIES: RecordKind.COMPANY, Kind.CONTACTS: RecordKind.CONTACT}
    return [known[kind]] if kind else list(known.values())


async def _with_hub(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings()) as hub:
        return await work(hub)


async def _sync(hub: Any, kinds: list[Any], dry_run: bool, confirm: bool, as_json: bool) -> int:
    from hub_core.cli._following import carry_on
    from hub_core.cli._plans import plan_table
    from hub_core.cli.exporting import print_plan, report
    from hub_core.model.plan import RunState
    from hub_core.services import reporting, runs, syncing

    worst = int(ExitCode.OK)
    for kind in kinds:
        planned = await carry_on(hub, await syncing.start_sync(hub, kind), quiet=as_json)
        if planned.state is not RunState.PLANNED:
            worst = max(worst, await report(hub, planned, as_json))
            continue
        waits = not confirm and not await syncing.is_confirmed(hub, kind)
        if as_json and (dry_run or waits):
            await print_plan(hub, planned.id)
        elif not as_json:
            console().print(plan_table(await reporting.summarise(hub, planned.id)))
        if dry_run or waits:
            if waits and not as_json:
                console().print(
                    f"This is the first sync of {kind.plural}, so nothing was written. If the plan is right:"
                    f" hub runs resume {planned.id}"
                )
            elif not as_json:
                console().print(f"Nothing was written. To apply this plan: hub runs resume {planned.id}")
            continue
        applied = await carry_on(hub, await runs.apply(hub, planned.id), quiet=as_json)
        worst = max(worst, await report(hub, applied, as_json))
    return worst


async def _list(hub: Any, as_json: bool) -> None:
    from rich.table import Table

    from hub_core.services import scheduling

    found = await scheduling.schedules(hub)

    def table() -> object:
        if not found:
            return "Nothing is synced by itself. To start: hub schedule set contacts --every 300"
        rows = Table("what", "every", "next")
        for each in found:
            rows.add_row(each.kind.plural, f"{each.seconds} s", each.next_at.astimezone().strftime("%H:%M:%S"))
        return rows

    emit(
        [{"kind": each.kind.plural, "seconds": each.seconds, "next_at": each.next_at} for each in found], as_json, table
    )


async def _set(hub: Any, kind: Kind, seconds: int | None, as_json: bool) -> None:
    from hub_core.services import scheduling

    await scheduling.set_schedule(hub, _kinds(kind)[0], seconds)
    said = f"{kind.value} are synced every {seconds} s while a worker runs." if seconds else f"{kind.value}: ended."
    emit({"kind": kind.value, "seconds": seconds}, as_json, said.capitalize)

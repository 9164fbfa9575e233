"""``hub doctor``: what is in the way, who must act, and what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, console, err, print_json, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.services.doctor import Checkup, Finding
    from hub_core.services.hub import Hub


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Replace rows whose field or option only has another name.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take changes of the CRM's fields that only warn as they are.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Fix without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Check the database, plugins, connections, API budget, mirror, runs and mapping, and whether the CRM's fields have
    changed.

    Rows of the mapping that such a change has broken are paused until they are mended; the others go on. Exits with 4
    when a sign-in is needed, with 5 when something about the set-up is broken.
    """
    raise typer.Exit(run(_doctor(fix, accept, yes, as_json)))


async def _doctor(fix: bool, accept: bool, yes: bool, as_json: bool) -> int:
    from hub_core.engine.settings import read_settings
    from hub_core.errors import DatabaseUnavailable
    from hub_core.services import doctor
    from hub_core.services.hub import open_hub

    mended = accepted = 0
    try:
        async with open_hub(read_settings(), pool_size=2) as hub:
            found = await doctor.examine(hub)
            if accept:
                accepted = await doctor.accept(hub)
            if fix:
                mended = await _mend(hub, found, yes=yes, quiet=as_json)
            if mended or accepted:
                found = await doctor.examine(hub)
    except DatabaseUnavailable as error:
        found = doctor.Checkup((doctor.no_database(error),))
    if as_json:
        print_json(_data(found) | {"mended": mended, "accepted": accepted})
    else:
        console().print(_table(found), soft_wrap=True)
        _say(found, mended, accepted, fix)
    return found.exit_code


async def _mend(hub: Hub, found: Checkup, *, yes: bool, quiet: bool) -> int:
    """Apply the mended rows after asking; returns how many there were."""
    from hub_core.services import doctor

    if not found.mendable:
        return 0
    if not quiet:
        for each in found.mendable:
            assert each.mended is not None
            console().print(f"{each.kind.plural}: {each.field}: {each.fix}", markup=False)
    # Elsewhere than on a terminal (a script, cron) nobody can be asked, and --fix itself is the answer.
    asked = not (yes or quiet) and sys.stdin.isatty() and sys.stdout.isatty()
    if asked and not typer.confirm("Save these changes to the mapping?", default=False):
        return 0
    return await doctor.mend(hub, found.mendable)


def _say(found: Checkup, mended: int, accepted: int, fix: bool) -> None:
    out = err()
    if mended:
        out.print(f"{mended} {'row was' if mended == 1 else 'rows were'} mended.")
    elif fix:
        out.print("Nothing was mended: nothing could be, beyond doubt.")
    if accepted:
        out.print(f"{accepted} {'change was' if accepted == 1 else 'changes were'} accepted.")
    if found.mendable and not fix:
        out.print("To mend what only has another name: hub doctor --fix", markup=False)


def _data(found: Checkup) -> dict[str, Any]:
    return {
        "ok": found.exit_code == 0,
        "findings": [
            {
                "area": each.area,
                "status": each.status,
                "text": each.text,
                "who": each.who,
                "fix": each.fix,
            }
            for each in found.findings
        ],
        "drift": [
            {
                "kind": each.kind,
                "field": each.field,
                "problem": each.problem,
                "status": each.status,
                "paused": each.row is not None and each.status == "error",
                "text": each.text,
                "fix": each.fix,
                "mendable": each.mended is not None,
            }
            for each in found.drift
        ],
    }


_ICONS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✕", "red")}


def _table(found: Checkup) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    lines: list[Text] = []
    for each in found.findings:
        icon, style = _ICONS[each.status]
        lines.append(Text.assemble((icon, style), " ", (f"{each.area}: ", "bold"), each.text))
        if each.fix:
            lines.append(Text.assemble("  -> ", (_who(each), "dim"), each.fix))
    return Group(*lines)


def _who(finding: Finding) -> str:
    """Who must act, where it is not the reader."""
    return "" if finding.who in ("", "you") else f"({finding.who}) "

"""``hub plugins``: what is installed. Imports no plugin that was found ready before, and nothing to load one with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from hub_core.cli._output import Json, emit

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(add_completion=False)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the installed plugins, with why a broken one is broken and how to mend it."""
    from hub_core.engine.discovery import installed
    from hub_core.engine.settings import read_settings
    from hub_core.engine.verdicts import verdicts

    plugins = installed()
    found = verdicts(plugins, read_settings().home / "plugins.json")
    rows = [
        {
            "key": plugin.key,
            "kind": plugin.kind,
            "name": found[plugin.key].name or plugin.key,
            "package": plugin.package,
            "version": plugin.version,
            "summary": plugin.summary,
            "status": found[plugin.key].status,
            "why": found[plugin.key].why,
            "fix": found[plugin.key].fix,
        }
        for plugin in plugins
    ]
    emit(rows, as_json, lambda: _table(rows))


def _table(rows: list[dict[str, str]]) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return "No plugin is installed. Install one, for instance: pip install hub-plugin-hubspot"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Key", "Kind", "Name", "Package", "Version", "Status"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[column]) for column in ("key", "kind", "name", "package", "version", "status")))
    broken = [Text(f"{row['key']}: {row['why']}\n  -> {row['fix']}") for row in rows if row["why"]]
    return Group(table, *broken)

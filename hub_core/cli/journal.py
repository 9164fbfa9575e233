"""``hub journal``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, emit, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.rules.undoing import Noted
    from hub_core.services.journal import History


class Kind(StrEnum):
    CONTACT = "contact"
    COMPANY = "company"


_DONE = {
    "create": "created",
    "update": "changed",
    "link": "linked",
    "archive": "moved to the bin",
    "unlink": "not linked any more",
}


def journal(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Number, id at the source, or e-mail address.")],
    field: Annotated[str | None, typer.Option(help="Only this field of either side, by its id or label.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What the record is, when two are named so.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many entries, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Say why a record's fields changed: when, on which side, from what to what, by which run and for what reason."""
    found = run(_history(record, field, kind, limit))
    emit(_document(found), as_json, lambda: _shown(found, field))


async def _history(record: str, field: str | None, kind: Kind | None, limit: int) -> History:
    from hub_core.engine.settings import read_settings
    from hub_core.model.records import RecordKind
    from hub_core.services.hub import open_hub
    from hub_core.services.journal import history

    async with open_hub(read_settings()) as hub:
        return await history(hub, record, kind=RecordKind(kind.value) if kind else None, field=field, limit=limit)


def _document(found: History) -> dict[str, Any]:
    return {
        "record": {"id": found.record.id, "kind": found.record.kind, "name": found.name},
        "entries": [
            {
                "at": entry.at,
                "side": entry.side,
                "action": entry.action,
                "run": entry.run_id,
                "cause": entry.cause,
                "crm_id": entry.crm_id,
                "changes": [
                    {
                        "field": change.field,
                        "label": found.labels.get((entry.side, change.field), change.field),
                        "before": change.before,
                        "after": change.after,
                    }
                    for change in entry.changes
                ],
            }
            for entry in found.entries
        ],
    }


def _shown(found: History, field: str | None) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    title = Text(f"{found.record.kind.value} {found.record.id} {found.name}", "bold")
    if not found.entries:
        what = f"{field} of it" if field else "it"
        return Group(title, Text(f"The hub has not changed {what} on either side."))
    return Group(title, *(_entry(found, entry) for entry in found.entries))


def _entry(found: History, entry: Noted) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from hub_core.cli._plans import shown

    when = entry.at.astimezone().strftime("%Y-%m-%d %H:%M")
    where = f"in {found.crm_name}, record {entry.crm_id}" if entry.side == "crm" else "in the hub"
    head = Text.assemble(
        f"\n{when}  ",
        (_DONE.get(entry.action, entry.action), "yellow"),
        f" {where}",
        (f"  run {entry.run_id}, {entry.cause}", "dim"),
    )
    lines = [head]
    for change in entry.changes:
        label = found.labels.get((entry.side, change.field), change.field)
        lines.append(
            Text.assemble(f"  {label}: ", (shown(change.before), "red"), " -> ", (shown(change.after), "green"))
        )
    return Group(*lines)

"""``hub match``: which CRM records the hub's records are, and why; nothing is linked or written."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, emit, err, run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.services.matching import MatchLine, Simulation


class Kind(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"


def match(
    kind: Annotated[Kind, typer.Argument(help="What to match.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many records to try.")] = 20,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only records with field=value, field!=value or field~part.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try the identifiers of step 1: which CRM record is each hub record, and on what values. Nothing is changed."""
    found = run(_simulate(kind, limit, filters or []))
    emit(_document(found), as_json, lambda: _shown(found))


async def _simulate(kind: Kind, limit: int, filters: list[str]) -> Simulation:
    from hub_core.engine.settings import read_settings
    from hub_core.model.records import RecordKind
    from hub_core.services import matching
    from hub_core.services.hub import open_hub

    what = RecordKind.CONTACT if kind is Kind.CONTACTS else RecordKind.COMPANY
    with err().status("Matching ...") as status:

        def tell(read: int, total: int | None) -> None:
            status.update(f"Reading the CRM: {read:,}" + (f" of {total:,}" if total else "") + f" {what.plural}")

        async with open_hub(read_settings()) as hub, hub.crm() as crm:
            return await matching.simulate(hub, crm, what, limit=limit, filters=filters, on_progress=tell)


def _document(found: Simulation) -> dict[str, Any]:
    return {
        "route": {"kind": found.route.kind, "calls": found.route.calls, "reason": found.route.reason},
        "clauses": found.clauses,
        "unmapped": found.unmapped,
        "records": [
            {
                "id": line.record.id,
                "external_id": line.record.external_id,
                "outcome": line.outcome,
                "candidates": [
                    {
                        "crm_id": candidate.crm_id,
                        "matches": [
                            {"clause": hit.clause, "on": dict(hit.on), "weak": hit.weak} for hit in candidate.hits
                        ],
                    }
                    for candidate in line.candidates
                ],
            }
            for line in found.lines
        ],
    }


def _shown(found: Simulation) -> RenderableType:
    from collections import Counter

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("Record", "Name", "Found", "CRM id", "Because"):
        table.add_column(heading, overflow="fold")
    for line in found.lines:
        rows = line.candidates or (None,)
        for number, candidate in enumerate(rows):
            first = (str(line.record.id), _name(line), line.outcome.value) if number == 0 else ("", "", "")
            why = (
                "; ".join(f"{hit.clause}: {', '.join(value for _, value in hit.on)}" for hit in candidate.hits)
                if candidate
                else ""
            )
            table.add_row(*map(Text, (*first, candidate.crm_id if candidate else "", why)))
    counts = Counter(line.outcome.value for line in found.lines)
    summary = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items()) or "There are no records."
    notes = [f"Cannot match, because a field is not mapped in step 2: {name}" for name in found.unmapped]
    return Group(table, Text(), Text(summary), *map(Text, notes), Text(found.route.reason, style="dim"))


def _name(line: MatchLine) -> str:
    values = line.record.values
    person = " ".join(str(values[field]) for field in ("firstName", "lastName") if field in values)
    return person or str(values.get("fullName") or values.get("name") or values.get("domain") or "")

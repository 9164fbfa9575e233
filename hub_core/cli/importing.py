"""``hub import`` and ``hub records``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, console, emit, err, print_json, run
from hub_core.errors import BadInput, ExitCode

if TYPE_CHECKING:
    from rich.table import Table

    from hub_core.model.records import Record, RecordKind
    from hub_core.rules.columns import Column
    from hub_core.services.campaign_imports import EventReport
    from hub_core.services.importing import ImportReport, OnProgress, Preview

_REASONS = 10  # that are shown


class What(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"


class Rows(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"
    CAMPAIGNS = "campaigns"
    ACTIVITIES = "activities"
    TAGS = "tags"


def import_(
    what: Annotated[Rows, typer.Argument(help="What the rows are.")],
    file: Annotated[Path, typer.Argument(help="A CSV file (any encoding and delimiter), XLSX, XLS or ODS.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="Where a column goes, in place of what is recognised: a field, externalId, or - to leave it out.",
        ),
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where rejected rows go. Default: beside FILE, .rejects.csv")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="The file's encoding, if it is not recognised rightly.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; store nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read contacts, companies, campaigns, activities or conversation tags from a file.

    Columns are recognised by their headings. Others become custom fields of contacts and companies, and are left out of
    the rest. Campaigns, activities and tags are about contacts that the hub has: import these first.

    Rows that cannot be taken in go to a file of their own, with the reason (exit code 3): correct it and import it.
    Importing a file again changes nothing but what has changed in it.
    """
    report = run(_import(what, file, pairs(map_ or []), rejects, encoding, dry_run, as_json))
    if as_json:
        print_json(_document(report))
    else:
        print_report(report)
    if report.rejected:
        raise typer.Exit(ExitCode.PARTIAL)


records = typer.Typer(help="Look at the hub's own contacts and companies.", no_args_is_help=True)


@records.command("list")
def list_records(
    what: Annotated[What, typer.Argument(metavar="contacts|companies")],
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    after: Annotated[int, typer.Option(min=0, help="Go on after the record with this id.")] = 0,
    as_json: Json = False,
) -> None:
    """List records by id."""
    total, found = run(_records(_kind(what), after, limit))
    rows = [
        {"id": one.id, "externalId": one.external_id, "companyId": one.company_id, "values": one.values}
        for one in found
    ]
    emit({"total": total, "records": rows}, as_json, lambda: _records_table(what, found))
    if not as_json and found and len(found) < total:
        err().print(f"{len(found)} of {total:,}. Go on with --after {found[-1].id}", markup=False)


async def _records(kind: RecordKind, after: int, limit: int) -> tuple[int, list[Record]]:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub
    from hub_core.services.importing import list_records

    async with open_hub(read_settings(), pool_size=2) as hub:
        return await list_records(hub, kind, after=after, limit=limit)


def _kind(what: What) -> RecordKind:
    from hub_core.model.records import RecordKind

    return {What.CONTACTS: RecordKind.CONTACT, What.COMPANIES: RecordKind.COMPANY}[what]


def pairs(texts: list[str]) -> dict[str, str]:
    """``Column=field`` as a mapping. A heading may hold "=", a field id cannot."""
    pairs: dict[str, str] = {}
    for text in texts:
        heading, mark, field = text.rpartition("=")
        if not mark or not heading.strip():
            raise BadInput(
                f"--map {text!r} is not of the form COLUMN=FIELD.", fix='For example: --map "Mail=professionalEmail"'
            )
        pairs[heading.strip()] = field.strip()
    return pairs


async def _import(
    what: Rows,
    file: Path,
    column_map: dict[str, str],
    rejects: Path | None,
    encoding: str | None,
    dry_run: bool,
    quiet: bool,
) -> ImportReport | EventReport:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    preview, import_file = _ways(what)
    async with open_hub(read_settings(), pool_size=2) as hub:
        if not quiet:
            print_preview(file, await preview(hub, path=file, column_map=column_map, encoding=encoding))
        with _bar() as on_progress:
            return await import_file(
                hub,
                path=file,
                column_map=column_map,
                encoding=encoding,
                rejects_path=rejects,
                dry_run=dry_run,
                on_progress=on_progress,
            )


def _ways(
    what: Rows,
) -> tuple[Callable[..., Awaitable[Preview]], Callable[..., Awaitable[ImportReport | EventReport]]]:
    """How rows of this kind are previewed and imported."""
    if what in (Rows.CONTACTS, Rows.COMPANIES):
        from hub_core.services.importing import import_file, preview

        kind = _kind(What(what.value))
        return partial(preview, kind=kind), partial(import_file, kind=kind)
    from hub_core.services.campaign_imports import EventFile, import_events, preview_events

    events = EventFile(what.value)
    return partial(preview_events, what=events), partial(import_events, what=events)


# --- what people see ---------------------------------------------------------------------------------------------


@contextmanager
def _bar() -> Generator[OnProgress | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if not err().is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        console=err(),
        transient=True,
    ) as progress:
        tasks = {name: progress.add_task(name.capitalize(), total=None) for name in ("reading", "storing")}
        yield lambda what, done, total: progress.update(tasks[what], completed=done, total=total)


def print_preview(file: Path, seen: Preview) -> None:
    from rich.markup import escape

    console().print(f"{escape(file.name)}: {escape(seen.format)}, about {seen.lines:,} lines", soft_wrap=True)
    console().print(_columns_table(seen.columns))


def _columns_table(columns: Sequence[Column]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Column", overflow="fold", max_width=28)
    table.add_column("Field", overflow="fold", max_width=24)
    table.add_column("Sample", no_wrap=True, overflow="ellipsis", max_width=22)
    for one in columns:
        goes_to = one.goes_to + (" (new)" if one.new else "") if one.used else "left out"
        table.add_row(escape(one.heading or "(no heading)"), escape(goes_to), escape(one.sample))
    return table


def print_report(report: ImportReport | EventReport) -> None:
    counts = [
        ("read", report.read),
        ("created", report.created),
        ("changed", report.changed),
        ("unchanged", report.unchanged),
        ("duplicates in the file", report.duplicates),
        ("rejected", report.rejected),
    ]
    shown = ", ".join(f"{count:,} {name}" for name, count in counts if count or name in ("read", "created"))
    out = console()
    out.print(f"{'Dry run, nothing is stored: ' if report.dry_run else 'Rows: '}{shown}.", soft_wrap=True)
    if report.employed:
        out.print(f"{report.employed:,} contacts tied to the company they work for.", soft_wrap=True)
    for (column, reason), count in list(report.reasons.items())[:_REASONS]:
        out.print(f"  {count:,} x {f'{column}: ' if column else ''}{reason}", markup=False, soft_wrap=True)
    if report.rejects_path:
        out.print(
            f"Rejected rows: {report.rejects_path} (correct them and import that file)", markup=False, soft_wrap=True
        )


def _records_table(what: What, found: Sequence[Record]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    if not found:
        return f"There are no {what} here. Import some: hub import {what} FILE"
    columns = {
        What.CONTACTS: (("First name", "firstName"), ("Last name", "lastName"), ("Company", "companyName")),
        What.COMPANIES: (("Name", "name"), ("Domain", "domain"), ("City", "city")),
    }[what]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Id", "Source id", *(title for title, _ in columns)):
        table.add_column(title, no_wrap=True, overflow="ellipsis", max_width=24)
    for one in found:
        table.add_row(
            str(one.id), escape(one.external_id), *(escape(str(one.values.get(field, ""))) for _, field in columns)
        )
    return table


def _document(report: ImportReport | EventReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "format": report.format,
        "dryRun": report.dry_run,
        "columns": [
            {"column": one.heading, "field": one.goes_to or None, "new": one.new, "sample": one.sample}
            for one in report.columns
        ],
        "read": report.read,
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "rejectsFile": report.rejects_path,
        "reasons": [
            {"column": column or None, "reason": reason, "rows": count}
            for (column, reason), count in report.reasons.items()
        ],
        "employed": report.employed,
    }

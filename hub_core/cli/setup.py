"""``hub setup``: the set-up of the active CRM."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from hub_core.cli import _setup_files as files
from hub_core.cli._output import Json, console, err, print_json, run
from hub_core.errors import BadInput, ExitCode, HubError

if TYPE_CHECKING:
    from hub_core.model.records import RecordKind
    from hub_core.model.setup import CrmSetup
    from hub_core.services.hub import Hub, OpenConnection
    from hub_core.services.setup import CrmUser, Judged

    Edit: TypeAlias = Callable[[Hub, OpenConnection, CrmSetup], Awaitable[CrmSetup]]

app = typer.Typer(add_completion=False)


class Kind(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"


class Tab(StrEnum):
    CONTACTS = "contacts"
    COMPANIES = "companies"
    CAMPAIGN = "campaign"


class Step(StrEnum):
    SYNC = "sync"
    FIELDS = "fields"
    CAMPAIGN = "campaign"
    USERS = "users"


TabArgument = Annotated[Tab, typer.Argument(help="Which tab of the field mapping, or the campaign properties.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Save without asking.")]

# --- looking -----------------------------------------------------------------------------------------------------


@app.command()
def show(step: Annotated[Step | None, typer.Option(help="Only this step.")] = None, as_json: Json = False) -> None:
    """Show how records are matched, the field mapping with its problems, and who owns what."""
    run(_show(step, as_json))


async def _show(step: Step | None, as_json: bool) -> None:
    from hub_core.cli import _setup_campaign as campaign
    from hub_core.cli import _setup_tables as tables
    from hub_core.services import setup

    async with active_crm() as (hub, crm):
        version, saved = await setup.load(hub, crm)
        judged = await setup.judge(hub, crm, saved)
        users = [] if as_json else await _users(crm, saved, step)
    if as_json:
        data = {**tables.setup_data(crm, judged, version), "campaign": campaign.data(judged)}
        print_json(data if step is None else {"version": version, step.value: data[step.value]})
        return
    out = console()
    out.print(f"{crm.stored.account.label or crm.stored.key}: set-up version {version}", markup=False)
    if not version:
        out.print("Nothing is saved yet; these are the defaults. Next: hub setup suggest", markup=False)
    if step in (None, Step.SYNC):
        out.print(tables.sync_view(crm, judged))
    if step in (None, Step.FIELDS):
        out.print(tables.fields_view(judged))
    if step in (None, Step.CAMPAIGN):
        out.print(campaign.view(judged, everything=step is Step.CAMPAIGN))
    if step in (None, Step.USERS):
        out.print(tables.users_view(judged, users, everybody=step is Step.USERS))


async def _users(crm: OpenConnection, saved: CrmSetup, step: Step | None) -> list[CrmUser]:
    """The CRM's users, when they are shown; without them the other steps are shown all the same."""
    from hub_core.services.setup import crm_users

    named = saved.users.default_owner or saved.users.users or saved.users.identities
    if step is not Step.USERS and not (step is None and named):
        return []
    try:
        return await crm_users(crm)
    except HubError as error:
        if step is Step.USERS:
            raise
        err().print(f"The CRM's users cannot be shown: {error}", markup=False)
        return []


@app.command()
def validate(
    records: Annotated[int, typer.Option(min=0, metavar="N", help="On how many records of each kind to try it.")] = 500,
    as_json: Json = False,
) -> None:
    """Check the mapping against the CRM's fields as they are now, and against the hub's records.

    Exits with 5 when something cannot work.
    """
    raise typer.Exit(run(_validate(records, as_json)))


async def _validate(limit: int, as_json: bool) -> int:
    from hub_core.cli import _setup_campaign as campaign
    from hub_core.cli import _setup_tables as tables
    from hub_core.services import setup

    async with active_crm() as (hub, crm):
        version, saved = await setup.load(hub, crm)
        judged = await setup.judge(hub, crm, saved, fresh=True)
        tried = {kind: await setup.try_records(hub, judged, kind, limit) for kind in setup.KINDS}
    if as_json:
        checks = {kind.plural: {"records": count, "rows": rows} for kind, (count, rows) in tried.items()}
        data = {**tables.setup_data(crm, judged, version), "campaign": campaign.data(judged)}
        print_json({**data, "checks": checks})
    else:
        console().print(tables.fields_view(judged))
        if saved.campaign.rows:
            console().print(campaign.view(judged, everything=False))
        if limit:
            console().print(tables.checks_view(judged, tried))
        console().print("\nNothing stands in the way." if not judged.red else f"\n✕ {judged.red} to correct.")
    return ExitCode.SETUP_INVALID if judged.red else ExitCode.OK


# --- proposing ---------------------------------------------------------------------------------------------------


@app.command()
def suggest(
    save: Annotated[bool, typer.Option("--save", help="Save it, after asking.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as YAML; '-' is the terminal.")
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Propose a mapping of the fields that your records have; what is mapped already stays as it is.

    Nothing is saved without --save. Edit the file of -o and save it with: hub setup apply FILE
    """
    run(_suggest(save, output, yes, as_json))


async def _suggest(save: bool, output: Path | None, yes: bool, as_json: bool) -> None:
    from hub_core.cli import _setup_tables as tables
    from hub_core.services import setup

    async with active_crm() as (hub, crm):
        version, before = await setup.load(hub, crm)
        found = await setup.suggest(hub, crm, before)
        for kind in setup.KINDS:
            if not found.records[kind]:
                err().print(f"The hub has no {kind.plural} yet, so only what identifies them is proposed.")
        new = any(found.added.values())
        if output:
            files.write(output, files.yaml_of(crm, found.judged.setup, version))
        if not as_json and output != Path("-"):
            console().print(tables.suggestion_view(found))
        saved = None
        if save and new and (yes or as_json or _agreed("Save this mapping?")):
            saved = await setup.save(hub, crm, found.judged.setup, version)
    if as_json:
        data = tables.setup_data(crm, found.judged, saved or version)
        left = {kind.plural: values for kind, values in found.left.items()}
        print_json({**data, "saved": saved is not None, "values_without_option": left})
    elif saved:
        err().print(f"Saved as version {saved}.")
    elif new:
        err().print("Nothing was saved. To save it: hub setup suggest --save", markup=False)


# --- changing ----------------------------------------------------------------------------------------------------


@app.command("set")
def set_(
    settings: Annotated[list[str], typer.Argument(metavar="PATH=VALUE...", help="One or more settings.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Change settings, such as sync.contact.identifier=name_company or users.default_owner=ann@example.com.

    Conditions of your own: sync.contact.custom='(firstName AND lastName) OR professionalEmail'
    """

    async def edit(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> CrmSetup:
        from hub_core.rules.editing import set_paths
        from hub_core.services.setup import hub_fields

        pairs: list[tuple[str, str]] = []
        for setting in settings:
            path, equals, value = setting.partition("=")
            if not equals:
                raise BadInput(f"{setting!r} has no value.", fix=f"Write it as {setting}=VALUE")
            pairs.append((path.strip(), value.strip()))
        return set_paths(setup, pairs, await hub_fields(hub))

    run(_change(edit, as_json, dry_run=dry_run))


@app.command("map")
def map_(
    tab: TabArgument,
    pair: Annotated[str, typer.Argument(metavar="HUBFIELD=CRMFIELD", help="CRMFIELD alone with a value of your own.")],
    mode: Annotated[
        str | None, typer.Option(help="bidirectional, crm_overwrites_hub, hub_overwrites_crm, if_empty or off.")
    ] = None,
    fixed: Annotated[str | None, typer.Option(metavar="VALUE", help="The same value for every record.")] = None,
    manual: Annotated[str | None, typer.Option(metavar="LABEL", help="Ask for the value when exporting.")] = None,
    engagement: Annotated[str | None, typer.Option(metavar="VALUE", help="Written with the first activity.")] = None,
    blank: Annotated[str | None, typer.Option(help="What a blank in the hub does to the CRM: keep or clear.")] = None,
    conflict: Annotated[str | None, typer.Option(help="Whose change stays: hub, crm, newest or review.")] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(metavar="HUB=OPTION", help="Write this option for this value; HUB= writes nothing for it."),
    ] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Keep the row without using it.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Map a hub field, a value of your own or a campaign property (hub setup map campaign sequenceStatus=FIELD) to a
    field of the CRM.

    A field that is mapped already is changed: what you do not give stays, and values are added to its value map.
    """

    async def edit(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> CrmSetup:
        from hub_core.cli import _setup_campaign as campaign
        from hub_core.cli import _setup_rows as rows
        from hub_core.rules.editing import put_row
        from hub_core.services.setup import crm_field, hub_fields

        if tab is Tab.CAMPAIGN:
            others = (mode, fixed, manual, engagement, blank, conflict)
            return await campaign.put(hub, crm, setup, pair, others=others, value=value or [], active=not inactive)
        kind = kind_of(Kind(tab.value))
        source, name = rows.source_of(pair, fixed=fixed, manual=manual, engagement=engagement)
        rows.check_hub_field(source, kind, await hub_fields(hub))
        field = await crm_field(hub, crm, kind, name)
        return put_row(
            setup,
            kind,
            name,
            rows.with_option(source, field),
            mode=rows.mode_of(mode),
            blank=rows.blank_of(blank),
            conflict=rows.conflict_of(conflict),
            values=rows.values_of(value or [], field),
            active=not inactive,
        )

    run(_change(edit, as_json, dry_run=dry_run))


@app.command()
def unmap(
    tab: TabArgument,
    crm_field: Annotated[str, typer.Argument(metavar="CRMFIELD", help="The CRM's field.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a row of the field mapping."""

    async def edit(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> CrmSetup:
        from hub_core.rules.campaign_mapping import drop_campaign_row
        from hub_core.rules.editing import drop_row

        if tab is Tab.CAMPAIGN:
            return drop_campaign_row(setup, crm_field)
        return drop_row(setup, kind_of(Kind(tab.value)), crm_field)

    run(_change(edit, as_json, dry_run=dry_run))


# --- as a file ---------------------------------------------------------------------------------------------------


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to write it; else the terminal.")] = None,
    as_json: Json = False,
) -> None:
    """Write the set-up as YAML; it holds no secrets."""
    run(_export(file, as_json))


async def _export(file: Path | None, as_json: bool) -> None:
    from hub_core.services import setup

    async with active_crm() as (hub, crm):
        version, saved = await setup.load(hub, crm)
    if as_json:
        print_json(saved.model_dump(mode="json"))
        return
    files.write(file or Path("-"), files.yaml_of(crm, saved, version))
    if file:
        err().print(f"Version {version} is in {file}.\nSave a changed one with: hub setup apply {file}", soft_wrap=True)


@app.command("apply")
def apply_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A set-up as YAML or JSON; '-' is standard input.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Save a set-up from a file, after showing what it changes."""
    text = files.read(file)

    async def edit(hub: Hub, crm: OpenConnection, setup: CrmSetup) -> CrmSetup:
        from hub_core.rules.documents import from_yaml

        return from_yaml(text)

    # Standard input is the file then, so nobody can be asked.
    run(_change(edit, as_json, dry_run=dry_run, ask=not (yes or file == Path("-"))))


# --- what they share ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def active_crm() -> AsyncGenerator[tuple[Hub, OpenConnection]]:
    """The hub, and its active CRM in use."""
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings(), pool_size=2) as hub, hub.crm() as crm:
        yield hub, crm


async def _change(edit: Edit, as_json: bool, *, dry_run: bool = False, ask: bool = False) -> None:
    """Change the saved set-up: show what changes and what is to be said about it, then save."""
    from hub_core.cli import _setup_tables as tables
    from hub_core.rules.documents import differences
    from hub_core.services import setup

    async with active_crm() as (hub, crm):
        version, before = await setup.load(hub, crm)
        after = await setup.with_user_ids(crm, await edit(hub, crm, before), before)
        changes = differences(before, after)
        judged = await setup.judge(hub, crm, after)
        if not as_json and changes:
            console().print(tables.changes_view(changes))
        setup.refuse(judged)
        if not as_json:
            _print_notes(judged, [change.path for change in changes])
        saved = None
        if after != before and not dry_run and (not ask or as_json or _agreed("Save these changes?")):
            saved = await setup.save(hub, crm, after, version)
    if as_json:
        print_json({"version": saved or version, "saved": saved is not None, "changes": changes})
    elif after == before:
        err().print(f"Nothing changes; version {version} stays.")
    else:
        err().print(f"Saved as version {saved}." if saved else "Nothing was saved.")


def _print_notes(judged: Judged, changed: list[str]) -> None:
    """What is to be said about the rows that change."""
    from hub_core.cli import _setup_campaign as campaign
    from hub_core.cli import _setup_tables as tables

    for note in campaign.notes(judged, changed):
        console().print(note)

    for kind, report in judged.reports.items():
        at = f"fields.{kind.plural}."
        rows = {row.crm for row in judged.setup.fields.of(kind).rows}
        touched = {
            name for name in rows if any(path == at + name or path.startswith(f"{at}{name}.") for path in changed)
        }
        for note in tables.notes(judged, report.kind, touched, whole=False):
            console().print(note)


def _agreed(question: str) -> bool:
    """Ask on a terminal; elsewhere (a script, cron) the command itself is the answer."""
    return not (sys.stdin.isatty() and sys.stdout.isatty()) or typer.confirm(question, default=False)


def kind_of(kind: Kind) -> RecordKind:
    from hub_core.model.records import RecordKind

    return RecordKind.CONTACT if kind is Kind.CONTACTS else RecordKind.COMPANY

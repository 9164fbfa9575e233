"""How a set-up, the CRM's fields and changes look in the terminal, and as plain data for ``--json``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hub_core.model.setup import Row
from hub_core.rules.compatibility import RowStatus, Status
from hub_core.rules.documents import source_text

if TYPE_CHECKING:
    from hub_core.model.fields import FieldInfo
    from hub_core.model.records import RecordKind
    from hub_core.rules.checking import RowCheck
    from hub_core.rules.documents import Difference
    from hub_core.services.hub import OpenConnection
    from hub_core.services.setup import CrmUser, Judged, Suggestion

# A word beside the sign: not everybody sees the colour, and not every terminal has the sign.
_STATUS = {
    Status.OK: Text("✓ ok", style="blue"),
    Status.WARNING: Text("! check", style="yellow"),
    Status.ERROR: Text("✕ error", style="red"),
}
_STYLE = {Status.OK: "", Status.WARNING: "yellow", Status.ERROR: "red"}


def plain_table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _facts(rows: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


# --- step 1 ------------------------------------------------------------------------------------------------------


def integration_user(crm: OpenConnection) -> str:
    return crm.stored.account.user_email or crm.stored.account.label


def identifier_text(judged: Judged, kind: RecordKind) -> str:
    """When two records are the same, in words."""
    rule = judged.rules.get(kind)
    if rule is None:
        return "cannot be used, see below"
    text = ", or ".join(clause.name for clause in rule.clauses)
    any_extension = kind.value == "company" and judged.setup.sync.company.any_domain_extension
    return f"{text} {'is' if rule.clauses[0].parts[1:] == () and len(rule.clauses) == 1 else 'are'} equal" + (
        " (any domain extension)" if any_extension else ""
    )


def sync_view(crm: OpenConnection, judged: Judged) -> RenderableType:
    sync = judged.setup.sync
    facts = [("Integration user", integration_user(crm))]
    for kind in judged.reports:
        facts.append((f"A {kind.value} is the same when", identifier_text(judged, kind)))
    facts.append(("Tie exported contacts to companies", "yes" if sync.associate_contacts_with_companies else "no"))
    facts.append(("Tie exported companies to contacts", "yes" if sync.associate_companies_with_contacts else "no"))
    return Group(heading("Step 1: Sync"), _facts(facts))


# --- step 2 ------------------------------------------------------------------------------------------------------


def fields_view(judged: Judged) -> RenderableType:
    parts: list[RenderableType] = []
    for kind in judged.reports:
        mapping = judged.setup.fields.of(kind)
        parts.append(heading(f"Step 2: Fields of {kind.plural} (association: {mapping.association.value})"))
        if not mapping.rows:
            parts.append(Text("No field is mapped, so none is exported.\n  -> See what fits: hub setup suggest"))
            continue
        parts += [rows_table(mapping.rows, judged.reports[kind].rows), *notes(judged, kind)]
    return Group(*parts)


def sign(judged: RowStatus, *, active: bool) -> Text:
    """A row's icon, with a word beside it."""
    shown = _STATUS[judged.status]
    return shown if active else Text(f"{shown.plain[0]} inactive", style="dim")


def rows_table(rows: Sequence[Row], statuses: Sequence[RowStatus]) -> Table:
    table = plain_table("", "Hub", "CRM field", "Mode", "Values")
    table.columns[3].no_wrap = True
    for row, judged in zip(rows, statuses, strict=True):
        count = f"{len(row.values)} mapped" if row.values else ""
        table.add_row(
            sign(judged, active=row.active),
            Text(source_text(row.source)),
            Text(row.crm),
            Text(row.mode.value),
            Text(count),
        )
    return table


def notes(
    judged: Judged, kind: RecordKind, only: Iterable[str] | None = None, *, whole: bool = True
) -> list[RenderableType]:
    """Why rows are not ok and what to do (``only``: of these CRM fields), then what is wrong with the object as a
    ``whole``."""
    report = judged.reports[kind]
    wanted = None if only is None else set(only)
    rows = zip(judged.setup.fields.of(kind).rows, report.rows, strict=True)
    found = row_notes((row.crm, status) for row, status in rows if wanted is None or row.crm in wanted)
    problems = [(kind.plural, status) for status in report.problems] if whole else []
    return [*found, *(_note(name, status) for name, status in problems)]


def row_notes(rows: Iterable[tuple[str, RowStatus]]) -> list[RenderableType]:
    """What is to be said about rows, by CRM field."""
    return [_note(name, status) for name, status in _grouped(rows)]


def _grouped(rows: Iterable[tuple[str, RowStatus]]) -> list[tuple[str, RowStatus]]:
    """Rows that are not ok; those with the same reason together."""
    names: dict[RowStatus, list[str]] = {}
    for name, status in rows:
        if status.status is not Status.OK:
            names.setdefault(status, []).append(name)
    return [(", ".join(of), status) for status, of in names.items()]


def _note(name: str, status: RowStatus) -> Text:
    sign = _STATUS[status.status].plain[0]
    return Text(
        f"{sign} {name}: {status.reason}" + (f"\n  -> {status.fix}" if status.fix else ""), _STYLE[status.status]
    )


def suggestion_view(found: Suggestion) -> RenderableType:
    """The proposed rows, what is to be said about them, and the values that found no option."""
    parts: list[RenderableType] = []
    for kind, added in found.added.items():
        if not added:
            parts.append(heading(f"There is nothing to add to the mapping of {kind.plural}."))
            continue
        parts.append(heading(f"Proposed for {kind.plural}"))
        parts.append(rows_table(added, found.judged.reports[kind].rows[-len(added) :]))
        parts += notes(found.judged, kind, [row.crm for row in added])
        parts += [_left(kind, row, found.left[kind][row.crm]) for row in added if row.crm in found.left[kind]]
    return Group(*parts)


def _left(kind: RecordKind, row: Row, values: Sequence[str]) -> Text:
    some = ", ".join(repr(value) for value in values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
    command = f"hub setup map {kind.plural} {row.hub_field}={row.crm} --value {shlex.quote(f'{values[0]}=OPTION')}"
    text = f"! {row.crm}: no option was found for {some}.\n  -> See them: hub fields {kind.plural} {row.crm}"
    return Text(f"{text}\n  -> Then: {command}", style="yellow")


def checks_view(judged: Judged, tried: Mapping[RecordKind, tuple[int, Sequence[RowCheck]]]) -> RenderableType:
    """How the rows fare on real records."""
    parts: list[RenderableType] = [heading("Tried on records")]
    for kind, (count, checks) in tried.items():
        failing = [check for check in checks if check.failing]
        if not count:
            parts.append(Text(f"There are no {kind.plural} in the hub to try."))
            continue
        parts.append(Text(f"{count:,} {kind.plural}: {'some values would fail' if failing else 'all values fit'}."))
        parts += [Text(f"! {check.field}: {check}", style="yellow") for check in failing]
    return Group(*parts)


# --- step 4 ------------------------------------------------------------------------------------------------------


def users_view(judged: Judged, users: Sequence[CrmUser], *, everybody: bool) -> RenderableType:
    """Who is who; with ``everybody`` also whom the CRM has."""
    step = judged.setup.users
    names = {user.id: _user_text(user) for user in users}
    facts = [("Default owner", names.get(step.default_owner, step.default_owner) if step.default_owner else "nobody")]
    facts += [(f"Hub user {who}", names.get(user, user)) for who, user in step.users.items()]
    facts += [(f"Identity {who}", names.get(user, user)) for who, user in step.identities.items()]
    parts: list[RenderableType] = [heading("Step 4: Users"), _facts(facts)]
    if everybody:
        table = plain_table("Id", "Name", "E-mail", "Can own")
        for user in users:
            table.add_row(*map(Text, (user.id, user.name, user.email, "yes" if user.active else "no")))
        parts += [heading("The CRM's users"), table]
    return Group(*parts)


def _user_text(user: CrmUser) -> str:
    shown = f"{user.name} <{user.email}>" if user.email and user.email != user.name else user.name
    return shown if user.active else f"{shown} (cannot own records)"


# --- changes, fields ---------------------------------------------------------------------------------------------


def changes_view(changes: Sequence[Difference]) -> RenderableType:
    style = {"+": "green", "-": "red", "~": "yellow"}
    return Group(*(Text(text, style=style[text[0]]) for text in map(str, changes)))


def crm_fields_table(fields: Sequence[FieldInfo]) -> RenderableType:
    table = plain_table("Field", "Label", "Type", "")
    table.columns[0].min_width, table.columns[0].max_width = 24, 32
    for field in fields:
        table.add_row(*map(Text, (field.id, field.label, field.type.value, ", ".join(_traits(field)))))
    return table


def _traits(field: FieldInfo) -> Iterable[str]:
    if field.required:
        yield "required"
    if field.read_only:
        yield "read-only"
    if field.unique:
        yield "unique"
    if field.options:
        yield f"{len(field.options)} options"
    if field.refers_to:
        yield f"a {field.refers_to}'s id"


def crm_field_view(field: FieldInfo) -> RenderableType:
    """One field with its options: internal name (what is written) and label."""
    table = plain_table("Option (internal name)", "Label", "")
    for option in field.options:
        table.add_row(Text(option.value), Text(option.label), Text("" if option.active else "not active"))
    return Group(crm_fields_table([field]), *([table] if field.options else []))


# --- data --------------------------------------------------------------------------------------------------------


def setup_data(crm: OpenConnection, judged: Judged, version: int) -> dict[str, Any]:
    """A set-up and what is to be said about it, as plain data."""
    document = judged.setup.model_dump(mode="json")
    for kind, report in judged.reports.items():
        document["sync"][kind.value]["words"] = identifier_text(judged, kind)
        mapping = document["fields"][kind.plural]
        mapping["rows"] = [
            {**row, **status_data(status)} for row, status in zip(mapping["rows"], report.rows, strict=True)
        ]
        mapping["problems"] = [status_data(problem) for problem in report.problems]
    return {
        "crm": crm.stored.key,
        "version": version,
        "integration_user": integration_user(crm),
        "ok": judged.red == 0,
        **document,
    }


def status_data(status: RowStatus) -> dict[str, str]:
    return {"status": status.status.value, "reason": status.reason, "fix": status.fix}

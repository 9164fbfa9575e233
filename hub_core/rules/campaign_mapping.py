"""Set-up step 3: which campaign property goes to which of the CRM's contact fields, and what is to be written.

Properties only go from the hub to the CRM. A row that cannot work is left out of a run, and the others go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from hub_core.errors import BadInput, SetupInvalid, UnknownName
from hub_core.model.fields import CrmType, FieldInfo
from hub_core.model.plan import Change
from hub_core.model.records import CrmValue, HubValue, RecordKind
from hub_core.model.setup import CampaignRow, CampaignStep, CrmSetup
from hub_core.rules.campaign_properties import PROPERTIES, CampaignProperty
from hub_core.rules.compatibility import RowStatus, Status, writing
from hub_core.rules.values import ValueProblem, Writer, canonical, typed, writer

_OK = RowStatus(Status.OK)
_SEVERITY = {Status.OK: 0, Status.WARNING: 1, Status.ERROR: 2}
_AS_TEXT = 9  # the reason "stored as text, let the hub overwrite the CRM": which is what properties do anyway


# --- judging -----------------------------------------------------------------------------------------------------


def check_campaign(setup: CrmSetup, crm_fields: Mapping[str, FieldInfo]) -> tuple[RowStatus, ...]:
    """The status of each row, in their order. ``crm_fields``: those of contacts, by id."""
    return tuple(
        max(_findings(row, setup, crm_fields), key=lambda found: _SEVERITY[found.status], default=_OK)
        for row in setup.campaign.rows
    )


def refuse_red_campaign(setup: CrmSetup, statuses: Iterable[RowStatus], *, paused: Collection[str] = ()) -> None:
    """Raise `SetupInvalid`, naming them, when active rows are red. ``paused``: CRM fields whose rows may be."""
    red = [
        f"{row.crm}: {judged.reason} {judged.fix}".rstrip()
        for row, judged in zip(setup.campaign.rows, statuses, strict=True)
        if row.active and judged.status is Status.ERROR and row.crm not in paused
    ]
    if red:
        raise SetupInvalid(
            f"{len(red)} of the campaign properties cannot be written: {'; '.join(red)}",
            fix="Correct these rows or deactivate them.",
        )


def _findings(row: CampaignRow, setup: CrmSetup, crm_fields: Mapping[str, FieldInfo]) -> Iterator[RowStatus]:
    field, known = crm_fields.get(row.crm), PROPERTIES.get(row.property)
    if field is None:
        yield _unknown("CRM field of contacts", row.crm, crm_fields)
    if known is None:
        yield _unknown("campaign property", row.property, PROPERTIES)
    if field is None or known is None:
        return
    yield _fit(row, known, field)
    for value, option in row.values.items():
        try:
            if option is not None and not field.read_only:
                typed(option, field)
        except ValueProblem as problem:
            yield RowStatus(
                Status.ERROR, f"The value map turns {value!r} into {option!r}: {problem.reason}", problem.fix
            )
    mapped = {each.crm for each in setup.fields.of(RecordKind.CONTACT).rows if each.active}
    if row.active and row.crm in mapped:
        yield RowStatus(
            Status.ERROR, "The field mapping of contacts fills the same CRM field.", "Remove one of the two rows."
        )


def _fit(row: CampaignRow, known: CampaignProperty, field: FieldInfo) -> RowStatus:
    judged = writing(known.type, field)
    if judged.number == _AS_TEXT:
        return _OK
    if field.type is not CrmType.CHOICE or field.read_only or not known.options:
        return judged
    options = {option.value for option in field.options if option.active}
    missing = [value for value in known.options if value not in row.values and value not in options]
    if not missing:
        return _OK
    names = ", ".join(map(repr, missing))
    return RowStatus(
        Status.WARNING, f"The CRM field has no option for {names}.", "Map each to an option: --value VALUE=OPTION", 3
    )


def _unknown(what: str, name: str, known: Iterable[str]) -> RowStatus:
    missing = UnknownName(what, name, known)
    return RowStatus(Status.ERROR, missing.message, missing.fix)


# --- editing -----------------------------------------------------------------------------------------------------


def put_campaign_row(setup: CrmSetup, row: CampaignRow) -> CrmSetup:
    """Map a property to a CRM field, in place of what this CRM field is mapped to; a value map of the same property is
    added to. Raises `UnknownName` when there is no such property."""
    if row.property not in PROPERTIES:
        raise UnknownName("campaign property", row.property, PROPERTIES)
    rows = list(setup.campaign.rows)
    place = next((n for n, each in enumerate(rows) if each.crm == row.crm), len(rows))
    if place < len(rows) and rows[place].property == row.property:
        row = row.model_copy(update={"values": {**rows[place].values, **row.values}})
    rows[place : place + 1] = [row]
    return _with_rows(setup, rows)


def drop_campaign_row(setup: CrmSetup, crm: str) -> CrmSetup:
    """Remove the row of a CRM field. Raises `UnknownName` when it has none."""
    kept = [row for row in setup.campaign.rows if row.crm != crm]
    if len(kept) == len(setup.campaign.rows):
        raise UnknownName("CRM field with a campaign property", crm, {row.crm for row in setup.campaign.rows})
    return _with_rows(setup, kept)


def _with_rows(setup: CrmSetup, rows: Iterable[CampaignRow]) -> CrmSetup:
    try:
        return setup.model_copy(update={"campaign": CampaignStep(rows=tuple(rows))})
    except ValidationError as error:
        raise BadInput("A CRM field is mapped to more than one campaign property.", fix="Unmap the other.") from error


# --- writing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CompiledCampaign:
    """The active rows, ready to run over contacts: (property id, field, write). ``faults``: rows left out, and why."""

    rows: tuple[tuple[str, FieldInfo, Writer], ...]
    faults: tuple[str, ...]


def compile_campaign(setup: CrmSetup, crm_fields: Mapping[str, FieldInfo]) -> CompiledCampaign:
    """Make step 3 ready, once per run."""
    rows: list[tuple[str, FieldInfo, Writer]] = []
    faults: list[str] = []
    for row, judged in zip(setup.campaign.rows, check_campaign(setup, crm_fields), strict=True):
        if not row.active:
            continue
        if judged.status is Status.ERROR:
            faults.append(f"{row.crm}: {judged.reason}")
        else:
            field = crm_fields[row.crm]
            rows.append((row.property, field, _writer(row, PROPERTIES[row.property], field)))
    return CompiledCampaign(tuple(rows), tuple(faults))


def _writer(row: CampaignRow, known: CampaignProperty, field: FieldInfo) -> Writer:
    plain = writer(known.type, field)
    if not row.values:
        return plain
    options = {value: None if option is None else typed(option, field) for value, option in row.values.items()}
    return lambda value: options[str(value)] if str(value) in options else plain(value)


def campaign_changes(
    compiled: CompiledCampaign, values: Mapping[str, HubValue], agreed: Mapping[str, CrmValue | None]
) -> tuple[tuple[Change, ...], list[str]]:
    """What is to be written for one contact, and what cannot be, as sentences.

    ``values``: its properties; ``agreed``: what its link says the CRM holds, by CRM field. Only what differs from that,
    form aside, is a change; a property that has become blank clears its field.
    """
    changes: list[Change] = []
    problems: list[str] = []
    for name, field, write in compiled.rows:
        value, before = values.get(name), agreed.get(field.id)
        try:
            after = None if value is None else write(value)
        except ValueProblem as problem:
            problems.append(f"{field.label}: {problem}")
            continue
        if after != before and canonical(after, field.type) != canonical(before, field.type):
            changes.append(Change(field.id, before, after))
    return tuple(changes), problems

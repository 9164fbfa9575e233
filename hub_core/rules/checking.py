"""The icons of the field mapping step: the status of every row, and what is wrong with the mapping as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from hub_core.errors import BadInput, SetupInvalid, UnknownName
from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, FieldType, HubField
from hub_core.model.records import HubValue, RecordKind
from hub_core.model.setup import CrmSetup, Engagement, Fixed, FromHub, ManualAtExport, Mode, Row
from hub_core.rules.compatibility import RowStatus, Status, reading, status_of, writing
from hub_core.rules.mapping import CompiledMapping
from hub_core.rules.values import ValueProblem, typed

_OK = RowStatus(Status.OK)
_SEVERITY = {Status.OK: 0, Status.WARNING: 1, Status.ERROR: 2}
_READS_TOO = frozenset((Mode.BIDIRECTIONAL, Mode.IF_EMPTY))
_OTHER = {RecordKind.CONTACT: RecordKind.COMPANY, RecordKind.COMPANY: RecordKind.CONTACT}
_CHOICES = frozenset((CrmType.CHOICE, CrmType.MULTI_CHOICE))
# Reasons that a value map removes: the value must be an option (3, 4), needs buckets (11), needs codes (16).
_MAPPABLE = frozenset((3, 4, 11, 16))
# Reasons that only matter when the value is read back: stored as plain text (9), with a time (13), joined (17).
_ONE_WAY = frozenset((9, 13, 17))


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """One tab: the status of each row, in the mapping's order, and what no single row is to blame for."""

    kind: RecordKind
    rows: tuple[RowStatus, ...]
    problems: tuple[RowStatus, ...]


@dataclass(frozen=True, slots=True)
class RowCheck:
    """How one row fares on real records: ``failing`` of ``of`` values cannot be written; up to three reasons why."""

    field: str
    failing: int
    of: int
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.failing} of {self.of} would fail: {' '.join(self.reasons)}" if self.failing else f"{self.of} fit."
        )


def check(
    setup: CrmSetup,
    kind: RecordKind,
    hub_fields: Mapping[str, HubField],
    crm_fields: Mapping[str, FieldInfo],
    *,
    identifying: frozenset[str] = frozenset(),
    other_fields: Mapping[str, HubField] | None = None,
) -> ObjectReport:
    """Judge one tab of the field mapping.

    ``hub_fields`` and ``crm_fields`` are those of ``kind``, by id; ``other_fields`` the hub fields of the other tab
    (the standard ones if not given). ``identifying``: hub fields that step 1 compares, whose CRM fields step 2 must
    name.
    """
    mapping, other = setup.fields.of(kind), setup.fields.of(_OTHER[kind])
    tab = _Tab(kind, hub_fields, crm_fields, other_fields or STANDARD_FIELDS[_OTHER[kind]], other.rows)
    rows = tuple(max(tab.findings(row), key=lambda found: _SEVERITY[found.status], default=_OK) for row in mapping.rows)
    return ObjectReport(kind, rows, tuple(_object_problems(mapping.rows, crm_fields, hub_fields, identifying)))


def refuse_red(
    setup: CrmSetup,
    reports: Mapping[RecordKind, ObjectReport],
    *,
    paused: Mapping[RecordKind, Collection[str]] | None = None,
) -> None:
    """Raise `SetupInvalid`, naming them, when active rows are red: such a mapping cannot be saved. ``paused``: CRM
    fields whose rows are left out of runs, so that they may be red."""
    paused = paused or {}
    red = [
        f"{report.kind.plural}: {row.crm}: {judged.reason} {judged.fix}".rstrip()
        for report in reports.values()
        for row, judged in zip(setup.fields.of(report.kind).rows, report.rows, strict=True)
        if row.active and judged.status is Status.ERROR and row.crm not in paused.get(report.kind, ())
    ]
    if red:
        raise SetupInvalid(
            f"{len(red)} of the mapped fields cannot work: {'; '.join(red)}",
            fix="Correct these rows or deactivate them.",
        )


def check_manual(compiled: CompiledMapping, manual: Mapping[str, str]) -> None:
    """Raise `BadInput` when a value typed for this export names no manual-at-export field or does not fit it."""
    for name, text in manual.items():
        if name not in compiled.manual:
            raise UnknownName("manual export field", name, compiled.manual)
        try:
            compiled.manual[name](text)
        except ValueProblem as problem:
            raise BadInput(f"{compiled.fields[name].label}: {problem.reason}", fix=problem.fix) from problem


def check_values(compiled: CompiledMapping, records: Iterable[Mapping[str, HubValue]]) -> tuple[RowCheck, ...]:
    """Try the rows that an export writes on records, without writing: one answer per row, in their order."""
    counts: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {field: Counter() for _, field, _, _ in compiled.written}
    for values in records:
        for hub_id, field, write, _ in compiled.written:
            if (value := values.get(hub_id)) is None:
                continue
            counts[field] += 1
            try:
                write(value)
            except ValueProblem as problem:
                reasons[field][str(problem)] += 1
    return tuple(
        RowCheck(field, found.total(), counts[field], tuple(reason for reason, _ in found.most_common(3)))
        for field, found in reasons.items()
    )


@dataclass(frozen=True, slots=True)
class _Tab:
    """One tab with all that its rows are judged by."""

    kind: RecordKind
    hub_fields: Mapping[str, HubField]
    crm_fields: Mapping[str, FieldInfo]
    other_fields: Mapping[str, HubField]
    other_rows: tuple[Row, ...]

    def findings(self, row: Row) -> Iterator[RowStatus]:
        """Everything there is to say about a row; the first of the worst is shown."""
        crm = self.crm_fields.get(row.crm)
        if crm is None:
            yield _unknown("CRM field", row.crm, self.crm_fields)
        match row.source:
            case FromHub(hub=name):
                hub = self.hub_fields.get(name)
                if hub is None or hub.kind is not self.kind:
                    yield self._misplaced(name, hub)
                elif crm is not None:
                    yield from _hub_row(row, hub, crm)
                    yield from self._both_tabs(row)
            case Fixed(fixed=text) | Engagement(engagement=text):
                if crm is not None:
                    yield from _typed_row(row, text, crm)
            case ManualAtExport():
                if crm is not None:
                    yield writing(FieldType.TEXT, crm) if crm.read_only else _OK

    def _misplaced(self, name: str, hub: HubField | None) -> RowStatus:
        if hub is None and name not in self.other_fields:
            return _unknown("hub field", name, self.hub_fields)
        here, there = self.kind, _OTHER[self.kind]
        return RowStatus(
            Status.ERROR,
            f"{name!r} is a {there} field, and this is the {here.plural} tab.",
            f"Map it in the {there.plural} tab, and remove it here.",
        )

    def _both_tabs(self, row: Row) -> Iterator[RowStatus]:
        """The same hub field mapped in both tabs must be mapped the same, as far as the CRM has the same fields."""
        for twin in self.other_rows if row.active else ():
            if not twin.active or twin.hub_field != row.hub_field:
                continue
            differs = [
                word
                for word, is_different in (
                    ("CRM field", twin.crm != row.crm and twin.crm in self.crm_fields),
                    ("mode", twin.mode is not row.mode),
                    ("blank rule", twin.blank is not row.blank),
                    ("value map", twin.values != row.values),
                )
                if is_different
            ]
            if differs:
                yield RowStatus(
                    Status.WARNING,
                    f"{row.hub_field!r} is mapped in both tabs, with another {' and '.join(differs)}.",
                    "Map it the same in both tabs.",
                )


def _unknown(what: str, name: str, known: Iterable[str]) -> RowStatus:
    missing = UnknownName(what, name, known)
    return RowStatus(Status.ERROR, missing.message, missing.fix)


def _hub_row(row: Row, hub: HubField, crm: FieldInfo) -> Iterator[RowStatus]:
    """A row fed by the hub. One that only reads is judged by reading alone, so it may name a read-only CRM field."""
    if row.mode is Mode.CRM_OVERWRITES_HUB:
        yield reading(crm, hub)
        return
    judged = status_of(hub, crm)
    if judged.number in _ONE_WAY and row.mode is Mode.HUB_OVERWRITES_CRM:
        judged = _OK
    if judged.number in _MAPPABLE and crm.type is not CrmType.UNKNOWN:
        yield from _value_map(row, hub, crm, judged)
    else:
        yield judged
        yield from _targets(row, crm)
    if row.mode in _READS_TOO and (back := reading(crm, hub)).status is Status.ERROR:
        yield RowStatus(
            Status.WARNING,
            f"Values can be written but not read back: {back.reason[0].lower()}{back.reason[1:]}",
            "Let the hub overwrite the CRM.",
        )


def _targets(row: Row, crm: FieldInfo) -> Iterator[RowStatus]:
    """The right sides of a value map must fit the CRM field."""
    for source, target in row.values.items():
        try:
            if target is not None and not crm.read_only:
                typed(target, crm)
        except ValueProblem as problem:
            yield RowStatus(
                Status.ERROR, f"The value map turns {source!r} into {target!r}: {problem.reason}", problem.fix
            )


def _value_map(row: Row, hub: HubField, crm: FieldInfo, judged: RowStatus) -> Iterator[RowStatus]:
    """Values that must be options: the row is as good as its value map is complete."""
    yield from _targets(row, crm)
    known = ("true", "false") if hub.type is FieldType.BOOLEAN else hub.options
    options = {option.value for option in crm.options if option.active} if crm.type in _CHOICES else set[str]()
    if crm.type is CrmType.BOOLEAN:
        options = {"true", "false"}
    missing = [value for value in known if value not in row.values and value not in options]
    if known and not missing:
        return
    if missing and (row.values or judged.status is Status.OK):
        names = ", ".join(repr(value) for value in missing)
        yield RowStatus(
            Status.WARNING,
            f"The value map does not say what becomes of {names}.",
            "Map each of them to an option, or drop it.",
            judged.number,
        )
    elif row.values and judged.status is Status.ERROR:
        yield RowStatus(
            Status.WARNING, "Values that are not in the value map cannot be written.", judged.fix, judged.number
        )
    else:
        yield judged


def _typed_row(row: Row, text: str, crm: FieldInfo) -> Iterator[RowStatus]:
    """A fixed or engagement value: valid when the CRM field takes what was typed."""
    try:
        if typed(text, crm) is None:
            yield RowStatus(Status.ERROR, "The value to export is blank.", "Type a value, or remove the row.")
    except ValueProblem as problem:
        fix = problem.fix
        if crm.type in _CHOICES and (names := [option.value for option in crm.options if option.active]):
            fix = f"Type an option's internal name: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."
        yield RowStatus(Status.ERROR, problem.reason, fix)
    if row.mode is Mode.CRM_OVERWRITES_HUB:
        yield RowStatus(Status.WARNING, "There is no hub field for the CRM to overwrite.", "Choose another mode.")


def _object_problems(
    rows: tuple[Row, ...],
    crm_fields: Mapping[str, FieldInfo],
    hub_fields: Mapping[str, HubField],
    identifying: frozenset[str],
) -> Iterator[RowStatus]:
    active = [row for row in rows if row.active]
    written = {row.crm for row in active if not isinstance(row.source, Engagement)}
    for field in crm_fields.values():
        if field.required and not field.read_only and field.id not in written:
            yield RowStatus(
                Status.ERROR,
                f"The CRM creates no record without {field.label!r}, and no row fills it.",
                f"Map {field.id!r}, or give it a fixed value.",
            )
    for name in sorted(identifying - {row.hub_field for row in active}):
        label = hub_fields[name].label if name in hub_fields else name
        yield RowStatus(
            Status.ERROR,
            f"Step 1 compares {label!r}, and it is not mapped: the hub does not know where the CRM holds it.",
            f"Add a row for {name!r}.",
        )

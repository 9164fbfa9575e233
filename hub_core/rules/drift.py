"""What has changed about the CRM's fields and concerns the field mapping: the schema doctor's judgement.

The fields as they were when all was well are compared with the fields as they are now. A row that cannot work any more
is paused (`hub_core.rules.pausing`): runs leave it out, and the other rows go on.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub_core.model.fields import CrmType, FieldInfo, HubField, Option
from hub_core.model.records import RecordKind
from hub_core.model.setup import (
    Blank,
    ConflictPolicy,
    CrmSetup,
    Engagement,
    Fixed,
    FromHub,
    ManualAtExport,
    Mode,
    Row,
)
from hub_core.rules.checking import ObjectReport, check
from hub_core.rules.compatibility import RowStatus, Status
from hub_core.rules.editing import with_rows
from hub_core.rules.normalise import fold
from hub_core.rules.values import ValueProblem, typed

_SEVERITY = {Status.OK: 0, Status.WARNING: 1, Status.ERROR: 2}
_CHOICES = frozenset((CrmType.CHOICE, CrmType.MULTI_CHOICE))
_ALIKE = 0.72  # of difflib: "Job title" and "Job titles", not "City" and "Country"


class Problem(StrEnum):
    """What has become of a CRM field. ``removed`` covers fields that are hidden by permission."""

    REMOVED = "removed"
    TYPE_CHANGED = "type_changed"
    OPTION_REMOVED = "option_removed"
    BECAME_READ_ONLY = "became_read_only"
    BECAME_REQUIRED = "became_required"
    LENGTH_SHRUNK = "length_shrunk"


@dataclass(frozen=True, slots=True)
class Drift:
    """One change that concerns the mapping.

    ``status``: an error pauses ``row``, or without a row says that no record can be created; a warning pauses nothing.
    ``text`` says what has happened, ``fix`` who can do what about it. ``mended`` is the row as it would work again,
    where that is beyond doubt: the same thing under another name.
    """

    kind: RecordKind
    field: str
    problem: Problem
    status: Status
    text: str
    fix: str
    row: Row | None = None
    mended: Row | None = None


@dataclass(frozen=True, slots=True)
class _Tab:
    """One tab of the mapping with the CRM's fields before and now."""

    kind: RecordKind
    setup: CrmSetup
    hub_fields: Mapping[str, HubField]
    before: Mapping[str, FieldInfo]
    now: Mapping[str, FieldInfo]
    arrived: Mapping[str, Collection[str]]

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.setup.fields.of(self.kind).rows

    def report(self, fields: Mapping[str, FieldInfo]) -> ObjectReport:
        return check(self.setup, self.kind, self.hub_fields, fields)

    def works(self, row: Row) -> bool:
        """Whether a row would not be red."""
        alone = with_rows(self.setup, self.kind, (row,))
        (judged,) = check(alone, self.kind, self.hub_fields, self.now).rows
        return judged.status is not Status.ERROR


@dataclass(frozen=True, slots=True)
class _Case:
    """One active row whose CRM field is still there. ``earlier`` and ``judged``: its status before and now."""

    tab: _Tab
    row: Row
    was: FieldInfo
    now: FieldInfo
    earlier: RowStatus
    judged: RowStatus

    @property
    def red(self) -> bool:
        return self.judged.status is Status.ERROR

    @property
    def writes(self) -> bool:
        return self.row.mode is not Mode.CRM_OVERWRITES_HUB

    def drift(self, problem: Problem, text: str, fix: str, *, red: bool, mended: Row | None = None) -> Drift:
        status = Status.ERROR if red else Status.WARNING
        return Drift(self.tab.kind, self.row.crm, problem, status, text, fix, self.row, mended)


def compare_fields(
    kind: RecordKind,
    setup: CrmSetup,
    hub_fields: Mapping[str, HubField],
    before: Mapping[str, FieldInfo],
    now: Mapping[str, FieldInfo],
    arrived: Mapping[str, Collection[str]] | None = None,
) -> tuple[Drift, ...]:
    """What has changed from ``before`` to ``now`` and concerns the active rows of one tab, or keeps records from being
    created. ``hub_fields`` are those of ``kind``. Fields that were not known before have not changed.

    ``arrived``: by removed field, the fields that have come since it went, beside those that are not in ``before``.
    """
    tab = _Tab(kind, setup, hub_fields, before, now, arrived or {})
    found: list[Drift] = []
    for row, earlier, judged in zip(tab.rows, tab.report(before).rows, tab.report(now).rows, strict=True):
        was, present = before.get(row.crm), now.get(row.crm)
        if not row.active or was is None:
            continue
        if present is None:
            found.append(_removed(tab, row, was))
            continue
        case = _Case(tab, row, was, present, earlier, judged)
        found += [drift for detect in _DETECTORS if (drift := detect(case)) is not None]
    return (*found, *_required_by_the_crm(tab))


# --- fields that are there -----------------------------------------------------------------------------------------


def _read_only(case: _Case) -> Drift | None:
    if case.was.read_only or not case.now.read_only or not case.red:
        return None
    fix = "Your CRM's administrator lets the hub's user edit it"
    if isinstance(case.row.source, FromHub):
        command = _map_command(case.tab.kind, case.row.model_copy(update={"mode": Mode.CRM_OVERWRITES_HUB}))
        fix += f"; or let the CRM overwrite the hub: {command}"
    text = f"{_named(case.now)} has become read-only, or the hub's user may not edit it any more."
    return case.drift(Problem.BECAME_READ_ONLY, text, f"{fix}; or {_unmap(case)}.", red=True)


def _type(case: _Case) -> Drift | None:
    same = (case.was.type, case.was.refers_to) == (case.now.type, case.now.refers_to)
    if same or (_SEVERITY[case.judged.status] <= _SEVERITY[case.earlier.status] and not case.red):
        return None
    text = f"{_named(case.now)} was {_shown(case.was)} and is {_shown(case.now)} now. {case.judged.reason}"
    return case.drift(Problem.TYPE_CHANGED, text, f"{case.judged.fix} Or {_unmap(case)}.", red=case.red)


def _options(case: _Case) -> Drift | None:
    if not {case.was.type, case.now.type} <= _CHOICES or not case.now.options or not case.writes:
        return None
    left = {option.value for option in case.now.options if option.active}
    gone = {option.value: option for option in case.was.options if option.active and option.value not in left}
    used = {name: option for name, option in gone.items() if name in _targets(case)}
    if used and case.red:
        fix, mended = _other_options(case, used)
        text = f"{_named(case.now)} has lost {_several('the option', used.values())}, which the mapping writes."
        return case.drift(Problem.OPTION_REMOVED, text, fix, red=True, mended=mended)
    passed = [option for name, option in gone.items() if _passes(case, name)]
    if not passed:
        return None
    text = f"{_named(case.now)} has lost {_several('the option', passed)}; records with that value cannot be written."
    command = _map_command(case.tab.kind, case.row, f"{passed[0].value}=OPTION")
    return case.drift(Problem.OPTION_REMOVED, text, f"Say what becomes of it: {command}", red=False)


def _length(case: _Case) -> Drift | None:
    limit = case.now.max_length
    shrunk = limit is not None and (case.was.max_length is None or limit < case.was.max_length)
    if not shrunk or not case.writes or not (case.red or isinstance(case.row.source, FromHub)):
        return None
    text = f"{_named(case.now)} takes {limit} characters now; it took {case.was.max_length or 'any number'}."
    fix = "Records with a longer value cannot be written: shorten them, or map a field for long text."
    return case.drift(Problem.LENGTH_SHRUNK, text, fix, red=case.red)


def _required(case: _Case) -> Drift | None:
    if case.was.required or not case.now.required or not isinstance(case.row.source, (FromHub, ManualAtExport)):
        return None
    text = f"{_named(case.now)} has become required: a record without it cannot be created."
    return case.drift(Problem.BECAME_REQUIRED, text, "Fill it in the hub's records that lack it.", red=False)


_DETECTORS: tuple[Callable[[_Case], Drift | None], ...] = (_read_only, _type, _options, _length, _required)


def _required_by_the_crm(tab: _Tab) -> Iterator[Drift]:
    """Fields that no record can be created without now, and that no row fills."""
    active = [row for row in tab.rows if row.active]
    written = {row.crm for row in active if not isinstance(row.source, Engagement)}
    for field in tab.now.values() if active and tab.before else ():
        was = tab.before.get(field.id)
        if not field.required or field.read_only or field.id in written or (was is not None and was.required):
            continue
        text = f"{_named(field)} has become required, and no row fills it: no {tab.kind} can be created."
        command = f"hub setup map {tab.kind.plural} {shlex.quote(field.id)} --fixed VALUE"
        fix = f"Map it, or give it a fixed value: {command}"
        yield Drift(tab.kind, field.id, Problem.BECAME_REQUIRED, Status.ERROR, text, fix)


# --- fields that are gone ------------------------------------------------------------------------------------------


def _removed(tab: _Tab, row: Row, was: FieldInfo) -> Drift:
    text = f"{_named(was)} is not among the CRM's fields any more: it was removed, or hidden from the hub's user."
    same, near = _successors(tab, row, was)
    mended = row.model_copy(update={"crm": same.id}) if same else None
    unmap = f"hub setup unmap {tab.kind.plural} {shlex.quote(row.crm)}"
    if same:
        fix = f"The new field {_named(same)} has taken its place: hub doctor --fix"
    else:
        other = f" ({_named(near)} is the nearest)" if near else ""
        target = row.model_copy(update={"crm": near.id if near else "CRMFIELD"})
        fix = (
            "Your CRM's administrator restores the field or the permission; "
            f"or map another one{other}: {unmap} && {_map_command(tab.kind, target)}; or only remove the row: {unmap}"
        )
    return Drift(tab.kind, row.crm, Problem.REMOVED, Status.ERROR, text, fix, row, mended)


def _successors(tab: _Tab, row: Row, was: FieldInfo) -> tuple[FieldInfo | None, FieldInfo | None]:
    """(the field that surely replaces a removed one: new, of the same label and type, and the only such one; the
    nearest by name that the row would work with)."""
    taken = {each.crm for each in tab.rows}
    free = [field for field in tab.now.values() if field.id not in taken]
    fits = [field for field in free if _sound(field.label) == _sound(was.label)]
    fits = [field for field in fits if tab.works(row.model_copy(update={"crm": field.id}))]
    arrived = tab.now.keys() - tab.before.keys() | set(tab.arrived.get(row.crm, ()))
    new = [field for field in fits if field.id in arrived and field.type is was.type]
    if len(new) == 1:
        return new[0], None
    if not fits:
        by_label = {fold(field.label): field for field in free}
        names = difflib.get_close_matches(fold(was.label), by_label, n=3, cutoff=_ALIKE)
        fits = [by_label[name] for name in names]
        fits = [field for field in fits if tab.works(row.model_copy(update={"crm": field.id}))]
    return None, fits[0] if fits else None


# --- options -------------------------------------------------------------------------------------------------------


def _targets(case: _Case) -> frozenset[str]:
    """The options that the row itself names."""
    match case.row.source:
        case Fixed(fixed=text) | Engagement(engagement=text):
            try:
                value = typed(text, case.was)
            except ValueProblem:
                return frozenset()
            return frozenset([value] if isinstance(value, str) else value or ())
        case FromHub():
            return frozenset(target for target in case.row.values.values() if target is not None)
        case ManualAtExport():
            return frozenset()


def _passes(case: _Case, option: str) -> bool:
    """Whether a record's value may be this option's internal name and be written as it is."""
    if not isinstance(case.row.source, FromHub) or option in case.row.values:
        return False
    hub = case.tab.hub_fields.get(case.row.source.hub)
    return hub is not None and (option in hub.options if hub.options else not case.row.values)


def _other_options(case: _Case, used: Mapping[str, Option]) -> tuple[str, Row | None]:
    """What to write instead of options that are gone: the fix, and the mended row when each of them has only got
    another internal name."""
    known = {option.value for option in case.was.options}
    active = [option for option in case.now.options if option.active]
    renamed: dict[str, str] = {}
    for name, option in used.items():
        same = [each.value for each in active if each.value not in known and fold(each.label) == fold(option.label)]
        if len(same) == 1:
            renamed[name] = same[0]
    if renamed.keys() == used.keys():
        mended = _with_options(case.row, renamed)
        if mended is not None and case.tab.works(mended):
            pairs = ", ".join(f"{old!r} by {new!r}" for old, new in renamed.items())
            return f"An option of the same label is there: replace {pairs}: hub doctor --fix", mended
    first = next(iter(used.values()))
    by_label = {fold(option.label): option.value for option in active}
    near = difflib.get_close_matches(fold(first.label), by_label, n=1, cutoff=_ALIKE)
    choice = by_label[near[0]] if near else "OPTION"
    names = ", ".join(option.value for option in active[:8]) + (", ..." if len(active) > 8 else "")
    if isinstance(case.row.source, FromHub):
        source = next(value for value, target in case.row.values.items() if target == first.value)
        command = _map_command(case.tab.kind, case.row, f"{source}={choice}", whole=False)
    else:
        command = _map_command(case.tab.kind, _with_options(case.row, {first.value: choice}) or case.row)
    return f"Your CRM's administrator restores it; or write another one ({names}): {command}", None


def _with_options(row: Row, renamed: Mapping[str, str]) -> Row | None:
    match row.source:
        case FromHub():
            values = {source: renamed.get(target or "", target) for source, target in row.values.items()}
            return row.model_copy(update={"values": values})
        case Fixed(fixed=text) if text in renamed:
            return row.model_copy(update={"source": Fixed(fixed=renamed[text])})
        case Engagement(engagement=text) if text in renamed:
            return row.model_copy(update={"source": Engagement(engagement=renamed[text])})
        case _:
            return None


# --- words ---------------------------------------------------------------------------------------------------------


def _sound(name: str) -> str:
    return fold(name).replace(" ", "")


def _named(field: FieldInfo) -> str:
    return f"{field.label!r} ({field.id})" if field.label != field.id else repr(field.id)


def _shown(field: FieldInfo) -> str:
    return f"a {field.type.value.replace('_', ' ')}" + (f" of a {field.refers_to}" if field.refers_to else "")


def _several(noun: str, options: Iterable[Option]) -> str:
    labels = [repr(option.label) for option in options]
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f"{noun}{'s' if len(labels) > 1 else ''} {', '.join(labels[:3])}{more}"


def _unmap(case: _Case) -> str:
    return f"remove the row: hub setup unmap {case.tab.kind.plural} {shlex.quote(case.row.crm)}"


def _map_command(kind: RecordKind, row: Row, *values: str, whole: bool = True) -> str:
    """The command that makes this row; ``whole`` False: that only adds ``values`` to a row that is there."""
    pair, option = row.crm, []
    match row.source:
        case FromHub(hub=name):
            pair = f"{name}={row.crm}"
        case Fixed(fixed=text):
            option = ["--fixed", text]
        case ManualAtExport(manual=text):
            option = ["--manual", text]
        case Engagement(engagement=text):
            option = ["--engagement", text]
    if whole:
        option += ["--mode", row.mode.value] if row.mode is not Mode.BIDIRECTIONAL else []
        option += ["--blank", row.blank.value] if row.blank is not Blank.KEEP else []
        option += ["--conflict", row.conflict.value] if row.conflict is not ConflictPolicy.NEWEST else []
        values = (*(f"{source}={target or ''}" for source, target in row.values.items()), *values)
    option += [word for value in values for word in ("--value", value)]
    return shlex.join(["hub", "setup", "map", kind.plural, pair, *option])

"""From a hub record to the CRM's fields, and what an export would change there.

A mapping is compiled once per run (`compile_mapping`); then `desired` and `diff` walk tuples and dictionaries, because
they run for every record.

What a manual export writes, per row, where the hub has a value (`diff`):

==================  ================  ===================  ================
mode                blank in the CRM  value, no overwrite  value, overwrite
==================  ================  ===================  ================
bidirectional       filled            kept                 replaced
hub overwrites CRM  filled            kept                 replaced
off                 filled            kept                 replaced
sync if empty       filled            kept                 kept
CRM overwrites hub  filled            kept                 kept
==================  ================  ===================  ================

*Off* ("no automatic sync; you'll need to manually export") switches off the automatic sync, not the export that
somebody asks for; leaving a field out of exports is what an inactive row is for. *Sync if empty* and *CRM overwrites
hub* say whose value wins, so "overwrite" does not turn them round; their blanks are filled, or a new record would lack
the fields that the CRM owns later (a name). Read-only CRM fields are never written. Fixed and manual values follow the
same table. Engagement values are no part of an export: they are written when an activity is created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias, TypeVar

from hub_core.errors import SetupInvalid, UnknownName
from hub_core.model.fields import CrmType, FieldInfo, HubField
from hub_core.model.plan import Change
from hub_core.model.records import CrmValue, HubValue
from hub_core.model.setup import (
    Blank,
    ConflictPolicy,
    Engagement,
    Fixed,
    FromHub,
    ManualAtExport,
    Mode,
    ObjectMapping,
    Row,
)
from hub_core.rules.values import ValueProblem, Writer, canonical, from_crm, parse_hub, typed, writer

_Field = TypeVar("_Field", FieldInfo, HubField)
Reader: TypeAlias = "Callable[[CrmValue], HubValue | None]"

#: Whether an export with "overwrite" replaces a value that the CRM has.
REPLACES: dict[Mode, bool] = {
    Mode.BIDIRECTIONAL: True,
    Mode.HUB_OVERWRITES_CRM: True,
    Mode.OFF: True,
    Mode.IF_EMPTY: False,
    Mode.CRM_OVERWRITES_HUB: False,
}
_FEEDS = frozenset((Mode.BIDIRECTIONAL, Mode.CRM_OVERWRITES_HUB, Mode.IF_EMPTY))
#: What a mode comes to in a sync where one side cannot be written. *Sync if empty* stays what it is.
_CRM_READ_ONLY = {Mode.BIDIRECTIONAL: Mode.CRM_OVERWRITES_HUB, Mode.HUB_OVERWRITES_CRM: Mode.OFF}
_HUB_READ_ONLY = {Mode.BIDIRECTIONAL: Mode.HUB_OVERWRITES_CRM, Mode.CRM_OVERWRITES_HUB: Mode.OFF}


@dataclass(frozen=True, slots=True)
class CompiledRow:
    """One active row whose value comes from the hub's record.

    ``write`` and ``read`` turn its value into the CRM's form and back, the value map included; both raise
    `ValueProblem`. ``clear``: a blank in the hub is a blank for the CRM.

    For the sync: ``sync`` is the mode as far as read-only fields leave it; ``conflict`` as in the set-up; ``feeds``
    says whether the sync may change the hub by this row. Of several rows with the same hub field only the first one
    whose mode brings values into the hub does, or the hub's value would go back and forth between them.
    """

    hub: HubField
    field: FieldInfo
    mode: Mode
    clear: bool
    write: Writer
    read: Reader
    sync: Mode
    conflict: ConflictPolicy
    feeds: bool


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """An object's active rows, ready to run over records.

    ``rows``: those fed by the record. ``fixed``: the same value for every record, by CRM field. ``manual``: readers of
    what is typed when exporting. ``engagement``: the field and value that an activity sets. ``fields``: every mapped
    CRM field. ``replaces``: CRM fields that an overwriting export may replace. ``written``: the rows an export writes,
    as (hub field, CRM field, write, clear). ``merged``: the rows in the order in which a sync merges them, those that
    feed the hub first. ``fixed_rows``: the set-up's rows of ``fixed``.
    """

    rows: tuple[CompiledRow, ...]
    fixed: Mapping[str, CrmValue]
    manual: Mapping[str, Callable[[str], CrmValue | None]]
    engagement: tuple[str, CrmValue] | None
    fields: Mapping[str, FieldInfo]
    replaces: frozenset[str]
    written: tuple[tuple[str, str, Writer, bool], ...]
    merged: tuple[CompiledRow, ...]
    fixed_rows: Mapping[str, Row]


def compile_mapping(
    mapping: ObjectMapping, hub_fields: Mapping[str, HubField], crm_fields: Mapping[str, FieldInfo]
) -> CompiledMapping:
    """Make an object's mapping ready, once per run. Inactive rows are left out.

    Raises `SetupInvalid`, naming every row at fault, when a field does not exist (any more) or a fixed value does not
    fit its field. Rows whose types do not match compile, and report a problem for each record.
    """
    rows: list[CompiledRow] = []
    fixed: dict[str, CrmValue] = {}
    manual: dict[str, Callable[[str], CrmValue | None]] = {}
    engagement: tuple[str, CrmValue] | None = None
    active = [row for row in mapping.rows if row.active]
    fed: set[str] = set()
    faults: list[str] = []
    for row in active:
        try:
            field = _known("CRM field", row.crm, crm_fields)
            match row.source:
                case FromHub(hub=name):
                    hub = _known("hub field", name, hub_fields)
                    rows.append(_compile_row(row, hub, field, feeds=row.mode in _FEEDS and name not in fed))
                    fed |= {name} if rows[-1].feeds else set()
                case Fixed(fixed=text):
                    if (value := typed(text, field)) is not None:
                        fixed[field.id] = value
                case Engagement(engagement=text):
                    if (value := typed(text, field)) is not None:
                        engagement = (field.id, value)
                case ManualAtExport():
                    manual[field.id] = lru_cache(maxsize=64)(partial(typed, field=field))
        except (UnknownName, ValueProblem) as problem:
            faults.append(f"{row.crm}: {problem}")
    if faults:
        raise SetupInvalid(f"The field mapping does not fit the CRM: {'; '.join(faults)}", fix="Correct these rows.")
    return CompiledMapping(
        rows=tuple(rows),
        fixed=fixed,
        manual=manual,
        engagement=engagement,
        fields={row.crm: crm_fields[row.crm] for row in active},
        replaces=frozenset(row.crm for row in active if REPLACES[row.mode]),
        written=tuple((row.hub.id, row.field.id, row.write, row.clear) for row in rows if not row.field.read_only),
        merged=tuple(sorted(rows, key=lambda row: not row.feeds)),
        fixed_rows={row.crm: row for row in active if row.crm in fixed},
    )


def _known(what: str, name: str, known: Mapping[str, _Field]) -> _Field:
    if name not in known:
        raise UnknownName(what, name, known)
    return known[name]


def _compile_row(row: Row, hub: HubField, field: FieldInfo, *, feeds: bool) -> CompiledRow:
    write = writer(hub.type, field)
    read: Reader = partial(_read, kind=field.type, hub=hub)
    if row.values:
        write, read = _mapped_writer(row.values, field, write), _mapped_reader(row.values, hub, read)
    sync = _CRM_READ_ONLY.get(row.mode, row.mode) if field.read_only else row.mode
    sync = _HUB_READ_ONLY.get(sync, sync) if hub.read_only else sync
    return CompiledRow(
        hub=hub,
        field=field,
        mode=row.mode,
        clear=row.blank is Blank.CLEAR,
        write=write,
        read=read,
        sync=sync,
        conflict=row.conflict,
        feeds=feeds and not hub.read_only,
    )


def _read(value: CrmValue, *, kind: CrmType, hub: HubField) -> HubValue | None:
    return from_crm(value, kind, hub)


def _mapped_writer(table: Mapping[str, str | None], field: FieldInfo, plain: Writer) -> Writer:
    """Values in the map become their option (None: nothing is written), others are written as without the map."""
    options = {source: None if target is None else typed(target, field) for source, target in table.items()}

    def write(value: HubValue) -> CrmValue | None:
        if isinstance(value, list):
            mapped = [target for part in value if (target := table.get(part, part)) is not None]
            return plain(mapped) if mapped else None
        key = ("true" if value else "false") if isinstance(value, bool) else str(value)
        return options[key] if key in options else plain(value)

    return write


def _mapped_reader(table: Mapping[str, str | None], hub: HubField, plain: Reader) -> Reader:
    """The map the other way round; of several hub values for one option the first."""
    back: dict[str, str] = {}
    for source, target in table.items():
        if target is not None:
            back.setdefault(target, source)

    def read(value: CrmValue) -> HubValue | None:
        if isinstance(value, list):
            return plain([back.get(part, part) for part in value])
        return parse_hub(back[value], hub.type) if value in back else plain(value)

    return read


def desired(
    compiled: CompiledMapping, values: Mapping[str, HubValue], *, manual: Mapping[str, str]
) -> tuple[dict[str, CrmValue | None], list[str]]:
    """What the CRM would hold of one record if the hub had its way, by CRM field, and the problems as sentences.

    ``manual`` holds what was typed for the manual-at-export fields. A blank in the hub is left out, or None where the
    row clears. A value that cannot be written is left out and is a problem.
    """
    wanted: dict[str, CrmValue | None] = dict(compiled.fixed)
    problems: list[str] = []
    get = values.get
    for hub_id, field, write, clear in compiled.written:
        value = get(hub_id)
        if value is None:
            if clear:
                wanted[field] = None
            continue
        try:
            written = write(value)
        except ValueProblem as problem:
            problems.append(f"{compiled.fields[field].label}: {problem}")
            continue
        if written is not None:
            wanted[field] = written
    if manual:
        for field, read in compiled.manual.items():
            try:
                if (written := read(manual.get(field, ""))) is not None:
                    wanted[field] = written
            except ValueProblem as problem:
                problems.append(f"{compiled.fields[field].label}: {problem}")
    return wanted, problems


def diff(
    compiled: CompiledMapping,
    wanted: Mapping[str, CrmValue | None],
    current: Mapping[str, CrmValue] | None,
    *,
    overwrite: bool,
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """What an export changes of a CRM record, and what differs but is kept (the table at the top of this module).

    ``wanted`` is `desired`'s answer; ``current`` the CRM's values, None when the record is to be created. Values that
    differ in form only are equal.
    """
    if current is None:
        return tuple(Change(field, None, after) for field, after in wanted.items() if after is not None), ()
    changes: list[Change] = []
    kept: list[Change] = []
    get = current.get
    for field, after in wanted.items():
        before = get(field)
        if before == after:
            continue
        kind = compiled.fields[field].type
        was = canonical(before, kind)
        if was == canonical(after, kind):
            continue
        replaced = was is None or (overwrite and field in compiled.replaces)
        (changes if replaced else kept).append(Change(field, before, after))
    return tuple(changes), tuple(kept)

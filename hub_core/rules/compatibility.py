"""Which hub field fits which CRM field: one table, both directions.

The statuses are the icons of the field mapping page: ok (blue check), warning (yellow exclamation: may be incompatible,
review), error (red X: the mapping cannot be applied; every record would fail). The judgement is of types alone; what a
row's mode, value map or typed value adds is decided in `hub_core.rules.checking`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub_core.model.fields import CrmType, FieldInfo, FieldType, HubField


class Status(StrEnum):
    """How well a row fits, from best to worst."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RowStatus:
    """A judgement: ``reason`` says why in one sentence ("" when all is well), ``fix`` what to do about it.

    ``number`` is the reason's place in `REASONS` (0: none of them). ``one_way`` says that the value cannot be brought
    back into the hub as it was, so the row should only write.
    """

    status: Status
    reason: str = ""
    fix: str = ""
    number: int = 0
    one_way: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    text: str
    fix: str
    one_way: bool = False


REASONS: dict[int, Reason] = {
    1: Reason(
        "Each value must pass the CRM's own check of its format.",
        "Check the values on a sample first; those that do not fit are left out.",
    ),
    2: Reason(
        "The types do not match, and nothing converts one into the other.", "Choose a CRM field of a type that fits."
    ),
    3: Reason(
        "The value must equal one of the CRM field's options exactly, by its internal name.",
        "Add a value map, or use a field whose values are the options' internal names.",
    ),
    4: Reason(
        "Each of the values must equal one of the CRM field's options exactly, by its internal name.",
        "Add a value map; the values are joined as the CRM wants them.",
    ),
    5: Reason("The CRM field points to another record and needs that record's id.", "Choose another CRM field."),
    6: Reason(
        "The CRM field is read-only: it is computed or your permissions do not cover it.",
        "Choose another CRM field, or let the CRM overwrite the hub.",
    ),
    7: Reason("The text may be longer than the field takes.", "Choose a field for long text."),
    8: Reason("This works only if the value is the e-mail address of a user.", "Map the users in step 4."),
    9: Reason(
        "The value is stored as plain text and cannot be compared as what it is.",
        "Let the hub overwrite the CRM, one way only.",
        one_way=True,
    ),
    10: Reason("A field for whole numbers rounds.", "Choose a field with decimals if they matter."),
    11: Reason(
        "A number must fall on one of the CRM field's options.", "Add a value map from the numbers to the options."
    ),
    12: Reason(
        "The CRM may count in another unit: 12 or 0.12 for a percentage, another currency for an amount.",
        "Compare one record in the CRM with the hub before exporting many.",
    ),
    13: Reason(
        "A time is added to the date: midnight UTC.",
        "Choose a date field, or let the hub overwrite the CRM.",
        one_way=True,
    ),
    14: Reason("A point in time must not be written into a text field.", "Choose a field for date and time."),
    15: Reason("The time of day is lost: the date in UTC is kept.", "Choose a field for date and time.", one_way=True),
    16: Reason("The options are no numbers.", "Add a value map that gives every option its number."),
    17: Reason(
        "The values are joined into one text and cannot be told apart again.",
        "Let the hub overwrite the CRM, one way only.",
        one_way=True,
    ),
    18: Reason("There can be more than one value, and the CRM field takes one.", "Choose a field for many options."),
    19: Reason(
        "The CRM field takes one value: a text gets all of them, joined; any other field the first.",
        "Use the hub field that holds one value, such as the professional e-mail or the mobile phone.",
        one_way=True,
    ),
    20: Reason("A user who is not mapped, or inactive in the CRM, gets the default owner.", "Map the users in step 4."),
    21: Reason("The object is written as JSON text.", "Choose a hub field that holds one of its parts.", one_way=True),
    22: Reason("The CRM does not say what type this field has.", "Export one record first and look at it in the CRM."),
    23: Reason("The hub fills this field itself.", "Let the hub overwrite the CRM, or choose another hub field."),
    24: Reason("The text is cut into a list at semicolons, bars and line ends.", "Check the values on a sample first."),
    25: Reason(
        "An option that the hub does not know is stored as text and marked.", "Add the option to the hub field."
    ),
}

_COLUMNS = (
    CrmType.TEXT, CrmType.LONG_TEXT, CrmType.EMAIL, CrmType.PHONE, CrmType.URL, CrmType.NUMBER, CrmType.BOOLEAN,
    CrmType.DATE, CrmType.DATETIME, CrmType.CHOICE, CrmType.MULTI_CHOICE, CrmType.REFERENCE,
)  # fmt: skip

# ok, w(arning) or e(rror), with the number of the reason. Read-only fields are no column: error 6 for every hub type.
_T = FieldType
_WRITING: dict[FieldType, str] = {
    #                  text long email phone url number bool date datetime choice multi reference
    _T.TEXT:          "ok   ok   w1    w1    w1  e2     e2   e2   e2       w3     w4    e5",
    _T.LONG_TEXT:     "w7   ok   e2    e2    e2  e2     e2   e2   e2       e3     e4    e5",
    _T.EMAIL:         "ok   ok   ok    e2    e2  e2     e2   e2   e2       e3     e4    w8",
    _T.PHONE:         "ok   ok   e2    ok    e2  e2     e2   e2   e2       e3     e4    e5",
    _T.URL:           "ok   ok   e2    e2    ok  e2     e2   e2   e2       e3     e4    e5",
    _T.INTEGER:       "w9   w9   e2    e2    e2  ok10   e2   e2   e2       w11    e4    e5",
    _T.DECIMAL:       "w9   w9   e2    e2    e2  ok10   e2   e2   e2       w11    e4    e5",
    _T.PERCENT:       "w9   w9   e2    e2    e2  w12    e2   e2   e2       w11    e4    e5",
    _T.CURRENCY:      "w9   w9   e2    e2    e2  w12    e2   e2   e2       w11    e4    e5",
    _T.BOOLEAN:       "w9   w9   e2    e2    e2  e2     ok   e2   e2       w3     e4    e5",
    _T.DATE:          "w9   w9   e2    e2    e2  e2     e2   ok   w13      e3     e4    e5",
    _T.DATETIME:      "e14  e14  e2    e2    e2  e2     e2   w15  ok       e3     e4    e5",
    _T.SINGLE_CHOICE: "ok   ok   e2    e2    e2  e16    w3   e2   e2       ok3    w4    e5",
    _T.MULTI_CHOICE:  "w17  w17  e2    e2    e2  e2     e2   e2   e2       e18    ok4   e5",
    _T.LIST:          "w19  w19  w19   w19   e2  e2     e2   e2   e2       e18    w4    e5",
    _T.USER:          "w9   w9   w8    e2    e2  e2     e2   e2   e2       e3     e4    ok20",
    _T.OBJECT:        "e2   w21  e2    e2    e2  e2     e2   e2   e2       e2     e2    e5",
}  # fmt: skip

#: The hub type that holds what a CRM type holds.
NEAREST: dict[CrmType, FieldType] = {
    CrmType.TEXT: _T.TEXT,
    CrmType.LONG_TEXT: _T.LONG_TEXT,
    CrmType.EMAIL: _T.EMAIL,
    CrmType.PHONE: _T.PHONE,
    CrmType.URL: _T.URL,
    CrmType.NUMBER: _T.DECIMAL,
    CrmType.BOOLEAN: _T.BOOLEAN,
    CrmType.DATE: _T.DATE,
    CrmType.DATETIME: _T.DATETIME,
    CrmType.CHOICE: _T.SINGLE_CHOICE,
    CrmType.MULTI_CHOICE: _T.MULTI_CHOICE,
    CrmType.REFERENCE: _T.USER,
    CrmType.UNKNOWN: _T.TEXT,
}

_C = CrmType
_HOLDER: dict[FieldType, CrmType] = {
    **{hub: crm for crm, hub in NEAREST.items() if crm is not CrmType.UNKNOWN},
    **dict.fromkeys((_T.INTEGER, _T.PERCENT, _T.CURRENCY), _C.NUMBER),
}

# Reading is the table with the roles swapped, but for these. A hub list takes one value or many.
_READING: dict[tuple[CrmType, FieldType], str] = {
    (_C.LONG_TEXT, _T.TEXT): "w7",
    (_C.DATETIME, _T.TEXT): "ok",
    (_C.DATETIME, _T.LONG_TEXT): "ok",
    (_C.CHOICE, _T.SINGLE_CHOICE): "ok25",
    (_C.MULTI_CHOICE, _T.MULTI_CHOICE): "ok25",
    (_C.NUMBER, _T.PERCENT): "w12",
    (_C.NUMBER, _T.CURRENCY): "w12",
    (_C.TEXT, _T.LIST): "w24",
    (_C.LONG_TEXT, _T.LIST): "w24",
    **dict.fromkeys(((t, _T.LIST) for t in (_C.EMAIL, _C.PHONE, _C.URL, _C.CHOICE, _C.MULTI_CHOICE)), "ok"),
}

_STATUS = {"o": Status.OK, "w": Status.WARNING, "e": Status.ERROR}


def _judgement(cell: str) -> RowStatus:
    number = int(cell[2:] or 0) if cell.startswith("ok") else int(cell[1:])
    if not number:
        return RowStatus(Status.OK)
    reason = REASONS[number]
    return RowStatus(_STATUS[cell[0]], reason.text, reason.fix, number, reason.one_way)


_WRITE = {
    (hub, crm): _judgement(cell)
    for hub, cells in _WRITING.items()
    for crm, cell in zip(_COLUMNS, cells.split(), strict=True)
}
_READ = {key: _judgement(cell) for key, cell in _READING.items()}
_NO_MATCH, _NO_ID, _READ_ONLY, _UNKNOWN, _HUB_ONLY = (
    _judgement(cell) for cell in ("e2", "e5", "e6", "w22", "e23")
)  # fmt: skip


def writing(hub: FieldType, crm: FieldInfo) -> RowStatus:
    """Whether values of a hub type can be written into a CRM field."""
    if crm.read_only:
        return _READ_ONLY
    if crm.type is CrmType.UNKNOWN:
        return _UNKNOWN
    if crm.type is CrmType.REFERENCE and crm.refers_to != "user":
        return _NO_ID
    return _WRITE[hub, crm.type]


def reading(crm: FieldInfo, hub: HubField) -> RowStatus:
    """Whether values of a CRM field, read-only or not, can be taken into a hub field."""
    if hub.read_only:
        return _HUB_ONLY
    if crm.type is CrmType.UNKNOWN:
        return _UNKNOWN
    if crm.type is CrmType.REFERENCE and crm.refers_to != "user":
        return _NO_ID
    if (exception := _READ.get((crm.type, hub.type))) is not None:
        return exception
    holder = _HOLDER.get(hub.type)
    return _NO_MATCH if holder is None else _WRITE[NEAREST[crm.type], holder]


def status_of(hub: HubField, crm: FieldInfo, *, reading: bool = False) -> RowStatus:
    """How well the two fields fit: hub to CRM, or with ``reading`` CRM to hub."""
    return _reading(crm, hub) if reading else writing(hub.type, crm)


_reading = reading  # `status_of` has an argument of that name

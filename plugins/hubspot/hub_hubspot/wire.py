"""HubSpot's JSON <-> the hub's vocabulary. Pure: no network, no clock.

On the wire every property is text, both ways: "17", "true", "a;b". Ids are text too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from hub_core.plugin import (
    Associate,
    Associated,
    AssociationType,
    Create,
    CrmRecord,
    CrmType,
    CrmValue,
    Dissociate,
    FieldInfo,
    Merge,
    Option,
    Outcome,
    RecordKind,
    Rejected,
    Update,
    Written,
)

Json: TypeAlias = Mapping[str, Any]
#: The writes that carry values.
Filled: TypeAlias = Create | Update

#: HubSpot's API has a new version every March and September; each is kept for 18 months at least.
API_VERSION = "2026-09"

OWNER_FIELD = "hubspot_owner_id"
MERGED_FIELD = "hs_merged_object_ids"

#: Contacts alone have a modified date of another name.
MODIFIED_FIELD = {RecordKind.CONTACT: "lastmodifieddate", RecordKind.COMPANY: "hs_lastmodifieddate"}

#: (from, to) -> the type ids of (a plain tie, the primary one); the direction matters.
TIE_TYPES = {
    (RecordKind.CONTACT, RecordKind.COMPANY): (279, 1),
    (RecordKind.COMPANY, RecordKind.CONTACT): (280, 2),
}

_FIELD_TYPES = {
    ("string", "textarea"): CrmType.LONG_TEXT,
    ("string", "html"): CrmType.LONG_TEXT,
    ("string", "phonenumber"): CrmType.PHONE,
    ("enumeration", "checkbox"): CrmType.MULTI_CHOICE,
    ("enumeration", "booleancheckbox"): CrmType.BOOLEAN,
}
_TYPES = {
    "string": CrmType.TEXT,
    "phone_number": CrmType.PHONE,
    "number": CrmType.NUMBER,
    "bool": CrmType.BOOLEAN,
    "enumeration": CrmType.CHOICE,
    "date": CrmType.DATE,
    "datetime": CrmType.DATETIME,
}

# Addresses


def objects_path(kind: RecordKind, tail: str = "") -> str:
    return f"/crm/objects/{API_VERSION}/{kind.plural}{tail}"


def ties_path(kind: RecordKind, other: RecordKind, verb: str) -> str:
    return f"/crm/associations/{API_VERSION}/{kind.plural}/{other.plural}/batch/{verb}"


# Fields


def field_info(kind: RecordKind, row: Json) -> FieldInfo:
    """One property's metadata. HubSpot has no "required" flag."""
    owner = row.get("referencedObjectType") == "OWNER"
    email = kind is RecordKind.CONTACT and row["name"] == "email"
    unwritable = row.get("calculated") or (row.get("modificationMetadata") or {}).get("readOnlyValue")
    return FieldInfo(
        id=row["name"],
        label=row.get("label") or row["name"],
        type=CrmType.REFERENCE if owner else CrmType.EMAIL if email else _type(row),
        read_only=bool(unwritable or row.get("hidden")),
        custom=not row.get("hubspotDefined", False),
        unique=bool(row.get("hasUniqueValue")) or email,
        options=tuple(
            Option(option["value"], option.get("label") or option["value"], not option.get("hidden", False))
            for option in row.get("options") or ()
        ),
        refers_to="user" if owner else None,
    )


def _type(row: Json) -> CrmType:
    kind = row.get("type", "")
    return _FIELD_TYPES.get((kind, row.get("fieldType", ""))) or _TYPES.get(kind, CrmType.UNKNOWN)


# Records, out


def _split(value: str) -> list[str]:
    return [part for part in value.split(";") if part]


def iso(milliseconds: int) -> str:
    """Milliseconds since 1970 as the vendor writes a time; whole arithmetic, since floats lose milliseconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str) -> int:
    """The reverse of `iso`."""
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


# A date is YYYY-MM-DD and a time ISO 8601, but either may be in milliseconds in old data.
_CONVERT: dict[CrmType, Callable[[str], CrmValue]] = {
    CrmType.MULTI_CHOICE: _split,
    CrmType.DATE: lambda value: iso(int(value))[:10] if value.lstrip("-").isdigit() else value[:10],
    CrmType.DATETIME: lambda value: iso(int(value)) if value.lstrip("-").isdigit() else value,
}


def records(rows: Iterable[Json], fields: Sequence[FieldInfo]) -> list[CrmRecord]:
    """The rows of a listing, a search or a batch read, with the values of ``fields``; blanks are left out."""
    names = [field.id for field in fields]
    converted = [(field.id, _CONVERT[field.type]) for field in fields if field.type in _CONVERT]
    found: list[CrmRecord] = []
    for row in rows:
        value_of = row["properties"].get
        values: dict[str, CrmValue] = {name: value for name in names if (value := value_of(name))}
        for name, convert in converted:
            if name in values:
                values[name] = convert(value_of(name))
        found.append(CrmRecord(row["id"], values, row.get("updatedAt") or ""))
    return found


def merges(rows: Iterable[Json]) -> list[Merge]:
    """What was merged into the rows, as far as they carry `MERGED_FIELD`."""
    return [Merge(loser, row["id"]) for row in rows for loser in _split(row["properties"].get(MERGED_FIELD) or "")]


def user(row: Json) -> CrmRecord:
    """One owner. A queue and an archived owner cannot be given records."""
    name = f"{row.get('firstName') or ''} {row.get('lastName') or ''}".strip()
    active = row.get("type", "PERSON") == "PERSON" and not row.get("archived")
    email = row.get("email") or ""
    values = {"name": name or email, "email": email, "active": "true" if active else "false"}
    return CrmRecord(row["id"], {field: value for field, value in values.items() if value}, row.get("updatedAt") or "")


def ties(row: Json, primary: int) -> list[Associated]:
    """One result of an associations read; ``primary`` is the type id of the primary tie in this direction."""
    return [
        Associated(
            str(to["toObjectId"]),
            any(
                type_["typeId"] == primary and type_.get("category") != "USER_DEFINED"
                for type_ in to["associationTypes"]
            ),
            tuple(sorted(str(label["associationTypeId"]) for label in own_labels(to))),
        )
        for to in row["to"]
    ]


def label_types(labels: Sequence[str]) -> list[dict[str, Any]]:
    """The customer's own labels, as they are written."""
    return [{"associationCategory": "USER_DEFINED", "associationTypeId": int(label)} for label in labels]


def own_labels(to: Json) -> list[dict[str, Any]]:
    """The customer's own labels of one tie, as they are written."""
    return [
        {"associationCategory": "USER_DEFINED", "associationTypeId": type_["typeId"]}
        for type_ in to["associationTypes"]
        if type_.get("category") == "USER_DEFINED"
    ]


# Records, in


def _text(value: CrmValue | None) -> str:
    """None becomes "", which clears the property."""
    if isinstance(value, list):
        return ";".join(part for part in value if part)
    return value or ""


def properties(write: Filled) -> dict[str, str]:
    """What is written, the owner included."""
    sent = {name: _text(value) for name, value in write.values.items()}
    return sent if write.owner is None else {**sent, OWNER_FIELD: write.owner}


def tie_type(kind: RecordKind, tie: Associate) -> dict[str, Any]:
    """HubSpot demotes the previous primary tie by itself and keeps it as a plain one."""
    plain, primary = TIE_TYPES[kind, tie.kind]
    type_id = plain if tie.type is AssociationType.ADDITIONAL else primary
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}


def primary_type(kind: RecordKind, tie: Dissociate) -> tuple[dict[str, Any], ...]:
    """What makes a tie the primary one."""
    _, primary = TIE_TYPES[kind, tie.kind]
    return ({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": primary},)


def write_input(kind: RecordKind, write: Filled) -> dict[str, Any]:
    """One row of a batch. The trace id makes HubSpot answer row by row: without one on every row, one bad row fails the
    whole batch of creates. Only a create takes its ties along."""
    row: dict[str, Any] = {"objectWriteTraceId": write.ref, "properties": properties(write)}
    if isinstance(write, Update):
        return {**row, "id": write.crm_id}
    ties_ = [
        {"to": {"id": tie.crm_id}, "types": [tie_type(kind, tie), *label_types(tie.labels)]} for tie in write.associate
    ]
    return {**row, "associations": ties_}


# What a refusal says

_EXISTING = re.compile(r"Existing ID:\s*(\d+)|\b(\d+) already has that value")
#: These are the property's fault, not the value's: every row that sends it is refused alike.
_UNUSABLE_FIELD = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One complaint of HubSpot: the words, the property at fault and the vendor's code, as far as it gives them."""

    message: str
    field: str = ""
    code: str = ""


def faults(error: Any) -> list[Fault]:
    """The complaints of one error, at least one. They hide as a JSON list inside ``message``, or in ``errors``."""
    if not isinstance(error, Mapping):
        return [Fault("HubSpot refused it without a reason.")]
    message = str(error.get("message") or "")
    inner: Any = None
    if (start := message.find("[{")) >= 0:
        try:
            inner, _ = json.JSONDecoder().raw_decode(message[start:])
        except ValueError:
            inner = None
    details = inner if isinstance(inner, list) else error.get("errors")
    found = [_fault(detail) for detail in details or () if isinstance(detail, Mapping) and detail.get("message")]
    return found or [Fault(message or "HubSpot refused it without a reason.", _named(error))]


def _fault(detail: Json) -> Fault:
    field = detail.get("name") or detail.get("in") or _named(detail)
    return Fault(str(detail["message"]), str(field), str(detail.get("error") or detail.get("code") or ""))


def _named(error: Json) -> str:
    names = (error.get("context") or {}).get("propertyName") or ()
    return str(names[0]) if isinstance(names, list) and names else ""


def reason(error: Any) -> str:
    """The complaints in one line for people."""
    return " ".join(
        f"{fault.field}: {fault.message}" if fault.field and fault.field not in fault.message else fault.message
        for fault in faults(error)
    )


def rejected(write: Filled, error: Any, status: int = 0) -> Rejected:
    """``error`` is the body of a refused request, or one of the ``errors`` of a batch."""
    why = reason(error)
    category = str(error.get("category") or "") if isinstance(error, Mapping) else ""
    existing = _EXISTING.search(why)
    return Rejected(
        write.ref,
        why,
        field=next((fault.field for fault in faults(error) if fault.field), ""),
        existing_id=(existing[1] or existing[2]) if existing else "",
        gone=isinstance(write, Update) and (status == 404 or category == "OBJECT_NOT_FOUND"),
    )


def named(error: Any, *keys: str) -> set[str]:
    """The texts that an error's context lists under any of ``keys`` (a list, or a single text)."""
    context = error.get("context") if isinstance(error, Mapping) else None
    found: set[str] = set()
    for key in keys:
        value = (context or {}).get(key) or ()
        found.update(str(part) for part in (value if isinstance(value, list) else [value]))
    return found


def names_pair(error: Any, from_id: str, other_id: str) -> bool:
    """Whether the error of an associations batch names one of the two records."""
    return bool(named(error, "fromObjectId", "toObjectId", "objectId", "id", "ids") & {from_id, other_id})


def at_fault(writes: Sequence[Filled], error: Any) -> list[Rejected]:
    """The writes that surely are the reason why a whole batch was refused: those that the error names, and those that
    send an unusable property."""
    unusable = {fault.field for fault in faults(error) if fault.code in _UNUSABLE_FIELD}
    meant = _meant(writes, error)
    return [rejected(write, error) for write in writes if write in meant or unusable & properties(write).keys()]


def _meant(writes: Iterable[Filled], error: Any) -> list[Filled]:
    """The writes that an error's context names, by their trace id or (updates) their record's."""
    refs, ids = named(error, "objectWriteTraceId"), named(error, "id", "ids", "objectId")
    if not refs and not ids:
        return []
    return [write for write in writes if write.ref in refs or (isinstance(write, Update) and write.crm_id in ids)]


# What a batch answers


def outcomes(writes: Sequence[Filled], answer: Json) -> tuple[list[Outcome], list[Filled]]:
    """Who became what, and the writes of which the answer says nothing. Results come in any order."""
    left = {write.ref: write for write in writes}
    found: list[Outcome] = []
    unnamed: list[Any] = []
    for error in answer.get("errors") or ():
        hit = _meant(left.values(), error)
        found += [rejected(left.pop(write.ref), error) for write in hit]
        if not hit:
            unnamed.append(error)
    ref_of = {write.crm_id: write.ref for write in left.values() if isinstance(write, Update)}
    strangers: list[Json] = []
    for row in answer["results"]:
        ref = row.get("objectWriteTraceId") or ref_of.get(row["id"], "")
        if left.pop(ref, None) is None:
            strangers.append(row)
        else:
            found.append(_written(ref, row))
    for write in sorted(left.values(), key=lambda write: -len(write.values)):  # the most particular ones first
        sent = properties(write)
        row = next((row for row in strangers if isinstance(write, Create) and _holds(row, sent)), None)
        if row is not None:
            strangers.remove(row)
            found.append(_written(left.pop(write.ref).ref, row))
    if unnamed and len(left) == 1:
        found += [rejected(write, unnamed[0]) for write in left.values()]
    elif unnamed:
        why = " ".join(dict.fromkeys(reason(error) for error in unnamed))
        found += [Rejected(write.ref, f"One of: {why}") for write in left.values()]
    return found, [] if unnamed else list(left.values())


def _written(ref: str, row: Json) -> Written:
    return Written(ref, row["id"], row.get("updatedAt") or "", row.get("url") or "")


def _holds(row: Json, sent: Mapping[str, str]) -> bool:
    """Whether the row may be what was sent; HubSpot trims values and lower-cases e-mails."""
    held = row["properties"]
    return all((held.get(name) or "").strip().casefold() == value.strip().casefold() for name, value in sent.items())


# Where a reading stands


@dataclass(frozen=True, slots=True)
class Cursor:
    """A reading goes: everything once (step ``all``); later the ``changed`` ones by time, within one millisecond the
    ``tied`` ones by id, and then the ``deleted`` ones.

    ``since``: the reading's first moment; ``at``: how far the changes are read; ``after``: the vendor's own page mark,
    or the last id. Times are milliseconds of the vendor's clock; the hub's own clock plays no part.
    """

    step: str
    since: int = 0
    at: int = 0
    after: str = ""

    def dump(self) -> str:
        return json.dumps({key: value for key, value in asdict(self).items() if value})

    @staticmethod
    def load(text: str) -> Cursor:
        return Cursor(**json.loads(text))

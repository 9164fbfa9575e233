"""The columns of files with campaigns, activities and conversation tags, recognised by their headings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub_core.errors import BadInput, UnknownName
from hub_core.model.fields import FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules._campaign_words import squashed
from hub_core.rules.columns import REJECT_HEADINGS, Column


class EventFile(StrEnum):
    """What the rows of a file are."""

    CAMPAIGNS = "campaigns"
    ACTIVITIES = "activities"
    TAGS = "tags"


@dataclass(frozen=True, slots=True)
class _Spec:
    field: HubField
    names: frozenset[str]


def _spec(id_: str, label: str, kind: FieldType, names: str = "") -> _Spec:
    spelled = frozenset(squashed(name) for name in (id_, label, *names.split("|")) if name)
    return _Spec(HubField(id_, label, kind, RecordKind.CONTACT), spelled)


_T = FieldType
_WHO = (
    _spec("contactId", "Contact id", _T.TEXT, "contact external id|external id|lead id|person id|record id"),
    _spec(
        "contactEmail",
        "Contact e-mail",
        _T.TEXT,
        "email|mail|e-mail|email address|lead email|professional email|work email|contact email address|recipient",
    ),
    _spec(
        "contactLinkedIn",
        "Contact LinkedIn",
        _T.TEXT,
        "linkedin|linkedin url|linkedin profile|linkedin profile url|contact linkedin url|lead linkedin",
    ),
)
_CAMPAIGN = (
    _spec("campaignId", "Campaign id", _T.TEXT, "campaign external id|sequence id"),
    _spec("campaign", "Campaign", _T.TEXT, "campaign name|sequence|sequence name"),
)
_SENDER = (
    _spec("senderId", "Sender id", _T.TEXT, "identity id"),
    _spec("sender", "Sender", _T.TEXT, "sender name|identity|identity name|from|from name|sent by"),
    _spec("senderEmail", "Sender e-mail", _T.TEXT, "identity email|from email|mailbox|sender email address"),
    _spec("senderLinkedIn", "Sender LinkedIn", _T.TEXT, "sender linkedin url|identity linkedin|linkedin account"),
)
_AT = _spec("at", "At", _T.DATETIME, "time|date|timestamp|occurred at|created at|happened at|event time|when|sent at")

COLUMNS: Mapping[EventFile, tuple[_Spec, ...]] = {
    EventFile.ACTIVITIES: (
        _spec("id", "Activity id", _T.TEXT, "event id|message id|uuid"),
        *_WHO,
        _spec("type", "Type", _T.TEXT, "activity|activity type|event|event type|event name|action"),
        _spec("channel", "Channel", _T.TEXT, "medium"),
        _spec("direction", "Direction", _T.TEXT, ""),
        _AT,
        *_CAMPAIGN,
        _spec("step", "Step", _T.INTEGER, "step number|sequence step|step index"),
        *_SENDER,
        _spec("subject", "Subject", _T.TEXT, "email subject"),
        _spec("body", "Body", _T.LONG_TEXT, "text|message|message text|content|message body"),
    ),
    EventFile.CAMPAIGNS: (
        *(_CAMPAIGN[0], _spec("campaign", "Campaign", _T.TEXT, "campaign name|name|sequence|sequence name")),
        _spec("state", "Campaign state", _T.TEXT, "campaign status|status|state"),
        *_SENDER,
        _spec("steps", "Steps", _T.LONG_TEXT, "sequence steps|campaign sequence details|sequence details"),
        _spec("step", "Step", _T.INTEGER, "step number|step index"),
        _spec("stepType", "Step type", _T.TEXT, "step kind|step name|type|action"),
        _spec("stepChannel", "Step channel", _T.TEXT, "channel"),
        _spec("delay", "Delay in days", _T.TEXT, "delay|delay days|wait|wait days|days"),
        *_WHO,
        _spec("addedAt", "Added at", _T.DATETIME, "added|added on|joined at|contact added at|date added"),
        _spec("contactState", "Contact state", _T.TEXT, "contact status|lead status|lead state|member status"),
    ),
    EventFile.TAGS: (
        _spec("id", "Tag id", _T.TEXT, "conversation tag id|event id|uuid"),
        *_WHO,
        _spec("tag", "Tag", _T.TEXT, "tag name|conversation tag|name|label"),
        _spec("category", "Category", _T.TEXT, "tag category|sentiment|conversation tag category"),
        _spec("appliedBy", "Applied by", _T.TEXT, "by|tagged by|user|author"),
        _spec(
            "at", "At", _T.DATETIME, "time|date|timestamp|applied at|tagged at|created at|applied on|when|occurred at"
        ),
    ),
}
_WHO_IDS = tuple(each.field.id for each in _WHO)
#: What a file must have: of each group one column.
_NEEDED: Mapping[EventFile, tuple[tuple[str, ...], ...]] = {
    EventFile.ACTIVITIES: (("type",), ("at",), _WHO_IDS),
    EventFile.CAMPAIGNS: (("campaign", "campaignId"),),
    EventFile.TAGS: (("tag",), _WHO_IDS),
}
_LEAVE_OUT = frozenset(("", "-"))


def plan_event_columns(
    what: EventFile, headings: Sequence[str], samples: Sequence[Sequence[str]], column_map: Mapping[str, str]
) -> tuple[Column, ...]:
    """Where each column goes: what the person says (heading -> field id, "" or "-" to leave out), else what its heading
    says, else nowhere. ``samples`` are some rows.

    Raises `UnknownName` (no such column or field), `BadInput` (two columns for one field, a field that is missing).
    """
    fields = {spec.field.id: spec.field for spec in COLUMNS[what]}
    _check(headings, fields, column_map)
    taken = set(column_map.values())
    columns: list[Column] = []
    for index, heading in enumerate(headings):
        sample = next((row[index].strip() for row in samples if index < len(row) and row[index].strip()), "")
        wanted = column_map.get(heading)
        if wanted is None and heading not in REJECT_HEADINGS:
            wanted = _recognised(what, squashed(heading), taken)
        field = fields.get(wanted or "")
        taken |= {field.id} if field else set()
        columns.append(Column(index, heading, field, used=field is not None, sample=sample))
    for group in _NEEDED[what]:
        if taken.isdisjoint(group):
            names = " or ".join(fields[name].label for name in group)
            raise BadInput(
                f"The file has no column that is recognised as: {names}.",
                fix=f'Say which one it is: --map "COLUMN={group[0]}"',
            )
    return tuple(columns)


def _recognised(what: EventFile, name: str, taken: Collection[str]) -> str | None:
    for spec in COLUMNS[what]:
        if name in spec.names and spec.field.id not in taken:
            return spec.field.id
    return None


def _check(headings: Sequence[str], fields: Mapping[str, HubField], column_map: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for heading, field in column_map.items():
        if heading not in headings:
            raise UnknownName("column", heading, filter(None, headings))
        if field in _LEAVE_OUT:
            continue
        if field not in fields:
            raise UnknownName("field", field, fields)
        if field in seen:
            raise BadInput(f"Both {seen[field]!r} and {heading!r} go to {field!r}.", fix="Map one of them elsewhere.")
        seen[field] = heading

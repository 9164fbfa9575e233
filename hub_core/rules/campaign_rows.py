"""Rows of files with campaigns, activities and conversation tags, in the hub's vocabulary.

A row that cannot be taken in becomes a `RowProblem`. Who the contact is, and which campaign a name means, is decided
where the hub's records are at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias, TypeVar

from hub_core.model.campaigns import ActivityType, Channel, Direction, Progress, Step, StepKind, TagCategory
from hub_core.model.records import HubValue
from hub_core.rules import _campaign_words as spelled
from hub_core.rules.columns import Column
from hub_core.rules.incoming import MAX_IDENTITY, RowProblem, parser
from hub_core.rules.normalise import email, linkedin_person
from hub_core.rules.values import ValueProblem

_Known = TypeVar("_Known")


@dataclass(frozen=True, slots=True)
class Named:
    """Something that a row names: by the source's id, by name, by address; what it does not say is ""."""

    external_id: str = ""
    name: str = ""
    email: str = ""
    linkedin: str = ""

    def __bool__(self) -> bool:
        return bool(self.external_id or self.name or self.email or self.linkedin)


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """``external_id`` "": the source gives none. ``channel`` None: the campaign's step tells. ``at`` is ISO 8601."""

    contact: Named
    campaign: Named
    sender: Named
    external_id: str
    type: ActivityType
    channel: Channel | None
    direction: Direction
    at: str
    step: int | None
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """Facts of a campaign, and perhaps one of its steps, and perhaps a contact in it. None: the row does not say.

    ``steps`` is the whole sequence; ``step`` one numbered step of it.
    """

    campaign: Named
    sender: Named
    state: Progress | None
    steps: tuple[Step, ...] | None
    step: tuple[int, Step] | None
    contact: Named
    added_at: str | None
    contact_state: Progress | None


@dataclass(frozen=True, slots=True)
class TagRow:
    """``category`` None: the row gives none."""

    contact: Named
    external_id: str
    name: str
    category: TagCategory | None
    applied_by: str
    at: str | None


Values: TypeAlias = "Mapping[str, HubValue]"


class Refused(Exception):
    """A row that cannot be taken in; ``field`` is the id of the field at fault, "" for the row as a whole."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


# --- cells -------------------------------------------------------------------------------------------------------


def cells_reader(columns: Sequence[Column]) -> Callable[[Sequence[list[str]]], list[Values | RowProblem]]:
    """What turns rows of cells into values by field id. A short row's missing cells are blank."""
    plan = [(each.index, each.heading, each.field.id, parser(each.field)) for each in columns if each.field]
    width = len(columns)

    def read(rows: Sequence[list[str]]) -> list[Values | RowProblem]:
        found: list[dict[str, HubValue]] = [{} for _ in rows]
        problems: dict[int, RowProblem] = {}
        for number, row in enumerate(rows):
            if any(map(str.strip, row[width:])):
                problems[number] = RowProblem("", f"It has {len(row)} cells, but there are {width} headings.")
        for index, heading, field, parse in plan:
            for number, cell in enumerate(parse([row[index] if index < len(row) else "" for row in rows])):
                if isinstance(cell, ValueProblem):
                    problems.setdefault(number, RowProblem(heading, str(cell)))
                elif cell is not None:
                    found[number][field] = cell
        return [problems.get(number, values) for number, values in enumerate(found)]

    return read


def _text(values: Values, field: str) -> str:
    value = values.get(field)
    return value if isinstance(value, str) else ""


def _one_of(values: Values, field: str, known: Mapping[str, _Known], examples: str) -> _Known | None:
    """What the field's word stands for; None when it is blank."""
    text = _text(values, field)
    if not text:
        return None
    if (found := known.get(spelled.squashed(text))) is None:
        raise Refused(field, f"It is not understood. Write, for example: {examples}.")
    return found


def contact_of(values: Values) -> Named:
    """Who the row is about: the id as it is, addresses in normalised form."""
    return _person(_text(values, "contactId"), _text(values, "contactEmail"), _text(values, "contactLinkedIn"))


@lru_cache(maxsize=65_536)  # a contact has several activities
def _person(external_id: str, mail: str, link: str) -> Named:
    return Named(external_id, "", email(mail), linkedin_person(link))


def _someone(values: Values) -> Named:
    who = contact_of(values)
    if not who:
        raise Refused("", "It does not say who the contact is: by id, e-mail address or LinkedIn profile.")
    return who


def _campaign(values: Values) -> Named:
    return Named(_id(values, "campaignId"), _text(values, "campaign"))


def _sender(values: Values) -> Named:
    mail = email(_text(values, "senderEmail"))
    return Named(_id(values, "senderId"), _text(values, "sender"), mail, _text(values, "senderLinkedIn"))


def _id(values: Values, field: str) -> str:
    text = _text(values, field)
    if len(text) > MAX_IDENTITY:
        raise Refused(field, f"It is longer than {MAX_IDENTITY} characters.")
    return text


def _number(values: Values) -> int | None:
    number = values.get("step")
    if isinstance(number, int) and not 1 <= number <= 1000:
        raise Refused("step", "Steps are counted from 1.")
    return number if isinstance(number, int) else None


def derived_id(*parts: object) -> str:
    """An id made of what tells a row from others, for rows without one of their own."""
    return "derived:" + blake2b(repr(parts).encode(), digest_size=16).hexdigest()


# --- activities --------------------------------------------------------------------------------------------------


def activity_row(values: Values) -> ActivityRow:
    """One activity. Raises `Refused`."""
    kind, channel = _type(values)
    told = _one_of(values, "direction", spelled.DIRECTIONS, "inbound, outbound")
    usual = Direction.INBOUND if kind in spelled.INBOUND else Direction.OUTBOUND
    if not (at := _text(values, "at")):
        raise Refused("at", "It does not say when it happened.")
    return ActivityRow(
        contact=_someone(values),
        campaign=_campaign(values),
        sender=_sender(values),
        external_id=_id(values, "id"),
        type=kind,
        channel=channel,
        direction=told if told and kind in (ActivityType.CALL, ActivityType.MEETING) else usual,
        at=at,
        step=_number(values),
        subject=_text(values, "subject"),
        body=_text(values, "body"),
    )


def _type(values: Values) -> tuple[ActivityType, Channel | None]:
    """What happened and on which channel: the type's word, with what the columns of direction and channel give."""
    word = spelled.squashed(_text(values, "type"))
    if not word:
        raise Refused("type", "It does not say what happened.")
    channel = _one_of(values, "channel", spelled.CHANNELS, "email, linkedin, whatsapp, phone")
    if word in spelled.BY_DIRECTION:
        direction = _one_of(values, "direction", spelled.DIRECTIONS, "inbound, outbound")
        out, in_ = spelled.BY_DIRECTION[word]
        if direction is None and out is ActivityType.SENT:
            raise Refused("direction", "It does not say whether it was sent or received.")
        kind = in_ if direction is Direction.INBOUND else out
        own = Channel.LINKEDIN if out is ActivityType.INVITATION else spelled.CHANNELS.get(word)
        return kind, own or channel
    found = spelled.TYPES.get(word)
    if found is None:
        raise Refused("type", "It is not understood. Write, for example: email sent, email opened, linkedin replied.")
    kind, own = found
    says_channel = own is not None and word not in ("opened", "clicked", "bounced", "unsubscribed")
    if kind is ActivityType.SENT and _direction_is_in(values):
        kind = ActivityType.REPLIED
    return kind, own if says_channel else channel or own


def _direction_is_in(values: Values) -> bool:
    return spelled.DIRECTIONS.get(spelled.squashed(_text(values, "direction"))) is Direction.INBOUND


def channel_at(row: ActivityRow, steps: Sequence[Step]) -> Channel:
    """The activity's channel: its own, else that of its step. Raises `Refused`."""
    if row.channel is not None:
        return row.channel
    if row.step is not None and row.step <= len(steps):
        return steps[row.step - 1].channel
    raise Refused("channel", "It does not say on which channel it happened.")


# --- campaigns ---------------------------------------------------------------------------------------------------

_CUTS = re.compile(r"[,;|\n]|->|→|>")
_ORDINAL = re.compile(r"^\s*\d+(?:st|nd|rd|th|[.):])?\s+", re.IGNORECASE)
_DELAY = re.compile(r"\(?\+\s*(\d+)\s*d(?:ays?)?\)?|\((\d+)\s*d(?:ays?)?\)", re.IGNORECASE)


def parse_steps(text: str) -> tuple[Step, ...]:
    """A sequence in words: "1st Email, 2nd Email +3d, LinkedIn Connection Request, 1st LinkedIn". Raises `Refused`."""
    steps: list[Step] = []
    for part in filter(str.strip, _CUTS.split(text)):
        wait = _DELAY.search(part)
        name = _ORDINAL.sub("", _DELAY.sub("", part))
        steps.append(_step(name, "", int(wait[1] or wait[2]) if wait else 0, "steps"))
    return tuple(steps)


def _step(name: str, channel: str, delay: int, field: str) -> Step:
    word, at = spelled.squashed(name), spelled.CHANNELS.get(spelled.squashed(channel))
    if word in spelled.ANY_MESSAGE and at is not None:
        return Step(StepKind.MESSAGE, at, delay)
    kind, usual = spelled.STEPS.get(word, (None, None))
    if kind is None or usual is None:
        raise Refused(field, "There is a step that is not understood. Write, for example: 1st Email, LinkedIn Visit.")
    return Step(kind, usual, delay)


def campaign_row(values: Values) -> CampaignRow:
    """A campaign with what else the row says. Raises `Refused`."""
    campaign = _campaign(values)
    if not campaign:
        raise Refused("campaign", "It does not name the campaign.")
    steps = parse_steps(_text(values, "steps")) or None
    number, step = _number(values), None
    if number is not None:
        name = _text(values, "stepType") or _text(values, "stepChannel")
        step = number, _step(name, _text(values, "stepChannel"), _days(values), "stepType")
    if steps and step:
        raise Refused("steps", "Give the whole sequence or one numbered step, not both.")
    examples = "active, paused, finished"
    return CampaignRow(
        campaign=campaign,
        sender=_sender(values),
        state=_one_of(values, "state", spelled.STATES, examples),
        steps=steps,
        step=step,
        contact=contact_of(values),
        added_at=_text(values, "addedAt") or None,
        contact_state=_one_of(values, "contactState", spelled.STATES, examples),
    )


def _days(values: Values) -> int:
    found = re.fullmatch(r"\+?\s*(\d{1,4})\s*(?:d|days?)?", _text(values, "delay") or "0", re.IGNORECASE)
    if found is None:
        raise Refused("delay", "It is not a number of days.")
    return int(found[1])


# --- tags --------------------------------------------------------------------------------------------------------


def tag_row(values: Values) -> TagRow:
    """One conversation tag. Raises `Refused`."""
    if not (name := _id(values, "tag")):
        raise Refused("tag", "It does not name the tag.")
    category = _one_of(values, "category", spelled.CATEGORIES, "positive, neutral, negative")
    return TagRow(
        contact=_someone(values),
        external_id=_id(values, "id"),
        name=name,
        category=category,
        applied_by=_text(values, "appliedBy"),
        at=_text(values, "at") or None,
    )


def usual_category(name: str) -> TagCategory:
    """The category of a tag that is given none: known names have one, others are neutral."""
    return spelled.KNOWN_TAGS.get(spelled.squashed(name), TagCategory.NEUTRAL)

"""Campaigns and what happened in them: the material of set-up step 3.

An **identity** runs campaigns: the profile of a sender. A **campaign** is a sequence of steps; a contact that is added
to it becomes a member. An **activity** is one thing that happened with a contact, in a campaign or outside of any. A
**conversation tag** is somebody's (or an AI's) judgement of a conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    EMAIL = "email"
    LINKEDIN = "linkedin"
    INMAIL = "linkedin_inmail"
    WHATSAPP = "whatsapp"
    PHONE = "phone"
    OTHER = "other"

    @property
    def label(self) -> str:
        """As the product writes it: "Email", "LinkedIn"."""
        return _LABELS[self]


_LABELS = {
    Channel.EMAIL: "Email",
    Channel.LINKEDIN: "LinkedIn",
    Channel.INMAIL: "LinkedIn InMail",
    Channel.WHATSAPP: "WhatsApp",
    Channel.PHONE: "Phone",
    Channel.OTHER: "Other",
}


class StepKind(StrEnum):
    """What a step does. Only a message is one of the "messages" that properties count."""

    MESSAGE = "message"
    INVITATION = "invitation"
    VISIT = "visit"
    LIKE = "like"
    CALL = "call"
    TASK = "task"


class ActivityType(StrEnum):
    ADDED = "added"  # to the campaign
    SENT = "sent"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    VISIT = "visit"
    INVITATION = "invitation"
    ACCEPTED = "accepted"
    LIKE = "like"
    CALL = "call"
    MEETING = "meeting"
    FINISHED = "finished"  # the sequence, for this contact


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class TagCategory(StrEnum):
    POSITIVE = "POSITIVE"
    NEUTRAL = "NEUTRAL"
    NEGATIVE = "NEGATIVE"


class Progress(StrEnum):
    """How far a campaign is, or a contact in it; UNKNOWN when the source does not say."""

    UNKNOWN = ""
    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends: a LinkedIn account and any number of mailboxes. ``email`` and ``linkedin`` may be ""."""

    id: int
    external_id: str
    name: str
    email: str = ""
    linkedin: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence; ``delay`` is in days after the step before."""

    kind: StepKind
    channel: Channel
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Campaign:
    """``steps`` is () when nobody has told them. ``identity`` runs it."""

    id: int
    external_id: str
    name: str
    steps: tuple[Step, ...] = ()
    state: Progress = Progress.UNKNOWN
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A contact in a campaign. ``added_at`` None: nobody told when."""

    campaign: Campaign
    added_at: datetime | None = None
    state: Progress = Progress.UNKNOWN


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened with a contact. ``step`` is its place in the campaign's steps, from 1."""

    id: int
    external_id: str
    type: ActivityType
    channel: Channel
    direction: Direction
    at: datetime
    campaign_id: int | None = None
    step: int | None = None
    identity: Identity | None = None
    subject: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class ConversationTag:
    id: int
    name: str
    category: TagCategory
    at: datetime | None = None
    applied_by: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that campaigns know of one contact, in any order."""

    memberships: tuple[Membership, ...] = ()
    activities: tuple[Activity, ...] = ()
    tags: tuple[ConversationTag, ...] = ()

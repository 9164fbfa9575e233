"""The campaign properties of a contact, as set-up step 3 maps them: one table, `PROPERTIES`.

The words are the product's. What it leaves open is decided in `docs/campaigns.md`; in short: the properties of the
sequence and of its e-mails are about the contact's *current* campaign, the one it was added to last; the others are
about everything. A contact that is in no campaign has no sequence properties, not even a "No".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hub_core.model.campaigns import (
    Activity,
    ActivityType,
    Campaign,
    Channel,
    ConversationTag,
    Direction,
    History,
    Membership,
    Progress,
    Step,
    StepKind,
)
from hub_core.model.fields import FieldType
from hub_core.model.records import HubValue
from hub_core.rules.campaign_thread import Thread, thread
from hub_core.rules.normalise import fold

SEQUENCE_STATUSES: Final = ("Not Started", "Ongoing", "Replied", "Finished")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _View:
    """A history in order: ``activities`` by time, ``memberships`` by when the contact was added."""

    memberships: tuple[Membership, ...]
    activities: tuple[Activity, ...]
    tags: tuple[ConversationTag, ...]
    current: Thread | None


@dataclass(frozen=True, slots=True)
class CampaignProperty:
    """One property: ``group`` and ``label`` are the product page's, ``compute`` answers None for a blank."""

    id: str
    group: str
    label: str
    type: FieldType
    compute: Callable[[_View], HubValue | None]
    options: tuple[str, ...] = ()


def properties(history: History) -> dict[str, HubValue]:
    """Every campaign property of a contact that is not blank, by id."""
    view = _view(history)
    return {each.id: value for each in PROPERTIES.values() if (value := each.compute(view)) is not None}


def _view(history: History) -> _View:
    activities = tuple(sorted(history.activities, key=lambda each: (each.at, each.id)))
    begun: dict[int, datetime] = {}
    told: dict[int, datetime] = {}
    for each in activities:
        if each.campaign_id is not None:
            begun.setdefault(each.campaign_id, each.at)
            if each.type is ActivityType.ADDED:
                told.setdefault(each.campaign_id, each.at)

    def added(membership: Membership) -> tuple[datetime, int]:
        number = membership.campaign.id
        return membership.added_at or told.get(number) or begun.get(number) or _NEVER, number

    memberships = tuple(sorted(history.memberships, key=added))
    current = None
    if memberships:
        number = memberships[-1].campaign.id
        current = thread(memberships[-1], (each for each in activities if each.campaign_id == number))
    tags = tuple(sorted(history.tags, key=lambda tag: (tag.at or _NEVER, tag.id)))
    return _View(memberships, activities, tags, current)


def _listed(names: Iterable[str]) -> str | None:
    return ", ".join(names) or None


# --- sequence ----------------------------------------------------------------------------------------------------

_STEP_NAMES = {
    StepKind.INVITATION: "LinkedIn Connection Request",
    StepKind.VISIT: "LinkedIn Profile Visit",
    StepKind.LIKE: "LinkedIn Post Like",
    StepKind.CALL: "Call",
    StepKind.TASK: "Task",
}


def sequence_text(steps: Sequence[Step]) -> str:
    """The steps in words: messages are numbered within their channel, the rest is not."""
    counts: dict[Channel, int] = {}
    names: list[str] = []
    for step in steps:
        if step.kind is StepKind.MESSAGE:
            counts[step.channel] = counts.get(step.channel, 0) + 1
            names.append(f"{ordinal(counts[step.channel])} {step.channel.label}")
        else:
            names.append(_STEP_NAMES[step.kind])
    return ", ".join(names)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _sequence_details(view: _View) -> str | None:
    return (sequence_text(view.current.membership.campaign.steps) or None) if view.current else None


def _engagement_status(view: _View) -> str | None:
    if view.current is None:
        return None
    for verb, numbers in (("Replied", view.current.replied), ("Sent", view.current.sent)):
        if numbers:
            number, messages = numbers[-1], view.current.messages
            return f"Message {verb} ({number + 1}/{len(messages)}) - {messages[number].label}"
    return "Added to Campaign"


def _sequence_status(view: _View) -> str | None:
    if view.current is None:
        return None
    not_started, ongoing, replied, finished = SEQUENCE_STATUSES
    campaign: Campaign = view.current.membership.campaign
    if view.current.count(ActivityType.REPLIED):
        return replied
    ended = view.current.count(ActivityType.FINISHED, ActivityType.UNSUBSCRIBED)
    if ended or view.current.complete or Progress.FINISHED in (campaign.state, view.current.membership.state):
        return finished
    return ongoing if any(map(_is_doing, view.current.activities)) else not_started


def _is_doing(activity: Activity) -> bool:
    """Whether it is a step taken, and not something told of the sequence."""
    return activity.direction is Direction.OUTBOUND and activity.type is not ActivityType.ADDED


def _per_message(numbers: Callable[[Thread], list[int]]) -> Callable[[_View], str | None]:
    def analysis(view: _View) -> str | None:
        if view.current is None:
            return None
        return _listed(f"Yes ({ordinal(n + 1)} Message)" for n in sorted(set(numbers(view.current)))) or "No"

    return analysis


# --- e-mail ------------------------------------------------------------------------------------------------------


def _emails(of: Callable[[Thread], list[int]]) -> Callable[[Thread], list[int]]:
    return lambda made: [n for n in of(made) if made.messages[n] is Channel.EMAIL]


def _total(kind: ActivityType) -> Callable[[_View], int | None]:
    def total(view: _View) -> int | None:
        if view.current is None:
            return None
        return sum(each.type is kind and each.channel is Channel.EMAIL for each in view.current.activities)

    return total


# --- general -----------------------------------------------------------------------------------------------------

_REACHES = frozenset((ActivityType.SENT, ActivityType.INVITATION, ActivityType.CALL))
_ACTIVITY_NAMES = {
    ActivityType.SENT: "{channel} sent",
    ActivityType.OPENED: "Contact has opened {channel}",
    ActivityType.CLICKED: "Contact has clicked a link in {channel}",
    ActivityType.REPLIED: "Contact has replied to {channel}",
    ActivityType.BOUNCED: "{channel} bounced",
    ActivityType.UNSUBSCRIBED: "Contact has unsubscribed",
    ActivityType.VISIT: "Visit LinkedIn profile",
    ActivityType.INVITATION: "LinkedIn Invitation sent",
    ActivityType.ACCEPTED: "Contact has accepted invitation",
    ActivityType.LIKE: "Like LinkedIn post",
    ActivityType.CALL: "Call",
    ActivityType.MEETING: "Meeting booked",
}
_MESSAGE_NAMES = {
    Channel.LINKEDIN: "LinkedIn Message",
    Channel.WHATSAPP: "WhatsApp Message",
    Channel.OTHER: "Message",
    Channel.PHONE: "Text Message",
}


def activity_text(activity: Activity) -> str | None:
    """What happened, in words; None for what is told of the sequence (added to it, finished)."""
    name = _ACTIVITY_NAMES.get(activity.type)
    return name and name.format(channel=_MESSAGE_NAMES.get(activity.channel, activity.channel.label))


def _campaigns(view: _View) -> str | None:
    return _listed(dict.fromkeys(each.campaign.name for each in view.memberships))


def _senders(view: _View) -> str | None:
    running = {each.campaign.id: each.campaign.identity for each in view.memberships}
    reached = [each for each in view.activities if each.type in _REACHES and each.direction is Direction.OUTBOUND]
    senders = (each.identity or running.get(each.campaign_id or 0) for each in reached)
    return _listed(dict.fromkeys(sender.name for sender in senders if sender))


def _activities(view: _View) -> str | None:
    return _listed(name for each in view.activities if (name := activity_text(each)))


# --- conversation tags -------------------------------------------------------------------------------------------


def _tags(view: _View) -> list[ConversationTag]:
    """One per name, in the order in which they were first applied; of its categories the latest counts."""
    latest: dict[str, ConversationTag] = {}
    for tag in view.tags:
        latest[fold(tag.name) or tag.name] = tag
    return list(latest.values())


# --- the table ---------------------------------------------------------------------------------------------------

_T = FieldType
_SEQUENCE, _EMAIL, _GENERAL, _TAGS = "Sequence", "Email", "General", "Conversation Tags"

PROPERTIES: Final[Mapping[str, CampaignProperty]] = {
    each.id: each
    for each in (
        CampaignProperty(
            "campaignSequenceDetails", _SEQUENCE, "Campaign Sequence Details", _T.LONG_TEXT, _sequence_details
        ),
        CampaignProperty(
            "campaignEngagementStatus", _SEQUENCE, "Campaign Engagement Status", _T.TEXT, _engagement_status
        ),
        CampaignProperty(
            "sequenceStatus", _SEQUENCE, "Sequence Status", _T.SINGLE_CHOICE, _sequence_status, SEQUENCE_STATUSES
        ),
        CampaignProperty(
            "campaignReplyAnalysis",
            _SEQUENCE,
            "Campaign Reply Analysis",
            _T.TEXT,
            _per_message(lambda made: made.replied),
        ),
        CampaignProperty("campaignOpens", _EMAIL, "Campaign Opens", _T.INTEGER, _total(ActivityType.OPENED)),
        CampaignProperty("campaignClicks", _EMAIL, "Campaign Clicks", _T.INTEGER, _total(ActivityType.CLICKED)),
        CampaignProperty(
            "campaignOpenAnalysis",
            _EMAIL,
            "Campaign Open Analysis",
            _T.TEXT,
            _per_message(_emails(lambda made: made.opened)),
        ),
        CampaignProperty(
            "campaignClickAnalysis",
            _EMAIL,
            "Campaign Click Analysis",
            _T.TEXT,
            _per_message(_emails(lambda made: made.clicked)),
        ),
        CampaignProperty("campaign", _GENERAL, "Campaign", _T.LONG_TEXT, _campaigns),
        CampaignProperty("senders", _GENERAL, "Senders", _T.LONG_TEXT, _senders),
        CampaignProperty("activities", _GENERAL, "Activities", _T.LONG_TEXT, _activities),
        CampaignProperty(
            "conversationTags",
            _TAGS,
            "Conversation Tags",
            _T.LONG_TEXT,
            lambda view: _listed(tag.name for tag in _tags(view)),
        ),
        CampaignProperty(
            "conversationTagsCategories",
            _TAGS,
            "Conversation Tags Categories",
            _T.LONG_TEXT,
            lambda view: _listed(tag.category.value for tag in _tags(view)),
        ),
    )
}

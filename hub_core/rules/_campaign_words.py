"""What files call steps, activities, tags and states: compared without case, accents, spaces and punctuation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from hub_core.model.campaigns import ActivityType, Channel, Direction, Progress, StepKind, TagCategory
from hub_core.rules._folding import words

_A, _C = ActivityType, Channel


@lru_cache(maxsize=4_096)  # the same words on every row
def squashed(text: str) -> str:
    """A text as the tables below spell it."""
    return "".join(words(text))


def _spelled(names: str) -> list[str]:
    return [squashed(name) for name in names.split("|")]


CHANNELS: dict[str, Channel] = {
    name: channel
    for channel, names in {
        _C.EMAIL: "email|emails|mail|e-mail",
        _C.LINKEDIN: "linkedin|linkedin message|linkedin message bundle|linkedin voice message|linkedin chat",
        _C.INMAIL: "linkedin inmail|inmail",
        _C.WHATSAPP: "whatsapp|whatsapp message",
        _C.PHONE: "phone|call|telephone|sms|text message",
        _C.OTHER: "other",
    }.items()
    for name in _spelled(names)
}

_INVITATION = "linkedin connection request|connection request|linkedin connection|connection|linkedin invite"
STEPS: dict[str, tuple[StepKind, Channel]] = {
    **{name: (StepKind.MESSAGE, channel) for name, channel in CHANNELS.items()},
    **{
        name: step
        for step, names in {
            (StepKind.INVITATION, _C.LINKEDIN): f"{_INVITATION}|linkedin invitation|invitation|invite",
            (StepKind.VISIT, _C.LINKEDIN): "linkedin profile visit|profile visit|linkedin visit profile|visit profile|"
            "visit linkedin profile|linkedin visit|visit",
            (StepKind.LIKE, _C.LINKEDIN): "linkedin post like|post like|linkedin like last post|like last post|like",
            (StepKind.CALL, _C.PHONE): "call|phone call",
            (StepKind.TASK, _C.OTHER): "task|manual task|to do",
        }.items()
        for name in _spelled(names)
    },
}
#: A message of the channel that another column names.
ANY_MESSAGE = frozenset(_spelled("message|automated message"))

_VERBS = {
    _A.SENT: "sent|delivered|contacted",
    _A.OPENED: "opened|open|opens",
    _A.CLICKED: "clicked|click|clicks|link clicked|clicked link",
    _A.REPLIED: "replied|reply|reply received|replies|answered|response|received",
    _A.BOUNCED: "bounced|bounce",
    _A.UNSUBSCRIBED: "unsubscribed|unsubscribe|opted out|opt out",
}
_OTHER_TYPES = {
    (_A.ADDED, _C.OTHER): "added|added to campaign|contact added|lead added",
    (_A.VISIT, _C.LINKEDIN): "visit|visited|profile visit|profile visited|visit linkedin profile|linkedin visit|"
    "linkedin profile visit|linkedin visit profile|linkedin visit done",
    (_A.INVITATION, _C.LINKEDIN): "invitation|invitation sent|invite sent|linkedin invitation sent|"
    "linkedin invite sent|linkedin invite done|connection request sent|linkedin connection request|"
    "linkedin connection request sent|connection request|linkedin connection sent",
    (_A.ACCEPTED, _C.LINKEDIN): "accepted|acceptance|invitation accepted|contact has accepted invitation|"
    "linkedin invitation accepted|linkedin invite accepted|connection request accepted|connection accepted|"
    "linkedin connection accepted|linkedin connection request accepted",
    (_A.LIKE, _C.LINKEDIN): "like|liked|like linkedin post|linkedin post liked|linkedin like last post|post liked",
    (_A.CALL, _C.PHONE): "call|called|phone call|call made|call done",
    (_A.MEETING, _C.OTHER): "meeting|meeting booked|meeting scheduled",
    (_A.FINISHED, _C.OTHER): "finished|sequence finished|campaign finished|completed|campaign completed|"
    "sequence completed|stopped|sequence stopped|removed|removed from campaign",
}


def _types() -> Iterator[tuple[str, tuple[ActivityType, Channel | None]]]:
    for kind, names in _VERBS.items():
        for verb in _spelled(names):
            # Only e-mails are opened, clicked and bounced; what was sent or answered may be anything.
            alone = None if kind in (_A.SENT, _A.REPLIED) else _C.EMAIL
            yield verb, (kind, alone)
            yield f"message{verb}", (kind, alone)
    for (kind, names), (word, channel) in product(_VERBS.items(), CHANNELS.items()):
        for verb in _spelled(names):
            yield f"{word}{verb}", (kind, channel)
    for (kind, channel), names in _OTHER_TYPES.items():
        for name in _spelled(names):
            yield name, (kind, channel)


#: What a type says: which one, and of which channel if it says that too.
TYPES: dict[str, tuple[ActivityType, Channel | None]] = dict(_types())
#: Types that only name what it was; the direction then says which of two it is: (outbound, inbound).
BY_DIRECTION: dict[str, tuple[ActivityType, ActivityType]] = {
    **dict.fromkeys(CHANNELS.keys() - {"call", "phone"}, (_A.SENT, _A.REPLIED)),
    **dict.fromkeys(ANY_MESSAGE, (_A.SENT, _A.REPLIED)),
    **dict.fromkeys(_spelled(_INVITATION), (_A.INVITATION, _A.ACCEPTED)),
}

INBOUND = frozenset((_A.OPENED, _A.CLICKED, _A.REPLIED, _A.ACCEPTED, _A.BOUNCED, _A.UNSUBSCRIBED))
DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(_spelled("outbound|out|outgoing|sent"), Direction.OUTBOUND),
    **dict.fromkeys(_spelled("inbound|in|incoming|received"), Direction.INBOUND),
}

STATES: dict[str, Progress] = {
    **dict.fromkeys(_spelled("active|running|started|ongoing|in progress|live|pending"), Progress.ACTIVE),
    **dict.fromkeys(_spelled("draft|scheduled|not started|new|ready|not active"), Progress.UNKNOWN),
    **dict.fromkeys(_spelled("paused|on hold|pause"), Progress.PAUSED),
    **dict.fromkeys(
        _spelled("finished|completed|complete|done|ended|stopped|archived|removed|opted out|failed|bounced"),
        Progress.FINISHED,
    ),
    # The activities tell who replied.
    **dict.fromkeys(_spelled("replied"), Progress.UNKNOWN),
}

CATEGORIES: dict[str, TagCategory] = {
    **dict.fromkeys(_spelled("positive|pos|good"), TagCategory.POSITIVE),
    **dict.fromkeys(_spelled("neutral"), TagCategory.NEUTRAL),
    **dict.fromkeys(_spelled("negative|neg|bad"), TagCategory.NEGATIVE),
}
#: The category of a tag whose row gives none.
KNOWN_TAGS: dict[str, TagCategory] = {
    **dict.fromkeys(
        _spelled("contacted|positive|interested|meeting booked|meeting completed|closed|won|replied"),
        TagCategory.POSITIVE,
    ),
    **dict.fromkeys(
        _spelled("negative|not interested|wrong person|do not contact|unsubscribed|lost|bounced"),
        TagCategory.NEGATIVE,
    ),
}

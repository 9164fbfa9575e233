"""What happened with one contact in one campaign, message by message.

The **messages** of a sequence are its message steps, counted through over all channels: in `1st Email, 2nd Email,
LinkedIn Connection Request, 1st LinkedIn` there are three, and the third is the LinkedIn one. Where the campaign's
steps are not known, the steps at which messages were sent take their place.

An activity belongs to the message at its step. One without a step number belongs

- when a message is sent: to the first message of its channel that has not been sent yet; else it was written by hand;
- when it is opened, clicked or answered: to the last message of its channel sent before; an answer without such a one
  to the last message of any channel; else to the first message of its channel; an answer at last to the first message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hub_core.model.campaigns import Activity, ActivityType, Campaign, Channel, Membership, StepKind

_ABOUT_A_MESSAGE = frozenset((ActivityType.OPENED, ActivityType.CLICKED, ActivityType.REPLIED))
_DOES = {
    StepKind.INVITATION: ActivityType.INVITATION,
    StepKind.VISIT: ActivityType.VISIT,
    StepKind.LIKE: ActivityType.LIKE,
    StepKind.CALL: ActivityType.CALL,
}


@dataclass(slots=True)
class Thread:
    """A contact's way through a campaign. Messages are numbered from 0.

    ``messages``: their channels. ``sent``, ``opened``, ``clicked``, ``replied``: messages that were, the last one last.
    """

    membership: Membership
    activities: tuple[Activity, ...]
    messages: tuple[Channel, ...]
    sent: list[int] = field(default_factory=list[int])
    opened: list[int] = field(default_factory=list[int])
    clicked: list[int] = field(default_factory=list[int])
    replied: list[int] = field(default_factory=list[int])

    def count(self, *types: ActivityType) -> int:
        return sum(activity.type in types for activity in self.activities)

    @property
    def complete(self) -> bool:
        """Whether the last step has been taken."""
        steps = self.membership.campaign.steps
        if not steps:
            return False
        if steps[-1].kind is StepKind.MESSAGE:
            return len(self.messages) - 1 in self.sent
        done = _DOES.get(steps[-1].kind)
        return any(each.type is done and each.step in (None, len(steps)) for each in self.activities)


def thread(membership: Membership, activities: Iterable[Activity]) -> Thread:
    """The contact's way through a campaign; ``activities`` are those in the campaign, in the order of time."""
    own = tuple(activities)
    places = _messages(membership.campaign, own)
    made = Thread(membership, own, tuple(channel for _, channel in places))
    at_step = {step: number for number, (step, _) in enumerate(places)}
    seen = {
        ActivityType.OPENED: made.opened,
        ActivityType.CLICKED: made.clicked,
        ActivityType.REPLIED: made.replied,
    }
    for activity in own:
        number = at_step.get(activity.step) if activity.step else None
        if activity.type is ActivityType.SENT:
            if activity.step is None:
                number = _next(made, activity.channel)
            if number is not None:
                made.sent.append(number)
        elif activity.type in _ABOUT_A_MESSAGE:
            if number is None:
                number = _meant(made, activity)
            if number is not None:
                seen[activity.type].append(number)
    return made


def _messages(campaign: Campaign, activities: Sequence[Activity]) -> list[tuple[int, Channel]]:
    """The (step, channel) of every message, in order."""
    if campaign.steps:
        return [(n, step.channel) for n, step in enumerate(campaign.steps, 1) if step.kind is StepKind.MESSAGE]
    sent = [activity for activity in activities if activity.type is ActivityType.SENT]
    numbered = {activity.step: activity.channel for activity in sent if activity.step}
    last = max(numbered, default=0)
    others = [activity.channel for activity in sent if not activity.step]
    return [*sorted(numbered.items()), *enumerate(others, last + 1)]


def _next(made: Thread, channel: Channel) -> int | None:
    waiting = (n for n, of in enumerate(made.messages) if of is channel and n not in made.sent)
    return next(waiting, None)


def _meant(made: Thread, activity: Activity) -> int | None:
    """The message that an opening, a click or an answer is about."""
    answers = activity.type is ActivityType.REPLIED
    same = [n for n in made.sent if made.messages[n] is activity.channel]
    if same or (answers and made.sent):
        return (same or made.sent)[-1]
    first = next((n for n, of in enumerate(made.messages) if of is activity.channel), None)
    return 0 if first is None and answers and made.messages else first

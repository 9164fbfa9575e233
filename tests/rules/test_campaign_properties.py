"""The product page's example values, and what the page leaves open (docs/campaigns.md)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_core.model.campaigns import (
    Activity,
    ActivityType,
    Campaign,
    Channel,
    ConversationTag,
    Direction,
    History,
    Identity,
    Membership,
    Progress,
    Step,
    StepKind,
    TagCategory,
)
from hub_core.rules.campaign_properties import PROPERTIES, activity_text, ordinal, properties, sequence_text

A, C, K = ActivityType, Channel, StepKind
EMAIL, LINKEDIN = Step(K.MESSAGE, C.EMAIL), Step(K.MESSAGE, C.LINKEDIN)
SEQUENCE = (EMAIL, EMAIL, Step(K.INVITATION, C.LINKEDIN), LINKEDIN)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
_IN = {A.OPENED, A.CLICKED, A.REPLIED, A.ACCEPTED}


def campaign(number: int = 1, name: str = "UK Hiring Campaign", steps: Any = SEQUENCE, **more: Any) -> Campaign:
    return Campaign(number, f"c{number}", name, steps, **more)


def happened(*events: tuple[Any, ...], of: int | None = 1, sender: Identity | None = None) -> tuple[Activity, ...]:
    """Activities, one an hour: (type, channel, step)."""
    return tuple(
        Activity(
            of_all,
            f"a{of_all}",
            kind,
            rest[0] if rest else C.EMAIL,
            Direction.INBOUND if kind in _IN else Direction.OUTBOUND,
            START + timedelta(hours=of_all),
            of,
            rest[1] if len(rest) > 1 else None,
            sender,
        )
        for of_all, (kind, *rest) in enumerate(events, 1)
    )


def of(*events: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """The properties of a contact in one campaign, ``more`` about which."""
    return properties(History((Membership(campaign(**more)),), happened(*events)))


# The four tables of the page


def test_campaign_sequence_details() -> None:
    assert of()["campaignSequenceDetails"] == "1st Email, 2nd Email, LinkedIn Connection Request, 1st LinkedIn"


@pytest.mark.parametrize(
    ("events", "engagement", "status"),
    [
        ([], "Added to Campaign", "Not Started"),
        ([(A.ADDED, C.OTHER)], "Added to Campaign", "Not Started"),
        ([(A.SENT, C.EMAIL, 1)], "Message Sent (1/3) - Email", "Ongoing"),
        ([(A.SENT, C.EMAIL, 1), (A.OPENED, C.EMAIL, 1)], "Message Sent (1/3) - Email", "Ongoing"),
        ([(A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2)], "Message Sent (2/3) - Email", "Ongoing"),
        (
            [(A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2), (A.INVITATION, C.LINKEDIN, 3)],
            "Message Sent (2/3) - Email",
            "Ongoing",
        ),
        (
            [(A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2), (A.SENT, C.LINKEDIN, 4)],
            "Message Sent (3/3) - LinkedIn",
            "Finished",
        ),
        (
            [(A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2), (A.SENT, C.LINKEDIN, 4), (A.REPLIED, C.LINKEDIN, 4)],
            "Message Replied (3/3) - LinkedIn",
            "Replied",
        ),
        ([(A.INVITATION, C.LINKEDIN, 3)], "Added to Campaign", "Ongoing"),
        ([(A.SENT, C.EMAIL, 1), (A.FINISHED, C.OTHER)], "Message Sent (1/3) - Email", "Finished"),
        ([(A.SENT, C.EMAIL, 1), (A.UNSUBSCRIBED, C.EMAIL)], "Message Sent (1/3) - Email", "Finished"),
        ([(A.SENT, C.EMAIL, 1), (A.REPLIED,), (A.SENT, C.EMAIL, 2)], "Message Replied (1/3) - Email", "Replied"),
    ],
)
def test_campaign_engagement_status_and_sequence_status(events: list[Any], engagement: str, status: str) -> None:
    found = of(*events)
    assert (found["campaignEngagementStatus"], found["sequenceStatus"]) == (engagement, status)


def test_campaign_reply_analysis() -> None:
    sent = [(A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2)]
    assert of(*sent)["campaignReplyAnalysis"] == "No"
    assert of(*sent, (A.REPLIED, C.EMAIL, 1))["campaignReplyAnalysis"] == "Yes (1st Message)"
    assert of(*sent, (A.REPLIED, C.EMAIL, 2))["campaignReplyAnalysis"] == "Yes (2nd Message)"
    both = of(*sent, (A.REPLIED, C.EMAIL, 2), (A.REPLIED, C.EMAIL, 1), (A.REPLIED, C.EMAIL, 1))
    assert both["campaignReplyAnalysis"] == "Yes (1st Message), Yes (2nd Message)"


def test_campaign_opens_and_clicks() -> None:
    found = of(
        (A.SENT, C.EMAIL, 1),
        (A.OPENED, C.EMAIL, 1),
        (A.OPENED, C.EMAIL, 1),
        (A.SENT, C.EMAIL, 2),
        (A.OPENED, C.EMAIL, 2),
        (A.CLICKED, C.EMAIL, 1),
    )
    assert (found["campaignOpens"], found["campaignClicks"]) == (3, 1)
    assert found["campaignOpenAnalysis"] == "Yes (1st Message), Yes (2nd Message)"
    assert found["campaignClickAnalysis"] == "Yes (1st Message)"


def test_nothing_opened_is_0_and_no() -> None:
    found = of((A.SENT, C.EMAIL, 1))
    assert (found["campaignOpens"], found["campaignClicks"]) == (0, 0)
    assert (found["campaignOpenAnalysis"], found["campaignClickAnalysis"]) == ("No", "No")


def test_campaign_names_every_campaign_in_the_order_in_which_the_contact_was_added() -> None:
    names = ("UK Hiring Campaign", "Italian SDR Campaign", "Jordi's Campaign")
    memberships = [Membership(campaign(n, name), START + timedelta(days=n)) for n, name in enumerate(names)]
    found = properties(History(tuple(reversed(memberships))))
    assert found["campaign"] == "UK Hiring Campaign, Italian SDR Campaign, Jordi's Campaign"


def test_senders_are_those_who_contacted_the_contact() -> None:
    adham, giulio, jordi, nobody = (
        Identity(n, str(n), name) for n, name in enumerate(("Adham Elman", "Giulio Gargano", "Jordi Casas", "Visitor"))
    )
    activities = (
        *happened((A.SENT, C.EMAIL, 1), sender=adham),
        *happened((A.ADDED, C.OTHER), (A.INVITATION, C.LINKEDIN), (A.SENT, C.EMAIL), sender=giulio),
        *happened((A.ADDED,), (A.ADDED,), (A.ADDED,), (A.SENT, C.EMAIL)),
        *happened((A.VISIT, C.LINKEDIN), sender=nobody),
    )
    found = properties(History((Membership(campaign(identity=jordi)),), activities))
    assert found["senders"] == "Adham Elman, Giulio Gargano, Jordi Casas"


def test_activities() -> None:
    found = of((A.ADDED,), (A.VISIT, C.LINKEDIN), (A.INVITATION, C.LINKEDIN), (A.ACCEPTED, C.LINKEDIN), (A.SENT,))
    assert found["activities"] == (
        "Visit LinkedIn profile, LinkedIn Invitation sent, Contact has accepted invitation, Email sent"
    )


def test_every_activity_but_those_of_the_sequence_itself_has_words() -> None:
    silent = {kind for kind in A for channel in C if activity_text(happened((kind, channel))[0]) is None}
    assert silent == {A.ADDED, A.FINISHED}


def test_conversation_tags_and_their_categories() -> None:
    names = ("Contacted", "Positive", "Meeting Booked")
    tags = [
        ConversationTag(n, name, TagCategory.POSITIVE, START + timedelta(days=n)) for n, name in enumerate(names, 1)
    ]
    found = properties(History((), (), tuple(reversed(tags))))
    assert found == {
        "conversationTags": "Contacted, Positive, Meeting Booked",
        "conversationTagsCategories": "POSITIVE, POSITIVE, POSITIVE",
    }


def test_a_tag_applied_again_is_named_once_with_its_latest_category() -> None:
    tags = (
        ConversationTag(1, "Bad Timing", TagCategory.NEGATIVE, START),
        ConversationTag(2, "Interested", TagCategory.POSITIVE, START + timedelta(days=1)),
        ConversationTag(3, "bad timing", TagCategory.NEUTRAL, START + timedelta(days=2)),
    )
    found = properties(History((), (), tags))
    assert found["conversationTags"] == "bad timing, Interested"
    assert found["conversationTagsCategories"] == "NEUTRAL, POSITIVE"


def test_the_table_has_the_pages_properties_in_the_pages_groups() -> None:
    groups: dict[str, list[str]] = {}
    for each in PROPERTIES.values():
        groups.setdefault(each.group, []).append(each.label)
    assert groups == {
        "Sequence": [
            "Campaign Sequence Details",
            "Campaign Engagement Status",
            "Sequence Status",
            "Campaign Reply Analysis",
        ],
        "Email": ["Campaign Opens", "Campaign Clicks", "Campaign Open Analysis", "Campaign Click Analysis"],
        "General": ["Campaign", "Senders", "Activities"],
        "Conversation Tags": ["Conversation Tags", "Conversation Tags Categories"],
    }


# What the page leaves open


def test_a_contact_without_campaigns_has_no_properties() -> None:
    assert properties(History()) == {}


def test_the_campaign_that_the_contact_was_added_to_last_is_the_current_one() -> None:
    first = Membership(campaign(1), START)
    second = Membership(campaign(2, "Second", (EMAIL,)), START + timedelta(days=3))
    found = properties(History((second, first), happened((A.SENT, C.EMAIL, 1), (A.REPLIED,), of=1)))
    assert found["campaignSequenceDetails"] == "1st Email"
    assert found["campaignEngagementStatus"] == "Added to Campaign"
    assert found["campaignReplyAnalysis"] == "No"
    assert found["activities"] == "Email sent, Contact has replied to Email"


def test_without_a_date_the_first_activity_says_when_a_contact_was_added() -> None:
    other = Membership(campaign(2, "Other", (LINKEDIN,)))
    activities = (*happened((A.SENT, C.EMAIL, 1), of=1), *happened((A.ADDED,), (A.SENT, C.LINKEDIN, 1), of=2)[1:])
    found = properties(History((other, Membership(campaign(1))), activities))
    assert found["campaign"] == "UK Hiring Campaign, Other"
    assert found["campaignEngagementStatus"] == "Message Sent (1/1) - LinkedIn"


def test_activities_without_step_numbers_are_told_apart_by_their_order() -> None:
    found = of((A.SENT,), (A.OPENED,), (A.SENT,), (A.CLICKED,), (A.SENT, C.LINKEDIN), (A.REPLIED, C.LINKEDIN))
    assert found["campaignOpenAnalysis"] == "Yes (1st Message)"
    assert found["campaignClickAnalysis"] == "Yes (2nd Message)"
    assert found["campaignReplyAnalysis"] == "Yes (3rd Message)"
    assert found["campaignEngagementStatus"] == "Message Replied (3/3) - LinkedIn"


def test_a_message_written_by_hand_is_none_of_the_sequence() -> None:
    found = of((A.SENT, C.EMAIL, 1), (A.SENT, C.EMAIL, 2), (A.SENT, C.EMAIL))
    assert found["campaignEngagementStatus"] == "Message Sent (2/3) - Email"


def test_an_answer_on_another_channel_is_to_the_last_message_sent() -> None:
    found = of((A.SENT, C.EMAIL, 1), (A.REPLIED, C.LINKEDIN))
    assert found["campaignEngagementStatus"] == "Message Replied (1/3) - Email"


def test_without_its_steps_a_campaign_has_the_messages_that_were_sent() -> None:
    found = of((A.SENT, C.EMAIL, 2), (A.SENT, C.LINKEDIN, 5), (A.REPLIED, C.LINKEDIN), steps=())
    assert "campaignSequenceDetails" not in found
    assert found["campaignEngagementStatus"] == "Message Replied (2/2) - LinkedIn"
    assert found["sequenceStatus"] == "Replied"


@pytest.mark.parametrize("where", ["campaign", "contact"])
def test_a_finished_campaign_is_finished_for_its_contacts(where: str) -> None:
    ended = {"campaign": campaign(state=Progress.FINISHED), "contact": campaign()}[where]
    state = Progress.FINISHED if where == "contact" else Progress.ACTIVE
    found = properties(History((Membership(ended, START, state),), happened((A.SENT, C.EMAIL, 1))))
    assert found["sequenceStatus"] == "Finished"


def test_a_sequence_that_ends_without_a_message_is_finished_by_its_last_step() -> None:
    steps = (EMAIL, Step(K.VISIT, C.LINKEDIN))
    assert of((A.SENT, C.EMAIL, 1), steps=steps)["sequenceStatus"] == "Ongoing"
    assert of((A.SENT, C.EMAIL, 1), (A.VISIT, C.LINKEDIN, 2), steps=steps)["sequenceStatus"] == "Finished"


def test_steps_that_are_no_messages_are_named_without_a_number() -> None:
    steps = (Step(K.VISIT, C.LINKEDIN), Step(K.MESSAGE, C.INMAIL), Step(K.CALL, C.PHONE), Step(K.MESSAGE, C.WHATSAPP))
    assert sequence_text(steps) == "LinkedIn Profile Visit, 1st LinkedIn InMail, Call, 1st WhatsApp"


def test_numbers_are_written_as_people_say_them() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th",
    ]  # fmt: skip


def test_the_order_in_which_events_come_in_does_not_matter() -> None:
    chance = random.Random(7)
    kinds = [A.SENT, A.OPENED, A.CLICKED, A.REPLIED, A.VISIT, A.INVITATION]
    for _ in range(200):
        events = [
            (chance.choice(kinds), chance.choice([C.EMAIL, C.LINKEDIN]), chance.choice([None, 1, 2, 3, 4, 9]))
            for _ in range(8)
        ]
        activities = list(happened(*events))
        wanted = properties(History((Membership(campaign()),), tuple(activities)))
        chance.shuffle(activities)
        assert properties(History((Membership(campaign()),), tuple(activities))) == wanted

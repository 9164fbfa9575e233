"""What rows of files say, whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_core.errors import BadInput
from hub_core.model.campaigns import ActivityType, Channel, Direction, Progress, Step, StepKind, TagCategory
from hub_core.rules._campaign_words import BY_DIRECTION, TYPES
from hub_core.rules.campaign_columns import COLUMNS, EventFile, plan_event_columns
from hub_core.rules.campaign_properties import activity_text, sequence_text
from hub_core.rules.campaign_rows import (
    Refused,
    activity_row,
    campaign_row,
    cells_reader,
    derived_id,
    parse_steps,
    tag_row,
    usual_category,
)
from hub_core.rules.incoming import RowProblem
from tests.rules.test_campaign_properties import happened

A, C, K = ActivityType, Channel, StepKind
_STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.just(K.MESSAGE), st.sampled_from([C.EMAIL, C.LINKEDIN, C.INMAIL, C.WHATSAPP])),
        st.sampled_from([Step(K.INVITATION, C.LINKEDIN), Step(K.VISIT, C.LINKEDIN), Step(K.LIKE, C.LINKEDIN)]),
        st.sampled_from([Step(K.CALL, C.PHONE), Step(K.TASK, C.OTHER)]),
    ),
    max_size=8,
)


def activity(**values: str) -> tuple[ActivityType, Channel | None, Direction]:
    row = activity_row({"contactId": "p1", "at": "2026-11-01T00:00:00Z", **values})
    return row.type, row.channel, row.direction


@pytest.mark.parametrize(
    ("said", "kind", "channel"),
    [
        ("email sent", A.SENT, C.EMAIL),
        ("EMAIL_SENT", A.SENT, C.EMAIL),
        ("emailsOpened", A.OPENED, C.EMAIL),
        ("Link clicked", A.CLICKED, C.EMAIL),
        ("LINKEDIN_MESSAGE_SENT", A.SENT, C.LINKEDIN),
        ("INMAIL_SENT", A.SENT, C.INMAIL),
        ("linkedinReplied", A.REPLIED, C.LINKEDIN),
        ("CONNECTION_REQUEST_SENT", A.INVITATION, C.LINKEDIN),
        ("CONNECTION_REQUEST_ACCEPTED", A.ACCEPTED, C.LINKEDIN),
        ("Visit LinkedIn profile", A.VISIT, C.LINKEDIN),
        ("LinkedIn Invitation sent", A.INVITATION, C.LINKEDIN),
        ("Contact has accepted invitation", A.ACCEPTED, C.LINKEDIN),
        ("Added to Campaign", A.ADDED, C.OTHER),
        ("emailsBounced", A.BOUNCED, C.EMAIL),
        ("Meeting booked", A.MEETING, C.OTHER),
    ],
)
def test_what_happened_is_understood_in_many_spellings(said: str, kind: ActivityType, channel: Channel) -> None:
    assert activity(type=said)[:2] == (kind, channel)


def test_a_channel_with_a_direction_is_a_message_sent_or_an_answer() -> None:
    assert activity(type="EMAIL", direction="OUTBOUND") == (A.SENT, C.EMAIL, Direction.OUTBOUND)
    assert activity(type="LINKEDIN", direction="INBOUND") == (A.REPLIED, C.LINKEDIN, Direction.INBOUND)
    assert activity(type="LINKEDIN_INMAIL", direction="OUTBOUND")[:2] == (A.SENT, C.INMAIL)
    assert activity(type="LINKEDIN_CONNECTION", direction="INBOUND")[:2] == (A.ACCEPTED, C.LINKEDIN)
    assert activity(type="message", channel="whatsapp", direction="in")[:2] == (A.REPLIED, C.WHATSAPP)
    with pytest.raises(Refused, match="sent or received"):
        activity(type="EMAIL")


def test_the_channel_may_stand_in_a_column_of_its_own() -> None:
    assert activity(type="sent", channel="LinkedIn")[:2] == (A.SENT, C.LINKEDIN)
    assert activity(type="replied", channel="e-mail")[:2] == (A.REPLIED, C.EMAIL)
    assert activity(type="replied")[:2] == (A.REPLIED, None)


def test_the_words_of_the_activities_property_are_understood() -> None:
    for channel in (C.EMAIL, C.LINKEDIN, C.INMAIL, C.WHATSAPP):
        for kind in (A.SENT, A.VISIT, A.INVITATION, A.ACCEPTED, A.LIKE):
            text = activity_text(happened((kind, channel))[0])
            assert text is not None
            assert activity(type=text)[0] is kind


def test_no_word_has_two_meanings() -> None:
    both = BY_DIRECTION.keys() & TYPES.keys()
    assert all(BY_DIRECTION[word][0] is TYPES[word][0] for word in both)


@given(_STEPS)
def test_a_sequence_in_words_is_read_back(steps: list[Step]) -> None:
    assert parse_steps(sequence_text(steps)) == tuple(steps)


def test_steps_may_have_delays() -> None:
    steps = parse_steps("1st Email; 2nd Email +3d; LinkedIn Connection Request (2 days)\n1st LinkedIn")
    assert [step.delay for step in steps] == [0, 3, 2, 0]
    with pytest.raises(Refused, match="a step that is not understood"):
        parse_steps("1st Email, Smoke signal")


def test_a_campaigns_row_may_hold_a_step_and_a_contact() -> None:
    row = campaign_row(
        {"campaign": "UK", "step": 2, "stepType": "message", "stepChannel": "email", "delay": "+3 days",
         "contactEmail": "Ada@X.io", "contactState": "Bounced", "state": "running"}
    )  # fmt: skip
    assert row.step == (2, Step(K.MESSAGE, C.EMAIL, 3))
    assert (row.contact.email, row.contact_state, row.state) == ("ada@x.io", Progress.FINISHED, Progress.ACTIVE)
    for wrong in ({}, {"campaign": "UK", "state": "?!"}, {"campaign": "UK", "step": 1, "steps": "Email"}):
        with pytest.raises(Refused):
            campaign_row(wrong)
    with pytest.raises(Refused, match="number of days"):
        campaign_row({"campaign": "UK", "step": 1, "stepType": "email", "delay": "soon"})


def test_tags_have_categories() -> None:
    assert tag_row({"contactId": "p1", "tag": "Interested", "category": "Positive"}).category is TagCategory.POSITIVE
    assert tag_row({"contactId": "p1", "tag": "Interested"}).category is None
    usual = [usual_category(name) for name in ("Meeting Booked", "not interested", "Bad Timing", "Our own")]
    assert usual == [TagCategory.POSITIVE, TagCategory.NEGATIVE, TagCategory.NEUTRAL, TagCategory.NEUTRAL]


def test_cells_become_values_and_a_bad_one_is_the_problem_of_its_row() -> None:
    headings = ["contact id", "type", "at", "colour"]
    columns = plan_event_columns(EventFile.ACTIVITIES, headings, [["p1", "sent", "", "red"]], {})
    assert [column.goes_to for column in columns] == ["contactId", "type", "at", ""]
    good, bad, short, long = cells_reader(columns)(
        [["p1", "sent", "2026-11-01", "red"], ["p1", "sent", "soon", ""], ["p1"], ["p1", "", "", "", "more"]]
    )
    assert good == {"contactId": "p1", "type": "sent", "at": "2026-11-01T00:00:00Z"}
    assert isinstance(bad, RowProblem) and bad.column == "at"
    assert short == {"contactId": "p1"}
    assert isinstance(long, RowProblem)


@pytest.mark.parametrize("what", EventFile)
def test_every_column_is_recognised_by_its_id_and_its_label(what: EventFile) -> None:
    for heading in ("id", "label"):
        headings = [getattr(spec.field, heading) for spec in COLUMNS[what]]
        columns = plan_event_columns(what, headings, [], {})
        assert [column.goes_to for column in columns] == [spec.field.id for spec in COLUMNS[what]]


def test_two_columns_cannot_go_to_one_field() -> None:
    with pytest.raises(BadInput, match="Both 'a' and 'b'"):
        plan_event_columns(EventFile.TAGS, ["a", "b", "email"], [], {"a": "tag", "b": "tag"})


def test_a_derived_id_is_the_same_for_the_same_and_another_for_another() -> None:
    assert derived_id(1, None, "x") == derived_id(1, None, "x") != derived_id(1, "None", "x")

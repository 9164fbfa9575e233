from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_core.errors import BadInput, SetupInvalid, UnknownName
from hub_core.model.fields import CrmType, FieldInfo, Option
from hub_core.model.plan import Change
from hub_core.model.setup import CampaignRow, CampaignStep, CrmSetup
from hub_core.rules.campaign_mapping import (
    campaign_changes,
    check_campaign,
    compile_campaign,
    drop_campaign_row,
    put_campaign_row,
    refuse_red_campaign,
)
from hub_core.rules.campaign_properties import PROPERTIES
from hub_core.rules.compatibility import Status
from hub_core.rules.documents import differences, from_yaml, to_yaml

STATES = tuple(Option(name.upper().replace(" ", "_"), name) for name in ("Not Started", "Ongoing", "Replied"))
FIELDS = {
    field.id: field
    for field in (
        FieldInfo("notes", "Notes", CrmType.LONG_TEXT),
        FieldInfo("short", "Short", CrmType.TEXT, max_length=20),
        FieldInfo("opens", "Opens", CrmType.NUMBER),
        FieldInfo("born", "Born", CrmType.DATE),
        FieldInfo("made", "Made", CrmType.DATETIME, read_only=True),
        FieldInfo("state", "State", CrmType.CHOICE, options=STATES),
    )
}
_TEXT = st.text(max_size=8)
_ROWS = st.builds(
    CampaignRow,
    property=st.sampled_from(sorted(PROPERTIES)),
    crm=_TEXT,
    active=st.booleans(),
    values=st.dictionaries(_TEXT, st.none() | _TEXT, max_size=2),
)
_STEPS = st.lists(_ROWS, max_size=4, unique_by=lambda row: row.crm).map(lambda rows: CampaignStep(rows=tuple(rows)))


def mapped(*rows: tuple[str, str], **more: Any) -> CrmSetup:
    return CrmSetup(campaign=CampaignStep(rows=tuple(CampaignRow(property=p, crm=c, **more) for p, c in rows)))


def judged(property_: str, crm: str, **more: Any) -> tuple[Status, str]:
    status = check_campaign(mapped((property_, crm), **more), FIELDS)[0]
    return status.status, status.reason


@pytest.mark.parametrize("property_", sorted(PROPERTIES))
def test_every_property_can_be_written_to_long_text(property_: str) -> None:
    assert judged(property_, "notes") == (Status.OK, "")


def test_types_that_do_not_fit_are_red() -> None:
    assert judged("campaignOpens", "opens")[0] is Status.OK
    assert judged("senders", "opens")[0] is Status.ERROR
    assert judged("campaignOpens", "born")[0] is Status.ERROR
    assert judged("senders", "made")[0] is Status.ERROR
    assert judged("senders", "short")[0] is Status.WARNING


def test_unknown_names_are_red_and_say_so() -> None:
    assert judged("campaignOpenings", "opens") == (
        Status.ERROR,
        "There is no campaign property 'campaignOpenings'.",
    )
    assert judged("campaignOpens", "openings")[0] is Status.ERROR


def test_a_choice_needs_an_option_for_every_status() -> None:
    status, reason = judged("sequenceStatus", "state")
    assert status is Status.WARNING
    assert "'Finished'" in reason
    values = {"Not Started": "NOT_STARTED", "Ongoing": "ONGOING", "Replied": "REPLIED", "Finished": None}
    assert judged("sequenceStatus", "state", values=values)[0] is Status.OK
    assert judged("sequenceStatus", "state", values={**values, "Finished": "DONE"})[0] is Status.ERROR


def test_a_crm_field_that_the_field_mapping_fills_is_red() -> None:
    document = {
        "fields": {"contacts": {"rows": [{"source": {"hub": "notes"}, "crm": "notes"}]}},
        "campaign": {"rows": [{"property": "senders", "crm": "notes"}]},
    }
    assert check_campaign(CrmSetup.model_validate(document), FIELDS)[0].status is Status.ERROR


def test_red_rows_are_refused_unless_they_are_inactive_or_paused() -> None:
    setup = mapped(("senders", "opens"))
    found = check_campaign(setup, FIELDS)
    with pytest.raises(SetupInvalid, match="opens: The types do not match"):
        refuse_red_campaign(setup, found)
    refuse_red_campaign(setup, found, paused={"opens"})
    inactive = mapped(("senders", "opens"), active=False)
    refuse_red_campaign(inactive, check_campaign(inactive, FIELDS))


def test_rows_are_put_replaced_and_dropped() -> None:
    setup = put_campaign_row(CrmSetup(), CampaignRow(property="sequenceStatus", crm="state", values={"Replied": "R"}))
    setup = put_campaign_row(setup, CampaignRow(property="sequenceStatus", crm="state", values={"Ongoing": "O"}))
    assert setup.campaign.rows[0].values == {"Replied": "R", "Ongoing": "O"}
    setup = put_campaign_row(setup, CampaignRow(property="senders", crm="state"))
    assert [(row.property, row.values) for row in setup.campaign.rows] == [("senders", {})]
    assert drop_campaign_row(setup, "state") == CrmSetup()
    with pytest.raises(UnknownName):
        drop_campaign_row(setup, "other")
    with pytest.raises(UnknownName, match="sequenceStat'"):
        put_campaign_row(setup, CampaignRow(property="sequenceStat", crm="state"))


def test_a_crm_field_is_mapped_once() -> None:
    with pytest.raises(BadInput, match="mapped more than once: notes"):
        from_yaml("campaign: {rows: [{property: senders, crm: notes}, {property: campaign, crm: notes}]}")


@given(_STEPS)
def test_the_step_comes_back_from_yaml_as_it_was(step: CampaignStep) -> None:
    setup = CrmSetup(campaign=step)
    assert from_yaml(to_yaml(setup)) == setup
    assert bool(differences(CrmSetup(), setup)) == bool(step.rows)


def test_differences_are_told_row_by_row() -> None:
    before = mapped(("sequenceStatus", "state"), ("senders", "notes"))
    after = mapped(("sequenceStatus", "state"), values={"Ongoing": "ONGOING"})
    assert list(map(str, differences(before, after))) == [
        "+ campaign.state.values.Ongoing: ONGOING",
        "- campaign.notes: senders",
    ]


def test_a_misspelled_key_of_a_row_is_named() -> None:
    with pytest.raises(
        BadInput, match=r"campaign\.rows\[1\] \(notes\)\.propperty: there is no such key \(did you mean"
    ):
        from_yaml("campaign: {rows: [{propperty: senders, crm: notes}]}")


# What is written


def test_only_what_differs_from_what_the_crm_holds_is_written() -> None:
    setup = mapped(("senders", "notes"), ("campaignOpens", "opens"))
    compiled = compile_campaign(setup, FIELDS)
    values: dict[str, Any] = {"senders": "Ann, Bob", "campaignOpens": 3}
    changes, problems = campaign_changes(compiled, values, {})
    assert changes == (Change("notes", None, "Ann, Bob"), Change("opens", None, "3"))
    assert not problems
    agreed = {change.field: change.after for change in changes}
    assert campaign_changes(compiled, values, agreed) == ((), [])
    assert campaign_changes(compiled, values, {"notes": "Ann, Bob\r\n", "opens": "3.0"}) == ((), [])
    assert campaign_changes(compiled, {}, {"notes": "Ann"})[0] == (Change("notes", "Ann", None),)
    assert campaign_changes(compiled, {}, {}) == ((), [])


def test_a_value_map_gives_the_crms_options() -> None:
    setup = mapped(("sequenceStatus", "state"), values={"Ongoing": "ONGOING", "Finished": None})
    compiled = compile_campaign(setup, FIELDS)
    assert campaign_changes(compiled, {"sequenceStatus": "Ongoing"}, {})[0] == (Change("state", None, "ONGOING"),)
    assert campaign_changes(compiled, {"sequenceStatus": "Finished"}, {"state": "ONGOING"})[0] == (
        Change("state", "ONGOING", None),
    )


def test_a_value_that_does_not_fit_is_a_problem_and_a_row_that_cannot_work_is_left_out() -> None:
    setup = mapped(("senders", "short"), ("senders", "opens"), ("campaign", "notes"))
    compiled = compile_campaign(setup, FIELDS)
    assert [fault.partition(":")[0] for fault in compiled.faults] == ["opens"]
    changes, problems = campaign_changes(compiled, {"senders": "A" * 21, "campaign": "X"}, {"short": "before"})
    assert changes == (Change("notes", None, "X"),)
    assert problems[0].startswith("Short: It is longer than")

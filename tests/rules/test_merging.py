"""A sync of one linked record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, Option
from hub_core.model.plan import Change
from hub_core.model.records import RecordKind
from hub_core.model.setup import (
    Blank,
    ConflictPolicy,
    Engagement,
    Fixed,
    FromHub,
    ManualAtExport,
    Mode,
    ObjectMapping,
    Row,
)
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.merging import HubChange, Lost, RecordDecision, merge_record

HUB = STANDARD_FIELDS[RecordKind.CONTACT]
CRM = {
    field.id: field
    for field in (
        FieldInfo("first", "First", CrmType.TEXT),
        FieldInfo("mail", "Mail", CrmType.EMAIL),
        FieldInfo("work_mail", "Work mail", CrmType.EMAIL),
        FieldInfo("links", "Links", CrmType.NUMBER),
        FieldInfo("met", "Met", CrmType.DATETIME),
        FieldInfo("short", "Short", CrmType.TEXT, max_length=5),
        FieldInfo("level", "Level", CrmType.CHOICE, options=(Option("vp", "VP"), Option("c", "C level"))),
        FieldInfo("computed", "Computed", CrmType.TEXT, read_only=True),
        FieldInfo("lead_source", "Source", CrmType.TEXT),
    )
}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def row(hub: str, crm: str, mode: Mode = Mode.BIDIRECTIONAL, **more: Any) -> Row:
    return Row(source=FromHub(hub=hub), crm=crm, mode=mode, **more)


def merged(
    *rows: Row,
    hub: Mapping[str, Any] | None = None,
    crm: Mapping[str, Any] | None = None,
    agreed: Mapping[str, Any] | None = None,
    **more: Any,
) -> RecordDecision:
    return merge_record(
        compile_mapping(ObjectMapping(rows=rows), HUB, CRM),
        hub_values=hub or {},
        crm_values=crm or {},
        agreed=agreed or {},
        **{"hub_changed_at": NOW, "crm_changed_at": NOW - timedelta(days=1), **more},
    )


FIRST = row("firstName", "first")
LINKS = row("numberOfConnections", "links")


def test_each_side_gets_what_the_other_one_has_changed() -> None:
    decided = merged(
        FIRST,
        LINKS,
        row("professionalEmail", "mail"),
        hub={"firstName": "Anna", "numberOfConnections": 5, "professionalEmail": "ana@acme.com"},
        crm={"first": "Ana", "links": "7.0", "mail": "Ana@Acme.com"},
        agreed={"first": "Ana", "links": "5", "mail": "ana@acme.com"},
    )
    assert decided.to_crm == (Change("first", "Ana", "Anna"),)
    assert decided.to_hub == (HubChange("numberOfConnections", 5, 7),)
    assert decided.agreed_after == {"first": "Anna", "links": "7.0"}
    assert decided.reasons == {"first": "Changed in the hub only", "links": "Changed in the CRM only"}
    assert decided.lost == ()


def test_a_record_in_step_needs_nothing_at_all() -> None:
    decided = merged(FIRST, LINKS, hub={"firstName": "Ana"}, crm={"first": "Ana"}, agreed={"first": "Ana"})
    assert not decided.writes
    assert decided.agreed_after == {}


def test_what_is_found_equal_is_agreed_on_from_then_on() -> None:
    decided = merged(FIRST, LINKS, hub={"firstName": "Ana"}, crm={"first": "Ana"}, agreed={"links": "5"})
    assert not decided.writes
    assert decided.agreed_after == {"first": "Ana", "links": None}


def test_a_conflict_keeps_the_losing_value_in_the_form_of_its_side() -> None:
    hub, crm, agreed = {"numberOfConnections": 6}, {"links": "7"}, {"links": "5"}
    newest = merged(LINKS, hub=hub, crm=crm, agreed=agreed)
    assert (newest.to_crm, newest.lost) == ((Change("links", "7", "6"),), (Lost("links", "crm", "7"),))
    theirs = merged(row("numberOfConnections", "links", conflict=ConflictPolicy.CRM), hub=hub, crm=crm, agreed=agreed)
    assert (theirs.to_hub, theirs.lost) == (
        (HubChange("numberOfConnections", 6, 7),),
        (Lost("links", "hub", 6),),
    )


def test_a_conflict_for_review_leaves_both_sides_until_it_is_answered() -> None:
    asked = row("numberOfConnections", "links", conflict=ConflictPolicy.REVIEW)
    hub, crm, agreed = {"numberOfConnections": 6}, {"links": "7"}, {"links": "5"}
    decided = merged(asked, hub=hub, crm=crm, agreed=agreed)
    assert not decided.writes
    assert decided.agreed_after == {}
    [conflict] = decided.conflicts
    assert (conflict.field, conflict.hub_field, conflict.hub, conflict.crm) == ("links", "numberOfConnections", 6, "7")
    assert conflict.reason == "Changed on both sides: which value is right?"
    answered = merged(asked, hub=hub, crm=crm, agreed=agreed, answers={"links": ConflictPolicy.HUB})
    assert answered.to_crm == (Change("links", "7", "6"),)
    assert answered.conflicts == ()


def test_a_blank_clears_on_both_sides_only_where_the_row_says_so() -> None:
    kept = merged(FIRST, LINKS, hub={"firstName": "Ana"}, crm={"links": "5"}, agreed={"first": "Ana", "links": "5"})
    assert kept.to_crm == (Change("first", None, "Ana"),)
    assert kept.to_hub == (HubChange("numberOfConnections", None, 5),)
    cleared = merged(
        row("firstName", "first", blank=Blank.CLEAR),
        row("numberOfConnections", "links", blank=Blank.CLEAR),
        hub={"firstName": "Ana"},
        crm={"links": "5"},
        agreed={"first": "Ana", "links": "5"},
    )
    assert cleared.to_crm == (Change("links", "5", None),)
    assert cleared.to_hub == (HubChange("firstName", "Ana", None),)
    assert cleared.agreed_after == {"first": None, "links": None}


# Conversions


def test_a_value_map_works_both_ways() -> None:
    levels = row("seniority", "level", values={"Vice President": "vp", "Chief": "c", "Intern": None})
    there = merged(levels, hub={"seniority": "Chief"}, crm={"level": "vp"}, agreed={"level": "vp"})
    assert there.to_crm == (Change("level", "vp", "c"),)
    back = merged(levels, hub={"seniority": "Vice President"}, crm={"level": "c"}, agreed={"level": "vp"})
    assert back.to_hub == (HubChange("seniority", "Vice President", "Chief"),)


@pytest.mark.parametrize("mode", [Mode.BIDIRECTIONAL, Mode.HUB_OVERWRITES_CRM, Mode.IF_EMPTY, Mode.OFF])
def test_a_value_that_the_map_drops_stays_in_the_hub_and_the_crm_keeps_its_own(mode: Mode) -> None:
    levels = row("seniority", "level", mode, values={"Intern": None}, blank=Blank.CLEAR)
    for crm in ({"level": "vp"}, {}):
        decided = merged(levels, hub={"seniority": "Intern"}, crm=crm, agreed={"level": "vp"})
        assert not decided.writes
        assert decided.problems == ()


def test_a_hub_value_that_cannot_be_written_is_a_problem_and_the_rest_goes_on() -> None:
    decided = merged(row("jobTitle", "short"), FIRST, hub={"jobTitle": "Manager", "firstName": "Ana"})
    assert decided.to_crm == (Change("first", None, "Ana"),)
    [problem] = decided.problems
    assert problem.startswith("Short: It is longer than the 5 characters")
    assert "Manager" not in problem


def test_a_crm_value_that_the_hub_cannot_hold_is_a_problem_and_stays_out() -> None:
    decided = merged(LINKS, hub={"numberOfConnections": 5}, crm={"links": "7.5"}, agreed={"links": "5"})
    assert not decided.writes
    assert decided.agreed_after == {}
    assert decided.problems[0].startswith("Links: It is not a whole number.")


def test_where_the_crm_overwrites_the_hubs_value_need_not_fit_the_crm() -> None:
    owned = row("jobTitle", "short", Mode.CRM_OVERWRITES_HUB)
    decided = merged(owned, hub={"jobTitle": "Manager"}, crm={"short": "Boss"})
    assert decided.to_hub == (HubChange("jobTitle", "Manager", "Boss"),)
    assert decided.lost == (Lost("short", "hub", "Manager"),)
    assert decided.problems == ()


def test_a_conversion_that_loses_something_is_no_change() -> None:
    """A point in time in the CRM is a date in the hub; the hub's date does not put the time back to midnight."""
    day = row("birthday", "met")
    read = {"birthday": "2026-03-01"}
    for agreed in ({}, {"met": "2026-03-01T10:00:00Z"}, {"met": "2026-03-01T09:00:00Z"}):
        assert not merged(day, hub=read, crm={"met": "2026-03-01T10:00:00Z"}, agreed=agreed).writes
    later = merged(day, hub=read, crm={"met": "2026-03-02T10:00:00Z"}, agreed={"met": "2026-03-01T10:00:00Z"})
    assert later.to_hub == (HubChange("birthday", "2026-03-01", "2026-03-02"),)
    edited = merged(
        day, hub={"birthday": "2026-03-05"}, crm={"met": "2026-03-01T10:00:00Z"}, agreed={"met": "2026-03-01T10:00:00Z"}
    )
    assert edited.to_crm == (Change("met", "2026-03-01T10:00:00Z", "2026-03-05T00:00:00Z"),)


# Directions that are closed


@pytest.mark.parametrize("mode", Mode)
def test_a_read_only_crm_field_flows_to_the_hub_alone(mode: Mode) -> None:
    computed = row("jobTitle", "computed", mode)
    reads = mode not in (Mode.HUB_OVERWRITES_CRM, Mode.OFF)
    empty = merged(computed, hub={}, crm={"computed": "CEO"})
    assert bool(empty.to_hub) is reads
    ceo = {"computed": "CEO"}
    for crm, agreed in ((ceo, {}), (ceo, ceo), ({}, {}), ({}, {"computed": "Boss"})):
        decided = merged(computed, hub={"jobTitle": "Boss"}, crm=crm, agreed=agreed)
        assert decided.to_crm == ()
        assert decided.problems == ()
        assert bool(decided.to_hub) is (reads and mode is not Mode.IF_EMPTY and bool(crm))


@pytest.mark.parametrize("mode", Mode)
def test_a_field_that_the_hub_fills_itself_flows_to_the_crm_alone(mode: Mode) -> None:
    own = row("contactCRMId", "first", mode)
    decided = merged(own, hub={"contactCRMId": "7"}, crm={"first": "8"}, agreed={"first": "7"})
    assert decided.to_hub == ()
    assert bool(decided.to_crm) is (mode in (Mode.BIDIRECTIONAL, Mode.HUB_OVERWRITES_CRM))
    assert merged(own, crm={"first": "8"}).to_hub == ()


@pytest.mark.parametrize(
    ("mode", "crm", "agreed", "written"),
    [
        (Mode.BIDIRECTIONAL, None, None, True),
        (Mode.BIDIRECTIONAL, "Fair", "Fair", True),
        (Mode.BIDIRECTIONAL, "Fair", None, False),
        (Mode.BIDIRECTIONAL, "Fair", "Hub", False),
        (Mode.HUB_OVERWRITES_CRM, "Fair", "Hub", True),
        (Mode.IF_EMPTY, None, None, True),
        (Mode.IF_EMPTY, "Fair", "Fair", False),
        (Mode.CRM_OVERWRITES_HUB, None, None, False),
        (Mode.OFF, None, None, False),
    ],
)
def test_a_fixed_value_goes_to_the_crm_as_its_mode_says(mode: Mode, crm: Any, agreed: Any, *, written: bool) -> None:
    fixed = Row(source=Fixed(fixed="Hub"), crm="lead_source", mode=mode)
    decided = merged(fixed, crm={"lead_source": crm} if crm else {}, agreed={"lead_source": agreed} if agreed else {})
    assert decided.to_crm == ((Change("lead_source", crm, "Hub"),) if written else ())
    assert decided.to_hub == ()


def test_values_given_when_exporting_and_engagements_are_no_part_of_a_sync() -> None:
    decided = merged(
        Row(source=ManualAtExport(manual="Source?"), crm="lead_source"),
        Row(source=Engagement(engagement="vp"), crm="level"),
        crm={"lead_source": "Fair"},
    )
    assert not decided.writes
    assert decided.agreed_after == {}


# Several rows with one hub field

MAIL, WORK_MAIL = row("professionalEmail", "mail"), row("professionalEmail", "work_mail")


def test_a_change_in_the_hub_goes_to_every_crm_field_of_it() -> None:
    same = {"mail": "a@x.com", "work_mail": "a@x.com"}
    decided = merged(MAIL, WORK_MAIL, hub={"professionalEmail": "b@x.com"}, crm=same, agreed=same)
    assert {change.field for change in decided.to_crm} == {"mail", "work_mail"}


def test_the_first_row_feeds_the_hub_and_the_others_follow_at_once() -> None:
    same = {"mail": "a@x.com", "work_mail": "a@x.com"}
    decided = merged(
        MAIL, WORK_MAIL, hub={"professionalEmail": "a@x.com"}, crm={**same, "mail": "b@x.com"}, agreed=same
    )
    assert decided.to_hub == (HubChange("professionalEmail", "a@x.com", "b@x.com"),)
    assert decided.to_crm == (Change("work_mail", "a@x.com", "b@x.com"),)


def test_a_row_that_only_writes_leaves_the_feeding_to_the_next_one() -> None:
    writes = row("professionalEmail", "mail", Mode.HUB_OVERWRITES_CRM)
    decided = merged(writes, WORK_MAIL, crm={"work_mail": "b@x.com"})
    assert decided.to_hub == (HubChange("professionalEmail", None, "b@x.com"),)
    assert decided.to_crm == (Change("mail", None, "b@x.com"),)


def test_what_has_changed_in_a_further_field_is_kept_unless_the_hub_wins() -> None:
    hub, crm = {"professionalEmail": "a@x.com"}, {"mail": "a@x.com", "work_mail": "w@x.com"}
    for agreed in ({}, {"mail": "a@x.com", "work_mail": "a@x.com"}):
        assert not merged(MAIL, WORK_MAIL, hub=hub, crm=crm, agreed=agreed).writes
    wins = row("professionalEmail", "work_mail", conflict=ConflictPolicy.HUB)
    decided = merged(MAIL, wins, hub=hub, crm=crm)
    assert decided.to_crm == (Change("work_mail", "w@x.com", "a@x.com"),)
    assert decided.lost == (Lost("work_mail", "crm", "w@x.com"),)

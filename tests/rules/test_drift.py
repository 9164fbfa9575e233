"""What counts as a change of the CRM's fields, whom it concerns, and what would mend it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, FieldType, HubField, Option
from hub_core.model.records import RecordKind
from hub_core.model.setup import (
    CrmSetup,
    Engagement,
    FieldStep,
    Fixed,
    FromHub,
    ManualAtExport,
    Mode,
    ObjectMapping,
    Row,
)
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Drift, Problem, compare_fields

CONTACT = RecordKind.CONTACT
HUB = STANDARD_FIELDS[CONTACT] | {
    "tier": HubField("tier", "Tier", FieldType.SINGLE_CHOICE, CONTACT, custom=True, options=("Gold", "silver")),
}
LEVELS = (Option("owner", "Owner"), Option("c_level", "C-level"), Option("manager", "Manager"))
BEFORE = {
    field.id: field
    for field in (
        FieldInfo("firstname", "First name", CrmType.TEXT),
        FieldInfo("jobtitle", "Job title", CrmType.TEXT, max_length=255),
        FieldInfo("level", "Level", CrmType.CHOICE, options=LEVELS),
        FieldInfo("city", "City", CrmType.TEXT),
        FieldInfo("notes", "Notes", CrmType.LONG_TEXT),
    )
}


def row(hub: str, crm: str, **more: Any) -> Row:
    return Row(source=FromHub(hub=hub), crm=crm, **more)


def setup_of(*rows: Row) -> CrmSetup:
    return CrmSetup(fields=FieldStep(contacts=ObjectMapping(rows=rows)))


def drift_of(*rows: Row, without: str = "", **changed: Any) -> tuple[Drift, ...]:
    """What is found when fields (by id) are changed as said, or one is gone."""
    now = {name: replace(field, **changed.get(name, {})) for name, field in BEFORE.items() if name != without}
    now |= {name: field for name, field in changed.items() if isinstance(field, FieldInfo)}
    return compare_fields(CONTACT, setup_of(*rows), HUB, BEFORE, now)


def only(found: tuple[Drift, ...], problem: Problem, status: Status) -> Drift:
    (drift,) = found
    assert (drift.problem, drift.status) == (problem, status), drift
    return drift


JOB, LEVEL = row("jobTitle", "jobtitle"), row("seniority", "level", values={"CEO": "c_level", "Boss": "owner"})


def test_what_is_as_it_was_is_no_drift() -> None:
    assert drift_of(JOB, LEVEL) == ()


def test_nothing_has_changed_when_nothing_was_known_before() -> None:
    required = {"x": FieldInfo("x", "X", CrmType.TEXT, required=True)}
    assert compare_fields(CONTACT, setup_of(JOB), HUB, {}, required) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"without": "city"},
        {"city": {"type": CrmType.NUMBER}},
        {"city": {"read_only": True}},
        {"city": {"max_length": 3}},
        {"level": {"options": ()}},
        {"new": FieldInfo("new", "New", CrmType.TEXT)},
    ],
)
def test_a_change_of_a_field_that_is_not_mapped_concerns_nobody(change: dict[str, Any]) -> None:
    assert drift_of(JOB, **change) == ()


def test_an_inactive_row_is_not_concerned() -> None:
    assert drift_of(row("jobTitle", "jobtitle", active=False), without="jobtitle") == ()


# Removed


def test_a_field_that_is_gone_is_an_error_that_names_the_nearest_and_the_command() -> None:
    near = FieldInfo("title2", "Job titles", CrmType.TEXT)
    drift = only(drift_of(JOB, without="jobtitle", title2=near), Problem.REMOVED, Status.ERROR)
    assert drift.mended is None
    assert "'Job title' (jobtitle)" in drift.text
    assert "hub setup unmap contacts jobtitle && hub setup map contacts jobTitle=title2" in drift.fix


def test_a_new_field_of_the_same_label_and_type_takes_a_removed_ones_place() -> None:
    new = FieldInfo("job_title", "Job Title", CrmType.TEXT)
    drift = only(drift_of(JOB, without="jobtitle", job_title=new), Problem.REMOVED, Status.ERROR)
    assert drift.mended == row("jobTitle", "job_title")
    assert "hub doctor --fix" in drift.fix


@pytest.mark.parametrize(
    "others",
    [
        {"job_title": FieldInfo("job_title", "Job Title", CrmType.LONG_TEXT)},
        {"job_title": FieldInfo("job_title", "Job Title", CrmType.TEXT, read_only=True)},
        {name: FieldInfo(name, "Job Title", CrmType.TEXT) for name in ("one", "two")},
    ],
)
def test_a_field_that_may_not_be_the_same_is_never_put_in_the_place_by_itself(others: dict[str, FieldInfo]) -> None:
    assert drift_of(JOB, without="jobtitle", **others)[0].mended is None


def test_a_field_that_was_there_before_is_not_a_removed_one_under_another_name() -> None:
    before = BEFORE | {"function": FieldInfo("function", "Job title", CrmType.TEXT)}
    now = {name: field for name, field in before.items() if name != "jobtitle"}
    (drift,) = compare_fields(CONTACT, setup_of(JOB), HUB, before, now)
    assert drift.mended is None
    assert "jobTitle=function" in drift.fix
    (drift,) = compare_fields(CONTACT, setup_of(JOB), HUB, before, now, {"jobtitle": ["function"]})
    assert drift.mended == row("jobTitle", "function")


def test_a_field_that_another_row_fills_is_not_proposed() -> None:
    taken = Row(source=Fixed(fixed="x"), crm="job_title")
    new = FieldInfo("job_title", "Job title", CrmType.TEXT)
    drift = drift_of(JOB, taken, without="jobtitle", job_title=new)[0]
    assert drift.mended is None
    assert "=job_title" not in drift.fix


# Type, read-only, length


def test_a_type_that_the_row_cannot_work_with_is_an_error() -> None:
    drift = only(drift_of(JOB, jobtitle={"type": CrmType.DATE}), Problem.TYPE_CHANGED, Status.ERROR)
    assert "was a text and is a date now" in drift.text


def test_a_type_that_fits_as_well_is_no_drift() -> None:
    assert drift_of(JOB, jobtitle={"type": CrmType.LONG_TEXT}) == ()


def test_a_type_that_fits_less_well_is_a_warning() -> None:
    rows = row("lastLinkedInPost", "notes")
    only(drift_of(rows, notes={"type": CrmType.TEXT}), Problem.TYPE_CHANGED, Status.WARNING)


def test_a_field_that_became_read_only_is_an_error_unless_the_row_only_reads() -> None:
    drift = only(drift_of(JOB, jobtitle={"read_only": True}), Problem.BECAME_READ_ONLY, Status.ERROR)
    assert "--mode crm_overwrites_hub" in drift.fix
    assert drift.mended is None  # whose values win is for people to say
    reads = row("jobTitle", "jobtitle", mode=Mode.CRM_OVERWRITES_HUB)
    assert drift_of(reads, jobtitle={"read_only": True}) == ()


def test_a_shorter_field_is_a_warning_and_an_error_for_a_fixed_value_that_is_too_long() -> None:
    only(drift_of(JOB, jobtitle={"max_length": 100}), Problem.LENGTH_SHRUNK, Status.WARNING)
    fixed = Row(source=Fixed(fixed="Chief"), crm="jobtitle")
    only(drift_of(fixed, jobtitle={"max_length": 3}), Problem.LENGTH_SHRUNK, Status.ERROR)
    assert drift_of(fixed, jobtitle={"max_length": 100}) == ()
    assert drift_of(JOB, jobtitle={"max_length": 500}) == ()


# Options


def _left(*names: str) -> dict[str, Any]:
    return {"level": {"options": tuple(option for option in LEVELS if option.value in names)}}


def test_an_option_that_the_value_map_writes_pauses_the_row_and_names_the_value() -> None:
    drift = only(drift_of(LEVEL, **_left("owner", "manager")), Problem.OPTION_REMOVED, Status.ERROR)
    assert "'C-level'" in drift.text
    assert shlex.split(drift.fix.partition("hub setup")[2])[-1] == "CEO=OPTION"


def test_an_option_switched_off_is_as_good_as_removed() -> None:
    options = (LEVELS[0], replace(LEVELS[1], active=False), LEVELS[2])
    only(drift_of(LEVEL, level={"options": options}), Problem.OPTION_REMOVED, Status.ERROR)


def test_an_option_of_the_same_label_under_another_name_is_replaced() -> None:
    options = (LEVELS[0], Option("c_suite", "C-Level"), LEVELS[2])
    drift = only(drift_of(LEVEL, level={"options": options}), Problem.OPTION_REMOVED, Status.ERROR)
    assert drift.mended is not None
    assert drift.mended.values == {"CEO": "c_suite", "Boss": "owner"}


def test_an_option_that_a_fixed_value_or_an_engagement_writes_pauses_its_row() -> None:
    for source, mended in (
        (Fixed(fixed="c_level"), Fixed(fixed="c_suite")),
        (Engagement(engagement="c_level"), Engagement(engagement="c_suite")),
    ):
        one = Row(source=source, crm="level")
        gone = only(drift_of(one, **_left("owner", "manager")), Problem.OPTION_REMOVED, Status.ERROR)
        assert gone.mended is None
        options = (LEVELS[0], Option("c_suite", "C-level"), LEVELS[2])
        drift = only(drift_of(one, level={"options": options}), Problem.OPTION_REMOVED, Status.ERROR)
        assert drift.mended is not None
        assert drift.mended.source == mended


def test_an_option_that_records_may_hold_is_a_warning() -> None:
    drift = only(
        drift_of(row("seniority", "level"), **_left("owner", "c_level")), Problem.OPTION_REMOVED, Status.WARNING
    )
    assert "--value manager=OPTION" in drift.fix


@pytest.mark.parametrize(
    "one",
    [
        row("seniority", "level", values={"manager": "owner"}),
        row("seniority", "level", values={"CEO": "owner"}),
        row("tier", "level", values={"Gold": "owner", "silver": "c_level"}),
        row("seniority", "level", mode=Mode.CRM_OVERWRITES_HUB),
        Row(source=Fixed(fixed="owner"), crm="level"),
        Row(source=ManualAtExport(manual="Which?"), crm="level"),
    ],
)
def test_an_option_that_the_row_never_writes_concerns_nobody(one: Row) -> None:
    assert drift_of(one, **_left("owner", "c_level")) == ()


# Required


def test_a_field_that_became_required_and_is_not_filled_keeps_records_from_being_created() -> None:
    drift = only(drift_of(JOB, city={"required": True}), Problem.BECAME_REQUIRED, Status.ERROR)
    assert (drift.row, drift.field) == (None, "city")
    assert "hub setup map contacts city --fixed VALUE" in drift.fix
    new = FieldInfo("vat", "VAT", CrmType.TEXT, required=True)
    assert only(drift_of(JOB, vat=new), Problem.BECAME_REQUIRED, Status.ERROR).field == "vat"


def test_a_required_field_that_an_engagement_fills_is_not_filled_when_a_record_is_created() -> None:
    one = Row(source=Engagement(engagement="Paris"), crm="city")
    assert only(drift_of(one, city={"required": True}), Problem.BECAME_REQUIRED, Status.ERROR).row is None


def test_a_mapped_field_that_became_required_is_a_warning_and_none_with_a_fixed_value() -> None:
    only(drift_of(JOB, jobtitle={"required": True}), Problem.BECAME_REQUIRED, Status.WARNING)
    assert drift_of(Row(source=Fixed(fixed="CEO"), crm="jobtitle"), jobtitle={"required": True}) == ()


def test_what_is_required_of_records_that_nobody_maps_concerns_nobody() -> None:
    assert drift_of(city={"required": True}) == ()


def test_a_command_holds_all_of_the_row() -> None:
    one = row("jobTitle", "jobtitle", mode=Mode.IF_EMPTY, blank="clear", values={"a b": "x", "c": None})
    drift = drift_of(one, without="jobtitle")[0]
    words = shlex.split(drift.fix.partition("&& ")[2].partition(";")[0])
    assert words[:5] == ["hub", "setup", "map", "contacts", "jobTitle=CRMFIELD"]
    assert words[5:] == ["--mode", "if_empty", "--blank", "clear", "--value", "a b=x", "--value", "c="]

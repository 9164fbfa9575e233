"""From a hub record to what an export changes in the CRM."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_core.errors import SetupInvalid
from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, Option
from hub_core.model.plan import Change
from hub_core.model.records import RecordKind
from hub_core.model.setup import Blank, Engagement, Fixed, FromHub, ManualAtExport, Mode, ObjectMapping, Row
from hub_core.rules.mapping import CompiledMapping, compile_mapping, desired, diff

HUB = STANDARD_FIELDS[RecordKind.CONTACT]
CRM = {
    field.id: field
    for field in (
        FieldInfo("first", "First", CrmType.TEXT),
        FieldInfo("mail", "Mail", CrmType.EMAIL),
        FieldInfo("phone", "Phone", CrmType.PHONE),
        FieldInfo("links", "Links", CrmType.NUMBER),
        FieldInfo("born", "Born", CrmType.DATE),
        FieldInfo("level", "Level", CrmType.CHOICE, options=(Option("vp", "VP"), Option("c", "C level"))),
        FieldInfo(
            "tongues", "Tongues", CrmType.MULTI_CHOICE, options=(Option("de", "German"), Option("en", "English"))
        ),
        FieldInfo("lead_source", "Source", CrmType.TEXT),
        FieldInfo("short", "Short", CrmType.TEXT, max_length=5),
        FieldInfo("computed", "Computed", CrmType.TEXT, read_only=True),
    )
}


def row(hub: str, crm: str, **more: Any) -> Row:
    return Row(source=FromHub(hub=hub), crm=crm, **more)


def compiled(*rows: Row) -> CompiledMapping:
    return compile_mapping(ObjectMapping(rows=rows), HUB, CRM)


def wanted(mapping: CompiledMapping, manual: dict[str, str] | None = None, **values: Any) -> dict[str, Any]:
    found, problems = desired(mapping, values, manual=manual or {})
    assert problems == []
    return found


FIRST = row("firstName", "first")


# What is wanted


def test_each_row_writes_its_hub_field_in_the_crms_form():
    mapping = compiled(FIRST, row("numberOfConnections", "links"), row("birthday", "born"))
    assert wanted(mapping, firstName="Ana", numberOfConnections=512, birthday="1980-05-06", city="Berlin") == {
        "first": "Ana",
        "links": "512",
        "born": "1980-05-06",
    }


def test_a_blank_is_left_out_or_clears_where_the_row_says_so():
    assert wanted(compiled(FIRST)) == {}
    assert wanted(compiled(row("firstName", "first", blank=Blank.CLEAR))) == {"first": None}


def test_a_value_map_turns_hub_values_into_options_and_drops_others():
    mapping = compiled(row("seniority", "level", values={"Vice President": "vp", "Intern": None}))
    assert wanted(mapping, seniority="Vice President") == {"level": "vp"}
    assert wanted(mapping, seniority="Intern") == {}
    assert wanted(mapping, seniority="c") == {"level": "c"}


def test_a_value_map_applies_to_each_of_many_values():
    mapping = compiled(row("languages", "tongues", values={"Deutsch": "de", "Klingon": None}))
    assert wanted(mapping, languages=["Deutsch", "en", "Klingon"]) == {"tongues": ["de", "en"]}
    assert wanted(mapping, languages=["Klingon"]) == {}


def test_a_value_map_makes_a_red_pair_work_for_the_values_it_holds():
    mapping = compiled(row("professionalEmail", "level", values={"ceo@acme.com": "c"}))
    assert wanted(mapping, professionalEmail="ceo@acme.com") == {"level": "c"}
    found, problems = desired(mapping, {"professionalEmail": "x@acme.com"}, manual={})
    assert found == {} and problems[0].startswith("Level: ")


def test_booleans_are_spelt_true_and_false_in_a_value_map():
    mapping = compiled(row("isUnsubscribed", "level", values={"true": "vp", "false": "c"}))
    assert wanted(mapping, isUnsubscribed=False) == {"level": "c"}


def test_a_value_that_cannot_be_written_is_a_problem_and_the_rest_goes_on():
    found, problems = desired(
        compiled(FIRST, row("jobTitle", "short")), {"firstName": "Ana", "jobTitle": "Manager"}, manual={}
    )
    assert found == {"first": "Ana"}
    assert len(problems) == 1 and problems[0].startswith("Short: It is longer than the 5 characters")
    assert "Manager" not in problems[0]


def test_a_fixed_value_is_the_same_for_every_record():
    mapping = compiled(Row(source=Fixed(fixed="Hub"), crm="lead_source"))
    assert wanted(mapping) == wanted(mapping, firstName="Ana") == {"lead_source": "Hub"}


def test_a_manual_value_is_what_was_typed_for_this_export():
    mapping = compiled(Row(source=ManualAtExport(manual="Level?"), crm="level"))
    assert wanted(mapping) == {}
    assert wanted(mapping, {"level": ""}) == {}
    assert wanted(mapping, {"level": "vp", "unheard_of": "x"}) == {"level": "vp"}
    _, problems = desired(mapping, {}, manual={"level": "VP"})
    assert problems[0].startswith("Level: It is not one of the options")


def test_an_engagement_value_is_kept_apart_from_exports():
    mapping = compiled(Row(source=Engagement(engagement="vp"), crm="level"))
    assert mapping.engagement == ("level", "vp")
    assert wanted(mapping, firstName="Ana") == {}
    assert set(mapping.fields) == {"level"}


def test_inactive_rows_and_read_only_crm_fields_are_not_written():
    mapping = compiled(row("firstName", "first", active=False), row("city", "computed", mode=Mode.CRM_OVERWRITES_HUB))
    assert wanted(mapping, firstName="Ana", city="Berlin") == {}
    assert set(mapping.fields) == {"computed"}


def test_what_does_not_exist_or_fit_is_named_when_compiling():
    with pytest.raises(SetupInvalid) as problem:
        compiled(row("firstname", "first"), row("lastName", "frist"), Row(source=Fixed(fixed="VP"), crm="level"))
    text = str(problem.value)
    assert "'firstName'" in text and "'first'" in text and "level: It is not one of the options" in text


def test_reading_a_row_is_the_way_back_through_the_value_map():
    mapping = compiled(
        row("seniority", "level", values={"Vice President": "vp", "VP": "vp"}),
        row("languages", "tongues", values={"Deutsch": "de"}),
        row("numberOfConnections", "links"),
    )
    level, tongues, links = mapping.rows
    assert level.read("vp") == "Vice President"
    assert level.read("new option") == "new option"
    assert tongues.read(["de", "en"]) == ["Deutsch", "en"]
    assert links.read("17.0") == 17
    assert links.read("") is None


# What changes


@pytest.mark.parametrize("mode", Mode)
def test_without_overwrite_a_value_that_is_there_is_kept_whatever_the_mode(mode: Mode):
    mapping = compiled(row("firstName", "first", mode=mode))
    changes, kept = diff(mapping, {"first": "Ana"}, {"first": "Anna"}, overwrite=False)
    assert changes == ()
    assert kept == (Change("first", "Anna", "Ana"),)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_blank_in_the_crm_is_filled_whatever_the_mode(mode: Mode, overwrite: bool):
    mapping = compiled(row("firstName", "first", mode=mode))
    assert diff(mapping, {"first": "Ana"}, {}, overwrite=overwrite) == ((Change("first", None, "Ana"),), ())
    assert diff(mapping, {"first": "Ana"}, {"first": " "}, overwrite=overwrite)[0] == (Change("first", " ", "Ana"),)


@pytest.mark.parametrize(
    ("mode", "replaced"),
    [
        (Mode.BIDIRECTIONAL, True),
        (Mode.HUB_OVERWRITES_CRM, True),
        (Mode.OFF, True),
        (Mode.IF_EMPTY, False),
        (Mode.CRM_OVERWRITES_HUB, False),
    ],
)
def test_with_overwrite_the_rows_mode_decides(mode: Mode, replaced: bool):
    mapping = compiled(row("firstName", "first", mode=mode))
    change = (Change("first", "Anna", "Ana"),)
    expected = (change, ()) if replaced else ((), change)
    assert diff(mapping, {"first": "Ana"}, {"first": "Anna"}, overwrite=True) == expected


def test_a_sync_that_is_switched_off_still_exports_when_asked():
    mapping = compiled(row("firstName", "first", mode=Mode.OFF))
    assert diff(mapping, wanted(mapping, firstName="Ana"), None, overwrite=False)[0] == (Change("first", None, "Ana"),)


def test_a_new_record_gets_every_value_and_no_blanks():
    mapping = compiled(FIRST, row("city", "lead_source", blank=Blank.CLEAR))
    assert diff(mapping, {"first": "Ana", "lead_source": None}, None, overwrite=True) == (
        (Change("first", None, "Ana"),),
        (),
    )


def test_clearing_needs_overwrite():
    mapping = compiled(row("firstName", "first", blank=Blank.CLEAR))
    change = (Change("first", "Anna", None),)
    assert diff(mapping, {"first": None}, {"first": "Anna"}, overwrite=True) == (change, ())
    assert diff(mapping, {"first": None}, {"first": "Anna"}, overwrite=False) == ((), change)
    assert diff(mapping, {"first": None}, {"first": ""}, overwrite=True) == ((), ())


def test_fixed_and_manual_values_are_kept_out_of_filled_fields_without_overwrite():
    mapping = compiled(
        Row(source=Fixed(fixed="Hub"), crm="lead_source"), Row(source=ManualAtExport(manual="?"), crm="level")
    )
    found = wanted(mapping, {"level": "vp"})
    current = {"lead_source": "Fair", "level": "c"}
    assert diff(mapping, found, current, overwrite=False)[0] == ()
    assert {change.field for change in diff(mapping, found, current, overwrite=True)[0]} == {"lead_source", "level"}


def test_a_field_without_a_hub_value_is_not_touched():
    mapping = compiled(FIRST)
    assert diff(mapping, wanted(mapping), {"first": "Anna"}, overwrite=True) == ((), ())


def test_values_that_differ_in_form_only_are_neither_changed_nor_kept():
    mapping = compiled(
        row("professionalEmail", "mail"), row("mobilePhone", "phone"), row("numberOfConnections", "links"),
        row("birthday", "born"), row("languages", "tongues"),
    )  # fmt: skip
    found = wanted(
        mapping, professionalEmail="ana@acme.com", mobilePhone="+49 30 1234", numberOfConnections=512,
        birthday="1980-05-06", languages=["de", "en"],
    )  # fmt: skip
    current = {
        "mail": "Ana@acme.com",
        "phone": "0049301234",
        "links": "512.0",
        "born": "326419200000",
        "tongues": "en;de",
    }
    assert diff(mapping, found, current, overwrite=True) == ((), ())


EVERYTHING = compiled(
    FIRST,
    row("professionalEmail", "mail"),
    row("numberOfConnections", "links", mode=Mode.HUB_OVERWRITES_CRM),
    row("birthday", "born", blank=Blank.CLEAR),
    row("seniority", "level", values={"Vice President": "vp", "Chief": "c", "Intern": None}),
    row("languages", "tongues", mode=Mode.OFF),
    Row(source=Fixed(fixed="Hub"), crm="lead_source"),
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "firstName": st.text(min_size=1),
        "professionalEmail": st.emails(),
        "numberOfConnections": st.integers(),
        "birthday": st.dates().map(str),
        "seniority": st.sampled_from(["Vice President", "Chief", "Intern", "vp"]),
        "languages": st.lists(st.sampled_from(["de", "en"]), min_size=1),
    },
)


@given(RECORDS, st.booleans())
def test_a_record_just_written_has_nothing_to_change(values: dict[str, Any], overwrite: bool):
    found, _ = desired(EVERYTHING, values, manual={})
    changes, _ = diff(EVERYTHING, found, None, overwrite=overwrite)
    written = {change.field: change.after for change in changes if change.after is not None}
    assert diff(EVERYTHING, found, written, overwrite=overwrite) == ((), ())


@given(RECORDS, RECORDS)
def test_without_overwrite_no_value_of_the_crm_is_ever_lost(values: dict[str, Any], before: dict[str, Any]):
    current = {field: value for field, value in desired(EVERYTHING, before, manual={})[0].items() if value is not None}
    changes, _ = diff(EVERYTHING, desired(EVERYTHING, values, manual={})[0], current, overwrite=False)
    assert all(change.field not in current for change in changes)

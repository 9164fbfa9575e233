"""The icons of the field mapping step, and what may be saved."""

from typing import Any

import pytest

from hub_core.errors import BadInput, SetupInvalid, UnknownName
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
)  # fmt: skip
from hub_core.rules.checking import ObjectReport, check, check_manual, check_values, refuse_red
from hub_core.rules.compatibility import RowStatus, Status
from hub_core.rules.mapping import compile_mapping

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
HUB = STANDARD_FIELDS[CONTACT] | {
    "tier": HubField("tier", "Tier", FieldType.SINGLE_CHOICE, CONTACT, custom=True, options=("Gold", "b")),
}
OPTIONS = (Option("a", "Alpha"), Option("b", "Beta"), Option("old", "Old", active=False))
CRM = {
    field.id: field
    for field in (
        FieldInfo("first", "First name", CrmType.TEXT),
        FieldInfo("number", "Number", CrmType.NUMBER),
        FieldInfo("choice", "Choice", CrmType.CHOICE, options=OPTIONS),
        FieldInfo("flag", "Flag", CrmType.BOOLEAN),
        FieldInfo("short", "Short", CrmType.TEXT, max_length=5),
        FieldInfo("computed", "Computed", CrmType.TEXT, read_only=True),
        FieldInfo("odd", "Odd", CrmType.UNKNOWN),
        FieldInfo("industry", "Industry", CrmType.TEXT),
    )
}


def row(hub: str, crm: str, **more: Any) -> Row:
    return Row(source=FromHub(hub=hub), crm=crm, **more)


def setup_of(*rows: Row, companies: tuple[Row, ...] = ()) -> CrmSetup:
    return CrmSetup(fields=FieldStep(contacts=ObjectMapping(rows=rows), companies=ObjectMapping(rows=companies)))


def report_of(
    *rows: Row, crm: dict[str, FieldInfo] = CRM, companies: tuple[Row, ...] = (), **more: Any
) -> ObjectReport:
    return check(setup_of(*rows, companies=companies), CONTACT, HUB, crm, **more)


def status(one: Row, **more: Any) -> RowStatus:
    (found,) = report_of(one, **more).rows
    return found


# Rows fed by the hub


def test_matching_types_are_ok_and_say_nothing():
    assert status(row("firstName", "first")) == RowStatus(Status.OK)


def test_a_text_into_a_number_is_red_and_into_a_drop_down_yellow():
    assert status(row("firstName", "number")).status is Status.ERROR
    assert status(row("firstName", "choice")).status is Status.WARNING


def test_an_unknown_field_is_red_and_names_the_nearest():
    wrong_hub = status(row("firstname", "first"))
    assert wrong_hub.status is Status.ERROR and "'firstName'" in wrong_hub.fix
    wrong_crm = status(row("firstName", "frist"))
    assert wrong_crm.status is Status.ERROR and "'first'" in wrong_crm.fix


def test_a_company_field_in_the_contacts_tab_is_red_and_names_the_tab():
    found = status(row("numberOfEmployees", "number"))
    assert found.status is Status.ERROR
    assert "company field" in found.reason and "contacts tab" in found.reason and "companies tab" in found.fix


def test_a_contact_field_in_the_companies_tab_is_red_too():
    setup = setup_of(companies=(row("firstName", "first"),))
    (found,) = check(setup, COMPANY, STANDARD_FIELDS[COMPANY], CRM).rows
    assert found.status is Status.ERROR and "contact field" in found.reason


def test_a_field_handed_over_with_the_wrong_object_is_red():
    fields = HUB | {"name": STANDARD_FIELDS[COMPANY]["name"]}
    (found,) = check(setup_of(row("name", "first")), CONTACT, fields, CRM).rows
    assert found.status is Status.ERROR and "contacts tab" in found.reason


def test_a_row_that_only_writes_is_not_told_to_only_write():
    assert status(row("birthday", "first")).status is Status.WARNING
    assert status(row("birthday", "first", mode=Mode.HUB_OVERWRITES_CRM)) == RowStatus(Status.OK)


@pytest.mark.parametrize("mode", Mode)
def test_a_read_only_crm_field_is_red_unless_the_crm_overwrites_the_hub(mode: Mode):
    found = status(row("firstName", "computed", mode=mode))
    assert found.status is (Status.OK if mode is Mode.CRM_OVERWRITES_HUB else Status.ERROR)


def test_a_row_that_only_reads_is_judged_by_reading():
    assert status(row("numberOfConnections", "first")).status is Status.WARNING
    assert status(row("numberOfConnections", "first", mode=Mode.CRM_OVERWRITES_HUB)).status is Status.ERROR
    assert status(row("isInCRM", "flag", mode=Mode.CRM_OVERWRITES_HUB)).status is Status.ERROR


def test_what_can_be_written_but_not_read_back_is_yellow_unless_it_goes_one_way():
    found = status(row("contactCRMId", "first"))
    assert found.status is Status.WARNING and "read back" in found.reason
    assert status(row("contactCRMId", "first", mode=Mode.HUB_OVERWRITES_CRM)).status is Status.OK


def test_a_field_of_unknown_type_is_yellow():
    assert status(row("firstName", "odd")).status is Status.WARNING


# Value maps


def test_an_incomplete_value_map_is_yellow_and_names_what_is_missing():
    found = status(row("tier", "choice"))
    assert found.status is Status.WARNING and "'Gold'" in found.reason and "'b'" not in found.reason


def test_a_complete_value_map_is_ok():
    assert status(row("tier", "choice", values={"Gold": "a"})).status is Status.OK
    assert status(row("tier", "choice", values={"Gold": None})).status is Status.OK
    assert status(row("isUnsubscribed", "choice", values={"true": "a", "false": "b"})).status is Status.OK


def test_a_value_map_to_codes_makes_a_choice_fit_a_number():
    assert status(row("tier", "number", mode=Mode.HUB_OVERWRITES_CRM)).status is Status.ERROR
    whole = row("tier", "number", mode=Mode.HUB_OVERWRITES_CRM, values={"Gold": "1", "b": "2"})
    assert status(whole).status is Status.OK


def test_a_value_map_makes_a_free_type_yellow_instead_of_red():
    assert status(row("professionalEmail", "choice", mode=Mode.OFF)).status is Status.ERROR
    assert status(row("professionalEmail", "choice", mode=Mode.OFF, values={"x": "a"})).status is Status.WARNING


@pytest.mark.parametrize("target", ["Alpha", "old", "z"])
def test_a_value_map_to_no_active_option_is_red(target: str):
    found = status(row("tier", "choice", values={"Gold": target}))
    assert found.status is Status.ERROR and repr(target) in found.reason


# Typed values


@pytest.mark.parametrize("source", [Fixed(fixed="a"), Engagement(engagement="a"), ManualAtExport(manual="?")])
def test_a_typed_value_that_is_the_options_internal_name_is_ok(source: Any):
    assert status(Row(source=source, crm="choice")).status is Status.OK


@pytest.mark.parametrize("source", [Fixed(fixed="Alpha"), Engagement(engagement="Alpha")])
def test_a_label_in_place_of_an_internal_name_is_red_and_lists_the_names(source: Any):
    found = status(Row(source=source, crm="choice"))
    assert found.status is Status.ERROR and "a, b." in found.fix and "old" not in found.fix


def test_a_typed_value_of_another_type_and_a_blank_are_red():
    assert status(Row(source=Fixed(fixed="many"), crm="number")).status is Status.ERROR
    assert status(Row(source=Fixed(fixed=" "), crm="first")).status is Status.ERROR


@pytest.mark.parametrize("source", [Fixed(fixed="a"), Engagement(engagement="a"), ManualAtExport(manual="?")])
def test_nothing_typed_goes_into_a_read_only_field(source: Any):
    assert status(Row(source=source, crm="computed")).status is Status.ERROR
    assert status(Row(source=source, crm="gone")).status is Status.ERROR


def test_the_crm_cannot_overwrite_a_fixed_value():
    assert status(Row(source=Fixed(fixed="a"), crm="first", mode=Mode.CRM_OVERWRITES_HUB)).status is Status.WARNING


# Both tabs


def test_the_same_field_in_both_tabs_must_be_mapped_the_same():
    here = row("industry", "industry")
    assert status(here, companies=(here,)).status is Status.OK
    other = status(here, companies=(row("industry", "industry", mode=Mode.OFF),))
    assert other.status is Status.WARNING and "both tabs" in other.reason and "mode" in other.reason
    assert status(here, companies=(row("industry", "first"),)).status is Status.WARNING


def test_a_crm_field_that_only_the_other_object_has_is_no_difference():
    assert status(row("industry", "industry"), companies=(row("industry", "account_industry"),)).status is Status.OK


# The object as a whole


def test_a_required_crm_field_that_no_row_fills_is_an_error_of_the_object():
    crm = CRM | {"must": FieldInfo("must", "Must", CrmType.TEXT, required=True)}
    assert "'Must'" in report_of(row("firstName", "first"), crm=crm).problems[0].reason
    assert report_of(row("firstName", "must"), crm=crm).problems == ()
    assert report_of(Row(source=Fixed(fixed="x"), crm="must"), crm=crm).problems == ()
    assert len(report_of(row("firstName", "must", active=False), crm=crm).problems) == 1
    assert len(report_of(Row(source=Engagement(engagement="x"), crm="must"), crm=crm).problems) == 1


def test_identifiers_of_step_1_must_be_mapped():
    report = report_of(row("firstName", "first"), identifying=frozenset({"firstName", "lastName"}))
    assert [problem.status for problem in report.problems] == [Status.ERROR]
    assert "'Last name'" in report.problems[0].reason


# Saving


def test_red_rows_cannot_be_saved_and_are_named():
    setup = setup_of(row("firstName", "number"), row("lastName", "first"))
    with pytest.raises(SetupInvalid, match="contacts: number: The types do not match"):
        refuse_red(setup, {CONTACT: check(setup, CONTACT, HUB, CRM)})


def test_yellow_rows_and_inactive_red_ones_can_be_saved():
    setup = setup_of(row("firstName", "choice"), row("lastName", "number", active=False))
    refuse_red(setup, {CONTACT: check(setup, CONTACT, HUB, CRM)})


# On real values


def test_checking_values_counts_what_would_fail_with_examples():
    mapping = compile_mapping(ObjectMapping(rows=(row("jobTitle", "short"), row("firstName", "first"))), HUB, CRM)
    records = [{"jobTitle": "Manager", "firstName": "Ana"}] * 37 + [{"jobTitle": "CEO"}] * 463 + [{"city": "Berlin"}]
    short, first = check_values(mapping, records)
    assert (short.field, short.failing, short.of) == ("short", 37, 500)
    assert str(short).startswith("37 of 500 would fail: It is longer than the 5 characters")
    assert (first.field, first.failing, first.of, first.reasons) == ("first", 0, 37, ())


def test_what_is_typed_for_an_export_is_checked_before_it():
    mapping = compile_mapping(ObjectMapping(rows=(Row(source=ManualAtExport(manual="?"), crm="choice"),)), HUB, CRM)
    check_manual(mapping, {"choice": "a"})
    check_manual(mapping, {})
    with pytest.raises(UnknownName):
        check_manual(mapping, {"chioce": "a"})
    with pytest.raises(BadInput, match="Choice: It is not one of the options"):
        check_manual(mapping, {"choice": "Alpha"})

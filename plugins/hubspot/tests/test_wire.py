"""HubSpot's JSON <-> the hub's vocabulary, without a network."""

from __future__ import annotations

import json
import time

import pytest
from hub_hubspot import probes, wire

from hub_core.plugin import (
    Associate,
    Associated,
    AssociationType,
    Comparison,
    Condition,
    Create,
    CrmType,
    FieldInfo,
    Merge,
    Option,
    Probe,
    RecordKind,
    Rejected,
    Update,
    Written,
)

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
NAME = FieldInfo("firstname", "First name", CrmType.TEXT)
TOPICS = FieldInfo("topics", "Topics", CrmType.MULTI_CHOICE)
BORN = FieldInfo("born", "Born", CrmType.DATE)
SEEN = FieldInfo("seen", "Seen", CrmType.DATETIME)
STATUS = FieldInfo("status", "Status", CrmType.CHOICE)


def row(id_: str, **properties: str | None) -> dict[str, object]:
    return {"id": id_, "properties": properties, "updatedAt": "2026-01-02T03:04:05.678Z"}


def meta(**given: object) -> dict[str, object]:
    usual = {"name": "x", "label": "X", "type": "string", "fieldType": "text", "hubspotDefined": True, "options": []}
    return {**usual, "modificationMetadata": {"readOnlyValue": False}, **given}


# Fields


@pytest.mark.parametrize(
    ("type_", "field_type", "expected"),
    [
        ("string", "text", CrmType.TEXT),
        ("string", "textarea", CrmType.LONG_TEXT),
        ("string", "phonenumber", CrmType.PHONE),
        ("phone_number", "phonenumber", CrmType.PHONE),
        ("number", "calculation_equation", CrmType.NUMBER),
        ("bool", "booleancheckbox", CrmType.BOOLEAN),
        ("enumeration", "booleancheckbox", CrmType.BOOLEAN),
        ("enumeration", "select", CrmType.CHOICE),
        ("enumeration", "radio", CrmType.CHOICE),
        ("enumeration", "checkbox", CrmType.MULTI_CHOICE),
        ("date", "date", CrmType.DATE),
        ("datetime", "date", CrmType.DATETIME),
        ("object_coordinates", "text", CrmType.UNKNOWN),
    ],
)
def test_a_property_type_becomes_a_class_of_types(type_: str, field_type: str, expected: CrmType) -> None:
    assert wire.field_info(CONTACT, meta(type=type_, fieldType=field_type)).type is expected


def test_an_owner_property_refers_to_a_user() -> None:
    info = wire.field_info(CONTACT, meta(type="enumeration", fieldType="select", referencedObjectType="OWNER"))
    assert (info.type, info.refers_to) == (CrmType.REFERENCE, "user")


@pytest.mark.parametrize(
    "given", [{"calculated": True}, {"hidden": True}, {"modificationMetadata": {"readOnlyValue": True}}]
)
def test_what_cannot_be_written_is_read_only(given: dict[str, object]) -> None:
    assert wire.field_info(CONTACT, meta(**given)).read_only


def test_hidden_options_are_inactive() -> None:
    options = [{"value": "a", "label": "A", "hidden": False}, {"value": "b", "label": "B", "hidden": True}]
    info = wire.field_info(CONTACT, meta(type="enumeration", fieldType="select", options=options))
    assert info.options == (Option("a", "A"), Option("b", "B", active=False))


def test_the_email_is_unique_for_contacts_only() -> None:
    assert wire.field_info(CONTACT, meta(name="email")).unique
    assert not wire.field_info(COMPANY, meta(name="email")).unique
    assert wire.field_info(COMPANY, meta(hasUniqueValue=True, hubspotDefined=False)).unique


# Values


def test_blanks_are_left_out_and_only_wanted_fields_come_in() -> None:
    [record] = wire.records([row("1", firstname="", topics=None, other="x")], [NAME, TOPICS])
    assert (record.id, record.values, record.modified_at) == ("1", {}, "2026-01-02T03:04:05.678Z")


def test_a_multiple_choice_is_a_list_both_ways() -> None:
    [record] = wire.records([row("1", topics="a;b c;")], [TOPICS])
    assert record.values == {"topics": ["a", "b c"]}
    assert wire.properties(Update("r", "1", {"topics": ["a", "b c"]})) == {"topics": "a;b c"}


def test_dates_in_milliseconds_become_text() -> None:
    [record] = wire.records([row("1", born="1572480000000", seen="1572480000123")], [BORN, SEEN])
    assert record.values == {"born": "2019-10-31", "seen": "2019-10-31T00:00:00.123Z"}


def test_milliseconds_survive_the_way_there_and_back() -> None:
    for moment in (0, 1, 1_767_323_045_678, 1_767_323_045_999):
        assert wire.milliseconds(wire.iso(moment)) == moment


def test_none_clears_and_the_owner_goes_along() -> None:
    sent = wire.properties(Update("r", "1", {"firstname": None, "city": "Łódź"}, owner="7"))
    assert sent == {"firstname": "", "city": "Łódź", "hubspot_owner_id": "7"}


def test_a_create_takes_its_ties_along_with_the_types_of_its_direction() -> None:
    company = (
        Associate(COMPANY, "9", AssociationType.PRIMARY),
        Associate(COMPANY, "8", AssociationType.ADDITIONAL),
    )
    contact = (Associate(CONTACT, "7", AssociationType.PRIMARY_REPLACE),)
    ties = wire.write_input(CONTACT, Create("r", {"firstname": "Ann"}, associate=company))["associations"]
    assert [tie["types"][0]["associationTypeId"] for tie in ties] == [1, 279]
    ties = wire.write_input(COMPANY, Create("r", {"name": "Acme"}, associate=contact))["associations"]
    assert [(tie["to"]["id"], tie["types"][0]["associationTypeId"]) for tie in ties] == [("7", 2)]


def test_an_own_label_that_has_the_number_of_the_primary_one_is_not_primary() -> None:
    to = {"toObjectId": 9001, "associationTypes": [{"category": "USER_DEFINED", "typeId": 1, "label": "Boss"}]}
    assert wire.ties({"from": {"id": "1"}, "to": [to]}, primary=1) == [Associated("9001", labels=("1",))]
    assert wire.own_labels(to) == [{"associationCategory": "USER_DEFINED", "associationTypeId": 1}]


def test_merged_records_are_named_with_their_winner() -> None:
    assert wire.merges([row("1", hs_merged_object_ids="5;6"), row("2")]) == [Merge("5", "1"), Merge("6", "1")]


def test_a_queue_or_an_archived_owner_is_inactive() -> None:
    owner = {"id": "4", "email": "a@b.co", "type": "PERSON", "firstName": "A", "lastName": "B", "archived": False}
    assert wire.user(owner).values == {"name": "A B", "email": "a@b.co", "active": "true"}
    assert wire.user({**owner, "archived": True}).values["active"] == "false"
    queue = {"id": "5", "type": "QUEUE", "firstName": "Support"}
    assert wire.user(queue).values == {"name": "Support", "active": "false"}


# Refusals

INVALID = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "message": 'Property values were not valid: [{"isValid":false,"message":"Email address x is invalid",'
    '"error":"INVALID_EMAIL","name":"email"}]',
}
CONFLICT = {"status": "error", "category": "CONFLICT", "message": "Contact already exists. Existing ID: 123"}
ANN = Create("r1", {"firstname": "Ann", "email": "ann@acme.com"})
BOB = Create("r2", {"firstname": "Bob", "email": "bob@acme.com"})


def test_a_refusal_gives_the_vendors_reason_and_the_field() -> None:
    outcome = wire.rejected(ANN, INVALID)
    assert outcome == Rejected("r1", "email: Email address x is invalid", field="email")


def test_a_duplicate_names_the_record_that_is_there() -> None:
    assert wire.rejected(ANN, CONFLICT, 409).existing_id == "123"
    taken = '[{"isValid":false,"message":"456 already has that value.","error":"CONFLICTING_UNIQUE_VALUE","name":"no"}]'
    assert wire.rejected(ANN, {"message": f"Property values were not valid: {taken}"}).existing_id == "456"


def test_only_an_update_can_be_of_a_record_that_is_gone() -> None:
    error = {"category": "OBJECT_NOT_FOUND", "message": "resource not found"}
    assert wire.rejected(Update("r", "1", {}), error).gone
    assert not wire.rejected(ANN, error).gone


@pytest.mark.parametrize("error", [None, "oops", {}, {"message": "x [{broken"}, {"message": None, "errors": None}])
def test_a_refusal_of_any_shape_has_a_reason(error: object) -> None:
    assert wire.rejected(ANN, error).reason


def test_details_beside_the_message_are_told() -> None:
    details = [{"message": "too long", "in": "city", "code": "TOO_LONG"}, {"message": "bad", "context": {}}]
    assert wire.reason({"message": "Invalid input", "errors": details}) == "city: too long bad"


def test_a_property_that_does_not_exist_is_every_rows_fault_that_sends_it() -> None:
    message = '[{"message":"Property \\"x\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"x"}]'
    writes = [Create("a", {"x": "1"}), Create("b", {"y": "1"}), Create("c", {"x": "2"})]
    assert [outcome.ref for outcome in wire.at_fault(writes, {"message": message})] == ["a", "c"]
    assert wire.at_fault(writes, INVALID) == []


def test_a_refused_batch_that_names_a_record_is_that_rows_fault() -> None:
    error = {"category": "OBJECT_NOT_FOUND", "message": "resource not found", "context": {"ids": ["2"]}}
    [outcome] = wire.at_fault([Update("a", "1", {}), Update("b", "2", {})], error)
    assert (outcome.ref, outcome.gone) == ("b", True)


# Answers of batches


def test_results_in_any_order_are_told_apart_by_their_trace_id() -> None:
    rows = [{**row("12"), "objectWriteTraceId": "r2"}, {**row("11"), "objectWriteTraceId": "r1", "url": "https://u"}]
    outcomes, silent = wire.outcomes([ANN, BOB], {"results": rows})
    assert {outcome.ref: outcome.crm_id for outcome in outcomes if isinstance(outcome, Written)} == {
        "r1": "11",
        "r2": "12",
    }
    assert outcomes[1] == Written("r1", "11", "2026-01-02T03:04:05.678Z", "https://u")
    assert silent == []


def test_results_without_a_trace_id_are_told_apart_by_all_values_and_each_is_used_once() -> None:
    writes = [Create("a", {"firstname": "Ann"}), Create("b", {"firstname": "Ann", "city": "Bonn"}), Create("c", {})]
    rows = [row("2", firstname="Ann ", city="Bonn"), row("3", firstname="ann"), row("4")]
    outcomes, silent = wire.outcomes(writes, {"results": rows})
    assert {(o.ref, o.crm_id) for o in outcomes if isinstance(o, Written)} == {("a", "3"), ("b", "2"), ("c", "4")}
    assert silent == []


def test_an_error_of_a_batch_belongs_to_the_row_it_names() -> None:
    error = {**INVALID, "context": {"objectWriteTraceId": ["r2"]}}
    answer = {"results": [{**row("11"), "objectWriteTraceId": "r1"}], "errors": [error]}
    outcomes, _ = wire.outcomes([ANN, BOB], answer)
    assert {type(outcome).__name__ for outcome in outcomes if outcome.ref == "r2"} == {"Rejected"}


def test_one_error_may_name_several_updated_records() -> None:
    updates = [Update("a", "1", {"city": "x"}), Update("b", "2", {"city": "x"}), Update("c", "3", {"city": "x"})]
    error = {"category": "OBJECT_NOT_FOUND", "message": "Could not get some", "context": {"ids": ["1", "3"]}}
    outcomes, silent = wire.outcomes(updates, {"results": [row("2")], "errors": [error]})
    assert {outcome.ref for outcome in outcomes if isinstance(outcome, Rejected) and outcome.gone} == {"a", "c"}
    assert silent == []


def test_an_error_that_names_no_row_is_the_remaining_rows() -> None:
    answer = {"results": [{**row("11"), "objectWriteTraceId": "r1"}], "errors": [CONFLICT]}
    outcomes, _ = wire.outcomes([ANN, BOB], answer)
    assert [o.existing_id for o in outcomes if isinstance(o, Rejected)] == ["123"]
    outcomes, _ = wire.outcomes([ANN, BOB], {"results": [], "errors": [CONFLICT, INVALID]})
    assert all(isinstance(o, Rejected) and not o.existing_id for o in outcomes)  # nobody knows whose it is


def test_a_row_without_result_and_error_is_silent() -> None:
    assert wire.outcomes([ANN], {"results": []}) == ([], [ANN])


# Probes


def equals(field: str, *values: str) -> Condition:
    return Condition(field, values)


def groups(body: dict[str, object]) -> list[list[dict[str, object]]]:
    return [group["filters"] for group in body["filterGroups"]]  # type: ignore[index]


def test_no_search_breaks_the_vendors_limits() -> None:
    any_of = [(equals("firstname", f"Añn{i}"), equals("lastname", f"O'“Neil”{i}"), equals("x", "y")) for i in range(30)]
    any_of += [(Condition("hs_linkedin_url", (f"ann-{i}", f"lee-{i}*"), Comparison.TOKEN),) for i in range(9)]
    any_of += [(equals("email", *(f"someone-{i}-{j}@example.com" for j in range(9))),) for i in range(60)]
    bodies = probes.searches(Probe(tuple(any_of), (NAME,)))
    for body in bodies:
        assert len(groups(body)) <= 5
        assert sum(map(len, groups(body))) <= 18
        assert max(map(len, groups(body))) <= 6
        assert len(json.dumps({**body, "after": "9800"}, ensure_ascii=False, separators=(",", ":"))) <= 3_000
    asked = [filter_ for body in bodies for group in groups(body) for filter_ in group]
    values = [value for filter_ in asked if filter_["operator"] == "IN" for value in filter_["values"]]  # type: ignore[attr-defined]
    assert len(values) == len(set(values)) == 540
    assert sum(filter_["operator"] == "CONTAINS_TOKEN" for filter_ in asked) == 18
    assert sum(filter_["propertyName"] == "lastname" for filter_ in asked) == 30


def test_groups_of_one_fields_values_become_one_list_in_lower_case() -> None:
    [body] = probes.searches(Probe(tuple((equals("email", f"A{i}@B.co"),) for i in range(45)), (NAME,)))
    assert groups(body) == [[{"propertyName": "email", "operator": "IN", "values": [f"a{i}@b.co" for i in range(45)]}]]


def test_options_keep_their_case_and_a_single_value_is_sent_as_it_is() -> None:
    [body] = probes.searches(Probe(((equals("status", "OPEN", "Closed"),), (equals("city", "Łódź"),)), (STATUS,)))
    assert groups(body)[0][0]["values"] == ["OPEN", "Closed"]
    assert groups(body)[1] == [{"propertyName": "city", "operator": "EQ", "value": "Łódź"}]


def test_a_seventh_condition_is_left_to_core() -> None:
    [body] = probes.searches(Probe((tuple(equals(f"f{i}", "x") for i in range(9)),), ()))
    assert len(groups(body)[0]) == 6


def test_nothing_is_asked_for_blank_or_endless_values() -> None:
    assert probes.searches(Probe((), (NAME,))) == []
    assert probes.searches(Probe(((equals("a", "", " "),), (equals("a", "x"), equals("b"))), (NAME,))) == []
    assert probes.searches(Probe(((equals("a", "x" * 4000),),), (NAME,))) == []


def test_so_many_wanted_fields_that_no_filter_fits_are_not_asked_of_the_search() -> None:
    fields = tuple(FieldInfo(f"a_rather_long_property_name_{i}", "", CrmType.TEXT) for i in range(80))
    [body] = probes.searches(Probe(((equals("email", "a@b.co"),),), fields))
    assert body["properties"] == []


# Cursor and cost


def test_a_cursor_is_the_same_after_being_stored() -> None:
    cursor = wire.Cursor("tied", since=1, at=2, after="77")
    assert wire.Cursor.load(cursor.dump()) == cursor


def test_a_page_of_a_hundred_records_is_converted_in_well_under_a_millisecond() -> None:
    fields = [FieldInfo(f"p{i}", "", CrmType.TEXT) for i in range(13)] + [TOPICS, BORN]
    text = {f"p{i}": f"value {i}" for i in range(13)}
    page = [row(str(i), **text, topics="a;b", born="2020-01-01") for i in range(100)]
    best = min(_timed(lambda: wire.records(page, fields)) for _ in range(20))
    assert best < 0.001


def _timed(call: object) -> float:
    start = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - start

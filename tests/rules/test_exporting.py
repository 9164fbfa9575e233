from dataclasses import replace
from typing import Any

from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, Option
from hub_core.model.plan import Action, AssociationStep, Change
from hub_core.model.records import AssociationType, CrmValue, Record, RecordKind
from hub_core.model.setup import ObjectMapping
from hub_core.rules.exporting import Answer, Exporting, Situation, decide, replan
from hub_core.rules.identity import Owner
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.matching import Candidate, Hit

KIND = RecordKind.CONTACT
FIELDS = {
    "firstname": FieldInfo("firstname", "First name", CrmType.TEXT),
    "industry": FieldInfo("industry", "Industry", CrmType.CHOICE, options=(Option("IT", "Software"),)),
    "owner": FieldInfo("owner", "Owner", CrmType.REFERENCE, refers_to="user"),
}
MAPPING = ObjectMapping.model_validate(
    {
        "rows": [
            {"source": {"hub": "firstName"}, "crm": "firstname"},
            {"source": {"hub": "industry"}, "crm": "industry"},
        ]
    }
)
ANN: dict[str, Any] = {"firstName": "Ann"}
TIE = AssociationStep(RecordKind.COMPANY, 3, AssociationType.ADDITIONAL)


def exporting(**changes: Any) -> Exporting:
    given: dict[str, Any] = {
        "mapping": compile_mapping(MAPPING, STANDARD_FIELDS[KIND], FIELDS),
        "overwrite": False,
        "manual": {},
        "owner": None,
        "owner_field": "owner",
        "crm_name": "Acme",
    }
    return Exporting(**{**given, **changes})


def situation(values: dict[str, Any] = ANN, **known: Any) -> Situation:
    return Situation(**{"record": Record(1, KIND, values), "current": {}, **known})


def found(*crm_ids: str) -> dict[str, Any]:
    current: dict[str, dict[str, CrmValue]] = {crm_id: {"firstname": "Ann"} for crm_id in crm_ids}
    hits = (Hit("First name", (("firstName", "ann"),)),)
    return {"candidates": tuple(Candidate(crm_id, hits) for crm_id in crm_ids), "current": current}


def test_a_record_that_nothing_matches_is_created() -> None:
    decision = decide(situation(), exporting())
    assert decision.action is Action.CREATE
    assert decision.changes == (Change("firstname", None, "Ann"),)


def test_a_match_with_the_same_values_is_only_linked() -> None:
    decision = decide(situation(**found("7")), exporting())
    assert (decision.action, decision.crm_id) == (Action.LINK, "7")
    assert "First name" in decision.reason


def test_a_linked_record_with_the_same_values_is_unchanged() -> None:
    assert decide(situation(linked="7", **found("7")), exporting()).action is Action.UNCHANGED


def test_a_missing_tie_is_a_reason_to_write() -> None:
    decision = decide(situation(linked="7", associations=(TIE,), **found("7")), exporting())
    assert (decision.action, decision.changes, decision.associations) == (Action.UPDATE, (), (TIE,))


def test_two_matches_are_for_a_person_to_decide() -> None:
    decision = decide(situation(**found("7", "8")), exporting())
    assert (decision.action, decision.candidates) == (Action.REVIEW, ("7", "8"))


def test_the_remembered_answer_decides_between_two_matches() -> None:
    assert decide(situation(answer=Answer("link", "8"), **found("7", "8")), exporting()).crm_id == "8"
    assert decide(situation(answer=Answer("create"), **found("7", "8")), exporting()).action is Action.CREATE
    assert decide(situation(answer=Answer("skip"), **found("7", "8")), exporting()).action is Action.SKIP


def test_a_crm_record_that_another_hub_record_has_is_left_alone() -> None:
    decision = decide(situation(taken={"7": 99}, **found("7")), exporting())
    assert decision.action is Action.SKIP
    assert "99" in decision.reason


def test_a_linked_record_that_has_gone_is_never_created_again_silently() -> None:
    assert decide(situation(linked="7"), exporting()).action is Action.REVIEW
    assert decide(situation(linked="7", answer=Answer("skip")), exporting()).action is Action.SKIP


def test_a_twin_is_folded() -> None:
    assert decide(situation(twin_of=5), exporting()).action is Action.SKIP


def test_a_value_that_cannot_be_written_is_left_out_and_told_and_the_others_go() -> None:
    decision = decide(situation({"firstName": "Ann", "industry": "Fishing"}), exporting())
    assert decision.action is Action.CREATE
    assert decision.changes == (Change("firstname", None, "Ann"),)
    assert "Industry" in decision.problems[0]


def test_a_record_that_lacks_a_required_value_because_it_cannot_be_written_is_skipped() -> None:
    fields = {**FIELDS, "industry": replace(FIELDS["industry"], required=True)}
    compiled = compile_mapping(MAPPING, STANDARD_FIELDS[KIND], fields)
    decision = decide(situation({"firstName": "Ann", "industry": "Fishing"}), exporting(mapping=compiled))
    assert decision.action is Action.SKIP
    assert "Industry" in decision.reason


def test_the_record_that_a_person_chose_is_not_taken_from_another_hub_record() -> None:
    decision = decide(situation(answer=Answer("link", "8"), taken={"8": 99}, **found("7", "8")), exporting())
    assert decision.action is Action.SKIP


def test_a_record_without_any_mapped_value_is_skipped() -> None:
    assert decide(situation({}), exporting()).action is Action.SKIP


def test_a_new_record_gets_the_owner_and_an_existing_owner_stays_unless_asked_for() -> None:
    default, forced = Owner("9", "default owner"), Owner("5", "chosen", forced=True)
    assert decide(situation(), exporting(owner=default)).owner == "9"
    current: dict[str, dict[str, CrmValue]] = {"7": {"firstname": "Ann", "owner": "4"}}
    linked = situation(linked="7", current=current)
    assert decide(linked, exporting(owner=default)).action is Action.UNCHANGED
    assert decide(linked, exporting(owner=forced)).owner == "5"


def test_a_record_changed_meanwhile_is_decided_on_its_present_values() -> None:
    earlier = decide(situation(linked="7", current={"7": {}}), exporting())
    assert earlier.changes == (Change("firstname", None, "Ann"),)
    again = replan(Record(1, KIND, ANN), "7", {"firstname": "Anna"}, exporting(), earlier)
    assert again.action is Action.LINK
    assert again.kept == (Change("firstname", "Anna", "Ann"),)

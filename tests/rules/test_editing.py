from __future__ import annotations

import pytest

from hub_core.errors import BadInput, UnknownName
from hub_core.model.fields import STANDARD_FIELDS
from hub_core.model.records import AssociationType, RecordKind
from hub_core.model.setup import AllOf, AnyOf, Blank, ConflictPolicy, CrmSetup, Engagement, Fixed, FromHub, Mode, Tree
from hub_core.rules.documents import conditions_text
from hub_core.rules.editing import drop_row, parse_conditions, put_row, set_path, set_paths

CONTACT = RecordKind.CONTACT
FIELDS = STANDARD_FIELDS[CONTACT]


def _set(path: str, text: str, setup: CrmSetup | None = None) -> CrmSetup:
    return set_path(setup or CrmSetup(), path, text, STANDARD_FIELDS)


def test_settings_are_set_by_their_path() -> None:
    assert _set("sync.contact.identifier", "name_company").sync.contact.identifier == "name_company"
    assert _set("sync.company.any_domain_extension", "yes").sync.company.any_domain_extension
    assert not _set("sync.associate_contacts_with_companies", "off").sync.associate_contacts_with_companies
    assert _set("fields.contacts.association", "primary").fields.contacts.association is AssociationType.PRIMARY
    assert _set("users.default_owner", "7").users.default_owner == "7"


def test_the_name_of_a_user_may_hold_dots() -> None:
    setup = _set("users.users.ann.b@example.com", "7")
    assert setup.users.users == {"ann.b@example.com": "7"}
    assert _set("users.users.ann.b@example.com", "", setup).users.users == {}


def test_a_blank_takes_the_default_owner_away() -> None:
    assert _set("users.default_owner", "", _set("users.default_owner", "7")).users.default_owner is None


def test_conditions_make_the_identifier_custom_and_another_identifier_removes_them() -> None:
    custom = _set("sync.contact.custom", "professionalEmail")
    assert (custom.sync.contact.identifier, custom.sync.contact.custom) == ("custom", "professionalEmail")
    assert _set("sync.contact.identifier", "custom", custom) == custom
    back = _set("sync.contact.identifier", "name_company", custom)
    assert back.sync.contact.custom is None


def test_settings_that_need_each_other_are_judged_together_in_either_order() -> None:
    pairs = [("sync.contact.identifier", "custom"), ("sync.contact.custom", "professionalEmail")]
    there = set_paths(CrmSetup(), pairs, STANDARD_FIELDS)
    assert there == set_paths(CrmSetup(), pairs[::-1], STANDARD_FIELDS)
    assert (there.sync.contact.identifier, there.sync.contact.custom) == ("custom", "professionalEmail")


def test_company_conditions_keep_the_other_settings_of_companies() -> None:
    wide = _set("sync.company.any_domain_extension", "true")
    custom = _set("sync.company.custom", "domain or companyLinkedInUrl", wide)
    assert custom.sync.company.any_domain_extension
    assert custom.sync.company.custom == AnyOf(any=("domain", "companyLinkedInUrl"))


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("sync.contact.identifer", "x", "sync.contact.identifier"),
        ("sync.contact.identifier", "linkedin", "'linkedin_or_name_company'"),
        ("sync.contact.identifier", "custom", "sync.contact.custom="),
        ("sync.company.any_domain_extension", "maybe", "either on or off"),
        ("fields.contacts.association", "primry", "'primary'"),
        ("sync.contact.custom", "firstNam", "'firstName'"),
        ("users.users.", "7", "no setting"),
        ("format", "2", "no setting"),
    ],
)
def test_what_cannot_be_set_is_told_with_what_can(path: str, text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        _set(path, text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("firstName", "firstName"),
        ("firstName AND lastName", AllOf(all=("firstName", "lastName"))),
        ("firstName & lastName|domain", AnyOf(any=(AllOf(all=("firstName", "lastName")), "domain"))),
        ("firstName and (lastName or domain)", AllOf(all=("firstName", AnyOf(any=("lastName", "domain"))))),
        ("((firstName))", "firstName"),
    ],
)
def test_conditions_are_read_as_people_write_them(text: str, tree: Tree) -> None:
    assert parse_conditions(text, FIELDS) == tree
    assert parse_conditions(conditions_text(tree), FIELDS) == tree


@pytest.mark.parametrize("text", ["", "AND", "firstName AND", "firstName lastName", "(firstName", "firstName)", "()"])
def test_conditions_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        parse_conditions(text, FIELDS)


def test_a_row_of_the_same_source_keeps_what_is_not_given_and_takes_further_values() -> None:
    source = FromHub(hub="industry")
    setup = put_row(CrmSetup(), CONTACT, "industry", source, mode=Mode.OFF, values={"a": "A"})
    setup = put_row(setup, CONTACT, "city", FromHub(hub="city"))
    setup = put_row(setup, CONTACT, "industry", source, blank=Blank.CLEAR, values={"b": None})
    first, second = setup.fields.contacts.rows
    assert (first.mode, first.blank, first.values) == (Mode.OFF, Blank.CLEAR, {"a": "A", "b": None})
    assert second.crm == "city"


def test_a_row_keeps_its_conflict_policy_until_another_is_given() -> None:
    source = FromHub(hub="city")
    setup = put_row(CrmSetup(), CONTACT, "city", source)
    assert setup.fields.contacts.rows[0].conflict is ConflictPolicy.NEWEST
    setup = put_row(setup, CONTACT, "city", source, conflict=ConflictPolicy.REVIEW)
    assert put_row(setup, CONTACT, "city", source).fields.contacts.rows[0].conflict is ConflictPolicy.REVIEW


def test_a_row_of_another_source_is_made_anew_in_its_place() -> None:
    setup = put_row(CrmSetup(), CONTACT, "industry", FromHub(hub="industry"), mode=Mode.OFF, values={"a": "A"})
    [row] = put_row(setup, CONTACT, "industry", Fixed(fixed="x")).fields.contacts.rows
    assert (row.source, row.mode, row.values) == (Fixed(fixed="x"), Mode.BIDIRECTIONAL, {})


def test_a_field_is_mapped_once_however_often_it_was_there_inactive() -> None:
    setup = put_row(CrmSetup(), CONTACT, "city", FromHub(hub="city"), active=False)
    twice = setup.fields.contacts.rows * 2
    setup = CrmSetup.model_validate({"fields": {"contacts": {"rows": [row.model_dump() for row in twice]}}})
    [row] = put_row(setup, CONTACT, "city", FromHub(hub="location")).fields.contacts.rows
    assert (row.hub_field, row.active) == ("location", True)


def test_a_second_engagement_field_is_refused() -> None:
    setup = put_row(CrmSetup(), CONTACT, "a", Engagement(engagement="yes"))
    with pytest.raises(BadInput, match="only one engagement field"):
        put_row(setup, CONTACT, "b", Engagement(engagement="yes"))


def test_a_row_is_removed_by_its_crm_field() -> None:
    setup = put_row(CrmSetup(), CONTACT, "city", FromHub(hub="city"))
    assert drop_row(setup, CONTACT, "city").fields.contacts.rows == ()
    with pytest.raises(UnknownName, match="'city'"):
        drop_row(setup, CONTACT, "citty")

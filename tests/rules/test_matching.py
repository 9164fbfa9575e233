import random
from itertools import product
from typing import Any

import pytest

from hub_core.errors import SetupInvalid
from hub_core.model.fields import STANDARD_FIELDS, FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.model.setup import (
    AllOf,
    AnyOf,
    CompanyIdentifier,
    CompanyMatch,
    ContactIdentifier,
    ContactMatch,
    FromHub,
    ObjectMapping,
    Row,
    SyncStep,
    Tree,
)
from hub_core.rules.matching import (
    Ambiguous,
    Candidate,
    Matched,
    MatchRule,
    Unmatched,
    compared_fields,
    compile_rule,
    crm_keys,
    decide,
    explain,
    hub_keys,
)
from hub_core.rules.normalise import company_name, linkedin_person, person_name

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
MAPPING = {
    "firstName": "firstname",
    "lastName": "lastname",
    "companyName": "company",
    "linkedInProfileUrl": "linkedin",
    "professionalEmail": "email",
    "personalEmails": "emails",
    "domain": "domain",
    "name": "name",
}
ANN = {"firstName": "Ann", "lastName": "Lee", "companyName": "Acme GmbH"}
CRM_ANN = {"firstname": "ANN", "lastname": " lee ", "company": "acme"}


def contact(tree: Tree) -> MatchRule:
    return compile_rule(SyncStep(contact=ContactMatch(identifier=ContactIdentifier.CUSTOM, custom=tree)), CONTACT)


def company(**options: Any) -> MatchRule:
    return compile_rule(SyncStep(company=CompanyMatch(**options)), COMPANY)


def groups(rule: MatchRule) -> list[set[str]]:
    return [{part.field for part in clause.parts} for clause in rule.clauses]


def matches(rule: MatchRule, hub: dict[str, Any], crm: dict[str, Any]) -> bool:
    by_keys = bool(set(hub_keys(rule)(hub)) & set(crm_keys(rule, MAPPING)(crm)))
    assert by_keys == bool(explain(rule, hub, crm, MAPPING))
    return by_keys


# Compiling


def test_the_presets_are_the_options_of_step_1() -> None:
    names = {"firstName", "lastName", "companyName"}
    only_names = SyncStep(contact=ContactMatch(identifier=ContactIdentifier.NAME_COMPANY))
    assert groups(compile_rule(only_names, CONTACT)) == [names]
    assert groups(compile_rule(SyncStep(), CONTACT)) == [{"linkedInProfileUrl"}, names]
    assert groups(company()) == [{"domain"}]
    assert groups(company(identifier=CompanyIdentifier.DOMAIN_OR_NAME)) == [{"domain"}, {"name"}]


def test_a_tree_becomes_an_or_of_ands_in_the_order_it_was_written() -> None:
    tree = AllOf(all=("lastName", AnyOf(any=("firstName", AllOf(all=("companyName", "domain"))))))
    assert groups(contact(tree)) == [{"lastName", "firstName"}, {"lastName", "companyName", "domain"}]


def test_an_alternative_that_another_one_implies_is_left_out() -> None:
    tree = AnyOf(any=(AllOf(all=("firstName", "lastName", "firstName")), "firstName", AllOf(all=("firstName",))))
    assert groups(contact(tree)) == [{"firstName"}]


def test_too_many_alternatives_are_refused_before_they_are_multiplied_out() -> None:
    fields = [name for name, field in STANDARD_FIELDS[CONTACT].items() if field.type is FieldType.TEXT]
    pairs = [AnyOf(any=(a, b)) for a, b in zip(fields[::2], fields[1::2], strict=False)]
    with pytest.raises(SetupInvalid, match="16 alternatives"):
        contact(AllOf(all=(*pairs, *pairs, *(AnyOf(any=tuple(fields)),) * 9)))


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(SetupInvalid, match="shoeSize"):
        contact("shoeSize")


def test_a_custom_field_identifies_by_its_type() -> None:
    own = HubField("work", "Work e-mail", FieldType.EMAIL, CONTACT, custom=True)
    step = SyncStep(contact=ContactMatch(identifier=ContactIdentifier.CUSTOM, custom="work"))
    rule = compile_rule(step, CONTACT, {"work": own})
    assert hub_keys(rule)({"work": "A@X.com"}) == hub_keys(rule)({"work": " a@x.com"}) != []


def test_the_fingerprint_changes_with_whatever_changes_the_keys() -> None:
    rules = [company(), company(any_domain_extension=True), company(identifier=CompanyIdentifier.DOMAIN_OR_NAME)]
    assert len({rule.fingerprint for rule in rules}) == 3
    assert rules[0].crm_fingerprint({"domain": "domain"}) != rules[0].crm_fingerprint({"domain": "website"})
    assert company().fingerprint == rules[0].fingerprint


def test_the_compared_crm_field_is_the_first_active_row_of_step_2() -> None:
    rows = (
        Row(source=FromHub(hub="domain"), crm="old", active=False),
        Row(source=FromHub(hub="domain"), crm="first"),
        Row(source=FromHub(hub="domain"), crm="second"),
    )
    assert compared_fields(ObjectMapping(rows=rows)) == {"domain": "first"}


def test_a_clause_with_an_unmapped_field_is_named_and_matches_nothing() -> None:
    rule = compile_rule(SyncStep(), CONTACT)
    mapping = {field: crm for field, crm in MAPPING.items() if field != "companyName"}
    assert rule.unmapped(mapping) == ("First name + Last name + Company name",)
    assert rule.crm_fields(mapping) == ("linkedin",)
    assert crm_keys(rule, mapping)(CRM_ANN) == []
    assert explain(rule, ANN, CRM_ANN, mapping) == ()


# Keys


def test_spelling_makes_no_difference() -> None:
    rule = compile_rule(SyncStep(), CONTACT)
    assert matches(rule, ANN, CRM_ANN)
    assert matches(
        rule, {"linkedInProfileUrl": "http://de.linkedin.com/in/Ann-Lee?x=1"}, {"linkedin": "linkedin.com/in/ann-lee/"}
    )


@pytest.mark.parametrize("blank", ["", "  ", "!!", None])
def test_a_blank_part_gives_no_key(blank: str | None) -> None:
    rule = compile_rule(SyncStep(), CONTACT)
    values = {**ANN, "companyName": blank}
    assert hub_keys(rule)(values) == []
    assert not matches(rule, values, {**CRM_ANN, "company": blank})


def test_one_of_several_values_is_enough() -> None:
    rule = contact("personalEmails")
    assert matches(rule, {"personalEmails": ["a@x.com", "B@x.com"]}, {"emails": "c@x.com; b@x.com"})
    assert matches(rule, {"personalEmails": ["a@x.com"]}, {"emails": ["a@x.com"]})
    assert not matches(rule, {"personalEmails": ["a@x.com"]}, {"emails": "c@x.com"})


def test_each_combination_of_several_values_has_a_key_up_to_a_bound() -> None:
    rule = contact(AllOf(all=("personalEmails", "phones")))
    mails, phones = [f"a{n}@x.com" for n in range(3)], [f"+49 30 12345{n}" for n in range(2)]
    assert len(set(hub_keys(rule)({"personalEmails": mails, "phones": phones}))) == 6
    many = {"personalEmails": [f"a{n}@x.com" for n in range(50)], "phones": [f"+49 30 1234{n:03}" for n in range(50)]}
    assert len(hub_keys(rule)(many)) == 64


def test_two_clauses_never_share_a_key() -> None:
    rule = contact(AnyOf(any=("firstName", "lastName", "city", "region")))
    keys = hub_keys(rule)({"firstName": "paris", "lastName": "paris", "city": "paris", "region": "paris"})
    assert len({key for _, key in keys}) == 4


def test_numbers_and_booleans_are_compared_as_the_crm_holds_them() -> None:
    rule = contact(AllOf(all=("numberOfConnections", "isUnsubscribed")))
    mapping = {"numberOfConnections": "n", "isUnsubscribed": "b"}
    ours = hub_keys(rule)({"numberOfConnections": 500, "isUnsubscribed": True})
    assert ours == crm_keys(rule, mapping)({"n": "500", "b": "true"}) != []


def test_any_domain_extension_makes_them_equal_and_the_match_weak() -> None:
    ours, theirs = {"domain": "enginy.ai"}, {"domain": "https://www.enginy.es/home"}
    assert not matches(company(), ours, theirs)
    assert matches(company(any_domain_extension=True), ours, theirs)
    (hit,) = explain(company(any_domain_extension=True), ours, theirs, MAPPING)
    assert hit.weak


# Answers


def test_an_explanation_names_the_clause_and_the_normalised_values() -> None:
    (hit,) = explain(compile_rule(SyncStep(), CONTACT), ANN, CRM_ANN, MAPPING)
    assert hit.clause == "First name + Last name + Company name"
    assert hit.on == (("firstName", "ann"), ("lastName", "lee"), ("companyName", "acme"))


def test_one_record_found_twice_is_one_match_and_two_records_are_nobodys() -> None:
    assert decide([]) == Unmatched()
    assert decide([Candidate("1"), Candidate("1")]) == Matched(Candidate("1"))
    assert decide([Candidate("1"), Candidate("2")]) == Ambiguous((Candidate("1"), Candidate("2")))


def test_keys_agree_with_comparing_every_pair_on_thousands_of_noisy_records() -> None:
    """The oracle compares normalised values pair by pair and knows nothing of keys, clauses or plans."""
    chance = random.Random(7)
    rule = compile_rule(SyncStep(), CONTACT)

    def noisy(text: str) -> str:
        return chance.choice([text, text.upper(), f" {text} ", text.replace("e", "é"), text.replace(" ", "  ")])

    def person() -> tuple[str, str, str, str]:
        return (
            chance.choice(["ann", "bob", "søren", "王伟", ""]),
            chance.choice([f"lee {n}" for n in range(12)]),
            chance.choice(["acme", "acme two", "globex", ""]),
            chance.choice(["", "", f"https://www.linkedin.com/in/p-{chance.randrange(150)}"]),
        )

    def side(names: list[str], count: int) -> list[dict[str, str]]:
        return [
            {name: noisy(text) if "linkedin" not in text else text for name, text in zip(names, person(), strict=True)}
            for _ in range(count)
        ]

    hub = side(["firstName", "lastName", "companyName", "linkedInProfileUrl"], 900)
    crm = side(["firstname", "lastname", "company", "linkedin"], 700)

    def name_of(record: dict[str, str], fields: tuple[str, str, str]) -> tuple[str, ...]:
        first, last, firm = (record[field] for field in fields)
        return person_name(first), person_name(last), company_name(firm)

    def same(ours: dict[str, str], theirs: dict[str, str]) -> bool:
        slug = linkedin_person(ours["linkedInProfileUrl"])
        name = name_of(ours, ("firstName", "lastName", "companyName"))
        return bool(slug and slug == linkedin_person(theirs["linkedin"])) or bool(
            all(name) and name == name_of(theirs, ("firstname", "lastname", "company"))
        )

    expected = {(i, j) for (i, a), (j, b) in product(enumerate(hub), enumerate(crm)) if same(a, b)}
    make_hub, make_crm = hub_keys(rule), crm_keys(rule, MAPPING)
    by_key: dict[tuple[int, int], list[int]] = {}
    for j, record in enumerate(crm):
        for key in make_crm(record):
            by_key.setdefault(key, []).append(j)
    found = {(i, j) for i, record in enumerate(hub) for key in make_hub(record) for j in by_key.get(key, ())}
    assert found == expected
    assert len(expected) > 1000

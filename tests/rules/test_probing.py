from dataclasses import replace
from typing import Any

from hub_core.manifest import CrmTraits
from hub_core.model.records import Comparison, Condition, RecordKind
from hub_core.model.setup import CompanyIdentifier, CompanyMatch, SyncStep
from hub_core.rules.matching import compile_rule
from hub_core.rules.probing import RouteKind, choose_route, probe_calls, probe_groups

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
MAPPING = {
    "firstName": "firstname",
    "lastName": "lastname",
    "companyName": "company",
    "linkedInProfileUrl": "linkedin",
    "domain": "domain",
    "name": "name",
}
BOTH = frozenset(Comparison)
EQUALS = frozenset({Comparison.EQUALS})
TRAITS = CrmTraits(page=100, read_batch=100, probe_size=5, probe_values=40, comparisons=BOTH)
RULE = compile_rule(SyncStep(), CONTACT)


def contact(number: int) -> dict[str, Any]:
    return {
        "firstName": "Søren",
        "lastName": f"Lee {number}",
        "companyName": "Acme GmbH",
        "linkedInProfileUrl": f"https://linkedin.com/in/Lee-{number}",
    }


def test_a_name_is_searched_for_as_written_and_folded_and_its_company_is_left_to_the_comparison() -> None:
    (_, group) = probe_groups(RULE, MAPPING, [contact(1)], BOTH)
    assert group == (Condition("firstname", ("Søren", "soren")), Condition("lastname", ("Lee 1", "lee 1")))


def test_one_field_clauses_share_one_condition() -> None:
    shared, *groups = probe_groups(RULE, MAPPING, [contact(1), contact(2)], BOTH)
    assert shared == (Condition("linkedin", ("lee-1", "lee-2"), Comparison.TOKEN),)
    assert len(groups) == 2


def test_without_words_to_search_for_a_profile_is_searched_for_in_its_usual_forms() -> None:
    (shared, _) = probe_groups(RULE, MAPPING, [contact(1)], EQUALS)
    assert {"https://www.linkedin.com/in/lee-1", "https://linkedin.com/in/Lee-1", "linkedin.com/in/lee-1/"} <= set(
        shared[0].values
    )


def test_any_extension_searches_for_words_that_begin_with_the_label() -> None:
    rule = compile_rule(SyncStep(company=CompanyMatch(any_domain_extension=True)), COMPANY)
    assert probe_groups(rule, MAPPING, [{"domain": "enginy.co.uk"}], BOTH) == (
        (Condition("domain", ("enginy*",), Comparison.TOKEN),),
    )
    (only,) = probe_groups(rule, MAPPING, [{"domain": "enginy.co.uk"}], EQUALS)
    assert "enginy.co.uk" in only[0].values


def test_what_cannot_be_compared_or_is_not_mapped_is_not_searched_for() -> None:
    assert probe_groups(RULE, MAPPING, [{"firstName": "Ann", "lastName": "Lee"}, {}], BOTH) == ()
    assert probe_groups(RULE, {}, [contact(1)], BOTH) == ()


def test_equal_searches_are_made_once() -> None:
    assert len(probe_groups(RULE, MAPPING, [contact(1), contact(1)], BOTH)) == 2


def test_calls_are_counted_by_values_for_one_field_and_by_groups_otherwise() -> None:
    values = (Condition("email", tuple(str(n) for n in range(81))),)
    pair = (Condition("a", ("1",)), Condition("b", ("2", "3")))
    words = (Condition("c", ("x", "y", "z"), Comparison.TOKEN),)
    assert probe_calls([values], TRAITS) == 3
    assert probe_calls([pair] * 6, TRAITS) == 2
    assert probe_calls([values, pair, words], TRAITS) == 4


# The way to match


def route(records: int, linked: int = 0, *, size: int | None = None, fresh: bool = False, **more: Any) -> Any:
    options = {"traits": TRAITS, "rule": RULE, "mapping": MAPPING, **more}
    return choose_route(records, linked, mirror_size=size, mirror_fresh=fresh, **options)


def test_a_fresh_copy_needs_no_call() -> None:
    assert route(1_000_000, size=5, fresh=True).kind is RouteKind.MIRROR
    assert route(1_000_000, size=5, fresh=True).calls == 0


def test_few_records_are_searched_for_and_many_are_matched_with_the_copy() -> None:
    few, many = route(10, crm_size=1_000_000), route(1_000_000, crm_size=1_000_000)
    assert (few.kind, few.calls) == (RouteKind.PROBES, 4)
    assert (many.kind, many.calls) == (RouteKind.MIRROR, 10_000)
    assert "10,000 calls" in few.reason
    assert "4 calls" in few.reason


def test_bringing_a_copy_up_to_date_competes_with_searching() -> None:
    assert route(100, size=10_000).kind is RouteKind.MIRROR
    assert route(1, size=100_000).kind is RouteKind.PROBES


def test_linked_records_are_read_by_id_unless_the_copy_is_cheaper() -> None:
    assert (route(50, 50).kind, route(50, 50).calls) == (RouteKind.LINKS, 1)
    assert route(100_000, 100_000, size=10_000).kind is RouteKind.MIRROR
    assert route(100, 99).calls == 2


def test_with_no_identifier_mapped_only_links_count() -> None:
    answer = route(10, 3, mapping={})
    assert answer.kind is RouteKind.LINKS
    assert "No identifier" in answer.reason


def test_a_crm_that_cannot_be_searched_is_copied() -> None:
    unable = replace(TRAITS, comparisons=frozenset[Comparison]())
    assert route(1, traits=unable).kind is RouteKind.MIRROR


def test_the_estimate_is_what_the_search_takes() -> None:
    rule = compile_rule(SyncStep(company=CompanyMatch(identifier=CompanyIdentifier.DOMAIN_OR_NAME)), COMPANY)
    for made, records in ((RULE, [contact(n) for n in range(333)]), (rule, [{"domain": "a.de", "name": "A"}])):
        actual = probe_calls(probe_groups(made, MAPPING, records, BOTH), TRAITS)
        assert route(len(records), rule=made, crm_size=10**9).calls >= actual

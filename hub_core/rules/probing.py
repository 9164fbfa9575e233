"""Asking a CRM for possible matches: what to search for, how many calls that takes, and whether it is worth it.

A search may find more than what matches, because the values are compared again; what it must not do is cost much. The
other way to match is against the mirror, the local copy, which costs what reading the CRM's records costs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any, TypeAlias

from hub_core.manifest import CrmTraits
from hub_core.model.records import Comparison, Condition
from hub_core.rules.matching import Clause, FieldMap, MatchRule, Part, texts_of
from hub_core.rules.normalise import NORMALISERS, domain

Group: TypeAlias = tuple[Condition, ...]

#: Records that a CRM of unknown size is taken to have: reading it all is then 500 calls of 100.
UNKNOWN_SIZE = 50_000


# --- what to search for ------------------------------------------------------------------------------------------


def probe_groups(
    rule: MatchRule, mapping: FieldMap, records: Iterable[Mapping[str, Any]], comparisons: Collection[Comparison]
) -> tuple[Group, ...]:
    """Groups for a `Probe` that find what ``records`` (values of hub records) match, as far as a search can.

    Clauses of one field share one condition with every record's values; others give a group a record. A record whose
    value cannot be compared gives none.
    """
    clauses = rule.on(mapping)
    shared: dict[tuple[str, Comparison], dict[str, None]] = {}
    groups: dict[Group, None] = {}
    for values in records:
        for clause in clauses:
            group = _group(clause, values, mapping, comparisons)
            if len(group) == 1:
                only = group[0]
                shared.setdefault((only.field, only.comparison), {}).update(dict.fromkeys(only.values))
            elif group:
                groups[group] = None
    together = [(Condition(field, tuple(values), how),) for (field, how), values in shared.items()]
    return (*together, *groups)


def probe_calls(groups: Iterable[Group], traits: CrmTraits) -> int:
    """API calls that a search for ``groups`` takes, if nobody has more than a page of namesakes."""
    calls = single = 0
    for group in groups:
        match group:
            case (Condition(comparison=Comparison.EQUALS, values=values),):
                calls += ceil(len(values) / traits.probe_values)
            case (Condition(values=words),):
                single += len(words)
            case _:
                single += 1
    return calls + ceil(single / traits.probe_size)


def _group(clause: Clause, values: Mapping[str, Any], mapping: FieldMap, comparisons: Collection[Comparison]) -> Group:
    """The conditions under which a CRM record may match by this clause; () when none can."""
    conditions: list[Condition] = []
    for part in clause.parts:
        raw = texts_of(part, values.get(part.field))
        normal = {text: key for text in raw if (key := NORMALISERS[part.normaliser](text))}
        if not normal:
            return ()
        if part in _asked(clause):
            conditions.append(_condition(part, normal, mapping[part.field], comparisons))
    return tuple(conditions)


def _asked(clause: Clause) -> Sequence[Part]:
    """The parts that are searched for. A company's name is written in too many ways to be searched for exactly, so it
    is left to the comparison that follows, where two other parts (a first and a last name) narrow the search enough."""
    others = [part for part in clause.parts if part.normaliser != "company_name"]
    return others if len(others) >= 2 else clause.parts


def _condition(part: Part, normal: Mapping[str, str], crm_field: str, comparisons: Collection[Comparison]) -> Condition:
    """``normal``: the record's own texts -> what they normalise to."""
    token = _TOKENS.get(part.normaliser)
    if token is not None and Comparison.TOKEN in comparisons:
        found = [token(key) for key in normal.values()]
        return Condition(crm_field, tuple(dict.fromkeys(found)), Comparison.TOKEN)
    forms = _FORMS.get(part.normaliser, _either)
    return Condition(crm_field, tuple(dict.fromkeys(form for text, key in normal.items() for form in forms(text, key))))


def _either(text: str, key: str) -> tuple[str, ...]:
    return (text.strip(), key)


def _profile(path: str) -> Callable[[str, str], tuple[str, ...]]:
    def forms(text: str, key: str) -> tuple[str, ...]:
        host = f"linkedin.com/{path}/{key}"
        urls = (f"https://www.{host}", f"https://{host}", f"http://www.{host}", f"www.{host}", host)
        return (text.strip(), *urls, *(f"{url}/" for url in urls))

    return forms


def _domain_forms(text: str, key: str) -> tuple[str, ...]:
    del key  # with any extension it is the bare label, which no CRM holds
    own = domain(text)
    return (text.strip(), own, f"www.{own}", f"https://{own}", f"https://www.{own}")


#: How vendors' fields hold what a normaliser makes equal. Searches do not distinguish letter case.
_FORMS: dict[str, Callable[[str, str], tuple[str, ...]]] = {
    "linkedin_person": _profile("in"),
    "linkedin_company": _profile("company"),
    "domain": _domain_forms,
    "domain_label": _domain_forms,
}
#: What is one word within the CRM's value, where words can be searched for.
_TOKENS: dict[str, Callable[[str], str]] = {
    "linkedin_person": str,
    "linkedin_company": str,
    "domain_label": lambda label: f"{label}*",
}


# --- the way to match --------------------------------------------------------------------------------------------


class RouteKind(StrEnum):
    """By the links alone, by searching the CRM, or against the local copy of the CRM."""

    LINKS = "links"
    PROBES = "probes"
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True)
class Route:
    """How records are matched, what that takes in API calls (as far as can be told before), and why, as a sentence."""

    kind: RouteKind
    calls: int
    reason: str


def choose_route(
    n_records: int,
    n_linked: int,
    *,
    mirror_size: int | None,
    mirror_fresh: bool,
    traits: CrmTraits,
    rule: MatchRule,
    mapping: FieldMap,
    crm_size: int | None = None,
) -> Route:
    """The way with the fewest API calls; the local copy where they are equal, because it finds every spelling.

    ``n_linked`` of the ``n_records`` are linked already: their CRM records are read by id. ``mirror_size``: how many
    records a complete local copy holds, None when there is none. ``crm_size``: how many the CRM has, if known.
    """
    plural, wanted, clauses = rule.kind.plural, n_records - n_linked, rule.on(mapping)
    if mirror_size is not None and mirror_fresh:
        return Route(RouteKind.MIRROR, 0, f"Matched with the fresh local copy of {mirror_size:,} {plural} (no call).")
    reading, how = _reading(plural, traits, mirror_size, crm_size)
    by_id = ceil(n_linked / traits.read_batch)
    if wanted == 0 or not clauses:
        why = "They are all linked" if wanted == 0 else "No identifier is mapped to a CRM field"
        if by_id <= reading:
            return Route(RouteKind.LINKS, by_id, f"{why}: the {n_linked:,} linked ones are read ({_calls(by_id)}).")
        return Route(RouteKind.MIRROR, reading, f"{why}; matched by {how}.")
    if not traits.comparisons:
        return Route(RouteKind.MIRROR, reading, f"The CRM cannot be searched; matched by {how}.")
    search = by_id + _search_calls(wanted, traits, clauses)
    searched = f"searching for {wanted:,} (about {_calls(search)})"
    if search < reading:
        return Route(RouteKind.PROBES, search, f"Matched by {searched} rather than by {how}.")
    return Route(RouteKind.MIRROR, reading, f"Matched by {how} rather than by {searched}.")


def _reading(plural: str, traits: CrmTraits, mirror_size: int | None, crm_size: int | None) -> tuple[int, str]:
    """API calls to have the local copy complete and up to date, and how to say it."""
    if mirror_size is not None:
        # A hundredth of the records changed since the last reading: a guess that is high for any but the busiest CRM.
        calls = 1 + ceil(mirror_size / traits.page / 100)
        return calls, f"updating the local copy of {mirror_size:,} {plural} (about {_calls(calls)})"
    calls = max(1, ceil((UNKNOWN_SIZE if crm_size is None else crm_size) / traits.page))
    if crm_size is None:
        return calls, f"reading all {plural}, however many there are"
    return calls, f"reading all {crm_size:,} {plural} (about {_calls(calls)})"


def _calls(number: int) -> str:
    return "1 call" if number == 1 else f"{number:,} calls"


def _search_calls(wanted: int, traits: CrmTraits, clauses: Iterable[Clause]) -> int:
    """As `probe_calls`, before the records are looked at: each has each field once."""
    calls = single = 0
    for clause in clauses:
        part = clause.parts[0]
        if len(_asked(clause)) > 1 or (part.normaliser in _TOKENS and Comparison.TOKEN in traits.comparisons):
            single += wanted
        else:
            forms = len(_FORMS.get(part.normaliser, _either)("a.example", "a"))
            calls += ceil(wanted * forms / traits.probe_values)
    return calls + ceil(single / traits.probe_size)

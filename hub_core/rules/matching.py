"""When a hub record and a CRM record are the same: the identifiers of step 1 as OR-of-ANDs over normalised values.

A rule is compiled once (`compile_rule`). Then each side gets a function that turns a record's values into 64-bit keys,
one per clause and combination of values (`hub_keys`, `crm_keys`): records with a key in common are candidates. Keys are
all but proof, so `explain` compares the values themselves. More than one candidate is never picked from (`decide`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias

from hub_core.errors import SetupInvalid
from hub_core.model.fields import STANDARD_FIELDS, FieldType, HubField
from hub_core.model.records import CrmValue, HubValue, RecordKind
from hub_core.model.setup import AllOf, CompanyIdentifier, ContactIdentifier, ObjectMapping, SyncStep, Tree
from hub_core.rules.normalise import NORMALISERS, key64

MAX_CLAUSES = 16
MAX_KEYS = 64  # of one record and clause: a record with ten e-mails and ten phones is no reason for more
_VERSION = "1"  # raise it when a normaliser changes its answers: stored keys are then made again

#: Gives (clause number, key) for each key of one record.
Keys: TypeAlias = "Callable[[Mapping[str, Any]], list[tuple[int, int]]]"
#: hub field id -> CRM field id
FieldMap: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One compared hub field. ``several``: the field holds a list, so a text is taken apart at ; , | and line ends."""

    field: str
    label: str
    normaliser: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """All parts are equal. ``number`` is its place in the rule, ``name`` what people read."""

    number: int
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return " + ".join(part.label for part in self.parts)

    @property
    def weak(self) -> bool:
        """Whether strangers may share it: delta.com and delta.ai are both "delta"."""
        return all(part.normaliser == "domain_label" for part in self.parts)

    @property
    def salt(self) -> int:
        """Mixed into the clause's keys, so that a name never meets a domain of the same letters."""
        return key64(tuple(f"{part.normaliser}:{part.field}" for part in self.parts)) or 0


@dataclass(frozen=True, slots=True)
class MatchRule:
    """At least one clause holds. ``fingerprint`` changes whenever the keys would."""

    kind: RecordKind
    clauses: tuple[Clause, ...]

    @property
    def fingerprint(self) -> str:
        clauses = "|".join(
            "&".join(f"{part.field}:{part.normaliser}:{part.several:d}" for part in clause.parts)
            for clause in self.clauses
        )
        return f"{_VERSION}|{self.kind}|{clauses}"

    @property
    def identifying(self) -> frozenset[str]:
        """The hub fields that it reads."""
        return frozenset(part.field for clause in self.clauses for part in clause.parts)

    def on(self, mapping: FieldMap) -> tuple[Clause, ...]:
        """The clauses that can match: all of their fields have a CRM field."""
        return tuple(clause for clause in self.clauses if all(part.field in mapping for part in clause.parts))

    def unmapped(self, mapping: FieldMap) -> tuple[str, ...]:
        """The names of the clauses that cannot match, because a field of theirs has no CRM field."""
        able = {clause.number for clause in self.on(mapping)}
        return tuple(clause.name for clause in self.clauses if clause.number not in able)

    def crm_fields(self, mapping: FieldMap) -> tuple[str, ...]:
        """The ids of the CRM fields that it reads, in order of first use."""
        return tuple(dict.fromkeys(mapping[part.field] for clause in self.on(mapping) for part in clause.parts))

    def crm_fingerprint(self, mapping: FieldMap) -> str:
        """As ``fingerprint``, for the keys of the CRM's side."""
        compared = ",".join(f"{field}={mapping.get(field, '')}" for field in sorted(self.identifying))
        return f"{self.fingerprint}|{compared}"


# --- compiling ---------------------------------------------------------------------------------------------------

_BY_FIELD = {
    "firstName": "person_name",
    "lastName": "person_name",
    "fullName": "person_name",
    "companyName": "company_name",
    "linkedInProfileUrl": "linkedin_person",
    "companyLinkedInUrl": "linkedin_company",
    "domain": "domain",
    "website": "domain",
    "personalEmails": "email",
    "phones": "phone",
}
_BY_TYPE = {FieldType.EMAIL: "email", FieldType.PHONE: "phone", FieldType.URL: "url"}

_NAME_COMPANY = ("firstName", "lastName", "companyName")
_CONTACT: dict[ContactIdentifier, tuple[tuple[str, ...], ...]] = {
    ContactIdentifier.NAME_COMPANY: (_NAME_COMPANY,),
    ContactIdentifier.LINKEDIN_OR_NAME_COMPANY: (("linkedInProfileUrl",), _NAME_COMPANY),
}
_COMPANY: dict[CompanyIdentifier, tuple[tuple[str, ...], ...]] = {
    CompanyIdentifier.DOMAIN: (("domain",),),
    CompanyIdentifier.DOMAIN_OR_NAME: (("domain",), ("name",)),
}


def compile_rule(sync: SyncStep, kind: RecordKind, fields: Mapping[str, HubField] | None = None) -> MatchRule:
    """The rule of step 1 for ``kind``. ``fields`` are the workspace's fields, needed when custom ones identify.

    Raises `SetupInvalid` when a field is unknown or the conditions multiply to more than `MAX_CLAUSES` alternatives.
    """
    known = STANDARD_FIELDS[kind] if fields is None else fields
    if kind is RecordKind.CONTACT:
        custom, any_extension = sync.contact.custom, False
        preset = _CONTACT.get(sync.contact.identifier, ())
    else:
        custom, any_extension = sync.company.custom, sync.company.any_domain_extension
        preset = _COMPANY.get(sync.company.identifier, ())
    groups = preset if custom is None else _without_repeats(_groups(custom))
    clauses = (tuple(_part(known, kind, field, any_extension) for field in group) for group in groups)
    return MatchRule(kind, tuple(Clause(number, parts) for number, parts in enumerate(clauses)))


def _groups(tree: Tree) -> list[tuple[str, ...]]:
    """The tree as OR-of-ANDs, in the order in which people wrote it."""
    if isinstance(tree, str):
        return [(tree,)]
    if isinstance(tree, AllOf):
        groups: list[tuple[str, ...]] = [()]
        for child in tree.all:
            groups = _few([(*left, *right) for left, right in product(groups, _groups(child))])
        return groups
    return _few([group for child in tree.any for group in _groups(child)])


def _few(groups: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    groups = _without_repeats(groups)
    if len(groups) > MAX_CLAUSES:
        raise SetupInvalid(
            f"The identifier's conditions amount to more than {MAX_CLAUSES} alternatives.",
            fix="Use fewer ORs inside ANDs in step 1.",
        )
    return groups


def _without_repeats(groups: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Each field once in a group, each group once, and no group that another one implies: A or (A and B) is A."""
    unique = {frozenset(group): tuple(dict.fromkeys(group)) for group in reversed(list(groups))}
    kept = [group for fields, group in unique.items() if not any(other < fields for other in unique)]
    return kept[::-1]


def _part(known: Mapping[str, HubField], kind: RecordKind, field: str, any_extension: bool) -> Part:
    hub_field = known.get(field) or STANDARD_FIELDS[kind].get(field)
    if hub_field is None:
        raise SetupInvalid(
            f"Step 1 identifies {kind.plural} by {field!r}, which is not a field of theirs.",
            fix="Choose another field, or create it first (hub fields).",
        )
    several = hub_field.type in (FieldType.LIST, FieldType.MULTI_CHOICE)
    if kind is RecordKind.COMPANY and field == "name":
        normaliser = "company_name"
    else:
        normaliser = _BY_FIELD.get(field) or _BY_TYPE.get(hub_field.type, "exact")
    if normaliser == "domain" and any_extension:
        normaliser = "domain_label"
    return Part(field, hub_field.label, normaliser, several)


def compared_fields(mapping: ObjectMapping) -> dict[str, str]:
    """Hub field id -> the CRM field it is compared with: its first active row of step 2, whatever the row's mode."""
    compared: dict[str, str] = {}
    for row in mapping.rows:
        if row.active and row.hub_field:
            compared.setdefault(row.hub_field, row.crm)
    return compared


# --- keys --------------------------------------------------------------------------------------------------------


def hub_keys(rule: MatchRule) -> Keys:
    """The keys of a hub record's values."""
    return _keys(rule.clauses, {field: field for field in rule.identifying})


def crm_keys(rule: MatchRule, mapping: FieldMap) -> Keys:
    """The keys of a CRM record's values; equal to those of a hub record that matches it."""
    return _keys(rule.on(mapping), mapping)


def _remembering(normaliser: str) -> Callable[[str], str]:
    """A company's name is dear to normalise, and its people come in numbers."""
    normalise = NORMALISERS[normaliser]
    return lru_cache(32_768)(normalise) if normaliser == "company_name" else normalise


def _keys(clauses: Sequence[Clause], mapping: FieldMap) -> Keys:
    plan = tuple(
        (
            clause,
            clause.number,
            clause.salt,
            tuple((mapping[part.field], _remembering(part.normaliser), part.several) for part in clause.parts),
        )
        for clause in clauses
    )

    def keys(values: Mapping[str, Any]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for clause, number, salt, parts in plan:
            normal: list[str] = []
            for field, normalise, several in parts:
                value = values.get(field)
                if value is None:
                    break
                if several or value.__class__ is not str:
                    for combination in _combinations(clause, values, mapping):
                        key = key64(combination)
                        if key is not None:
                            found.append((number, key ^ salt))
                    break
                text = normalise(value)
                if not text:
                    break
                normal.append(text)
            else:
                key = key64(tuple(normal))
                if key is not None:
                    found.append((number, key ^ salt))
        return found

    return keys


_SEPARATORS = re.compile(r"[;,|\n]")


def texts_of(part: Part, value: object) -> list[str]:
    """The values of one field as text, on either side; a field of several holds them in a list or in one text."""
    if isinstance(value, str):
        return _SEPARATORS.split(value) if part.several else [value]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]  # pyright: ignore[reportUnknownVariableType]
    return []


def _combinations(clause: Clause, values: Mapping[str, Any], mapping: FieldMap) -> list[tuple[str, ...]]:
    """Every combination of normalised values of the clause's fields, at most `MAX_KEYS`."""
    each: list[list[str]] = []
    for part in clause.parts:
        normal = map(NORMALISERS[part.normaliser], texts_of(part, values.get(mapping[part.field])))
        each.append([text for text in dict.fromkeys(normal) if text])
    return [combination for combination, _ in zip(product(*each), range(MAX_KEYS), strict=False)]


# --- answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """A clause that holds, and the normalised values that are equal, by hub field."""

    clause: str
    on: tuple[tuple[str, str], ...]
    weak: bool = False


def explain(
    rule: MatchRule, hub_values: Mapping[str, HubValue], crm_values: Mapping[str, CrmValue], mapping: FieldMap
) -> tuple[Hit, ...]:
    """Why the two records match, on the values themselves; () when they do not."""
    same = {field: field for field in rule.identifying}
    hits: list[Hit] = []
    for clause in rule.on(mapping):
        theirs = set(_combinations(clause, crm_values, mapping))
        equal = next((mine for mine in _combinations(clause, hub_values, same) if mine in theirs), None)
        if equal is not None:
            on = tuple((part.field, text) for part, text in zip(clause.parts, equal, strict=True))
            hits.append(Hit(clause.name, on, clause.weak))
    return tuple(hits)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A CRM record that matches, and why; ``hits`` is empty when a link says so."""

    crm_id: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmatched:
    """No CRM record matches."""


@dataclass(frozen=True, slots=True)
class Matched:
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several match; a person decides."""

    candidates: tuple[Candidate, ...]


MatchResult: TypeAlias = Unmatched | Matched | Ambiguous


def decide(candidates: Iterable[Candidate]) -> MatchResult:
    """One candidate is the match, however many clauses found it; several are for a person to decide."""
    unique: dict[str, Candidate] = {}
    for candidate in candidates:
        unique.setdefault(candidate.crm_id, candidate)
    match tuple(unique.values()):
        case ():
            return Unmatched()
        case (only,):
            return Matched(only)
        case several:
            return Ambiguous(several)

"""Association types and the links between records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HUBSPOT, USER = "HUBSPOT_DEFINED", "USER_DEFINED"

# from, to, type id, type id of the other direction
PLAIN = (
    ("contacts", "companies", 279, 280),
    ("contacts", "deals", 4, 3),
    ("deals", "companies", 341, 342),
    ("contacts", "contacts", 449, 449),
    ("leads", "contacts", 608, 607),
    ("leads", "companies", 610, 609),
    ("leads", "tasks", 646, 645),
    ("leads", "notes", 854, 853),
    ("leads", "emails", 598, 597),
    ("leads", "communications", 602, 601),
    ("tasks", "contacts", 204, 203),
    ("tasks", "companies", 192, 191),
    ("tasks", "deals", 216, 215),
    ("notes", "contacts", 202, 201),
    ("notes", "companies", 190, 189),
    ("notes", "deals", 214, 213),
    ("emails", "contacts", 198, 197),
    ("emails", "companies", 186, 185),
    ("emails", "deals", 210, 209),
    ("communications", "contacts", 81, 82),
    ("communications", "companies", 87, 88),
    ("communications", "deals", 85, 86),
    ("calls", "contacts", 194, 193),
    ("calls", "companies", 182, 181),
    ("calls", "deals", 206, 205),
    ("meetings", "contacts", 200, 199),
    ("meetings", "companies", 188, 187),
    ("meetings", "deals", 212, 211),
)
# The side named first has at most one primary; the label differs per direction.
PRIMARY = (
    ("contacts", "companies", 1, 2, "Contact with Primary Company"),
    ("deals", "companies", 5, 6, "Deal with Primary Company"),
    ("leads", "contacts", 578, 579, "Lead with Primary Contact"),
)
CUSTOM = (
    ("contacts", "companies", 36, 37, "Decision maker", "Decision maker"),
    ("contacts", "companies", 38, 39, "Billing contact", "Invoiced company"),
)
PRIMARY_CONTACT_OF_LEAD = 578

Pair = tuple[str, str]
Labels = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One kind of link, in one direction."""

    source: str
    target: str
    type_id: int
    inverse_id: int
    label: str | None = None
    category: str = HUBSPOT
    primary: bool = False
    owns_primary: bool = False
    """Whether the source side is the one that has only one primary."""

    @property
    def plain(self) -> bool:
        """The unlabelled kind, which every linked pair has."""
        return self.label is None

    def wire(self) -> dict[str, object]:
        """The type as associations and labels show it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


class Graph:
    """All links. Each is kept in both directions: (from, to) -> from id -> to id -> type ids."""

    def __init__(self) -> None:
        self.links: dict[Pair, dict[int, dict[int, set[int]]]] = {}
        self.types: dict[Pair, dict[int, AssociationType]] = {}
        self.plain: dict[Pair, AssociationType] = {}
        self._next_custom = 101
        for source, target, here, there in PLAIN:
            self._define((source, target), (here, there), (None, None), HUBSPOT)
        for source, target, here, there, label in PRIMARY:
            self._define((source, target), (here, there), ("Primary", label), HUBSPOT)
        for source, target, here, there, label, inverse in CUSTOM:
            self._define((source, target), (here, there), (label, inverse), USER)

    def define_label(self, source: str, target: str, label: str, inverse: str | None) -> list[AssociationType]:
        """A new custom label between two types; one label in both directions unless `inverse` names another."""
        here = there = self._next_custom
        if inverse or source != target:
            there += 1
        self._next_custom = there + 1
        return self._define((source, target), (here, there), (label, inverse or label), USER)

    def between(self, source: str, target: str) -> dict[int, AssociationType]:
        """The types which links from `source` to `target` may have; empty when they cannot be linked."""
        return self.types.get((source, target), {})

    def targets(self, source: str, source_id: int, target: str) -> dict[int, set[int]]:
        """Linked ids with the type ids of their links."""
        return self.links.get((source, target), {}).get(source_id, {})

    def connect(self, source: str, source_id: int, target: str, target_id: int, type_ids: Iterable[int]) -> None:
        """Link two records. Every link is plain too, and a new primary takes the place of the old one."""
        kinds = self.between(source, target)
        added = {*type_ids, self.plain[source, target].type_id}
        for type_id in added:
            if kinds[type_id].primary:
                self._demote(kinds[type_id], source_id, target_id)
        self._side(source, source_id, target).setdefault(target_id, set()).update(added)
        self._side(target, target_id, source).setdefault(source_id, set()).update(
            kinds[type_id].inverse_id for type_id in added
        )

    def disconnect(self, source: str, source_id: int, target: str, target_id: int) -> bool:
        """Remove every link of a pair. Returns whether there was one."""
        found = self._side(source, source_id, target).pop(target_id, None) is not None
        self._side(target, target_id, source).pop(source_id, None)
        return found

    def unlabel(self, source: str, source_id: int, target: str, target_id: int, type_ids: Iterable[int]) -> None:
        """Take labels off a pair. Taking off the plain type removes the pair altogether."""
        doomed = set(type_ids)
        if self.plain[source, target].type_id in doomed:
            self.disconnect(source, source_id, target, target_id)
            return
        kinds = self.between(source, target)
        self.targets(source, source_id, target).get(target_id, set()).difference_update(doomed)
        self.targets(target, target_id, source).get(source_id, set()).difference_update(
            kinds[type_id].inverse_id for type_id in doomed
        )

    def custom_labels(self, source: str, source_id: int, target: str, target_id: int) -> set[int]:
        """The custom type ids which a pair has."""
        kinds = self.between(source, target)
        present = self.targets(source, source_id, target).get(target_id, set())
        return {type_id for type_id in present if kinds[type_id].category == USER}

    def neighbours(self, source: str, source_id: int) -> Iterator[tuple[str, int, set[int]]]:
        """Every record linked to one, with the type ids from its side."""
        for (here, target), by_source in self.links.items():
            if here == source:
                for target_id, type_ids in by_source.get(source_id, {}).items():
                    yield target, target_id, type_ids

    def remove(self, source: str, source_id: int) -> None:
        """Remove every link of a record."""
        for target, target_id, _ in list(self.neighbours(source, source_id)):
            self.disconnect(source, source_id, target, target_id)

    def primary(self, source: str, source_id: int, target: str) -> int | None:
        """The id linked as primary, if any."""
        kinds = self.between(source, target)
        for target_id, type_ids in self.targets(source, source_id, target).items():
            if any(kinds[type_id].primary for type_id in type_ids):
                return target_id
        return None

    def _demote(self, kind: AssociationType, source_id: int, target_id: int) -> None:
        source, target, here, there = kind.source, kind.target, kind.type_id, kind.inverse_id
        if not kind.owns_primary:
            source, target, here, there = target, source, there, here
            source_id, target_id = target_id, source_id
        for other, type_ids in self.targets(source, source_id, target).items():
            if other != target_id and here in type_ids:
                type_ids.discard(here)
                self.targets(target, other, source)[source_id].discard(there)

    def _side(self, source: str, source_id: int, target: str) -> dict[int, set[int]]:
        return self.links.setdefault((source, target), {}).setdefault(source_id, {})

    def _define(self, pair: Pair, ids: tuple[int, int], labels: Labels, category: str) -> list[AssociationType]:
        (source, target), (here, there), (label, inverse) = pair, ids, labels
        primary = category == HUBSPOT and label is not None
        both = [
            AssociationType(source, target, here, there, label, category, primary, primary),
            AssociationType(target, source, there, here, inverse, category, primary, False),
        ]
        for kind in both:
            self.types.setdefault((kind.source, kind.target), {})[kind.type_id] = kind
            if kind.plain:
                self.plain[kind.source, kind.target] = kind
        return both

"""The records of the account, in memory.

A record is a plain dict of its non-empty properties. A write replaces the dict and never changes it in
place, so the search index can keep showing the old one until its lag has passed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping

from hub_hubspot.simulator.index import SearchIndex
from hub_hubspot.simulator.schema import Property
from hub_hubspot.simulator.schema_others import OBJECT_TYPES, SCHEMAS, ObjectType
from hub_hubspot.simulator.values import epoch_ms, iso

Record = dict[str, str]


class Table:
    """All records of one object type."""

    def __init__(self, kind: ObjectType, properties: Iterable[Property]) -> None:
        self.kind = kind
        self.name = kind.name
        self.schema: dict[str, Property] = {one.name: one for one in properties}
        self.live: dict[int, Record] = {}
        self.order: list[int] = []  # ids of `live`, ascending: a page is a slice
        self.archived: dict[int, tuple[Record, str]] = {}  # record and when it was archived
        self.merged_into: dict[int, int] = {}
        self.index = SearchIndex(self.schema)
        self.keys: dict[str, dict[str, int]] = {}  # property -> value -> id
        self.next_id = kind.first_id
        for name in self._keyed():
            self.keys[name] = {}

    def _keyed(self) -> Iterator[str]:
        yield from (one.name for one in self.schema.values() if one.unique or one.email)
        if self.name == "companies":
            yield "domain"

    def new_id(self) -> int:
        """The next record id. Ids of different types never coincide."""
        self.next_id += 1
        return self.next_id - 1

    def resolve(self, record_id: int) -> int:
        """The id which answers for this one: a merged record is answered by the winner."""
        while record_id in self.merged_into:
            record_id = self.merged_into[record_id]
        return record_id

    def identifies(self, name: str) -> bool:
        """Whether a property can stand in for the id: unique ones, and the e-mail of contacts."""
        prop = self.schema.get(name)
        return prop is not None and (prop.unique or prop.email)

    def find(self, name: str, value: str) -> int | None:
        """The live record which has this value of a unique property."""
        return self.keys[name].get(value.lower())

    def put(self, record_id: int, record: Record) -> None:
        """Create or replace a live record (the search index is told apart)."""
        old = self.live.get(record_id)
        if old is not None:
            self._unkey(record_id, old)
        elif not self.order or record_id > self.order[-1]:
            self.order.append(record_id)
        else:
            insort(self.order, record_id)
        self.live[record_id] = record
        for name, taken in self.keys.items():
            for value in key_values(name, record):
                taken.setdefault(value, record_id)

    def take(self, record_id: int) -> Record:
        """Remove a live record from everything that reads live records."""
        record = self.live.pop(record_id)
        del self.order[bisect_left(self.order, record_id)]
        self._unkey(record_id, record)
        self.index.drop(record_id)
        return record

    def archive(self, record_id: int, now_ms: int) -> None:
        """Move a live record to the recycle bin."""
        self.archived[record_id] = (self.take(record_id), iso(now_ms))

    def add_property(self, prop: Property) -> None:
        """Define a property (again)."""
        self.schema[prop.name] = prop
        self.index.forget(prop.name)
        if prop.unique:
            self.keys.setdefault(prop.name, {})

    def stamped(self, record: Record, now_ms: int) -> Record:
        """The record with a modification time, always later than the one before."""
        before = record.get(self.kind.modified)
        record[self.kind.modified] = iso(max(now_ms, epoch_ms(before) + 1) if before else now_ms)
        return record

    def _unkey(self, record_id: int, record: Record) -> None:
        for name, taken in self.keys.items():
            for value in key_values(name, record):
                if taken.get(value) == record_id:
                    del taken[value]


def key_values(name: str, record: Mapping[str, str]) -> Iterator[str]:
    """The values under which a record is found by a unique property (or by a company's domains)."""
    if value := record.get(name):
        yield value.lower()
    also = {"email": "hs_additional_emails", "domain": "hs_additional_domains"}.get(name)
    if also and (more := record.get(also)):
        yield from (one for one in more.lower().split(";") if one)


def new_tables() -> dict[str, Table]:
    """One table per object type, under its plural name, its singular name and its type id."""
    tables: dict[str, Table] = {}
    for kind in OBJECT_TYPES:
        table = Table(kind, SCHEMAS[kind.name])
        for alias in (kind.name, kind.singular, kind.type_id):
            tables[alias] = table
    return tables

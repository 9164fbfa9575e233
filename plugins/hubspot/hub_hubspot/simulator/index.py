"""What search sees: the records as they were some seconds ago, with indexes which are built when first used."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from typing import Any

from hub_hubspot.simulator.schema import Property

Record = Mapping[str, str]
TOKEN = re.compile(r"\w+")
NUMERIC = frozenset({"number"})
CASED = frozenset({"enumeration", "bool", "date", "datetime"})
KEPT_RESULTS = 32


def tokens(text: str) -> list[str]:
    """The words of a text, lower case, split at everything that is not a letter, digit or underscore."""
    return TOKEN.findall(text.lower())


def comparable(prop: Property, value: str) -> str | float:
    """A stored value in the form in which search compares it."""
    if prop.type in NUMERIC:
        try:
            return float(value)
        except ValueError:
            return float("nan")
    if prop.type in CASED and not prop.owner:
        return value
    return value.lower()


class SearchIndex:
    """The searchable state of one object type."""

    def __init__(self, schema: Mapping[str, Property]) -> None:
        self._schema = schema
        self.seen: dict[int, Record] = {}
        self.order: list[int] = []
        self._pending: deque[tuple[float, int, Record]] = deque()
        self._by_value: dict[str, dict[str | float, set[int]]] = {}
        self._by_token: dict[str, dict[str, set[int]]] = {}
        self._results: OrderedDict[Hashable, list[int]] = OrderedDict()

    def write(self, now: float, record_id: int, record: Record) -> None:
        """Note a new state; it is seen once `refresh` finds it old enough."""
        self._pending.append((now, record_id, record))

    def waiting(self) -> bool:
        """Whether there are states which nobody sees yet."""
        return bool(self._pending)

    def refresh(self, now: float, lag: float, live: Container[int]) -> None:
        """Let everything be seen that was written at least `lag` seconds ago."""
        pending = self._pending
        while pending and pending[0][0] + lag <= now:
            _, record_id, record = pending.popleft()
            if record_id in live:
                self.show(record_id, record)

    def show(self, record_id: int, record: Record) -> None:
        """Make a state visible now."""
        self._results.clear()
        old = self.seen.get(record_id)
        if old is None:
            if not self.order or record_id > self.order[-1]:
                self.order.append(record_id)
            else:
                insort(self.order, record_id)
        self.seen[record_id] = record
        self._reindex(record_id, old, record)

    def drop(self, record_id: int) -> None:
        """Forget a record at once: an archived one is never found."""
        old = self.seen.pop(record_id, None)
        if old is not None:
            self._results.clear()
            del self.order[bisect_left(self.order, record_id)]
            self._reindex(record_id, old, None)

    def forget(self, name: str) -> None:
        """Drop the indexes of a property whose definition changed."""
        self._by_value.pop(name, None)
        self._by_token.pop(name, None)
        self._results.clear()

    def with_value(self, prop: Property) -> dict[str | float, set[int]]:
        """Comparable value -> ids. Built on first use, kept up to date after that."""
        if prop.name not in self._by_value:
            built: dict[str | float, set[int]] = {}
            for record_id, record in self.seen.items():
                for key in _value_keys(prop, record):
                    built.setdefault(key, set()).add(record_id)
            self._by_value[prop.name] = built
        return self._by_value[prop.name]

    def with_token(self, prop: Property) -> dict[str, set[int]]:
        """Word -> ids. Built on first use, kept up to date after that."""
        if prop.name not in self._by_token:
            built: dict[str, set[int]] = {}
            for record_id, record in self.seen.items():
                for token in tokens(record.get(prop.name, "")):
                    built.setdefault(token, set()).add(record_id)
            self._by_token[prop.name] = built
        return self._by_token[prop.name]

    def result(self, question: Hashable, find: Callable[[], list[int]]) -> list[int]:
        """The ids for a question, found once and kept until something becomes visible."""
        known = self._results.get(question)
        if known is None:
            known = self._results[question] = find()
            if len(self._results) > KEPT_RESULTS:
                self._results.popitem(last=False)
        return known

    def _reindex(self, record_id: int, old: Record | None, new: Record | None) -> None:
        for name, by_value in self._by_value.items():
            prop = self._schema[name]
            _move(by_value, record_id, _value_keys(prop, old), _value_keys(prop, new))
        for name, by_token in self._by_token.items():
            before, after = (tokens(one.get(name, "")) if one else [] for one in (old, new))
            _move(by_token, record_id, before, after)


def _value_keys(prop: Property, record: Record | None) -> list[str | float]:
    value = record.get(prop.name) if record else None
    return [comparable(prop, value)] if value else []


def _move(index: dict[Any, set[int]], record_id: int, before: Sequence[Any], after: Sequence[Any]) -> None:
    if before == after:
        return
    for key in before:
        if found := index.get(key):
            found.discard(record_id)
    for key in after:
        index.setdefault(key, set()).add(record_id)

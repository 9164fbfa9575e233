"""A probe -> the bodies of the fewest searches that ask all of it. Pure.

One search takes 5 groups (any of them), 6 filters a group (all of them), 18 filters in all, 3,000 characters.
https://developers.hubspot.com/docs/api-reference/search/guide
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

from hub_core.plugin import Comparison, Condition, CrmType, FieldInfo, Probe

Filter: TypeAlias = dict[str, Any]
Group: TypeAlias = tuple[Filter, ...]

PAGE = 200
MAX_RESULTS = 10_000
MAX_GROUPS = 5
MAX_GROUP_FILTERS = 6
MAX_FILTERS = 18
MAX_VALUES = 100
MAX_BODY = 2_950  # of 3,000: the page mark grows from "0" to "9800"
MAX_HEAD = 1_500

_EXACT = frozenset({CrmType.CHOICE, CrmType.MULTI_CHOICE, CrmType.REFERENCE})


def size(part: object) -> int:
    """Bytes of the part as compact JSON: never less than its characters."""
    return len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode())


def body(groups: Sequence[Group], names: Sequence[str], *, limit: int = PAGE, sort: str = "") -> dict[str, Any]:
    """One search; the specification marks every key as required."""
    return {
        "filterGroups": [{"filters": list(group)} for group in groups],
        "properties": list(names),
        "sorts": [{"propertyName": sort, "direction": "ASCENDING"}] if sort else [],
        "limit": limit,
        "after": "0",
    }


def searches(probe: Probe) -> list[dict[str, Any]]:
    """The bodies, page by page still to be followed.

    Where the names of the wanted fields leave no room for filters, the bodies ask for ids alone.
    """
    names = [field.id for field in probe.fields]
    if size(body((), names)) > MAX_HEAD:
        names = []
    room = MAX_BODY - size(body((), names))
    groups = _groups(probe.any_of, {field.id: field for field in probe.fields}, room)
    return [body(packed, names) for packed in _packed(groups, room)]


def _groups(any_of: Sequence[Sequence[Condition]], fields: Mapping[str, FieldInfo], room: int) -> Iterator[Group]:
    """All alternatives. Groups of one field's equal values become one list of values."""
    values: dict[str, dict[str, None]] = {}
    for group in any_of:
        if len(group) == 1 and group[0].comparison is Comparison.EQUALS:
            values.setdefault(group[0].field, {}).update(dict.fromkeys(group[0].values))
            continue
        # Leaving the seventh condition out finds more, never less; core compares all of them again.
        asked = group[:MAX_GROUP_FILTERS]
        yield from product(*(_filters(one, fields.get(one.field), room // len(asked)) for one in asked))
    for field, wanted in values.items():
        yield from ((one,) for one in _filters(Condition(field, tuple(wanted)), fields.get(field), room))


def _filters(condition: Condition, field: FieldInfo | None, room: int) -> list[Filter]:
    """The alternatives of one condition, each below ``room`` where its values allow it."""
    name, values = condition.field, [value for value in condition.values if value.strip()]
    if condition.comparison is Comparison.TOKEN:
        return [{"propertyName": name, "operator": "CONTAINS_TOKEN", "value": value} for value in values]
    if len(values) == 1:
        return [{"propertyName": name, "operator": "EQ", "value": values[0]}]
    # A list of values is compared with the lower-cased property, except for options, which keep their case.
    if field is None or field.type not in _EXACT:
        values = list(dict.fromkeys(value.lower() for value in values))
    empty = {"propertyName": name, "operator": "IN", "values": []}
    return [{**empty, "values": chunk} for chunk in _chunks(values, room - size([{"filters": [empty]}]))]


def _chunks(values: Sequence[str], room: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    left = room
    for value in values:
        taken = size(value) + 1
        if chunk and (taken > left or len(chunk) == MAX_VALUES):
            yield chunk
            chunk, left = [], room
        chunk.append(value)
        left -= taken
    if chunk:
        yield chunk


def _packed(groups: Iterator[Group], room: int) -> Iterator[list[Group]]:
    packed: list[Group] = []
    filters, left = 0, room
    for group in groups:
        taken = size({"filters": group}) + 1
        if taken > room:
            continue  # a value longer than a search may be: the vendor cannot find it
        if packed and (len(packed) == MAX_GROUPS or filters + len(group) > MAX_FILTERS or taken > left):
            yield packed
            packed, filters, left = [], 0, room
        packed.append(group)
        filters, left = filters + len(group), left - taken
    if packed:
        yield packed

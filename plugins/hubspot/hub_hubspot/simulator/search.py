"""Search: filters, operators, order and limits of the vendor, on the index which lags behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from hub_hubspot.simulator import views
from hub_hubspot.simulator.errors import bad_request
from hub_hubspot.simulator.index import comparable, tokens
from hub_hubspot.simulator.request import Answer, Request, fields, numeric, route
from hub_hubspot.simulator.schema import Property
from hub_hubspot.simulator.store import Table
from hub_hubspot.simulator.values import Refused, date_value, datetime_value, number

MAX_BODY, MAX_QUERY = 3000, 3000
MAX_GROUPS, MAX_FILTERS, MAX_ALL_FILTERS = 5, 6, 18
MAX_PAGE, MAX_RESULTS = 200, 10_000

Test = Callable[[Mapping[str, str]], bool]
# Operator -> the keys which it needs beside propertyName and operator.
OPERATORS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("EQ", "NEQ", "LT", "LTE", "GT", "GTE"), frozenset({"value"})),
    **dict.fromkeys(("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"), frozenset({"value"})),
    **dict.fromkeys(("IN", "NOT_IN"), frozenset({"values"})),
    **dict.fromkeys(("HAS_PROPERTY", "NOT_HAS_PROPERTY"), frozenset[str]()),
    "BETWEEN": frozenset({"value", "highValue"}),
}


def search(request: Request) -> Answer:
    """A page of the records which match one of the groups and the query."""
    table, account = request.table(), request.account
    body = fields(
        request.body, filterGroups="list", sorts="list", query="text", properties="strings", limit="whole", after="any"
    )
    limit, start = _page(body)
    account_now = account.now()
    table.index.refresh(account_now, account.settings.search_lag, table.live)
    question = orjson.dumps([body.get(name) for name in ("filterGroups", "sorts", "query")])
    # Associations change without the index noticing, so such a question is asked anew each time.
    if b"associations." in question:
        ids = _find(request, table, body)
    else:
        ids = table.index.result(question, lambda: _find(request, table, body))
    names = views.wanted(request, table, body.get("properties", []))
    seen = table.index.seen
    answer: dict[str, Any] = {
        "total": len(ids),
        "results": [views.found(table, seen[one], names) for one in ids[start : start + limit]],  # type: ignore[arg-type]
    }
    if len(ids) > start + limit:
        answer["paging"] = {"next": {"after": str(start + limit)}}
    return Answer(200, answer)


def check_size(raw: bytes) -> None:
    """Refuse a search body of more than 3000 characters."""
    if len(raw) > MAX_BODY and len(raw.decode("utf-8", "replace")) > MAX_BODY:
        raise bad_request(f"The request body is over the limit of {MAX_BODY} characters.")


def _page(body: Mapping[str, Any]) -> tuple[int, int]:
    limit, after = body.get("limit", 10), str(body.get("after") or "0")
    if not 1 <= limit <= MAX_PAGE:
        raise bad_request(f"limit must be between 1 and {MAX_PAGE}", limit=[str(limit)])
    if not numeric(after):
        raise bad_request(f"after must be a number: {after}", after=[after])
    if int(after) + limit > MAX_RESULTS:
        raise bad_request(f"Paging past {MAX_RESULTS} results is not possible.", after=[after])
    return limit, int(after)


def _find(request: Request, table: Table, body: Mapping[str, Any]) -> list[int]:
    groups = [_group(one) for one in body.get("filterGroups", [])]
    if len(groups) > MAX_GROUPS:
        raise bad_request(f"At most {MAX_GROUPS} filterGroups are allowed, got {len(groups)}.")
    if sum(map(len, groups)) > MAX_ALL_FILTERS:
        raise bad_request(f"At most {MAX_ALL_FILTERS} filters are allowed in all.")
    order = _order(table, body.get("sorts", []))
    ids: Iterable[int] = table.index.order
    if groups:
        ids = sorted(set[int]().union(*(_matching(request, table, group) for group in groups)))
    if query := body.get("query", ""):
        if len(query) > MAX_QUERY:
            raise bad_request(f"query is over the limit of {MAX_QUERY} characters.")
        words, seen = query.lower().split(), table.index.seen
        ids = [one for one in ids if _mentions(seen[one], table.kind.searched, words)]
    return order(ids)


def _group(group: Any) -> list[dict[str, Any]]:
    filters = fields(group, "filterGroups", filters="list!")["filters"]
    if len(filters) > MAX_FILTERS:
        raise bad_request(f"At most {MAX_FILTERS} filters are allowed in a group, got {len(filters)}.")
    for one in filters:
        fields(one, "filters", propertyName="text!", operator="text!", value="text", highValue="text", values="strings")
        needed = OPERATORS.get(one["operator"])
        if needed is None:
            raise bad_request(f"Unknown operator {one['operator']}", operator=[one["operator"]])
        if lacking := sorted(needed - one.keys()) or [name for name in needed if not one[name]]:
            raise bad_request(f"Operator {one['operator']} needs {lacking}", operator=[one["operator"]])
    return filters


def _matching(request: Request, table: Table, filters: list[dict[str, Any]]) -> set[int]:
    """The ids which pass every filter: the smallest set an index can give, then one test after the other."""
    seen = table.index.seen
    candidates: set[int] | None = None
    tests: list[Test] = []
    for one in filters:
        indexed = _indexed(request, table, one)
        if indexed is None:
            tests.append(_test(_property(table, one["propertyName"]), one))
        else:
            candidates = indexed if candidates is None else candidates & indexed
    if candidates is None:
        candidates = set(table.index.order)
    for test in tests:
        candidates = {one for one in candidates if test(seen[one])}
    return candidates


def _indexed(request: Request, table: Table, one: Mapping[str, Any]) -> set[int] | None:
    """The ids for a filter which an index answers exactly, else None."""
    operator, name = one["operator"], one["propertyName"]
    if name.startswith("associations."):
        return _associated(request, table, one)
    prop = _property(table, name)
    if operator == "EQ":
        return table.index.with_value(prop).get(_wanted(prop, one["value"]), set())
    if operator == "IN" and not prop.multiple:
        by_value = table.index.with_value(prop)
        return set[int]().union(*(by_value.get(key, ()) for key in _listed(prop, one["values"])))
    if operator == "CONTAINS_TOKEN" and "*" not in one["value"]:
        words = tokens(one["value"])
        by_token = table.index.with_token(prop)
        sets = sorted((by_token.get(word, set[int]()) for word in words), key=len)
        both = sets[0].intersection(*sets[1:]) if sets else set[int]()
        if len(words) < 2:
            return set(both)
        seen = table.index.seen
        return {found for found in both if _in_sequence(words, tokens(seen[found][name]))}
    return None


def _associated(request: Request, table: Table, one: Mapping[str, Any]) -> set[int]:
    target = request.account.table(one["propertyName"].removeprefix("associations."))
    if one["operator"] not in ("EQ", "IN"):
        raise bad_request("Associations can be searched with EQ and IN only.", operator=[one["operator"]])
    values = one["values"] if one["operator"] == "IN" else [one["value"]]
    graph = request.account.graph
    linked = set[int]().union(
        *(graph.targets(target.name, int(value), table.name) for value in values if numeric(value))
    )
    return linked & table.index.seen.keys()


def _property(table: Table, name: str) -> Property:
    prop = table.schema.get(name)
    if prop is None or prop.archived:
        raise bad_request(f'Property "{name}" does not exist', propertyName=[name])
    return prop


def _wanted(prop: Property, value: str) -> str | float:
    """A value of a filter in comparable form; 400 when its type does not fit."""
    try:
        if prop.type == "number":
            return number(value)
        if prop.type == "datetime":
            return datetime_value(value)
        if prop.type == "date":
            return date_value(value)
    except Refused as refused:
        raise bad_request(refused.message, propertyName=[prop.name]) from refused
    return comparable(prop, value)


def _listed(prop: Property, values: list[str]) -> set[str | float]:
    """The values of IN. Those of strings are compared as they stand with lower-case records."""
    if prop.type in ("string", "phone_number"):
        return set(values)
    return {_wanted(prop, value) for value in values}


def _test(prop: Property, one: Mapping[str, Any]) -> Test:
    """The predicate of one filter. A record without a value passes NOT_HAS_PROPERTY only."""
    name, operator = prop.name, one["operator"]
    if operator == "HAS_PROPERTY":
        return lambda record: name in record
    if operator == "NOT_HAS_PROPERTY":
        return lambda record: name not in record
    passes = _value_test(prop, operator, one)
    return lambda record: name in record and passes(record[name])


def _value_test(prop: Property, operator: str, one: Mapping[str, Any]) -> Callable[[str], bool]:
    if operator in ("IN", "NOT_IN"):
        listed, negate = _listed(prop, one["values"]), operator == "NOT_IN"
        if prop.multiple:
            return lambda value: listed.isdisjoint(value.split(";")) == negate
        return lambda value: (comparable(prop, value) not in listed) == negate
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        contains, negate = _token_test(one["value"]), operator == "NOT_CONTAINS_TOKEN"
        return lambda value: contains(value) != negate
    low: Any = _wanted(prop, one["value"])
    high: Any = _wanted(prop, one["highValue"]) if operator == "BETWEEN" else None
    compare: dict[str, Callable[[Any], bool]] = {
        "NEQ": lambda value: value != low,
        "LT": lambda value: value < low,
        "LTE": lambda value: value <= low,
        "GT": lambda value: value > low,
        "GTE": lambda value: value >= low,
        "BETWEEN": lambda value: low <= value <= high,
    }
    passes = compare[operator]
    return lambda value: passes(comparable(prop, value))


def _token_test(pattern: str) -> Callable[[str], bool]:
    """Whole words only, in sequence; with `*`, a match of one whole word or one blank-separated part."""
    if "*" not in pattern:
        words = tokens(pattern)
        return lambda value: _in_sequence(words, tokens(value))
    match = re.compile(".*".join(map(re.escape, pattern.lower().split("*")))).fullmatch
    return lambda value: any(match(part) for part in (*value.lower().split(), *tokens(value)))


def _in_sequence(words: list[str], among: list[str]) -> bool:
    size = len(words)
    return size > 0 and any(among[at : at + size] == words for at in range(len(among) - size + 1))


def _mentions(record: Mapping[str, str], names: Iterable[str], words: list[str]) -> bool:
    text = "\n".join(record.get(name, "") for name in names).lower()
    return all(word in text for word in words)


def _order(table: Table, sorts: list[Any]) -> Callable[[Iterable[int]], list[int]]:
    """One sort at most; without one, the oldest record comes first. Records without a value come last."""
    if not sorts:
        return list
    if len(sorts) > 1:
        raise bad_request("Only one sort is allowed.")
    name, down = _sort(sorts[0])
    prop, seen = _property(table, name), table.index.seen

    def order(ids: Iterable[int]) -> list[int]:
        with_value, without = list[int](), list[int]()
        for one in ids:
            (with_value if name in seen[one] else without).append(one)
        with_value.sort(key=lambda one: comparable(prop, seen[one][name]), reverse=down)
        return with_value + without

    return order


def _sort(sort: Any) -> tuple[str, bool]:
    if isinstance(sort, str):
        return sort.removeprefix("-"), sort.startswith("-")
    fields(sort, "sorts", propertyName="text!", direction="text")
    direction = sort.get("direction", "ASCENDING")
    if direction not in ("ASCENDING", "DESCENDING"):
        raise bad_request(f"Unknown direction {direction}", direction=[direction])
    return sort["propertyName"], direction == "DESCENDING"


ROUTES = (route("POST", "objects", "{type}/search", search, bucket="search"),)

"""One request as the handlers see it, one answer as they give it, and the strict reading of bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.errors import ApiError, bad_request, not_found
from hub_hubspot.simulator.limits import Token
from hub_hubspot.simulator.store import Table

DATED = frozenset({"2025-09", "2026-03", "2026-09"})
NEWEST = "2026-09"
# Versions whose batch answers keep 200/201 although some rows failed: the specification lists no 207 there.
ONE_SUCCESS_CODE = frozenset({"2025-09", "2026-09"})


class Answer(NamedTuple):
    """Status and JSON body; a None body sends none. `headers` are added to the usual ones."""

    status: int
    body: Any = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(slots=True)
class Request:
    """A request that passed authentication, limits and the check of its parameters."""

    account: Account
    version: str
    token: Token
    path: tuple[str, ...]
    """The variable parts of the path, in order."""
    query: Mapping[str, list[str]]
    body: Any
    url: str
    """Scheme, host and path, without the query: paging links start with it."""
    now: float = field(default=0.0)

    def table(self, part: int = 0) -> Table:
        """The table which a part of the path names."""
        return self.account.table(self.path[part])

    def one(self, name: str, default: str = "") -> str:
        """A query parameter which is given at most once."""
        return self.query.get(name, [default])[0]

    def many(self, name: str) -> list[str]:
        """A list parameter: comma-separated, repeated, or both."""
        return [part.strip() for given in self.query.get(name, ()) for part in given.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """A boolean parameter in any case (the vendor's own library sends `False`), false when absent."""
        value = self.one(name, "false").lower()
        if value not in ("true", "false"):
            raise bad_request(f"{name} must be true or false", **{name: [value]})
        return value == "true"

    def whole(self, name: str, default: int, maximum: int) -> int:
        """A positive whole number up to a maximum."""
        given = self.one(name, str(default))
        if not numeric(given) or not 1 <= int(given) <= maximum:
            raise bad_request(f"{name} must be between 1 and {maximum}", **{name: [given]})
        return int(given)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: where it lives, what it accepts, what it needs."""

    method: str
    area: str
    pattern: str
    """Path after the area and version, such as `{type}/{id}`."""
    handler: Callable[[Request], Answer]
    query: frozenset[str] = frozenset()
    write: bool = False
    scope: str = "objects"
    bucket: str = "general"
    versions: frozenset[str] = DATED | {"v3"}


def route(method: str, area: str, pattern: str, handler: Callable[[Request], Answer], **more: Any) -> Route:
    """A route; `query` is given as a string of names."""
    return Route(method, area, pattern, handler, frozenset(more.pop("query", "").split()), **more)


KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "id": (str,),
    "list": (list,),
    "map": (dict,),
    "strings": (list,),
    "whole": (int,),
    "flag": (bool,),
    "any": (object,),
}


def fields(body: Any, where: str = "body", **kinds: str) -> dict[str, Any]:
    """Check an object of a body: only these keys, of these kinds; a kind ending in `!` is required.

    `properties="properties"` must map names to strings: numbers and booleans are refused, as all values
    are strings on the wire.
    """
    if not isinstance(body, dict):
        raise bad_request(f"Invalid input JSON: {where} must be an object")
    for key, value in body.items():
        kind = kinds.get(key)
        if kind is None:
            raise bad_request(f"Invalid input JSON: unrecognized field {key!r} in {where}", unrecognized=[str(key)])
        _check_kind(key, value, kind.removesuffix("!"))
    for key, kind in kinds.items():
        if kind.endswith("!") and key not in body:
            raise bad_request(f"Invalid input JSON: some required fields were not set: [{key}]", missing=[key])
    return body


def _check_kind(key: str, value: Any, kind: str) -> None:
    if kind == "properties":
        fine = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    elif kind == "strings":
        fine = isinstance(value, list) and all(isinstance(one, str) for one in value)
    elif kind == "whole":
        fine = isinstance(value, int) and not isinstance(value, bool)
    else:
        fine = isinstance(value, KINDS[kind])
    if not fine:
        raise bad_request(f"Invalid input JSON: cannot read {key!r} as {kind}", invalid=[key])


def inputs(request: Request, maximum: int, **more: str) -> list[Any]:
    """The `inputs` of a batch body, not empty and not too many."""
    rows = fields(request.body, inputs="list!", **more)["inputs"]
    if not rows:
        raise bad_request("inputs must not be empty")
    if len(rows) > maximum:
        raise bad_request(f"The number of inputs is over the limit: {len(rows)} > {maximum}")
    return rows


def numeric(text: str) -> bool:
    """Whether a text is a plain number which fits an id or a cursor."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def record_id(text: str) -> int:
    """An id from the wire. What is no number names no record."""
    if not numeric(text):
        raise not_found(f"Object not found. objectId are usually numeric: {text}")
    return int(text)


def live_id(table: Table, text: str) -> int:
    """The live record behind an id, also through a merge; 404 otherwise."""
    found = table.resolve(record_id(text))
    if found not in table.live:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND", context={"ids": [text]})
    return found


def by_property(table: Table, name: str, value: str) -> int | None:
    """The record with a unique value; 400 for a property that is not unique."""
    if not table.identifies(name):
        raise bad_request(
            f"Unable to perform update/upsert by non-unique {table.kind.type_id} property {name}",
            propertyName=[name],
        )
    return table.find(name, value)

"""The association paths: single, batch and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub_hubspot.simulator.batches import batch_answer
from hub_hubspot.simulator.errors import ApiError, bad_request
from hub_hubspot.simulator.graph import HUBSPOT, AssociationType
from hub_hubspot.simulator.objects import archive_orphan
from hub_hubspot.simulator.request import DATED, Answer, Request, fields, inputs, live_id, numeric, route
from hub_hubspot.simulator.store import Table
from hub_hubspot.simulator.writing import association_spec

MAX_READ, MAX_WRITE, MAX_PAGE = 1000, 2000, 500
CREATED_AS_200 = frozenset({"2026-09"})  # older versions answer batch/create with 201
V4 = frozenset({"v4"})
End = tuple[Table, int]  # a record: its table and id


def associate_default(request: Request) -> Answer:
    """Link two records plainly."""
    source, target = request.table(0), request.table(2)
    plain = _plain(request, source, target)
    here, there = live_id(source, request.path[1]), live_id(target, request.path[3])
    request.account.graph.connect(source.name, here, target.name, there, [plain.type_id])
    return batch_answer(request, 200, _both_ways(plain, here, there), ())


def label_pair(request: Request) -> Answer:
    """Link two records with these types; custom labels not named are taken off the pair."""
    source, target = request.table(0), request.table(2)
    if not isinstance(request.body, list) or not request.body:
        raise bad_request("Invalid input JSON: a list of association types expected")
    types = _types(request, source, target, request.body)
    here, there = live_id(source, request.path[1]), live_id(target, request.path[3])
    return Answer(201, _set_types(request, (source, here), (target, there), types))


def remove_pair(request: Request) -> Answer:
    """Remove every link of a pair; success also when there was none."""
    source, target = request.table(0), request.table(2)
    _plain(request, source, target)
    here, there = live_id(source, request.path[1]), live_id(target, request.path[3])
    request.account.graph.disconnect(source.name, here, target.name, there)
    _drop_orphans(request, source, here, target, there)
    return Answer(204)


def list_linked(request: Request) -> Answer:
    """A page of the records linked to one. (2026-09 has no such path.)"""
    source, target = request.table(0), request.table(2)
    here = live_id(source, request.path[1])
    limit, after = request.whole("limit", 500, MAX_PAGE), request.one("after", "0")
    results, following = _page(request, (source, here), target, after, limit)
    body: dict[str, Any] = {"results": results}
    if following:
        body["paging"] = {"next": {"after": following, "link": f"{request.url}?limit={limit}&after={following}"}}
    return Answer(200, body)


def batch_read(request: Request) -> Answer:
    """Links of many records. One without links is an error entry and no result."""
    source, target = request.table(0), request.table(1)
    _plain(request, source, target)
    rows = inputs(request, MAX_READ)
    results: list[Any] = []
    errors: list[Any] = []
    size = request.account.settings.association_page
    for row in rows:
        fields(row, "inputs", id="id!", after="text")
        found = source.resolve(int(row["id"])) if numeric(row["id"]) else -1
        links, following = _page(request, (source, found), target, row.get("after") or "0", size)
        if not links:
            errors.append(_no_links(source, row["id"], target).row())
            continue
        result: dict[str, Any] = {"from": {"id": row["id"]}, "to": links}
        if following:
            result["paging"] = {"next": {"after": following}}
        results.append(result)
    return batch_answer(request, 200, results, errors)


def batch_create(request: Request) -> Answer:
    """Label many pairs."""
    source, target = request.table(0), request.table(1)

    def act(row: Any) -> list[Any]:
        types = _types(request, source, target, row["types"])
        here, there = _ends(row, source, target)
        return [_set_types(request, (source, here), (target, there), types)]

    status = 200 if request.version in CREATED_AS_200 else 201
    return _each(request, status, act, types="list!")


def batch_default(request: Request) -> Answer:
    """Link many pairs plainly."""
    source, target = request.table(0), request.table(1)
    plain = _plain(request, source, target)

    def act(row: Any) -> list[Any]:
        here, there = _ends(row, source, target)
        request.account.graph.connect(source.name, here, target.name, there, [plain.type_id])
        return _both_ways(plain, here, there)

    return _each(request, 200, act)


def batch_archive(request: Request) -> Answer:
    """Remove every link of many pairs."""
    source, target = request.table(0), request.table(1)
    _plain(request, source, target)
    for row in inputs(request, MAX_WRITE):
        fields(row, "inputs", **{"from": "map!", "to": "list!"})
        here = live_id(source, fields(row["from"], "from", id="id!")["id"])
        for one in row["to"]:
            there = live_id(target, fields(one, "to", id="id!")["id"])
            request.account.graph.disconnect(source.name, here, target.name, there)
            _drop_orphans(request, source, here, target, there)
    return _removed(request)


def batch_unlabel(request: Request) -> Answer:
    """Take labels off many pairs; taking off the plain type removes the pair."""
    source, target = request.table(0), request.table(1)
    for row in inputs(request, MAX_WRITE):
        fields(row, "inputs", **{"from": "map!", "to": "map!", "types": "list!"})
        types = _types(request, source, target, row["types"])
        here, there = _ends(row, source, target)
        request.account.graph.unlabel(source.name, here, target.name, there, types)
        _drop_orphans(request, source, here, target, there)
    return _removed(request)


def list_labels(request: Request) -> Answer:
    """The types which a pair of object types has."""
    source, target = request.table(0), request.table(1)
    kinds = request.account.graph.between(source.name, target.name)
    return Answer(200, {"results": [kind.wire() for kind in kinds.values()]})


def create_label(request: Request) -> Answer:
    """A new custom label, answered in both directions."""
    source, target = request.table(0), request.table(1)
    _plain(request, source, target)
    body = fields(request.body, label="text!", name="text!", inverseLabel="text")
    made = request.account.graph.define_label(source.name, target.name, body["label"], body.get("inverseLabel"))
    return Answer(200, {"results": [kind.wire() for kind in made]})


def _each(request: Request, status: int, act: Callable[[Any], list[Any]], **more: str) -> Answer:
    results: list[Any] = []
    errors: list[Any] = []
    for row in inputs(request, MAX_WRITE):
        fields(row, "inputs", **{"from": "map!", "to": "map!", **more})
        try:
            results.extend(act(row))
        except ApiError as refusal:
            errors.append(refusal.row())
    return batch_answer(request, status, results, errors)


def _removed(request: Request) -> Answer:
    # v4 answers 204; the dated versions answer 200 with an empty batch body.
    return Answer(204) if request.version == "v4" else batch_answer(request, 200, [], ())


def _ends(row: Any, source: Table, target: Table) -> tuple[int, int]:
    here, there = (fields(row[end], end, id="id!")["id"] for end in ("from", "to"))
    return live_id(source, here), live_id(target, there)


def _plain(request: Request, source: Table, target: Table) -> AssociationType:
    plain = request.account.graph.plain.get((source.name, target.name))
    if plain is None:
        raise bad_request(f"{source.name} and {target.name} cannot be associated.")
    return plain


def _types(request: Request, source: Table, target: Table, specs: list[Any]) -> list[int]:
    kinds = request.account.graph.between(source.name, target.name)
    wanted = [association_spec(one) for one in specs]
    if not wanted:
        raise bad_request("An association needs at least one type.")
    for category, type_id in wanted:
        if type_id not in kinds or kinds[type_id].category != category:
            raise bad_request(
                f"{category} type {type_id} is not valid from {source.name} to {target.name}.",
                associationTypeId=[str(type_id)],
            )
    return [type_id for _, type_id in wanted]


def _set_types(request: Request, one: End, other: End, types: list[int]) -> dict[str, Any]:
    (source, here), (target, there) = one, other
    graph = request.account.graph
    stale = graph.custom_labels(source.name, here, target.name, there).difference(types)
    graph.unlabel(source.name, here, target.name, there, stale)
    graph.connect(source.name, here, target.name, there, types)
    kinds = graph.between(source.name, target.name)
    return {
        "fromObjectTypeId": source.kind.type_id,
        "fromObjectId": str(here),
        "toObjectTypeId": target.kind.type_id,
        "toObjectId": str(there),
        "labels": [kinds[one].label for one in types if kinds[one].label],
    }


def _both_ways(plain: AssociationType, here: int, there: int) -> list[Any]:
    ends = ((here, there, plain.type_id), (there, here, plain.inverse_id))
    return [
        {
            "from": {"id": str(source)},
            "to": {"id": str(target)},
            "associationSpec": {"associationCategory": HUBSPOT, "associationTypeId": type_id},
        }
        for source, target, type_id in ends
    ]


def _page(request: Request, one: End, target: Table, after: str, size: int) -> tuple[list[Any], str | None]:
    source, here = one
    if not numeric(after):
        raise bad_request(f"after is not a valid paging cursor: {after}", after=[after])
    graph = request.account.graph
    linked = graph.targets(source.name, here, target.name)
    kinds = graph.between(source.name, target.name)
    ids = sorted(to for to in linked if to > int(after))
    page = [
        {
            # The specification says string; v4 examples show a number, so v4 sends numbers.
            "toObjectId": to if request.version == "v4" else str(to),
            "associationTypes": [kinds[type_id].wire() for type_id in sorted(linked[to])],
        }
        for to in ids[:size]
    ]
    return page, str(ids[size - 1]) if len(ids) > size else None


def _no_links(source: Table, source_id: str, target: Table) -> ApiError:
    here, there = source.kind.singular, target.kind.singular
    return ApiError(
        404,
        f"No {there} is associated with {here} {source_id}.",
        "OBJECT_NOT_FOUND",
        sub_category="crm.associations.NO_ASSOCIATIONS_FOUND",
        context={"fromObjectId": [source_id], "fromObjectType": [here], "toObjectType": [there]},
    )


def _drop_orphans(request: Request, source: Table, here: int, target: Table, there: int) -> None:
    for table, one in ((source, here), (target, there)):
        if table.name == "leads":
            archive_orphan(request.account, one)


ONE = "{type}/{id}/associations/{type}"
PAIR = "{type}/{id}/associations/{type}/{id}"
DEFAULT = "{type}/{id}/associations/default/{type}/{id}"
LINKS = {"scope": "associations", "bucket": "associations", "versions": DATED | V4}
ROUTES = (
    route("PUT", "objects", DEFAULT, associate_default, write=True, **LINKS),
    route("PUT", "objects", PAIR, label_pair, write=True, **LINKS),
    route("DELETE", "objects", PAIR, remove_pair, write=True, **LINKS),
    route("GET", "objects", ONE, list_linked, query="after limit", **LINKS | {"versions": V4 | DATED - {"2026-09"}}),
    route("POST", "associations", "{type}/{type}/batch/read", batch_read, **LINKS),
    route("POST", "associations", "{type}/{type}/batch/create", batch_create, write=True, **LINKS),
    route("POST", "associations", "{type}/{type}/batch/associate/default", batch_default, write=True, **LINKS),
    route("POST", "associations", "{type}/{type}/batch/archive", batch_archive, write=True, **LINKS),
    route("POST", "associations", "{type}/{type}/batch/labels/archive", batch_unlabel, write=True, **LINKS),
    route("GET", "associations", "{type}/{type}/labels", list_labels, **LINKS),
    route("POST", "associations", "{type}/{type}/labels", create_label, write=True, **LINKS),
)

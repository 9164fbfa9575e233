"""Single records: list, read, create, change, archive, merge, erase."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any
from urllib.parse import urlencode

from hub_hubspot.simulator import views
from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.errors import ApiError, bad_request, not_found
from hub_hubspot.simulator.graph import PRIMARY_CONTACT_OF_LEAD
from hub_hubspot.simulator.request import Answer, Request, by_property, fields, live_id, numeric, record_id, route
from hub_hubspot.simulator.store import Table
from hub_hubspot.simulator.writing import Writer, derive

MAX_PAGE = 100
MAX_PAGE_WITH_HISTORY = 50


def list_records(request: Request) -> Answer:
    """A page of records in the order of their ids. No filter, no sort; archived ones only on request."""
    table = request.table()
    past = request.many("propertiesWithHistory")
    limit = request.whole("limit", 10, MAX_PAGE_WITH_HISTORY if past else MAX_PAGE)
    names = views.wanted(request, table, request.many("properties"))
    after = _cursor(request.one("after", "0"))
    if request.flag("archived"):
        ids = sorted(one for one in table.archived if one > after)
        page, more = ids[:limit], len(ids) > limit
        results = [views.shown_archived(table, one, names) for one in page]
    else:
        start = bisect_right(table.order, after)
        page, more = table.order[start : start + limit], len(table.order) > start + limit
        results = views.shown_all(table, map(table.live.__getitem__, page), names)
        _add_extras(request, table, page, results, past)
    body: dict[str, Any] = {"results": results}
    if more:
        last = str(page[-1])
        query = urlencode([(name, one) for name, given in request.query.items() for one in given if name != "after"])
        link = f"{request.url}?{query}&after={last}" if query else f"{request.url}?after={last}"
        body["paging"] = {"next": {"after": last, "link": link}}
    return Answer(200, body)


def read_record(request: Request) -> Answer:
    """One record by id or by a unique property."""
    table = request.table()
    names = views.wanted(request, table, request.many("properties"))
    if request.flag("archived"):
        found = record_id(request.path[1])
        if found not in table.archived:
            raise not_found()
        return Answer(200, views.shown_archived(table, found, names))
    found = identified(table, request.path[1], request.one("idProperty"))
    view = views.shown(table, table.live[found], names)
    _add_extras(request, table, [found], [view], request.many("propertiesWithHistory"))
    return Answer(200, view)


def create_record(request: Request) -> Answer:
    """A new record, with its associations."""
    table = request.table()
    body = fields(request.body, properties="properties!", associations="list")
    writer = Writer(request.account, request.version)
    plan = writer.plan_create(table, body["properties"], body.get("associations", []))
    writer.perform(plan)
    return Answer(201, views.written(table, plan.record_id, body["properties"]))


def change_record(request: Request) -> Answer:
    """A partial change of one record."""
    table = request.table()
    body = fields(request.body, properties="properties!")
    found = identified(table, request.path[1], request.one("idProperty"))
    writer = Writer(request.account, request.version)
    writer.perform(writer.plan_update(table, found, body["properties"]))
    return Answer(200, views.written(table, found, body["properties"]))


def archive_record(request: Request) -> Answer:
    """Move one record to the recycle bin."""
    table = request.table()
    archive(request.account, table, live_id(table, request.path[1]))
    return Answer(204)


def merge_records(request: Request) -> Answer:
    """Merge two records. The loser's id is answered by the winner from now on."""
    table = request.table()
    body = fields(request.body, primaryObjectId="id!", objectIdToMerge="id!")
    if not table.kind.merges:
        raise not_found(f"{table.name} cannot be merged")
    winner, loser = live_id(table, body["primaryObjectId"]), live_id(table, body["objectIdToMerge"])
    if winner == loser:
        raise bad_request("Cannot merge a record with itself", objectIdToMerge=[body["objectIdToMerge"]])
    merge(request.account, table, winner, loser)
    return Answer(200, views.written(table, winner, table.kind.shown))


def erase_contact(request: Request) -> Answer:
    """Remove a contact for ever: neither readable nor in the recycle bin."""
    table = request.table()
    if table.name != "contacts":
        raise not_found(f"{table.name} cannot be erased")
    body = fields(request.body, objectId="id!", idProperty="text")
    if not body.get("idProperty") and numeric(body["objectId"]) and int(body["objectId"]) in table.archived:
        del table.archived[int(body["objectId"])]
        return Answer(204)
    found = identified(table, body["objectId"], body.get("idProperty", ""))
    archive(request.account, table, found)
    del table.archived[found]
    return Answer(204)


def identified(table: Table, value: str, id_property: str) -> int:
    """The live record with this id or unique value, or 404."""
    if not id_property:
        return live_id(table, value)
    found = by_property(table, id_property, value)
    if found is None:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND", context={"ids": [value]})
    return found


def archive(account: Account, table: Table, found: int) -> None:
    """Archive a record with its links. Leads which lose their last primary contact go with it."""
    leads = [
        lead
        for lead, type_ids in account.graph.targets(table.name, found, "leads").items()
        if account.graph.primary("leads", lead, table.name) == found and type_ids
    ]
    account.graph.remove(table.name, found)
    table.archive(found, account.now_ms())
    for lead in leads:
        archive_orphan(account, lead)


def archive_orphan(account: Account, lead: int) -> None:
    """Delete a lead which has no primary contact any more."""
    leads = account.tables["leads"]
    if lead not in leads.live:
        return
    for target, _, type_ids in account.graph.neighbours("leads", lead):
        if target == "contacts" and PRIMARY_CONTACT_OF_LEAD in type_ids:
            return
    archive(account, leads, lead)


def merge(account: Account, table: Table, winner: int, loser: int) -> None:
    """The winner's values stay, the loser's fill the gaps; links move over."""
    graph = account.graph
    kept, lost = dict(table.live[winner]), table.live[loser]
    mails = ";".join(
        one for one in (kept.get("hs_additional_emails"), lost.get("email"), lost.get("hs_additional_emails")) if one
    )
    merged = ";".join(
        one for one in (kept.get("hs_merged_object_ids"), str(loser), lost.get("hs_merged_object_ids")) if one
    )
    record = table.stamped({**lost, **kept, "hs_merged_object_ids": merged}, account.now_ms())
    if table.name == "contacts" and mails and "email" in kept:
        record["hs_additional_emails"] = mails
    derive(table.name, record)
    links = list(graph.neighbours(table.name, loser))
    had_primary = {target for target, _, _ in links if graph.primary(table.name, winner, target) is not None}
    graph.remove(table.name, loser)
    table.take(loser)
    table.merged_into[loser] = winner
    table.put(winner, record)
    table.index.write(account.now(), winner, record)
    for target, target_id, type_ids in links:
        kinds = graph.between(table.name, target)
        moved = [one for one in type_ids if not (kinds[one].owns_primary and target in had_primary)]
        if (target, target_id) != (table.name, winner):
            graph.connect(table.name, winner, target, target_id, moved)


def _add_extras(request: Request, table: Table, ids: list[int], results: list[Any], past: list[str]) -> None:
    if past:
        for one, view in zip(ids, results, strict=True):
            view["propertiesWithHistory"] = views.history(table, table.live[one], past)
    if "associations" in request.query:
        targets = [request.account.table(name) for name in request.many("associations")]
        for one, view in zip(ids, results, strict=True):
            if links := views.associations(request.account.graph, table, one, targets):
                view["associations"] = links


def _cursor(text: str) -> int:
    if not numeric(text):
        raise bad_request(f"after is not a valid paging cursor: {text}", after=[text])
    return int(text)


LIST_QUERY = "after archived associations limit properties propertiesWithHistory"
READ_QUERY = "archived associations idProperty properties propertiesWithHistory"
ROUTES = (
    route("GET", "objects", "{type}", list_records, query=LIST_QUERY),
    route("POST", "objects", "{type}", create_record, write=True),
    route("GET", "objects", "{type}/{id}", read_record, query=READ_QUERY),
    route("PATCH", "objects", "{type}/{id}", change_record, query="idProperty", write=True),
    route("DELETE", "objects", "{type}/{id}", archive_record, write=True),
    route("POST", "objects", "{type}/merge", merge_records, write=True),
    route("POST", "objects", "{type}/gdpr-delete", erase_contact, write=True),
)

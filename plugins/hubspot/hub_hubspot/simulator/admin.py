"""The admin API under `/_simulator/`: look at the state, seed it, plan faults, change settings, count calls.

No authentication: this is a tool for loopback. The package docstring lists the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.catalogue import DEFINITION, define_property, redefine_property
from hub_hubspot.simulator.errors import bad_request, not_found
from hub_hubspot.simulator.limits import Token
from hub_hubspot.simulator.objects import archive
from hub_hubspot.simulator.request import Answer, fields, live_id
from hub_hubspot.simulator.store import Record, Table
from hub_hubspot.simulator.values import iso
from hub_hubspot.simulator.writing import derive

Handler = Callable[[Account, tuple[str, ...], Mapping[str, str], Any], Answer]


def state(account: Account, _path: tuple[str, ...], query: Mapping[str, str], _body: Any) -> Answer:
    """Every record with its links, in the order of ids."""
    tables = [account.table(query["type"])] if "type" in query else account.each_table()
    return Answer(200, {table.name: _dump(account, table) for table in tables})


def seed(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """New records and links as given: no check of values, no lag, no limits."""
    fields(body, type="text!", records="list", associations="list")
    table = account.table(body["type"])
    ids = [_seed_one(account, table, one) for one in body.get("records", ())]
    for one in body.get("associations", ()):
        fields(one, "associations", **{"from": "id!", "to": "id!", "toType": "text!", "types": "list"})
        target = account.table(one["toType"])
        here, there = live_id(table, one["from"]), live_id(target, one["to"])
        account.graph.connect(table.name, here, target.name, there, one.get("types", ()))
    return Answer(200, {"ids": ids})


def change(account: Account, path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """Change a record as somebody in the vendor's screen would: no check of values, no lag."""
    table = account.table(path[0])
    properties = fields(body, properties="properties!")["properties"]
    found = live_id(table, path[1])
    record = {name: value for name, value in {**table.live[found], **properties}.items() if value}
    derive(table.name, record)
    _show(account, table, found, table.stamped(record, account.now_ms()))
    return Answer(200, {"id": str(found), "properties": record})


def remove(account: Account, path: tuple[str, ...], _query: Mapping[str, str], _body: Any) -> Answer:
    """Archive a record."""
    table = account.table(path[0])
    archive(account, table, live_id(table, path[1]))
    return Answer(204)


def add_faults(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """Plan one fault or a list of them."""
    for one in body if isinstance(body, list) else [body]:
        account.faults.add(one)
    return Answer(200, account.faults.planned())


def list_faults(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], _body: Any) -> Answer:
    """The faults still to come."""
    return Answer(200, account.faults.planned())


def clear_faults(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], _body: Any) -> Answer:
    """Forget all faults."""
    account.faults.clear()
    return Answer(204)


def configure(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """Change settings and tokens."""
    changes = dict(body)
    for value, token in changes.pop("tokens", {}).items():
        fields(token, "tokens", scopes="any", requests="any", expires_at="any", revoked="flag")
        known = account.tokens.setdefault(value, Token(value))
        if "scopes" in token:
            known.scopes = None if token["scopes"] is None else frozenset(token["scopes"])
        known.requests_left = token.get("requests", known.requests_left)
        known.expires_at = token.get("expires_at", known.expires_at)
        known.revoked = token.get("revoked", known.revoked)
    account.change_settings(changes)
    return Answer(200, {name: getattr(account.settings, name) for name in changes})


def calls(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], _body: Any) -> Answer:
    """What was asked since the start or the last DELETE."""
    totals = {name: account.totals[name] for name in ("total", "reads", "writes", "rate_limited", "errors")}
    return Answer(200, totals | {"routes": dict(sorted(account.calls.items()))})


def forget_calls(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], _body: Any) -> Answer:
    """Start counting from nothing."""
    account.calls.clear()
    account.totals.clear()
    return Answer(204)


def add_property(account: Account, _path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """Define a property without token or limits: the vendor's create body and `objectType`."""
    definition = dict(body)
    return Answer(201, define_property(account.table(definition.pop("objectType")), definition).wire())


def change_property(account: Account, path: tuple[str, ...], _query: Mapping[str, str], body: Any) -> Answer:
    """Change any property, the vendor's own too; also makes it read-only, archives it or brings it back."""
    given = fields(body, **DEFINITION, readOnlyValue="flag", archived="flag")
    flags = {
        name: given[key] for key, name in (("readOnlyValue", "read_only"), ("archived", "archived")) if key in given
    }
    definition = {key: value for key, value in given.items() if key in DEFINITION}
    return Answer(200, redefine_property(account.table(path[0]), path[1], definition, **flags).wire())


ENDPOINTS: dict[tuple[str, str, int], Handler] = {
    ("GET", "state", 0): state,
    ("POST", "records", 0): seed,
    ("PATCH", "records", 2): change,
    ("DELETE", "records", 2): remove,
    ("POST", "faults", 0): add_faults,
    ("GET", "faults", 0): list_faults,
    ("DELETE", "faults", 0): clear_faults,
    ("POST", "config", 0): configure,
    ("GET", "calls", 0): calls,
    ("DELETE", "calls", 0): forget_calls,
    ("POST", "properties", 0): add_property,
    ("PATCH", "properties", 2): change_property,
}


def handle(account: Account, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    """Answer one admin call."""
    name, *rest = path.removeprefix("/_simulator/").strip("/").split("/")
    endpoint = ENDPOINTS.get((method, name, len(rest)))
    if endpoint is None:
        raise not_found(f"No admin call {method} {path}")
    return endpoint(account, tuple(rest), query, body)


def _seed_one(account: Account, table: Table, given: dict[str, Any]) -> str:
    properties: Record = given.get("properties", given)
    if unknown := properties.keys() - table.schema.keys():
        raise bad_request(f"Unknown properties: {sorted(unknown)}")
    record_id, now = table.new_id(), iso(account.now_ms())
    record = {
        table.kind.created: now,
        table.kind.modified: now,
        **{name: value for name, value in properties.items() if value},
        "hs_object_id": str(record_id),
    }
    derive(table.name, record)
    _show(account, table, record_id, record)
    return record["hs_object_id"]


def _show(account: Account, table: Table, record_id: int, record: Record) -> None:
    # Let older writes of this record pass first, so that none of them overtakes this one in the index.
    if table.index.waiting():
        table.index.refresh(account.now(), 0.0, table.live)
    table.put(record_id, record)
    table.index.show(record_id, record)


def _dump(account: Account, table: Table) -> list[dict[str, Any]]:
    rows = {record_id: (record, False) for record_id, record in table.live.items()}
    rows |= {record_id: (record, True) for record_id, (record, _) in table.archived.items()}
    return [
        {
            "id": str(record_id),
            "properties": dict(sorted(record.items())),
            "archived": archived,
            "associations": _links(account, table, record_id),
        }
        for record_id, (record, archived) in sorted(rows.items())
    ]


def _links(account: Account, table: Table, record_id: int) -> dict[str, list[dict[str, Any]]]:
    links: dict[str, list[dict[str, Any]]] = {}
    for target, target_id, type_ids in sorted(
        account.graph.neighbours(table.name, record_id), key=lambda link: (link[0], link[1])
    ):
        links.setdefault(target, []).append({"id": str(target_id), "types": sorted(type_ids)})
    return links

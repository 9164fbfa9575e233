"""Batches of up to 100 records, with partial success when every row can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hub_hubspot.simulator import views
from hub_hubspot.simulator.errors import ApiError, bad_request
from hub_hubspot.simulator.objects import archive, identified
from hub_hubspot.simulator.request import (
    ONE_SUCCESS_CODE,
    Answer,
    Request,
    by_property,
    fields,
    inputs,
    numeric,
    record_id,
    route,
)
from hub_hubspot.simulator.store import Table
from hub_hubspot.simulator.values import iso
from hub_hubspot.simulator.writing import Plan, Writer

MAX_INPUTS = 100


def batch_body(request: Request, results: list[Any], errors: Sequence[Any]) -> dict[str, Any]:
    """The body around the results of a batch."""
    now = iso(request.account.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": list(errors)}
    return body


def batch_answer(request: Request, status: int, results: list[Any], errors: Sequence[Any]) -> Answer:
    """A batch answer: 207 for partial failure, except in the versions which have only one success code."""
    if errors and request.version not in ONE_SUCCESS_CODE:
        status = 207
    return Answer(status, batch_body(request, request.account.shuffled(results), errors))


def batch_read(request: Request) -> Answer:
    """Records by id or unique property. Missing ones are one error for all of them."""
    table = request.table()
    rows = inputs(request, MAX_INPUTS, properties="strings", propertiesWithHistory="strings", idProperty="text")
    body = request.body
    names = views.wanted(request, table, body.get("properties", []))
    id_property, past = body.get("idProperty", ""), body.get("propertiesWithHistory", [])
    archived = request.flag("archived")
    results: dict[int, Any] = {}
    missing: list[str] = []
    for row in rows:
        value = fields(row, "inputs", id="id!")["id"]
        found = _find(table, value, id_property, archived=archived)
        if found is None:
            missing.append(value)
        elif archived:
            results[found] = views.shown_archived(table, found, names)
        else:
            results[found] = views.shown(table, table.live[found], names)
            if past:
                results[found]["propertiesWithHistory"] = views.history(table, table.live[found], past)
    errors = [_not_found(table, missing).row()] if missing else []
    return batch_answer(request, 200, list(results.values()), errors)


def batch_create(request: Request) -> Answer:
    """New records."""
    table = request.table()
    rows = inputs(request, MAX_INPUTS)
    for row in rows:
        fields(row, "inputs", properties="properties!", associations="list", objectWriteTraceId="text")
    writer = Writer(request.account, request.version)

    def plan(row: Any) -> Plan:
        return writer.plan_create(table, row["properties"], row.get("associations", []))

    # The 2025-09 specification lists 200 here, all others 201.
    return _write(request, 200 if request.version == "2025-09" else 201, writer, rows, plan)


def batch_update(request: Request) -> Answer:
    """Changes of records by id or by a unique property."""
    table = request.table()
    rows = inputs(request, MAX_INPUTS)
    for row in rows:
        fields(row, "inputs", id="id!", idProperty="text", properties="properties!", objectWriteTraceId="text")
    _require_distinct(rows)
    writer = Writer(request.account, request.version)

    def plan(row: Any) -> Plan:
        return writer.plan_update(table, identified(table, row["id"], row.get("idProperty", "")), row["properties"])

    return _write(request, 200, writer, rows, plan)


def batch_upsert(request: Request) -> Answer:
    """Changes of records found by a unique property; those not found are created."""
    table = request.table()
    rows = inputs(request, MAX_INPUTS)
    for row in rows:
        fields(row, "inputs", id="id!", idProperty="text", properties="properties!", objectWriteTraceId="text")
        if not row.get("idProperty"):
            raise bad_request("idProperty is required for upsert", missing=["idProperty"])
        by_property(table, row["idProperty"], "")
    _require_distinct(rows)
    writer = Writer(request.account, request.version)

    def plan(row: Any) -> Plan:
        name, value, properties = row["idProperty"], row["id"], row["properties"]
        if table.schema[name].email and not properties.get(name):
            raise bad_request("Partial upserts are not supported when using email as the idProperty.")
        found = table.find(name, value)
        if found is None:
            return writer.plan_create(table, {name: value, **properties}, [])
        return writer.plan_update(table, found, properties)

    return _write(request, 200, writer, rows, plan, upsert=True)


def batch_archive(request: Request) -> Answer:
    """Records to the recycle bin; unknown ids are passed over in silence."""
    table = request.table()
    rows = inputs(request, MAX_INPUTS)
    ids = [record_id(fields(row, "inputs", id="id!")["id"]) for row in rows]
    for one in ids:
        if one in table.live:
            archive(request.account, table, one)
    return Answer(204)


def _write(
    request: Request, status: int, writer: Writer, rows: list[Any], plan: Callable[[Any], Plan], *, upsert: bool = False
) -> Answer:
    traces = [row.get("objectWriteTraceId") for row in rows]
    # Partial success needs a unique trace id on every row; otherwise the first bad row fails them all.
    partial = None not in traces and len(set(traces)) == len(traces)
    plans: list[tuple[Plan, Any]] = []
    errors: list[Any] = []
    for row, trace in zip(rows, traces, strict=True):
        try:
            plans.append((plan(row), row))
        except ApiError as refusal:
            if not partial:
                raise
            errors.append(refusal.row(trace))
    results: list[Any] = []
    for one, row in plans:
        writer.perform(one)
        view = views.written(one.table, one.record_id, row["properties"])
        if row.get("objectWriteTraceId") is not None:
            view["objectWriteTraceId"] = row["objectWriteTraceId"]
        if upsert:
            view["new"] = one.created
        results.append(view)
    return batch_answer(request, status, results, errors)


def _require_distinct(rows: list[Any]) -> None:
    ids = [(row.get("idProperty", ""), row["id"].lower()) for row in rows]
    if len(set(ids)) != len(ids):
        raise bad_request("Duplicate IDs found in batch input. IDs must be unique")


def _find(table: Table, value: str, id_property: str, *, archived: bool) -> int | None:
    if id_property:
        return by_property(table, id_property, value)
    if not numeric(value):
        return None
    found = int(value) if archived else table.resolve(int(value))
    return found if found in (table.archived if archived else table.live) else None


def _not_found(table: Table, ids: list[str]) -> ApiError:
    kind = table.kind.singular.upper()
    return ApiError(
        404,
        f"Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid.",
        "OBJECT_NOT_FOUND",
        context={"ids": ids},
    )


ROUTES = (
    route("POST", "objects", "{type}/batch/read", batch_read, query="archived"),
    route("POST", "objects", "{type}/batch/create", batch_create, write=True),
    route("POST", "objects", "{type}/batch/update", batch_update, write=True),
    route("POST", "objects", "{type}/batch/upsert", batch_upsert, write=True),
    route("POST", "objects", "{type}/batch/archive", batch_archive, write=True),
)

"""How records look in answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hub_hubspot.simulator.graph import Graph
from hub_hubspot.simulator.request import Request
from hub_hubspot.simulator.store import Record, Table

EMAIL_BODIES = frozenset({"hs_email_text", "hs_email_html"})


def wanted(request: Request, table: Table, asked: Sequence[str]) -> tuple[str, ...]:
    """The properties to show: those asked for which exist, or the default ones when none are asked for."""
    names = asked or (*table.kind.shown, *_stamps(table))
    schema = table.schema
    scopes = request.token.scopes
    hides_bodies = table.name == "emails" and scopes is not None and "sales-email-read" not in scopes
    return tuple(
        name
        for name in dict.fromkeys(names)
        if name in schema and not schema[name].archived and not (hides_bodies and name in EMAIL_BODIES)
    )


def shown(table: Table, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """A live record with these properties; a property without a value is null."""
    return shown_all(table, (record,), tuple(names))[0]


def shown_all(table: Table, records: Iterable[Record], names: Sequence[str]) -> list[dict[str, Any]]:
    """Many live records. One comprehension: pages of a hundred are what long lists spend their time on."""
    created, modified = table.kind.created, table.kind.modified
    return [
        {
            "id": record["hs_object_id"],
            "properties": dict(zip(names, map(record.get, names), strict=True)),
            "createdAt": record[created],
            "updatedAt": record[modified],
            "archived": False,
        }
        for record in records
    ]


def found(table: Table, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """A record in a search answer: properties without a value are left out."""
    view = shown(table, record, ())
    view["properties"] = {name: record[name] for name in names if name in record}
    return view


def shown_archived(table: Table, record_id: int, names: Iterable[str]) -> dict[str, Any]:
    """A record of the recycle bin."""
    record, archived_at = table.archived[record_id]
    return shown(table, record, names) | {"archived": True, "archivedAt": archived_at}


def written(table: Table, record_id: int, changed: Iterable[str]) -> dict[str, Any]:
    """The answer to a write: what was written and the stamps."""
    return shown(table, table.live[record_id], (*changed, *_stamps(table)))


def history(table: Table, record: Record, names: Iterable[str]) -> dict[str, Any]:
    """`propertiesWithHistory`. Only the present value is kept."""
    stamp = record[table.kind.modified]
    return {
        name: [{"value": record[name], "timestamp": stamp, "sourceType": "INTEGRATION"}]
        for name in names
        if name in record
    }


def associations(graph: Graph, table: Table, record_id: int, targets: Iterable[Table]) -> dict[str, Any]:
    """The `associations` of one record; types without a link are left out."""
    shown: dict[str, Any] = {}
    for target in targets:
        rows = [
            {"id": str(target_id), "type": _type_name(graph, table, target, type_id)}
            for target_id, type_ids in sorted(graph.targets(table.name, record_id, target.name).items())
            for type_id in sorted(type_ids)
        ]
        if rows:
            shown[target.name] = {"results": rows}
    return shown


def _type_name(graph: Graph, table: Table, target: Table, type_id: int) -> str:
    kind = graph.between(table.name, target.name)[type_id]
    pair = f"{table.kind.singular}_to_{target.kind.singular}"
    if kind.primary:
        return pair
    return f"{pair}_unlabeled" if kind.label is None else kind.label.lower().replace(" ", "_")


def _stamps(table: Table) -> tuple[str, str, str]:
    return ("hs_object_id", table.kind.created, table.kind.modified)

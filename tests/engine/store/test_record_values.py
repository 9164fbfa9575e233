from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from hub_core.engine.store.database import Database, execute
from hub_core.engine.store.record_values import seen_values, used_fields
from hub_core.engine.store.workspaces import workspace_id
from hub_core.model.records import RecordKind

CONTACT = RecordKind.CONTACT


async def _add(db: Database, workspace: str, kind: RecordKind, *records: Mapping[str, Any]) -> int:
    async with db.transaction() as conn:
        number = await workspace_id(conn, workspace)
        for at, values in enumerate(records):
            await execute(
                conn,
                "INSERT INTO record (workspace_id, kind, external_id, values) VALUES (%s, %s, %s, %s::jsonb)",
                [number, kind.value, f"{kind}{at}", orjson.dumps(values).decode()],
            )
    return number


async def test_fields_are_counted_by_the_records_that_have_a_value(db: Database) -> None:
    number = await _add(db, "a", CONTACT, {"firstName": "Ada", "city": "London"}, {"firstName": "Bob"})
    await _add(db, "a", RecordKind.COMPANY, {"name": "Engines"})
    await _add(db, "b", CONTACT, {"jobTitle": "CEO"})
    async with db.transaction() as conn:
        assert await used_fields(conn, number, CONTACT) == {"firstName": 2, "city": 1}


async def test_values_come_as_text_the_most_frequent_first(db: Database) -> None:
    number = await _add(
        db,
        "a",
        CONTACT,
        {"industry": "Steel", "tags": ["x", "y"], "isUnsubscribed": True},
        {"industry": "Software", "tags": ["y"]},
        {"industry": "Software", "notes": "n" * 201},
    )
    async with db.transaction() as conn:
        fields = ("industry", "tags", "isUnsubscribed", "notes", "city")
        assert await seen_values(conn, number, CONTACT, fields) == {
            "industry": ["Software", "Steel"],
            "tags": ["y", "x"],
            "isUnsubscribed": ["true"],
        }
        assert await seen_values(conn, number, CONTACT, ["industry"], most=1) == {"industry": ["Software"]}
        assert await seen_values(conn, number, CONTACT, []) == {}

"""What the tests of keys, mirror and bulk matching share: a workspace with a CRM, and rows for both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from hub_core.engine.store.database import Conn, Database, value
from hub_core.engine.store.mirror import Mirror
from hub_core.model.records import CrmRecord, RecordKind
from hub_core.model.setup import SyncStep
from hub_core.rules.matching import compile_rule

CONTACT = RecordKind.CONTACT
RULE = compile_rule(SyncStep(), CONTACT)
MAPPING = {
    "firstName": "firstname",
    "lastName": "lastname",
    "companyName": "company",
    "linkedInProfileUrl": "linkedin",
}
FIELDS = (*MAPPING.values(), "jobtitle")


async def made(db: Database, key: str = "a") -> Mirror:
    """The mirror of a new workspace's CRM."""
    async with db.transaction() as conn:
        workspace = await value(conn, "INSERT INTO workspace (key, name) VALUES (%s, 'A') RETURNING id", [key])
        connection = await value(
            conn,
            "INSERT INTO connection (workspace_id, kind, key, base_url) VALUES (%s, 'crm', 'x', '') RETURNING id",
            [workspace],
        )
    return Mirror(workspace, connection, CONTACT, RULE, MAPPING)


async def add_record(conn: Conn, mirror: Mirror, external_id: str, values: Mapping[str, Any]) -> int:
    return await value(
        conn,
        "INSERT INTO record (workspace_id, kind, external_id, values) VALUES (%s, 'contact', %s, %s) RETURNING id",
        [mirror.workspace_id, external_id, orjson.dumps(values).decode()],
    )


def person(number: int, **values: str) -> dict[str, str]:
    """A hub record's values."""
    return {"firstName": "Ann", "lastName": f"Lee {number}", "companyName": "Acme", **values}


def crm_person(number: int, crm_id: str = "", at: str = "2026-01-01T00:00:00Z", **values: str) -> CrmRecord:
    """The same person in the CRM."""
    return CrmRecord(
        crm_id or f"c{number}",
        {"firstname": "ANN", "lastname": f"lee {number}", "company": "Acme Inc.", **values},
        at,
    )

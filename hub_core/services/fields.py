"""The active CRM's fields, kept for a while: listing them costs calls, and every command asks."""

from __future__ import annotations

from hub_core.engine.store.crm_fields import load_fields, save_fields
from hub_core.model.fields import FieldInfo
from hub_core.model.records import RecordKind
from hub_core.services.hub import Hub, OpenConnection


async def crm_fields(
    hub: Hub, crm: OpenConnection, kind: RecordKind, *, max_age: float = 900.0
) -> dict[str, FieldInfo]:
    """Every field of ``kind`` by id, in the CRM's order; asked of the CRM when last listed over ``max_age`` seconds ago
    (0: always). Raises what `Connector.list_fields` raises."""
    async with hub.db.transaction() as conn:
        fields = await load_fields(conn, crm.stored.id, kind, max_age=max_age)
    if fields is None:
        fields = list(await crm.connector.list_fields(crm.connection, kind))
        async with hub.db.transaction() as conn:
            await save_fields(conn, crm.stored.id, kind, fields)
    return {field.id: field for field in fields}

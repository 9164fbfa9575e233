from __future__ import annotations

from hub_core.engine.store.connections import save_connection
from hub_core.engine.store.crm_fields import forget_fields, load_fields, save_fields
from hub_core.engine.store.database import Conn, Database, execute
from hub_core.engine.store.workspaces import workspace_id
from hub_core.model.fields import CrmType, FieldInfo, Option
from hub_core.model.records import Account, RecordKind

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
FIELDS = [
    FieldInfo("zip", "ZIP", CrmType.TEXT, max_length=9),
    FieldInfo("stage", "Stage", CrmType.CHOICE, required=True, options=(Option("1", "New"), Option("2", "Old", False))),
    FieldInfo("owner", "Owner", CrmType.REFERENCE, refers_to="user"),
]


async def _connection(conn: Conn) -> int:
    return await save_connection(
        conn,
        await workspace_id(conn, "sales"),
        kind="crm",
        key="a-crm",
        settings={},
        base_url="https://x.example",
        account=Account("1", "A"),
    )


async def test_fields_come_back_equal_and_in_order(db: Database) -> None:
    async with db.transaction() as conn:
        number = await _connection(conn)
        await save_fields(conn, number, CONTACT, FIELDS)
        assert await load_fields(conn, number, CONTACT, max_age=60) == FIELDS
        assert await load_fields(conn, number, COMPANY, max_age=60) is None


async def test_an_old_listing_counts_as_none(db: Database) -> None:
    async with db.transaction() as conn:
        number = await _connection(conn)
        await save_fields(conn, number, CONTACT, FIELDS)
        await execute(conn, "UPDATE crm_fields SET read_at = now() - interval '20 minutes'")
        assert await load_fields(conn, number, CONTACT, max_age=900) is None
        assert await load_fields(conn, number, CONTACT, max_age=1500) == FIELDS
        await save_fields(conn, number, CONTACT, FIELDS[:1])
        assert await load_fields(conn, number, CONTACT, max_age=900) == FIELDS[:1]


async def test_forgotten_fields_are_read_anew(db: Database) -> None:
    async with db.transaction() as conn:
        number = await _connection(conn)
        await save_fields(conn, number, CONTACT, FIELDS)
        await forget_fields(conn, number)
        assert await load_fields(conn, number, CONTACT, max_age=900) is None

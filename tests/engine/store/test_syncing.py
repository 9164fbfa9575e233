from hub_core.engine.store.database import Database, execute, value
from hub_core.engine.store.syncing import low_water, sync_state, synced_until
from hub_core.model.records import RecordKind


async def test_the_low_water_is_the_begin_of_the_oldest_transaction_that_has_written(db: Database) -> None:
    """Its rows carry that time and are not to be seen yet, so a later mark would pass them by."""
    async with db.transaction() as slow:
        await execute(slow, "INSERT INTO workspace (key, name) VALUES ('slow', 'Slow')")
        began = await value(slow, "SELECT now()")
        async with db.transaction() as conn:
            await execute(conn, "SELECT pg_sleep(0.05)")
        async with db.transaction() as conn:
            assert await low_water(conn) == began
    async with db.transaction() as conn:
        assert await low_water(conn) > began


async def test_a_sync_goes_on_where_the_last_one_ended(db: Database) -> None:
    async with db.transaction() as conn:
        workspace = await value(conn, "INSERT INTO workspace (key, name) VALUES ('a', 'A') RETURNING id")
        connection = await value(
            conn,
            "INSERT INTO connection (workspace_id, kind, key, base_url) VALUES (%s, 'crm', 'x', '') RETURNING id",
            [workspace],
        )
        assert (await sync_state(conn, connection, RecordKind.CONTACT)).since is None
        now = await value(conn, "SELECT now()")
        await synced_until(conn, connection, RecordKind.CONTACT, now)
        assert (await sync_state(conn, connection, RecordKind.CONTACT)).since == now
        assert (await sync_state(conn, connection, RecordKind.COMPANY)).since is None

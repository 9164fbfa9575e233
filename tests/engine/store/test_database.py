from hub_core.engine.store import migrations
from hub_core.engine.store.database import Database, all_rows, connect, execute, value


async def test_opening_a_migrated_database_again_changes_nothing(db: Database) -> None:
    again = await connect(db.url, pool_size=1)
    async with again.transaction() as conn:
        assert await value(conn, "SELECT version_num FROM alembic_version") == migrations.HEAD
    await again.close()


async def test_a_workspace_cannot_have_another_workspaces_crm_active(db: Database) -> None:
    async with db.transaction() as conn:
        a = await value(conn, "INSERT INTO workspace (key, name) VALUES ('a', 'A') RETURNING id")
        b = await value(conn, "INSERT INTO workspace (key, name) VALUES ('b', 'B') RETURNING id")
        crm = await value(
            conn,
            "INSERT INTO connection (workspace_id, kind, key, base_url) VALUES (%s, 'crm', 'x', '') RETURNING id",
            [a],
        )
    refused = False
    try:
        async with db.transaction() as conn:
            await execute(conn, "UPDATE workspace SET active_crm = %s WHERE id = %s", [crm, b])
    except Exception as error:
        refused = "foreign key" in str(error)
    assert refused
    async with db.transaction() as conn:
        assert await all_rows(conn, "SELECT active_crm FROM workspace WHERE active_crm IS NOT NULL") == []

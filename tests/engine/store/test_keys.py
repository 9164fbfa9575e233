import asyncio

from hub_core.engine.store import keys
from hub_core.engine.store.database import Database, execute, value
from hub_core.engine.store.mirror import Mirror, store_records
from hub_core.model.setup import ContactIdentifier, ContactMatch, SyncStep
from hub_core.rules.matching import compile_rule, hub_keys
from tests.engine.store.mirrored import CONTACT, FIELDS, MAPPING, RULE, add_record, crm_person, made, person

OTHER = compile_rule(SyncStep(contact=ContactMatch(identifier=ContactIdentifier.NAME_COMPANY)), CONTACT)


async def key_count(db: Database, table: str = "hub_key") -> int:
    async with db.transaction() as conn:
        return await value(conn, f"SELECT count(*) FROM {table}")


async def test_the_first_records_begin_the_scope(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        scope = await keys.hub_scope(conn, mirror.workspace_id, CONTACT, RULE)
        assert scope is not None
        new = await add_record(conn, mirror, "1", person(1))
        await keys.replace_hub_keys(conn, scope, keys.key_rows(hub_keys(RULE), [(new, person(1))]), [])
    async with db.transaction() as conn:
        assert await keys.find_hub_scope(conn, mirror.workspace_id, CONTACT, RULE) == scope
    assert await key_count(db) == 1


async def test_replacing_takes_the_old_keys_of_those_records_alone(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        scope = await keys.hub_scope(conn, mirror.workspace_id, CONTACT, RULE)
        assert scope is not None
        await keys.replace_hub_keys(conn, scope, [(1, 0, 10), (1, 1, 11), (2, 0, 20)], [])
        await keys.replace_hub_keys(conn, scope, [(1, 0, 12)], [1])
        left = await (await conn.execute("SELECT record_id, key FROM hub_key ORDER BY 1")).fetchall()
    assert [(row["record_id"], row["key"]) for row in left] == [(1, 12), (2, 20)]


async def test_with_records_but_no_keys_a_writer_is_told_to_leave_them_to_a_rebuild(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        await add_record(conn, mirror, "1", person(1))
        assert await keys.hub_scope(conn, mirror.workspace_id, CONTACT, RULE) is None
    async with db.transaction() as conn:
        scope = await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
        assert await keys.hub_scope(conn, mirror.workspace_id, CONTACT, RULE) == scope
    assert await key_count(db) == 1


async def test_a_crash_that_empties_the_unlogged_tables_is_mended_by_a_rebuild(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        for number in range(3):
            await add_record(conn, mirror, str(number), person(number))
        await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
        await execute(conn, "TRUNCATE key_scope, hub_key, crm_key RESTART IDENTITY")
    async with db.transaction() as conn:
        assert await keys.find_hub_scope(conn, mirror.workspace_id, CONTACT, RULE) is None
        await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
    assert await key_count(db) == 3


async def test_records_written_under_another_rule_make_the_present_keys_void(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        await add_record(conn, mirror, "1", person(1))
        await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
    async with db.transaction() as conn:
        assert await keys.hub_scope(conn, mirror.workspace_id, CONTACT, OTHER) is None
        await add_record(conn, mirror, "2", person(2))
    async with db.transaction() as conn:
        assert await keys.find_hub_scope(conn, mirror.workspace_id, CONTACT, RULE) is None
        await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
    assert await key_count(db) == 2


async def test_looking_for_keys_of_another_rule_leaves_the_present_ones_valid(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        scope = await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
        assert await keys.find_hub_scope(conn, mirror.workspace_id, CONTACT, OTHER) is None
        assert await keys.find_hub_scope(conn, mirror.workspace_id, CONTACT, RULE) == scope


async def test_a_rebuild_waits_for_writers_so_that_no_record_is_left_without_keys(db: Database) -> None:
    mirror = await made(db)

    async def rebuild() -> None:
        async with db.transaction() as conn:
            await keys.rebuild_hub_keys(conn, mirror.workspace_id, CONTACT, OTHER)

    async with db.transaction() as conn:
        scope = await keys.hub_scope(conn, mirror.workspace_id, CONTACT, RULE)
        assert scope is not None
        rebuilding = asyncio.create_task(rebuild())
        await asyncio.sleep(0.2)
        new = await add_record(conn, mirror, "1", person(1))
        await keys.replace_hub_keys(conn, scope, keys.key_rows(hub_keys(RULE), [(new, person(1))]), [])
        assert not rebuilding.done()
    await rebuilding
    assert await key_count(db) == 1


async def test_a_rebuild_of_many_records_comes_in_chunks_and_equals_keys_made_one_by_one(db: Database) -> None:
    mirror = await made(db)
    count = keys.CHUNK * 2 + 5
    async with db.transaction() as conn:
        await execute(
            conn,
            "INSERT INTO record (workspace_id, kind, external_id, values) SELECT %s, 'contact', n::text, "
            "jsonb_build_object('firstName', 'Ann', 'lastName', 'Lee ' || n, 'companyName', 'Acme') "
            "FROM generate_series(1, %s) n",
            [mirror.workspace_id, count],
        )
        scope = await keys.rebuild_hub_keys(conn, mirror.workspace_id, CONTACT, RULE)
        rows = await (await conn.execute("SELECT id, values FROM record")).fetchall()
        stored = await (
            await conn.execute("SELECT record_id, clause, key FROM hub_key WHERE scope = %s", [scope])
        ).fetchall()
    expected = keys.key_rows(hub_keys(RULE), [(row["id"], row["values"]) for row in rows])
    assert {(row["record_id"], row["clause"], row["key"]) for row in stored} == set(expected)
    assert len(stored) == len(expected) == count


async def test_workspaces_and_crms_keep_their_keys_apart(db: Database) -> None:
    one, two = await made(db, "one"), await made(db, "two")
    async with db.transaction() as conn:
        await add_record(conn, one, "1", person(1))
        await store_records(conn, one, [crm_person(1)], FIELDS)
        scopes = [
            await keys.ensure_hub_keys(conn, one.workspace_id, CONTACT, RULE),
            await keys.ensure_hub_keys(conn, two.workspace_id, CONTACT, RULE),
            await ensure_crm(conn, one),
            await ensure_crm(conn, two),
        ]
        await keys.rebuild_hub_keys(conn, two.workspace_id, CONTACT, RULE)
    assert len(set(scopes)) == 4
    assert await key_count(db) == await key_count(db, "crm_key") == 1


async def ensure_crm(conn: object, mirror: Mirror) -> int:
    return await keys.ensure_crm_keys(
        conn,  # type: ignore[arg-type]
        mirror.workspace_id,
        mirror.connection_id,
        CONTACT,
        rule=RULE,
        mapping=MAPPING,
    )

from dataclasses import replace

from hub_core.engine.store import keys
from hub_core.engine.store.database import Database, execute, value
from hub_core.engine.store.mirror import (
    Held,
    Mirror,
    Read,
    begin_reading,
    held_records,
    mirror_size,
    mirror_state,
    store_gone,
    store_read,
    store_records,
    survivors,
)
from hub_core.model.records import CrmRecord, Merge
from tests.engine.store.mirrored import CONTACT, FIELDS, add_record, crm_person, made, person


async def store(db: Database, mirror: Mirror, *records: CrmRecord, fields: tuple[str, ...] = FIELDS) -> None:
    async with db.transaction() as conn:
        await store_records(conn, mirror, records, fields)


async def read(db: Database, mirror: Mirror, read: Read) -> None:
    async with db.transaction() as conn:
        await store_read(conn, mirror, read, FIELDS)


async def begin(db: Database, mirror: Mirror) -> None:
    async with db.transaction() as conn:
        await begin_reading(conn, mirror, FIELDS)


async def held(db: Database, mirror: Mirror, crm_id: str) -> Held:
    async with db.transaction() as conn:
        return (await held_records(conn, mirror.connection_id, CONTACT, [crm_id]))[crm_id]


async def keyed(db: Database) -> set[str]:
    """CRM ids of the records that have keys."""
    async with db.transaction() as conn:
        rows = await conn.execute("SELECT crm_id FROM crm_key JOIN crm_record r ON r.id = crm_record_id")
        return {row["crm_id"] for row in await rows.fetchall()}


async def test_a_newer_answer_replaces_the_fields_asked_for_and_keeps_the_others(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1, at="2026-01-01T00:00:00Z", jobtitle="CEO"))
    await store(
        db, mirror, CrmRecord("c1", {"lastname": "Li"}, "2026-01-02T00:00:00Z"), fields=("lastname", "firstname")
    )
    assert (await held(db, mirror, "c1")).values == {"lastname": "Li", "company": "Acme Inc.", "jobtitle": "CEO"}


async def test_an_older_answer_changes_nothing(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1, at="2026-01-02T00:00:00Z", jobtitle="CEO"))
    await store(db, mirror, crm_person(1, at="2026-01-01T00:00:00Z", jobtitle="CTO"))
    now = await held(db, mirror, "c1")
    assert (now.values["jobtitle"], now.modified_at) == ("CEO", "2026-01-02T00:00:00Z")


async def test_an_answer_without_a_time_is_believed(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1, jobtitle="CEO"))
    await store(db, mirror, crm_person(1, at="", jobtitle="CTO"))
    now = await held(db, mirror, "c1")
    assert (now.values["jobtitle"], now.modified_at) == ("CTO", "2026-01-01T00:00:00Z")


async def test_the_newest_of_one_records_states_in_a_page_is_stored(db: Database) -> None:
    mirror = await made(db)
    newer, older = crm_person(1, at="2026-02", jobtitle="CEO"), crm_person(1, at="2026-01", jobtitle="CTO")
    await store(db, mirror, newer, older)
    assert (await held(db, mirror, "c1")).values["jobtitle"] == "CEO"


async def test_any_text_survives_the_way_into_the_database(db: Database) -> None:
    mirror = await made(db)
    odd = 'tab\t line\n back\\slash "quoted" \\N \\u0041 王伟 \U0001f600 \x01'
    await store(db, mirror, CrmRecord("a\tb\\", {"lastname": odd, "emails": [odd, "nul\0"]}, "2026"))
    assert (await held(db, mirror, "a\tb\\")).values == {"lastname": odd, "emails": [odd, "nul"]}
    await store(db, mirror, CrmRecord("nul", {"lastname": "\\u0000 \0!"}, "2026"))
    assert (await held(db, mirror, "nul")).values == {"lastname": "\\u0000 !"}


async def test_keys_follow_the_values(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1), crm_person(2))
    assert await keyed(db) == {"c1", "c2"}
    await store(db, mirror, CrmRecord("c1", {}, "2027"))
    assert await keyed(db) == {"c2"}
    await store(db, mirror, crm_person(1, at="2028"))
    assert await keyed(db) == {"c1", "c2"}


async def test_the_cursor_is_stored_with_its_rows(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    await read(db, mirror, Read([crm_person(1)], "p2", done=False))
    async with db.transaction() as conn:
        state = await mirror_state(conn, mirror.connection_id, CONTACT)
    assert (state.cursor, state.complete, state.age) == ("p2", False, None)
    await read(db, mirror, Read([crm_person(2)], "later", done=True))
    async with db.transaction() as conn:
        state = await mirror_state(conn, mirror.connection_id, CONTACT)
        assert await mirror_size(conn, mirror.connection_id, CONTACT) == 2
    assert (state.cursor, state.complete, state.fields) == ("later", True, frozenset(FIELDS))
    assert state.age is not None


async def test_rows_that_cannot_be_stored_leave_the_cursor_where_it_was(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    await read(db, mirror, Read([crm_person(1)], "p2", done=False))
    broken = replace(mirror, workspace_id=mirror.workspace_id, connection_id=mirror.connection_id + 1)
    try:
        await read(db, broken, Read([crm_person(2)], "p3", done=False))
    except Exception as error:
        assert "foreign key" in str(error)
    async with db.transaction() as conn:
        assert (await mirror_state(conn, mirror.connection_id, CONTACT)).cursor == "p2"
        assert await mirror_size(conn, mirror.connection_id, CONTACT) == 1


async def test_a_deleted_record_has_no_keys_and_a_lagging_search_does_not_bring_it_back(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    await read(db, mirror, Read([crm_person(1), crm_person(2)], "x", done=True, deletions=["c1", "unknown"]))
    assert (await held(db, mirror, "c1")).gone
    assert await keyed(db) == {"c2"}
    await store(db, mirror, crm_person(1))
    assert (await held(db, mirror, "c1")).gone
    assert await keyed(db) == {"c2"}


async def test_a_restored_record_comes_back_with_the_next_reading(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    await read(db, mirror, Read([crm_person(1)], "x", done=True, deletions=["c1"]))
    await read(db, mirror, Read([crm_person(1)], "y", done=True))
    assert not (await held(db, mirror, "c1")).gone
    assert await keyed(db) == {"c1"}


async def test_merges_are_followed_to_the_last_survivor_known_or_not(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    merges = [Merge("c1", "c2"), Merge("never seen", "c2")]
    await read(db, mirror, Read([crm_person(1), crm_person(2), crm_person(3)], "x", done=True, merges=merges))
    await read(db, mirror, Read([], "y", done=True, merges=[Merge("c2", "c3")]))
    async with db.transaction() as conn:
        found = await survivors(conn, mirror.connection_id, CONTACT, ["c1", "c2", "c3", "never seen"])
    assert found == {"c1": "c3", "c2": "c3", "never seen": "c3"}
    assert await keyed(db) == {"c3"}


async def test_a_link_follows_its_merged_record_unless_the_survivor_is_linked(db: Database) -> None:
    mirror = await made(db)
    await begin(db, mirror)
    async with db.transaction() as conn:
        for number in range(1, 6):
            record = await add_record(conn, mirror, str(number), person(number))
            await execute(
                conn,
                "INSERT INTO link (connection_id, kind, record_id, crm_id) VALUES (%s, 'contact', %s, %s)",
                [mirror.connection_id, record, f"c{number}"],
            )
    merges = [Merge("c1", "new"), Merge("c2", "c3"), Merge("c4", "third"), Merge("c5", "third")]
    await read(db, mirror, Read([], "x", done=True, merges=merges))
    async with db.transaction() as conn:
        linked = await value(conn, "SELECT array_agg(crm_id ORDER BY record_id) FROM link")
    assert linked == ["new", "c2", "c3", "third", "c5"]


async def test_after_a_full_reading_what_it_did_not_meet_is_deleted(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1), crm_person(2))
    await begin(db, mirror)
    await read(db, mirror, Read([crm_person(2)], "p2", done=False))
    assert not (await held(db, mirror, "c1")).gone
    await read(db, mirror, Read([crm_person(3)], "x", done=True))
    assert (await held(db, mirror, "c1")).gone
    assert await keyed(db) == {"c2", "c3"}
    await read(db, mirror, Read([], "y", done=True))
    assert not (await held(db, mirror, "c2")).gone


async def test_a_record_that_the_crm_does_not_find_is_gone(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1), crm_person(2))
    async with db.transaction() as conn:
        await store_gone(conn, mirror, ["c1"])
    assert await keyed(db) == {"c2"}


async def test_a_mirror_written_before_its_keys_were_made_gets_them_all(db: Database) -> None:
    mirror = await made(db)
    await store(db, mirror, crm_person(1))
    async with db.transaction() as conn:
        await execute(conn, "TRUNCATE key_scope, crm_key")
    await store(db, mirror, crm_person(2))
    assert await keyed(db) == set()
    async with db.transaction() as conn:
        await keys.ensure_crm_keys(
            conn, mirror.workspace_id, mirror.connection_id, CONTACT, rule=mirror.rule, mapping=mirror.mapping
        )
    assert await keyed(db) == {"c1", "c2"}

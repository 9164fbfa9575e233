import random
from collections import defaultdict

from hub_core.engine.store import keys
from hub_core.engine.store.candidates import key_candidates
from hub_core.engine.store.database import Conn, Database, all_rows, execute, value
from hub_core.engine.store.matching import MatchCounts, join_into
from hub_core.engine.store.mirror import Mirror, Read, begin_reading, store_read, store_records
from hub_core.engine.store.selection import Selection
from hub_core.model.records import CrmRecord, Merge
from hub_core.rules.matching import explain
from hub_core.rules.selecting import Filter
from tests.engine.store.mirrored import CONTACT, FIELDS, MAPPING, RULE, add_record, crm_person, made, person


async def joined(conn: Conn, mirror: Mirror, selected: Selection | None = None) -> MatchCounts:
    scopes = await scopes_of(conn, mirror)
    await execute(conn, "DROP TABLE IF EXISTS found")
    return await join_into(
        conn, "found", hub_scope=scopes[0], crm_scope=scopes[1], connection_id=mirror.connection_id, selected=selected
    )


async def scopes_of(conn: Conn, mirror: Mirror) -> tuple[int, int]:
    return (
        await keys.ensure_hub_keys(conn, mirror.workspace_id, CONTACT, RULE),
        await keys.ensure_crm_keys(
            conn, mirror.workspace_id, mirror.connection_id, CONTACT, rule=RULE, mapping=MAPPING
        ),
    )


async def test_the_join_tells_one_match_from_several(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        one, two, _ = [await add_record(conn, mirror, str(number), person(number)) for number in (1, 2, 3)]
        await store_records(conn, mirror, [crm_person(1), crm_person(2), crm_person(2, "twin")], FIELDS)
        assert await joined(conn, mirror) == MatchCounts(unique=1, several=1)
        rows = await all_rows(conn, "SELECT record_id, crm_lo = crm_hi AS same, clause FROM found ORDER BY 1")
    assert rows == [
        {"record_id": one, "same": True, "clause": 1},
        {"record_id": two, "same": False, "clause": 1},
    ]


async def test_deleted_and_merged_crm_records_are_never_matched(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        for number in range(4):
            await add_record(conn, mirror, str(number), person(number))
        await begin_reading(conn, mirror, FIELDS)
        everything = [crm_person(number) for number in range(4)]
        merges = [Merge("c1", "c3")]
        await store_read(conn, mirror, Read(everything, "x", done=True, deletions=["c0"], merges=merges), FIELDS)
        assert await joined(conn, mirror) == MatchCounts(unique=2, several=0)
        await execute(conn, "TRUNCATE key_scope, crm_key, hub_key")
        assert await joined(conn, mirror) == MatchCounts(unique=2, several=0)


async def test_linked_and_unselected_hub_records_are_left_out(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        ids = [await add_record(conn, mirror, str(number), person(number)) for number in range(4)]
        await store_records(conn, mirror, [crm_person(number) for number in range(4)], FIELDS)
        await execute(
            conn,
            "INSERT INTO link (connection_id, kind, record_id, crm_id) VALUES (%s, 'contact', %s, 'c0')",
            [mirror.connection_id, ids[0]],
        )
        assert (await joined(conn, mirror)).unique == 3
        some = Selection(mirror.workspace_id, CONTACT, (Filter("lastName", "=", "lee 2"),))
        assert (await joined(conn, mirror, some)).unique == 1


async def test_a_key_shared_by_chance_is_found_out_on_the_values(db: Database) -> None:
    mirror = await made(db)
    async with db.transaction() as conn:
        record = await add_record(conn, mirror, "1", person(1))
        await store_records(conn, mirror, [crm_person(2)], FIELDS)
        hub_scope, crm_scope = await scopes_of(conn, mirror)
        await execute(conn, "UPDATE crm_key SET key = (SELECT key FROM hub_key)")
        found = await key_candidates(conn, [record], hub_scope=hub_scope, crm_scope=crm_scope)
    (candidate,) = found[record]
    assert explain(RULE, person(1), candidate.values, MAPPING) == ()


async def test_the_join_agrees_with_plain_sql_on_thousands_of_noisy_records(db: Database) -> None:
    """The oracle joins normalised texts written beside the records, with one plain query for each alternative."""
    chance = random.Random(3)
    mirror = await made(db)
    firsts, firms = ["ann", "bob", "zoë", ""], ["acme", "globex", "łódź foods", ""]
    plain = str.maketrans("ëłóź", "eloz")

    def noisy(text: str) -> str:
        return chance.choice([text, text.upper(), f"  {text}", text.title()])

    async with db.transaction() as conn:
        await execute(conn, "CREATE TABLE truth (side text, id bigint, crm_id text, slug text, name text)")

        async def tell(side: str, id_: int | None, crm_id: str, slug: str, parts: tuple[str, str, str]) -> None:
            name = "/".join(parts).translate(plain) if all(parts) else None
            await execute(
                conn, "INSERT INTO truth VALUES (%s, %s, %s, %s, %s)", [side, id_, crm_id, slug or None, name]
            )

        def draw() -> tuple[str, tuple[str, str, str]]:
            slug = f"p-{chance.randrange(1500)}" if chance.random() < 0.4 else ""
            return slug, (chance.choice(firsts), f"lee {chance.randrange(120)}", chance.choice(firms))

        for number in range(1500):
            slug, parts = draw()
            url = f"https://{chance.choice(['www.', 'de.', ''])}linkedin.com/in/{slug}/" if slug else ""
            names = {"firstName": noisy(parts[0]), "lastName": noisy(parts[1]), "companyName": noisy(parts[2])}
            values = {name: text for name, text in {**names, "linkedInProfileUrl": url}.items() if text}
            await tell("hub", await add_record(conn, mirror, str(number), values), "", slug, parts)
        records: list[CrmRecord] = []
        for number in range(1200):
            slug, parts = draw()
            names = {"firstname": noisy(parts[0]), "lastname": noisy(parts[1]), "company": noisy(parts[2])}
            values = {**names, "linkedin": f"LinkedIn.com/in/{slug}?src=x" if slug else ""}
            records.append(CrmRecord(f"c{number}", {name: text for name, text in values.items() if text}, "2026"))
            await tell("crm", None, f"c{number}", slug, parts)
        await store_records(conn, mirror, records, FIELDS)

        counts = await joined(conn, mirror)
        pairs = await all_rows(
            conn,
            "SELECT h.id, c.crm_id FROM truth h JOIN truth c USING (slug) WHERE h.side = 'hub' AND c.side = 'crm' "
            "UNION "
            "SELECT h.id, c.crm_id FROM truth h JOIN truth c USING (name) WHERE h.side = 'hub' AND c.side = 'crm'",
        )
        rows = await all_rows(
            conn,
            "SELECT record_id, lo.crm_id AS lo, hi.crm_id AS hi FROM found "
            "JOIN crm_record lo ON lo.id = crm_lo JOIN crm_record hi ON hi.id = crm_hi",
        )
        total = await value(conn, "SELECT count(*) FROM found")
    expected: dict[int, set[str]] = defaultdict(set)
    for pair in pairs:
        expected[pair["id"]].add(pair["crm_id"])
    assert total == len(expected) > 500
    assert counts.several == sum(len(each) > 1 for each in expected.values()) > 100
    for row in rows:
        assert {row["lo"], row["hi"]} <= expected[row["record_id"]]
        assert (row["lo"] == row["hi"]) == (len(expected[row["record_id"]]) == 1)

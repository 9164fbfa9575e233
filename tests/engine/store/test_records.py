from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from hub_core.engine.store import records, workspaces
from hub_core.engine.store.database import Conn, Database, all_rows, execute
from hub_core.model.fields import FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules.incoming import Incoming

COMPANY, CONTACT = RecordKind.COMPANY, RecordKind.CONTACT


async def stage(conn: Conn, rows: Iterable[Incoming]) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield records.staged_rows(rows, 1)

    await records.stage(conn, chunks())


def company(key: str, domain: str | None = None, **values: str) -> Incoming:
    return Incoming(key, {**values, **({"domain": domain} if domain else {})}, domain, values.get("name"))


async def merge(db: Database, *rows: Incoming, kind: RecordKind = COMPANY, workspace: str = "w") -> records.Merged:
    async with db.transaction() as conn:
        await stage(conn, rows)
        return await records.merge_staged(conn, await workspaces.workspace_id(conn, workspace), kind, 0, len(rows))


async def keys_of(db: Database) -> dict[str, tuple[str | None, str | None]]:
    async with db.transaction() as conn:
        rows = await all_rows(conn, "SELECT external_id, domain_key, name_key FROM record")
    return {row["external_id"]: (row["domain_key"], row["name_key"]) for row in rows}


async def test_merging_tells_new_from_changed_and_does_not_touch_the_rest(db: Database) -> None:
    first = await merge(db, company("1", name="Acme"), company("2", name="Bell"))
    assert (first.created, len(first.changed)) == (2, 0)
    async with db.transaction() as conn:
        await execute(conn, "UPDATE record SET updated_at = 'epoch'")
    second = await merge(db, company("1", name="Acme"), company("2", name="Bell", city="Rome"), company("3", name="C"))
    assert (second.created, len(second.changed)) == (1, 1)
    assert dict(second.written())[second.changed[0]] == {"name": "Bell", "city": "Rome"}
    async with db.transaction() as conn:
        rows = await all_rows(conn, "SELECT external_id FROM record WHERE updated_at = 'epoch'")
    assert [row["external_id"] for row in rows] == ["1"]


async def test_a_key_stays_while_the_field_it_is_made_of_is_not_given(db: Database) -> None:
    await merge(db, company("1", "acme.com", name="Acme"))
    await merge(db, company("1", city="Berlin"))
    assert await keys_of(db) == {"1": ("acme.com", "Acme")}
    await merge(db, Incoming("1", {"website": "other.io"}, "other.io", None))
    assert await keys_of(db) == {"1": ("acme.com", "Acme")}
    await merge(db, company("1", "acme.org", name="Acme Org"))
    assert await keys_of(db) == {"1": ("acme.org", "Acme Org")}


async def test_rows_of_one_identity_are_joined_before_they_are_merged(db: Database) -> None:
    rows = [
        company("1", "a.com", name="A"),
        company("2", name="B"),
        company("1", name="AA"),
        Incoming("1", {}, None, None),
    ]
    async with db.transaction() as conn:
        await stage(conn, rows)
        assert await records.join_duplicates(conn) == 2
        left = await all_rows(conn, "SELECT number, values, domain_key, name_key FROM staged ORDER BY number")
    assert [tuple(row.values()) for row in left] == [
        (2, {"name": "B"}, None, "B"),
        (4, {"name": "AA", "domain": "a.com"}, "a.com", "AA"),
    ]


async def test_workspaces_and_kinds_do_not_meet(db: Database) -> None:
    await merge(db, company("1", "acme.com", name="Acme"))
    await merge(db, company("1", "acme.com", name="Other"), workspace="other")
    await merge(db, Incoming("1", {"companyName": "Acme"}, "acme.com", None), kind=CONTACT)
    async with db.transaction() as conn:
        one, other = [await workspaces.workspace_id(conn, key) for key in ("w", "other")]
        assert await records.assign_companies(conn, other) == 0
        assert await records.assign_companies(conn, one) == 1
        assert await records.assign_companies(conn, one) == 0
        assert await records.count_records(conn, one, COMPANY) == 1
        assert [each.values["name"] for each in await records.records_after(conn, other, COMPANY, 0, 10)] == ["Other"]


async def test_custom_fields_are_made_once(db: Database) -> None:
    field = HubField("shoeSize", "Shoe size", FieldType.SINGLE_CHOICE, CONTACT, custom=True, options=("S", "M"))
    async with db.transaction() as conn:
        workspace = await workspaces.workspace_id(conn, "w")
        await records.add_custom_fields(conn, workspace, [field])
        await records.add_custom_fields(
            conn, workspace, [HubField("shoeSize", "X", FieldType.TEXT, CONTACT, custom=True)]
        )
        assert (await records.hub_fields(conn, workspace, CONTACT))["shoeSize"] == field
        assert "shoeSize" not in await records.hub_fields(conn, workspace, COMPANY)

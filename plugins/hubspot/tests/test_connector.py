"""The hooks, against a simulated HubSpot account over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hub_hubspot.connector import HubSpotSettings, plugin
from hub_hubspot.simulator import SimulatorConfig

from hub_core.plugin import (
    Associate,
    Associated,
    AssociationType,
    BadInput,
    ByIds,
    Comparison,
    Condition,
    CredentialsRejected,
    CrmRecord,
    CrmType,
    FieldInfo,
    MissingScope,
    Page,
    Probe,
    RecordKind,
    Update,
)

CONTACT, COMPANY, USER = RecordKind.CONTACT, RecordKind.COMPANY, RecordKind.USER
ADDITIONAL, PRIMARY, REPLACE = AssociationType.ADDITIONAL, AssociationType.PRIMARY, AssociationType.PRIMARY_REPLACE
EMAIL = FieldInfo("email", "Email", CrmType.EMAIL)
FIRST = FieldInfo("firstname", "First name", CrmType.TEXT)
LAST = FieldInfo("lastname", "Last name", CrmType.TEXT)
CITY = FieldInfo("city", "City", CrmType.TEXT)
FIELDS = (EMAIL, FIRST, LAST, CITY)

READ = "POST /crm/objects/{version}/{type}/batch/read"
CREATE = "POST /crm/objects/{version}/{type}/batch/create"
UPDATE = "POST /crm/objects/{version}/{type}/batch/update"
SEARCH = "POST /crm/objects/{version}/{type}/search"
TIES = "POST /crm/associations/{version}/{type}/{type}/batch/"


def equals(field: str, *values: str) -> Condition:
    return Condition(field, values)


def emails(records: Sequence[CrmRecord]) -> list[str]:
    return sorted(str(record.values["email"]) for record in records)


async def find(account, *any_of: tuple[Condition, ...]) -> list[str]:
    return emails(await plugin.match(account.connection, CONTACT, Probe(any_of, FIELDS)))


async def read_all(account, cursor: str | None = None, kind: RecordKind = CONTACT) -> list[Page]:
    pages: list[Page] = []
    while not pages or not pages[-1].done:
        pages.append(await plugin.sync(account.connection, kind, cursor, FIELDS))
        cursor = pages[-1].next_cursor
    return pages


def changed(pages: Sequence[Page]) -> list[CrmRecord]:
    return [record for page in pages for record in page.changes]


# Who we are, and the fields


async def test_the_account_has_an_id_a_time_zone_and_a_link_to_records(account) -> None:
    me = await plugin.authenticate(account.connection)
    assert (me.id, me.time_zone, me.user_email) == ("44556677", "Europe/Amsterdam", "")
    assert me.record_url.format(kind="contact", id="5") == "https://app.hubspot.com/contacts/44556677/contact/5"


async def test_a_wrong_token_is_refused(account, connect) -> None:
    async with connect("pat-wrong") as connection:
        with pytest.raises(CredentialsRejected):
            await plugin.authenticate(connection)


@pytest.mark.parametrize(
    "config", [SimulatorConfig(token_scopes={"pat-simulator": frozenset({"crm.objects.contacts.read"})})]
)
async def test_a_token_without_a_scope_says_so(account) -> None:
    with pytest.raises(MissingScope):
        await plugin.match(account.connection, COMPANY, ByIds(("1",), ()))


async def test_the_fields_tell_type_options_and_what_may_be_written(account) -> None:
    contact = {field.id: field for field in await plugin.list_fields(account.connection, CONTACT)}
    assert contact["email"].type is CrmType.EMAIL
    assert contact["email"].unique
    assert (contact["hubspot_owner_id"].type, contact["hubspot_owner_id"].refers_to) == (CrmType.REFERENCE, "user")
    assert contact["lastmodifieddate"].read_only
    assert contact["firstname"] == FieldInfo("firstname", contact["firstname"].label, CrmType.TEXT)
    company = {field.id: field for field in await plugin.list_fields(account.connection, COMPANY)}
    assert company["industry"].type is CrmType.CHOICE
    assert company["industry"].options
    assert company["numberofemployees"].type is CrmType.NUMBER


async def test_the_proposed_names_are_fields_of_the_account(account) -> None:
    for kind, field in ((CONTACT, "firstName"), (COMPANY, "domain")):
        known = {info.id for info in await plugin.list_fields(account.connection, kind)}
        assert plugin.manifest.crm is not None
        proposed = plugin.manifest.crm.field_names[kind]
        assert proposed[field][0] in known
        assert plugin.manifest.crm.owner_field in known


# Searching


async def test_a_probe_finds_by_any_group_whatever_the_case_quotes_and_scripts(account) -> None:
    await account.seed(
        "contacts",
        [
            {"email": "ann@acme.com", "firstname": "Ann", "lastname": 'O\'"Neil"'},
            {"email": "wei@acme.cn", "firstname": "王伟", "lastname": "Łódź"},
            {"email": "bob@acme.com", "firstname": "Bob", "lastname": "Ann"},
        ],
    )
    assert await find(account, (equals("firstname", "ann"), equals("lastname", 'o\'"neil"'))) == ["ann@acme.com"]
    assert await find(account, (equals("firstname", "王伟"), equals("lastname", "Łódź"))) == ["wei@acme.cn"]
    assert await find(account, (equals("firstname", "ANN", "王伟", "nobody"),)) == ["ann@acme.com", "wei@acme.cn"]
    assert await find(account, (equals("firstname", "nobody"),)) == []


async def test_a_probe_of_any_size_is_cut_into_searches(account) -> None:
    people = [{"email": f"p{i}@acme.com", "firstname": f"F{i}", "lastname": f"L{i}"} for i in range(90)]
    await account.seed("contacts", people)
    await account.calls()
    assert len(await find(account, *((equals("email", person["email"]),) for person in people))) == 90
    assert (await account.calls())[SEARCH] == 1
    pairs = [(equals("firstname", one["firstname"]), equals("lastname", one["lastname"])) for one in people[:23]]
    assert len(await find(account, *pairs)) == 23
    assert (await account.calls())[SEARCH] == 5


async def test_a_probe_by_word_takes_an_ending(account) -> None:
    await account.seed(
        "contacts",
        [
            {"email": "a@x.co", "hs_linkedin_url": "https://www.linkedin.com/in/annlee"},
            {"email": "b@x.co", "hs_linkedin_url": "https://www.linkedin.com/in/annleeson/"},
            {"email": "c@x.co", "hs_linkedin_url": "https://www.linkedin.com/in/bob"},
        ],
    )
    token = Comparison.TOKEN
    assert await find(account, (Condition("hs_linkedin_url", ("annlee",), token),)) == ["a@x.co"]
    assert await find(account, (Condition("hs_linkedin_url", ("annlee*", "bob"), token),)) == [
        "a@x.co",
        "b@x.co",
        "c@x.co",
    ]


async def test_all_pages_of_a_search_are_read_and_a_record_comes_once(account) -> None:
    await account.seed(
        "contacts", [{"email": f"p{i}@acme.com", "firstname": "Ann", "city": "Bonn"} for i in range(450)]
    )
    found = await find(account, (equals("firstname", "Ann"),), (equals("city", "Bonn"),))
    assert len(found) == len(set(found)) == 450


async def test_so_many_wanted_fields_that_a_search_is_too_long_are_read_by_id(account) -> None:
    await account.seed("contacts", [{"email": "ann@acme.com", "firstname": "Ann"}])
    fields = (*FIELDS, *(FieldInfo(f"a_rather_long_property_name_{i}", "", CrmType.TEXT) for i in range(80)))
    [record] = await plugin.match(account.connection, CONTACT, Probe(((equals("email", "ann@acme.com"),),), fields))
    assert record.values == {"email": "ann@acme.com", "firstname": "Ann"}


async def test_a_field_that_is_gone_is_named(account) -> None:
    with pytest.raises(BadInput, match="'nosuch'"):
        await find(account, (equals("nosuch", "x"),))


# Reading by id


async def test_records_are_read_by_id_and_unknown_ids_are_left_out(account) -> None:
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(150)])
    await account.calls()
    found = await plugin.match(account.connection, CONTACT, ByIds((*ids, "1", ids[0]), FIELDS))
    assert sorted(record.id for record in found) == sorted(ids)
    assert all(record.associated is None for record in found)
    assert await account.calls() == {READ: 2}


async def test_a_merged_record_comes_under_the_id_that_survives(account) -> None:
    winner, loser = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}])
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    await account.connection.http.request("POST", "/crm/objects/2026-09/contacts/merge", json=body)
    for asked in ((loser,), (winner, loser)):
        assert [record.id for record in await plugin.match(account.connection, CONTACT, ByIds(asked, FIELDS))] == [
            winner
        ]


@pytest.mark.parametrize("config", [SimulatorConfig(association_page=2, associations_limit=None, rate_limit=None)])
async def test_ties_are_read_with_the_records_to_the_last_page(account) -> None:
    companies = await account.seed("companies", [{"name": f"C{i}"} for i in range(5)])
    [ann, bob] = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}])
    await account.export(
        Update("r", ann, {}, associate=tuple(Associate(COMPANY, id_, ADDITIONAL) for id_ in companies))
    )
    await account.export(Update("r", ann, {}, associate=(Associate(COMPANY, companies[3], PRIMARY),)))
    assert await account.ties(ann) == tuple(Associated(id_, id_ == companies[3]) for id_ in companies)
    assert await account.ties(bob) == ()
    assert await account.ties(companies[3], COMPANY) == (Associated(ann, True),)


# Reading everything, and what has changed


@pytest.mark.parametrize("kind", [CONTACT, COMPANY])
async def test_a_first_reading_has_everything_once_and_says_how_much_it_is(account, kind: RecordKind) -> None:
    ids = await account.seed(kind.plural, [{"city": f"City {i}"} for i in range(250)])
    pages = await read_all(account, kind=kind)
    assert [len(page.changes) for page in pages] == [100, 100, 50]
    assert sorted(record.id for record in changed(pages)) == sorted(ids)
    assert str(changed(pages)[0].values["city"]).startswith("City")
    assert [page.total for page in pages] == [250, None, None]


async def test_an_empty_account_is_read_and_what_comes_later_is_found(account) -> None:
    pages = await read_all(account)
    assert (len(pages), pages[0].total, pages[0].changes) == (1, 0, [])
    await account.seed("contacts", [{"email": "a@x.co"}])
    assert emails(changed(await read_all(account, pages[-1].next_cursor))) == ["a@x.co"]


async def test_changes_new_records_and_deletions_come_with_the_next_reading(account, clock) -> None:
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(5)])
    clock.pass_(3600)
    cursor = (await read_all(account))[-1].next_cursor
    await account.change("contacts", ids[1], city="Ulm")
    [new] = await account.seed("contacts", [{"email": "new@acme.com"}])
    await account.delete("contacts", ids[2])
    clock.pass_(60)
    pages = await read_all(account, cursor)
    found = {record.id: record.values for record in changed(pages)}
    assert {ids[1], new} <= found.keys()
    assert found[ids[1]]["city"] == "Ulm"
    assert [id_ for page in pages for id_ in page.deletions] == [ids[2]]
    clock.pass_(3600)
    await account.change("contacts", ids[0], city="Bonn")
    await read_all(account, cursor := pages[-1].next_cursor)
    later = [await read_all(account, cursor)]
    later.append(await read_all(account, later[0][-1].next_cursor))
    assert {record.id for record in changed(later[1])} == {ids[0]}  # the older ones are not read again
    assert [page.deletions for page in later[1]] == [(), []]


@pytest.mark.parametrize("config", [SimulatorConfig(search_lag=30.0, search_limit=None)])
async def test_a_change_that_the_search_learns_late_is_not_lost(account, clock) -> None:
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(3)])
    clock.pass_(3600)
    cursor = (await read_all(account))[-1].next_cursor
    await account.export(Update("r", ids[0], {"city": "Ulm"}))
    clock.pass_(10)
    pages = await read_all(account, cursor)  # too early: the search does not know yet
    clock.pass_(60)
    found = {record.id: record.values for record in changed(await read_all(account, pages[-1].next_cursor))}
    assert found[ids[0]]["city"] == "Ulm"


async def test_more_changes_of_one_moment_than_a_page_holds_are_all_read(account, clock) -> None:
    cursor = (await read_all(account))[-1].next_cursor
    same = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(450)])
    clock.pass_(1)
    after = await account.seed("contacts", [{"email": f"q{i}@acme.com"} for i in range(210)])
    pages = await read_all(account, cursor)
    assert {record.id for record in changed(pages)} == {*same, *after}
    assert len(pages) < 12


async def test_a_change_while_reading_moves_no_other_record_out_of_sight(account, clock) -> None:
    cursor = (await read_all(account))[-1].next_cursor
    ids: list[str] = []
    for i in range(300):
        ids += await account.seed("contacts", [{"email": f"p{i}@acme.com"}])
        clock.pass_(0.01)
    first = await plugin.sync(account.connection, CONTACT, cursor, FIELDS)
    await account.change("contacts", ids[0], city="Ulm")  # it leaves the first page and would pull the others forward
    rest = await read_all(account, first.next_cursor)
    assert {record.id for record in [*first.changes, *changed(rest)]} == set(ids)


async def test_merges_are_told(account) -> None:
    winner, loser = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}])
    cursor = (await read_all(account))[-1].next_cursor
    body = {"primaryObjectId": winner, "objectIdToMerge": loser}
    await account.connection.http.request("POST", "/crm/objects/2026-09/contacts/merge", json=body)
    pages = await read_all(account, cursor)
    assert {(merge.loser, merge.winner) for page in pages for merge in page.merges} == {(loser, winner)}


@pytest.mark.parametrize("first", [True, False])
async def test_so_many_fields_that_they_fit_no_address_are_read_by_id(account, first: bool) -> None:
    cursor = None if first else (await read_all(account))[-1].next_cursor
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(3)])
    fields = (*FIELDS, *(FieldInfo(f"a_rather_long_property_name_{i}", "", CrmType.TEXT) for i in range(250)))
    page = await plugin.sync(account.connection, CONTACT, cursor, fields)
    assert {record.id: record.values["email"] for record in page.changes} == {
        id_: f"p{i}@acme.com" for i, id_ in enumerate(ids)
    }


async def test_owners_are_users_and_queues_are_inactive(account) -> None:
    pages = await read_all(account, kind=USER)
    users = {record.id: record.values for record in changed(pages)}
    assert users["41629779"] == {"name": "Ann Owner", "email": "ann@simulator.example", "active": "true"}
    assert users["52000001"] == {"name": "Inbound queue", "active": "false"}
    again = await read_all(account, pages[-1].next_cursor, kind=USER)
    assert {record.id for record in changed(again)} == users.keys()


# Settings


def test_a_token_is_no_part_of_what_is_shown_or_logged() -> None:
    assert "pat-secret" not in repr(HubSpotSettings(access_token="pat-secret"))  # type: ignore[arg-type]

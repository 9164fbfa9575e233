"""Writing records and ties, against a simulated HubSpot account over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hub_hubspot.connector import plugin

from hub_core.plugin import (
    Archive,
    Associate,
    Associated,
    AssociationType,
    ByIds,
    Create,
    CrmType,
    Dissociate,
    FieldInfo,
    Probe,
    RecordKind,
    Rejected,
    Unavailable,
    Update,
    Write,
    Written,
)

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY
ADDITIONAL, PRIMARY, REPLACE = AssociationType.ADDITIONAL, AssociationType.PRIMARY, AssociationType.PRIMARY_REPLACE
FIELDS = tuple(FieldInfo(name, name, CrmType.TEXT) for name in ("email", "firstname", "lastname", "city"))

CREATE = "POST /crm/objects/{version}/{type}/batch/create"
UPDATE = "POST /crm/objects/{version}/{type}/batch/update"
TIES = "POST /crm/associations/{version}/{type}/{type}/batch/"


async def test_of_250_creates_only_the_bad_row_and_the_duplicate_fail(account) -> None:
    [there] = await account.seed("contacts", [{"email": "p100@acme.com"}])
    [company] = await account.seed("companies", [{"name": "Acme"}])
    associate = (Associate(COMPANY, company, PRIMARY),)
    writes = [
        Create(f"r{i}", {"email": f"p{i}@acme.com", "firstname": "Same"}, "41629779", associate) for i in range(250)
    ]
    writes[200] = replace(writes[200], values={"email": "not an address"})
    await account.calls()
    outcomes = await account.export(*writes)
    assert await account.calls() == {CREATE: 3}
    assert outcomes["r100"] == Rejected("r100", "Contact already exists. Existing ID: " + there, existing_id=there)
    bad = outcomes["r200"]
    assert isinstance(bad, Rejected)
    assert (bad.field, bad.existing_id) == ("email", "")
    state = await account.state("contacts")
    written = {ref: outcome for ref, outcome in outcomes.items() if isinstance(outcome, Written)}
    assert len(written) == 248
    for ref, outcome in written.items():
        row = state[outcome.crm_id]
        assert row["properties"]["email"] == f"p{ref[1:]}@acme.com"
        assert row["properties"]["hubspot_owner_id"] == "41629779"
        assert outcome.modified_at
    assert await account.ties(written["r7"].crm_id) == (Associated(company, True),)


async def test_a_property_that_does_not_exist_fails_only_the_rows_that_send_it(account) -> None:
    writes = [Create(f"r{i}", {"email": f"p{i}@acme.com"} | ({"nosuch": "x"} if i % 3 else {})) for i in range(30)]
    outcomes = await account.export(*writes)
    assert {ref for ref, outcome in outcomes.items() if isinstance(outcome, Written)} == {
        f"r{i}" for i in range(0, 30, 3)
    }
    assert {outcome.field for outcome in outcomes.values() if isinstance(outcome, Rejected)} == {"nosuch"}


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_a_batch_refused_as_a_whole_is_sent_again_in_halves(account, verb: str) -> None:
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(8)])
    await account.fault(path=f".*/batch/{verb}", kind="status", status=400, times=2)
    writes: list[Write] = [
        Create(f"r{i}", {"email": f"new{i}@acme.com"}) if verb == "create" else Update(f"r{i}", ids[i], {"city": "Ulm"})
        for i in range(8)
    ]
    await account.calls()
    outcomes = await account.export(*writes)
    assert all(isinstance(outcome, Written) for outcome in outcomes.values())
    assert list((await account.calls()).values()) == [3]  # 8 and the first 4 are refused; 2, 2 and 4 are carried out


async def test_one_bad_value_in_a_batch_of_updates_fails_alone(account) -> None:
    ids = await account.seed("contacts", [{"email": f"p{i}@acme.com"} for i in range(20)])
    writes = [Update(f"r{i}", id_, {"city": "Ulm"}) for i, id_ in enumerate(ids)]
    writes[3] = Update("r3", ids[3], {"email": "nonsense"})
    writes[4] = Update("r4", "123", {"city": "Ulm"})
    outcomes = await account.export(*writes)
    refused = {ref: outcome for ref, outcome in outcomes.items() if isinstance(outcome, Rejected)}
    assert refused.keys() == {"r3", "r4"}
    assert (refused["r3"].field, refused["r3"].gone) == ("email", False)
    assert refused["r4"].gone
    assert {(await account.state("contacts"))[id_]["properties"].get("city") for id_ in ids[5:]} == {"Ulm"}


async def test_none_clears_a_value_and_what_is_not_sent_stays(account) -> None:
    [ann] = await account.seed("contacts", [{"email": "ann@acme.com", "city": "Bonn", "firstname": "Ann"}])
    outcomes = await account.export(Update("r", ann, {"city": None, "lastname": "Łódź 王"}, owner="41629780"))
    assert isinstance(outcomes["r"], Written)
    [record] = await plugin.match(account.connection, CONTACT, ByIds((ann,), FIELDS))
    assert record.values == {"email": "ann@acme.com", "firstname": "Ann", "lastname": "Łódź 王"}
    assert record.modified_at == outcomes["r"].modified_at


async def test_nothing_to_write_is_no_call(account) -> None:
    await account.calls()
    assert await plugin.export(account.connection, CONTACT, []) == []
    assert await plugin.match(account.connection, CONTACT, ByIds((), FIELDS, COMPANY)) == []
    assert await plugin.match(account.connection, CONTACT, Probe((), FIELDS)) == []
    assert await account.export(Update("r", "5", {})) == {"r": Written("r", "5")}
    assert await account.calls() == {}


async def test_a_create_that_broke_off_is_in_doubt(account) -> None:
    await account.fault(path=".*/batch/create", kind="commit_then_status", status=502)
    with pytest.raises(Unavailable) as raised:
        await account.export(Create("r", {"email": "ann@acme.com"}))
    assert raised.value.in_doubt
    assert len(await account.state("contacts")) == 1


# Ties


async def test_an_additional_company_leaves_the_primary_one(account) -> None:
    old, new = await account.seed("companies", [{"name": "Old"}, {"name": "New"}])
    ann = await _at(account, old)
    await account.export(Update("r", ann, {}, associate=(Associate(COMPANY, new, ADDITIONAL),)))
    assert await account.ties(ann) == (Associated(old, True), Associated(new, False))


async def test_a_primary_company_keeps_the_old_one_as_a_plain_one(account) -> None:
    old, new = await account.seed("companies", [{"name": "Old"}, {"name": "New"}])
    ann = await _at(account, old)
    await account.export(Update("r", ann, {"city": "Ulm"}, associate=(Associate(COMPANY, new, PRIMARY),)))
    assert await account.ties(ann) == (Associated(old, False), Associated(new, True))


async def test_a_replaced_primary_company_is_gone(account) -> None:
    old, new = await account.seed("companies", [{"name": "Old"}, {"name": "New"}])
    ann = await _at(account, old)
    await account.calls()
    tie, parted = Associate(COMPANY, new, REPLACE), Dissociate(COMPANY, old)
    await account.export(Update("r", ann, {"city": "Ulm"}, associate=(tie,), dissociate=(parted,)))
    assert await account.calls() == {UPDATE: 1, TIES + "read": 1, TIES + "create": 1, TIES + "archive": 1}
    assert await account.ties(ann) == (Associated(new, True),)


async def test_a_primary_company_can_become_an_ordinary_one(account) -> None:
    [company] = await account.seed("companies", [{"name": "Acme"}])
    [ann] = await account.seed("contacts", [{"email": "a@x.co"}])
    await account.export(Update("r", ann, {}, associate=(Associate(COMPANY, company, PRIMARY, labels=("36",)),)))
    assert await account.ties(ann) == (Associated(company, True, ("36",)),)
    await account.calls()
    await account.export(Update("r", ann, {}, dissociate=(Dissociate(COMPANY, company, only_primary=True),)))
    assert await account.calls() == {TIES + "labels/archive": 1}
    assert await account.ties(ann) == (Associated(company, labels=("36",)),)


async def test_a_tie_gets_the_customers_labels_beside_those_it_has(account) -> None:
    [company] = await account.seed("companies", [{"name": "Acme"}])
    [ann] = await account.seed("contacts", [{"email": "a@x.co"}])
    for label in ("36", "38"):
        await account.export(Update("r", ann, {}, associate=(Associate(COMPANY, company, ADDITIONAL, (label,)),)))
    assert await account.ties(ann) == (Associated(company, labels=("36", "38")),)


async def test_a_created_company_takes_its_contacts_along(account) -> None:
    ann, bob = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}])
    associate = (Associate(CONTACT, ann, PRIMARY), Associate(CONTACT, bob, ADDITIONAL))
    outcomes = await account.export(Create("r", {"name": "Acme"}, associate=associate), kind=COMPANY)
    company = outcomes["r"]
    assert isinstance(company, Written)
    assert await account.ties(ann) == (Associated(company.crm_id, True),)
    assert await account.ties(bob) == (Associated(company.crm_id, False),)


async def test_the_customers_own_label_survives_when_a_company_becomes_primary(account) -> None:
    [company] = await account.seed("companies", [{"name": "Acme"}])
    [ann] = await account.seed("contacts", [{"email": "a@x.co"}])
    http = account.connection.http
    label = {"label": "Adviser", "name": "adviser"}
    answer = await http.request("POST", "/crm/associations/2026-09/contacts/companies/labels", json=label)
    own = next(row["typeId"] for row in answer.data["results"])
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": own}]
    body = {"inputs": [{"from": {"id": ann}, "to": {"id": company}, "types": types}]}
    await http.request("POST", "/crm/associations/2026-09/contacts/companies/batch/create", json=body)
    await account.export(Update("r", ann, {}, associate=(Associate(COMPANY, company, PRIMARY),)))
    answer = await http.request(
        "POST", "/crm/associations/2026-09/contacts/companies/batch/read", json={"inputs": [{"id": ann}]}
    )
    held = {type_["typeId"] for type_ in answer.data["results"][0]["to"][0]["associationTypes"]}
    assert {own, 1} <= held


async def test_a_tie_that_fails_is_a_warning_where_the_record_was_written(account) -> None:
    [company] = await account.seed("companies", [{"name": "Acme"}])
    ann, bob, eve = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}, {"email": "e@x.co"}])
    for type_ in (ADDITIONAL, PRIMARY):
        outcomes = await account.export(
            Update("a", ann, {"city": "Ulm"}, associate=(Associate(COMPANY, "404", type_),)),
            Update("b", bob, {}, associate=(Associate(COMPANY, "405", type_),)),
            Update("e", eve, {}, associate=(Associate(COMPANY, company, type_),)),
        )
        assert isinstance(outcomes["a"], Written)
        assert outcomes["a"].warning
        assert isinstance(outcomes["b"], Rejected)
        assert isinstance(outcomes["e"], Written)
        assert not outcomes["e"].warning
    assert await account.ties(eve) == (Associated(company, True),)


async def _at(account, company: str) -> str:
    """A contact whose primary company is ``company``."""
    outcome = (
        await account.export(Create("r", {"firstname": "Ann"}, associate=(Associate(COMPANY, company, PRIMARY),)))
    )["r"]
    assert isinstance(outcome, Written)
    return outcome.crm_id


async def test_an_archived_contact_is_in_the_bin_and_archiving_it_again_does_no_harm(account) -> None:
    ann, bob = await account.seed("contacts", [{"email": "a@x.co"}, {"email": "b@x.co"}])
    await account.export(Archive("r", ann))
    await account.export(Archive("r", ann))
    state = await account.state("contacts")
    assert (state[ann]["archived"], state[bob]["archived"]) == (True, False)


async def test_ties_alone_are_read_without_reading_the_records(account) -> None:
    [company] = await account.seed("companies", [{"name": "Acme"}])
    ann = await _at(account, company)
    await account.calls()
    assert await account.ties(ann) == (Associated(company, True),)
    assert await account.calls() == {TIES + "read": 1}

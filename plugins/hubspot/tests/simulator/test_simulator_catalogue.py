"""Properties, owners, pipelines, account details."""

import pytest

PROPERTIES = "/crm/properties/2026-09"
NEW = {"name": "hub_key", "label": "Hub key", "type": "string", "fieldType": "text", "groupName": "custom"}


async def properties_of(vendor, kind):
    return {one["name"]: one for one in (await vendor.get(f"{PROPERTIES}/{kind}")).json()["results"]}


async def test_the_properties_of_a_type_come_without_pages(vendor):
    for kind in ("contacts", "companies"):
        assert len(await properties_of(vendor, kind)) >= 40


async def test_read_only_and_calculated_properties_say_so(vendor):
    found = await properties_of(vendor, "contacts")
    assert found["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["hs_email_domain"]["calculated"] is True
    assert found["email"]["modificationMetadata"]["readOnlyValue"] is False


async def test_an_owner_property_refers_to_owners_and_lists_no_options(vendor):
    owner = (await properties_of(vendor, "contacts"))["hubspot_owner_id"]
    assert (owner["referencedObjectType"], owner["externalOptions"], owner["options"]) == ("OWNER", True, [])


async def test_choices_have_options_and_multiple_ones_are_checkboxes(vendor):
    found = await properties_of(vendor, "companies")
    assert (found["industry"]["fieldType"], len(found["industry"]["options"]) > 40) == ("select", True)
    assert (found["products"]["type"], found["products"]["fieldType"]) == ("enumeration", "checkbox")


async def test_every_type_of_value_occurs(vendor):
    kinds = {one["type"] for kind in ("contacts", "companies") for one in (await properties_of(vendor, kind)).values()}
    assert kinds == {"string", "number", "bool", "enumeration", "date", "datetime", "phone_number"}


async def test_a_new_property_can_be_written_and_read(vendor):
    made = await vendor.post(f"{PROPERTIES}/contacts", NEW)
    assert (made.status_code, made.json()["hubspotDefined"]) == (201, False)
    one = await vendor.create("contacts", firstname="Ann", hub_key="k1")
    assert await vendor.read("contacts", one, "hub_key") == {"hub_key": "k1"}
    assert await vendor.found("contacts", "hub_key", "EQ", "K1") == [one]
    assert (await vendor.post(f"{PROPERTIES}/contacts", NEW)).status_code == 409


async def test_a_new_unique_property_serves_as_id_and_refuses_doubles(vendor):
    await vendor.post(f"{PROPERTIES}/contacts", NEW | {"hasUniqueValue": True})
    row = {"id": "k1", "idProperty": "hub_key", "properties": {"firstname": "Ann"}}
    upserted = (await vendor.post("contacts/batch/upsert", {"inputs": [row]})).json()["results"][0]
    assert upserted["new"] is True
    assert (await vendor.get("contacts/k1", idProperty="hub_key")).json()["id"] == upserted["id"]
    assert (await vendor.post("contacts", {"properties": {"hub_key": "k1", "firstname": "B"}})).status_code == 400


async def test_a_type_has_ten_unique_properties_at_most(vendor):
    answers = [
        await vendor.post(f"{PROPERTIES}/contacts", NEW | {"name": f"key_{n}", "hasUniqueValue": True})
        for n in range(11)
    ]
    assert [answer.status_code for answer in answers] == [201] * 10 + [400]


@pytest.mark.parametrize(
    "change", [{"name": "Not Allowed"}, {"type": "text"}, {"fieldType": "line"}, {"colour": "red"}]
)
async def test_a_property_which_makes_no_sense_is_refused(vendor, change):
    assert (await vendor.post(f"{PROPERTIES}/contacts", NEW | change)).status_code == 400


async def test_a_custom_property_can_be_changed_and_archived_but_a_standard_one_cannot(vendor):
    await vendor.post(f"{PROPERTIES}/contacts", NEW)
    changed = await vendor.patch(f"{PROPERTIES}/contacts/hub_key", {"label": "Key"})
    assert changed.json()["label"] == "Key"
    assert (await vendor.patch(f"{PROPERTIES}/contacts/email", {"label": "Mail"})).status_code == 400
    assert (await vendor.ask("DELETE", f"{PROPERTIES}/contacts/hub_key")).status_code == 204
    assert (await vendor.post("contacts", {"properties": {"hub_key": "x", "firstname": "A"}})).status_code == 400
    archived = (await vendor.get(f"{PROPERTIES}/contacts", archived="true")).json()["results"]
    assert [one["name"] for one in archived] == ["hub_key"]


async def test_owners_are_people_and_queues_and_the_archived_are_apart(vendor):
    present = (await vendor.get("/crm/owners/2026-09")).json()["results"]
    assert sorted(one["type"] for one in present) == ["PERSON", "PERSON", "PERSON", "QUEUE"]
    gone = (await vendor.get("/crm/owners/2026-09", archived="true")).json()["results"]
    assert [one["archived"] for one in gone] == [True]


async def test_the_administrator_changes_archives_and_brings_back_any_property(vendor):
    path = "/_simulator/properties/contacts/jobtitle"
    changed = await vendor.client.patch(path, json={"label": "Function", "readOnlyValue": True})
    assert (changed.json()["label"], changed.json()["modificationMetadata"]["readOnlyValue"]) == ("Function", True)
    assert (await vendor.post("contacts", {"properties": {"lastname": "Lee", "jobtitle": "CEO"}})).status_code == 400
    await vendor.client.patch(path, json={"archived": True})
    assert (await vendor.get("/crm/properties/2026-09/contacts/jobtitle")).status_code == 404
    await vendor.client.patch(path, json={"archived": False, "readOnlyValue": False})
    assert (await vendor.post("contacts", {"properties": {"lastname": "Lee", "jobtitle": "CEO"}})).status_code == 201
    assert (await vendor.client.patch(path, json={"nonsense": 1})).status_code == 400
    assert (await vendor.client.patch("/_simulator/properties/contacts/none", json={})).status_code == 404


async def test_owners_come_in_pages_and_by_email(vendor):
    first = (await vendor.get("/crm/owners/2026-09", limit=3)).json()
    rest = (await vendor.get("/crm/owners/2026-09", limit=3, after=first["paging"]["next"]["after"])).json()
    assert (len(first["results"]), len(rest["results"]), "paging" in rest) == (3, 1, False)
    found = (await vendor.get("/crm/owners/2026-09", email="ANN@simulator.example")).json()["results"]
    assert [one["id"] for one in found] == ["41629779"]


async def test_an_owner_is_read_by_owner_id_or_user_id(vendor):
    by_id = (await vendor.get("/crm/owners/2026-09/41629779")).json()
    by_user = (await vendor.get("/crm/owners/2026-09/9586504", idProperty="userId")).json()
    assert by_id == by_user
    assert (await vendor.get("/crm/owners/2026-09/9586504")).status_code == 404


async def test_the_stages_of_deals_are_in_their_pipelines(vendor):
    found = (await vendor.get("/crm/pipelines/2026-09/deals")).json()["results"]
    assert [one["label"] for one in found] == ["Sales Pipeline", "Renewals"]
    stage = found[0]["stages"][0]["id"]
    deal = await vendor.create("deals", dealname="Big", dealstage=stage)
    assert await vendor.read("deals", deal, "dealstage") == {"dealstage": stage}
    assert (await vendor.post("deals", {"properties": {"dealstage": "won"}})).status_code == 400


@pytest.mark.parametrize("version", ["2026-09", "v3"])
async def test_account_details_name_the_account(vendor, version):
    body = (await vendor.get(f"/account-info/{version}/details")).json()
    assert (body["portalId"], body["timeZone"], body["utcOffset"]) == (44_556_677, "Europe/Amsterdam", "+01:00")

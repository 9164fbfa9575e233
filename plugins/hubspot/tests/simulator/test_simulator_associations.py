"""Associations: types, labels, primaries, batches."""

import pytest

PLAIN, PRIMARY = 279, 1


def spec(type_id, category="HUBSPOT_DEFINED"):
    return {"associationCategory": category, "associationTypeId": type_id}


def pair(one, other, *types):
    return {"from": {"id": one}, "to": {"id": other}} | ({"types": list(types)} if types else {})


@pytest.fixture
async def ann(vendor):
    return await vendor.create("contacts", firstname="Ann")


@pytest.fixture
async def firms(vendor):
    return [await vendor.create("companies", name=name) for name in ("Acme", "Beta", "Cees")]


async def test_a_default_link_is_plain_in_both_directions(vendor, ann, firms):
    answer = await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firms[0]}")
    assert answer.status_code == 200
    assert [row["associationSpec"]["associationTypeId"] for row in answer.json()["results"]] in ([279, 280], [280, 279])
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [279]}
    assert await vendor.links("companies", firms[0], "contacts") == {ann: [280]}


async def test_a_primary_link_is_plain_too_and_demotes_the_old_primary(vendor, ann, firms):
    for firm in firms[:2]:
        answer = await vendor.ask("PUT", f"contacts/{ann}/associations/companies/{firm}", [spec(PRIMARY)])
        assert (answer.status_code, answer.json()["labels"]) == (201, ["Primary"])
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [279], firms[1]: [1, 279]}
    assert await vendor.links("companies", firms[0], "contacts") == {ann: [280]}
    assert await vendor.links("companies", firms[1], "contacts") == {ann: [2, 280]}


async def test_a_company_may_be_primary_of_many_contacts(vendor, ann, firms):
    bob = await vendor.create("contacts", firstname="Bob")
    for contact in (ann, bob):
        await vendor.ask("PUT", f"contacts/{contact}/associations/companies/{firms[0]}", [spec(PRIMARY)])
    assert await vendor.links("companies", firms[0], "contacts") == {ann: [2, 280], bob: [2, 280]}


async def test_a_primary_set_from_the_company_demotes_as_well(vendor, ann, firms):
    await vendor.ask("PUT", f"contacts/{ann}/associations/companies/{firms[0]}", [spec(PRIMARY)])
    await vendor.ask("PUT", f"companies/{firms[1]}/associations/contacts/{ann}", [spec(2)])
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [279], firms[1]: [1, 279]}


async def test_setting_labels_replaces_the_custom_labels_of_the_pair(vendor, ann, firms):
    path = f"contacts/{ann}/associations/companies/{firms[0]}"
    await vendor.ask("PUT", path, [spec(PRIMARY), spec(36, "USER_DEFINED")])
    answer = await vendor.ask("PUT", path, [spec(38, "USER_DEFINED")])
    assert answer.json()["labels"] == ["Billing contact"]
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [1, 38, 279]}
    assert await vendor.links("companies", firms[0], "contacts") == {ann: [2, 39, 280]}


@pytest.mark.parametrize("types", [[spec(280)], [spec(36)], [spec(4)], [], [{"associationTypeId": 279}]])
async def test_a_type_which_does_not_fit_the_pair_and_direction_is_refused(vendor, ann, firms, types):
    answer = await vendor.ask("PUT", f"contacts/{ann}/associations/companies/{firms[0]}", types)
    assert answer.status_code == 400


async def test_a_link_to_an_unknown_record_is_404(vendor, ann):
    assert (await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/9")).status_code == 404


async def test_removing_a_pair_removes_every_label(vendor, ann, firms):
    path = f"contacts/{ann}/associations/companies/{firms[0]}"
    await vendor.ask("PUT", path, [spec(PRIMARY)])
    assert (await vendor.ask("DELETE", path)).status_code == 204
    assert await vendor.links("contacts", ann, "companies") == {}
    assert (await vendor.ask("DELETE", path)).status_code == 204


async def test_a_batch_read_tells_the_types_and_reports_records_without_links(vendor, ann, firms):
    bob = await vendor.create("contacts", firstname="Bob")
    await vendor.ask("PUT", f"contacts/{ann}/associations/companies/{firms[0]}", [spec(PRIMARY)])
    path = "/crm/associations/2026-09/contacts/companies/batch/read"
    answer = await vendor.post(path, {"inputs": [{"id": ann}, {"id": bob}]})
    body = answer.json()
    assert answer.status_code == 200
    assert body["results"][0]["from"]["id"] == ann
    assert body["results"][0]["to"][0]["toObjectId"] == firms[0]
    types = {one["typeId"]: one["label"] for one in body["results"][0]["to"][0]["associationTypes"]}
    assert types == {1: "Primary", 279: None}
    assert body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert body["errors"][0]["context"]["fromObjectId"] == [bob]


async def test_a_batch_read_has_pages_per_input(vendor_with):
    vendor = vendor_with(association_page=2)
    ann = await vendor.create("contacts", firstname="Ann")
    firms = [await vendor.create("companies", name=f"Firm {n}") for n in range(3)]
    for firm in firms:
        await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firm}")
    path = "/crm/associations/2026-09/contacts/companies/batch/read"
    first = (await vendor.post(path, {"inputs": [{"id": ann}]})).json()["results"][0]
    after = first["paging"]["next"]["after"]
    second = (await vendor.post(path, {"inputs": [{"id": ann, "after": after}]})).json()["results"][0]
    assert [row["toObjectId"] for row in first["to"] + second["to"]] == firms
    assert "paging" not in second


@pytest.mark.parametrize(("version", "status"), [("2026-09", 200), ("2026-03", 201)])
async def test_a_batch_create_labels_many_pairs(vendor_with, version, status):
    vendor = vendor_with(version)
    ann = await vendor.create("contacts", firstname="Ann")
    firm = await vendor.create("companies", name="Acme")
    path = f"/crm/associations/{version}/contacts/companies/batch/create"
    answer = await vendor.post(path, {"inputs": [pair(ann, firm, spec(PRIMARY))]})
    assert answer.status_code == status
    assert await vendor.links("contacts", ann, "companies") == {firm: [1, 279]}


async def test_one_unknown_record_does_not_fail_the_other_pairs(vendor, ann, firms):
    path = "/crm/associations/2026-09/contacts/companies/batch/associate/default"
    answer = await vendor.post(path, {"inputs": [pair(ann, firms[0]), pair(ann, "9")]})
    assert (answer.status_code, answer.json()["numErrors"]) == (200, 1)
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [279]}
    legacy = "/crm/v4/associations/contacts/companies/batch/associate/default"
    assert (await vendor.post(legacy, {"inputs": [pair(ann, "9")]})).status_code == 207


@pytest.mark.parametrize(("prefix", "status"), [("/crm/associations/2026-09", 200), ("/crm/v4/associations", 204)])
async def test_a_batch_archive_answers_by_version(vendor, ann, firms, prefix, status):
    await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firms[0]}")
    body = {"inputs": [{"from": {"id": ann}, "to": [{"id": firms[0]}]}]}
    answer = await vendor.post(f"{prefix}/contacts/companies/batch/archive", body)
    assert answer.status_code == status
    assert await vendor.links("contacts", ann, "companies") == {}


async def test_labels_can_be_taken_off_and_the_plain_one_takes_all(vendor, ann, firms):
    await vendor.ask(
        "PUT", f"contacts/{ann}/associations/companies/{firms[0]}", [spec(PRIMARY), spec(36, "USER_DEFINED")]
    )
    path = "/crm/associations/2026-09/contacts/companies/batch/labels/archive"
    await vendor.post(path, {"inputs": [pair(ann, firms[0], spec(PRIMARY))]})
    assert await vendor.links("contacts", ann, "companies") == {firms[0]: [36, 279]}
    await vendor.post(path, {"inputs": [pair(ann, firms[0], spec(PLAIN))]})
    assert await vendor.links("contacts", ann, "companies") == {}


@pytest.mark.parametrize(
    "path",
    [
        "/crm/associations/2026-09/contacts/companies/labels",
        "/crm/associations/v4/contact/company/labels",
        "/crm/v4/associations/0-1/0-2/labels",
    ],
)
async def test_labels_are_listed_under_every_path(vendor, path):
    results = (await vendor.get(path)).json()["results"]
    assert {"category": "USER_DEFINED", "typeId": 36, "label": "Decision maker"} in results
    assert {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None} in results


async def test_a_new_label_can_be_set(vendor, ann, firms):
    path = "/crm/associations/2026-09/contacts/companies/labels"
    made = (await vendor.post(path, {"label": "Founder", "name": "founder"})).json()["results"]
    await vendor.ask(
        "PUT", f"contacts/{ann}/associations/companies/{firms[0]}", [spec(made[0]["typeId"], "USER_DEFINED")]
    )
    assert made[0]["typeId"] in (await vendor.links("contacts", ann, "companies"))[firms[0]]


async def test_the_single_read_exists_in_older_versions_only(vendor, ann, firms):
    await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firms[0]}")
    assert (await vendor.get(f"contacts/{ann}/associations/companies")).status_code == 404
    old = await vendor.get(f"/crm/v4/objects/contacts/{ann}/associations/companies", limit=500)
    assert old.json()["results"][0]["toObjectId"] == int(firms[0])


async def test_batches_of_links_have_their_limits(vendor):
    read = "/crm/associations/2026-09/contacts/companies/batch/read"
    assert (await vendor.post(read, {"inputs": [{"id": "1"}] * 1001})).status_code == 400
    create = "/crm/associations/2026-09/contacts/companies/batch/create"
    assert (await vendor.post(create, {"inputs": [pair("1", "2", spec(PLAIN))] * 2001})).status_code == 400


async def test_archiving_a_record_removes_its_links(vendor, ann, firms):
    await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firms[0]}")
    await vendor.ask("DELETE", f"companies/{firms[0]}")
    assert await vendor.links("contacts", ann, "companies") == {}


async def test_activities_link_with_their_own_types(vendor, ann):
    task = await vendor.create("tasks", hs_timestamp="1764000000000", hs_task_subject="Call")
    await vendor.ask("PUT", f"tasks/{task}/associations/contacts/{ann}", [spec(204)])
    assert await vendor.links("tasks", task, "contacts") == {ann: [204]}
    assert await vendor.links("contacts", ann, "tasks") == {task: [203]}

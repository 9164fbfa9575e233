"""Batches: sizes, partial failure, upsert."""

import pytest

ANN, BOB = {"email": "ann@acme.com"}, {"email": "bob@acme.com"}


def rows(*properties, traced=True):
    return {
        "inputs": [
            {"properties": one} | ({"objectWriteTraceId": f"row-{n}"} if traced else {})
            for n, one in enumerate(properties)
        ]
    }


async def test_a_batch_has_a_hundred_inputs_at_most_and_one_at_least(vendor):
    full = rows(*({"firstname": f"N{n}"} for n in range(100)))
    assert (await vendor.post("contacts/batch/create", full)).status_code == 201
    over = rows(*({"firstname": f"N{n}"} for n in range(101)))
    assert (await vendor.post("contacts/batch/create", over)).status_code == 400
    assert (await vendor.post("contacts/batch/create", {"inputs": []})).status_code == 400


async def test_results_come_in_another_order_than_the_inputs(vendor_with):
    body = rows(*({"firstname": f"N{n}"} for n in range(50)))
    for shuffle in (True, False):
        vendor = vendor_with(shuffle_results=shuffle)
        results = (await vendor.post("contacts/batch/create", body)).json()["results"]
        traces = [row["objectWriteTraceId"] for row in results]
        assert sorted(traces) == sorted(one["objectWriteTraceId"] for one in body["inputs"])
        assert (traces == [one["objectWriteTraceId"] for one in body["inputs"]]) is not shuffle


@pytest.mark.parametrize(("version", "status"), [("2026-09", 201), ("2026-03", 207), ("2025-09", 200)])
async def test_a_bad_row_fails_alone_when_every_row_has_a_trace_id(vendor_with, version, status):
    vendor = vendor_with(version)
    answer = await vendor.post("contacts/batch/create", rows(ANN, {"email": "x"}))
    body = answer.json()
    assert answer.status_code == status
    assert [row["objectWriteTraceId"] for row in body["results"]] == ["row-0"]
    assert body["numErrors"] == 1
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["row-1"]
    assert body["errors"][0]["category"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("trace", [None, "same"])
async def test_a_bad_row_fails_the_whole_batch_without_unique_trace_ids(vendor, trace):
    body = rows(ANN, {"email": "x"}, traced=False)
    if trace:
        body["inputs"] = [one | {"objectWriteTraceId": trace} for one in body["inputs"]]
    assert (await vendor.post("contacts/batch/create", body)).status_code == 400
    assert (await vendor.get("contacts")).json()["results"] == []


async def test_an_email_twice_in_one_batch_conflicts_with_the_first_row(vendor):
    body = (await vendor.post("contacts/batch/create", rows(ANN, ANN))).json()
    assert len(body["results"]) == 1
    assert body["errors"][0]["category"] == "CONFLICT"
    assert body["errors"][0]["message"].endswith(f"Existing ID: {body['results'][0]['id']}")


async def test_a_conflict_fails_the_whole_batch_with_409_without_trace_ids(vendor):
    assert (await vendor.post("contacts/batch/create", rows(ANN, ANN, traced=False))).status_code == 409


async def test_a_batch_read_finds_by_id_or_email_and_names_the_missing_ones(vendor_with):
    vendor = vendor_with("2026-03")
    one = await vendor.create("contacts", **ANN, firstname="Ann")
    by_id = await vendor.post(
        "contacts/batch/read", {"properties": ["firstname"], "inputs": [{"id": one}, {"id": "9"}]}
    )
    assert by_id.status_code == 207
    assert by_id.json()["results"][0]["properties"] == {"firstname": "Ann"}
    assert by_id.json()["errors"][0]["context"]["ids"] == ["9"]
    body = {"properties": [], "idProperty": "email", "inputs": [{"id": "ANN@acme.com"}]}
    assert (await vendor.post("contacts/batch/read", body)).json()["results"][0]["id"] == one


async def test_a_batch_read_cannot_use_a_property_which_is_not_unique(vendor):
    body = {"idProperty": "domain", "inputs": [{"id": "acme.com"}]}
    assert (await vendor.post("companies/batch/read", body)).status_code == 400


async def test_a_batch_update_changes_by_id_and_reports_unknown_ids(vendor):
    one = await vendor.create("contacts", **ANN)
    inputs = [
        {"id": one, "properties": {"firstname": "Ann"}, "objectWriteTraceId": "a"},
        {"id": "9", "properties": {"firstname": "Bob"}, "objectWriteTraceId": "b"},
    ]
    body = (await vendor.post("contacts/batch/update", {"inputs": inputs})).json()
    assert [row["id"] for row in body["results"]] == [one]
    assert (body["errors"][0]["category"], body["errors"][0]["context"]["ids"]) == ("OBJECT_NOT_FOUND", ["9"])


async def test_the_same_id_twice_in_one_batch_is_refused(vendor):
    one = await vendor.create("contacts", **ANN)
    inputs = [{"id": one, "properties": {"firstname": name}} for name in "AB"]
    assert (await vendor.post("contacts/batch/update", {"inputs": inputs})).status_code == 400


async def test_an_upsert_creates_or_changes_and_says_which(vendor):
    one = await vendor.create("contacts", **ANN)
    inputs = [
        {
            "id": who["email"],
            "idProperty": "email",
            "properties": who | {"firstname": "New"},
            "objectWriteTraceId": who["email"],
        }
        for who in (ANN, BOB)
    ]
    body = (await vendor.post("contacts/batch/upsert", {"inputs": inputs})).json()
    outcome = {row["objectWriteTraceId"]: row["new"] for row in body["results"]}
    assert outcome == {"ann@acme.com": False, "bob@acme.com": True}
    assert await vendor.read("contacts", one, "firstname") == {"firstname": "New"}


@pytest.mark.parametrize("id_property", [None, "hs_object_id", "domain", "name"])
async def test_an_upsert_needs_a_unique_property(vendor, id_property):
    row = {"id": "acme.com", "properties": {"name": "Acme"}} | ({"idProperty": id_property} if id_property else {})
    answer = await vendor.post("companies/batch/upsert", {"inputs": [row]})
    assert answer.status_code == 400
    if id_property:
        assert "non-unique 0-2 property" in answer.json()["message"]


async def test_an_upsert_by_email_must_carry_the_email(vendor):
    row = {"id": "ann@acme.com", "idProperty": "email", "properties": {"firstname": "Ann"}}
    assert (await vendor.post("contacts/batch/upsert", {"inputs": [row]})).status_code == 400


async def test_companies_are_upserted_by_a_custom_unique_property(vendor):
    row = {"id": "NL-1", "idProperty": "registration_number", "properties": {"name": "Acme"}}
    for new in (True, False):
        result = (await vendor.post("companies/batch/upsert", {"inputs": [row]})).json()["results"][0]
        assert result["new"] is new


async def test_a_batch_archive_passes_over_unknown_ids(vendor):
    one = await vendor.create("contacts", **ANN)
    answer = await vendor.post("contacts/batch/archive", {"inputs": [{"id": one}, {"id": "9"}]})
    assert answer.status_code == 204
    assert (await vendor.get(f"contacts/{one}")).status_code == 404
    archived = await vendor.post("contacts/batch/read", {"inputs": [{"id": one}]}, archived="true")
    assert archived.json()["results"][0]["archived"] is True

"""Tokens, scopes, rate limits and strictness."""

import pytest

CONTACTS_READ = frozenset({"crm.objects.contacts.read"})


@pytest.mark.parametrize("token", ["", "pat-other"])
async def test_no_token_or_a_wrong_one_is_401(vendor, token):
    answer = await vendor.ask("GET", "contacts", token=token)
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


async def test_a_token_expires_after_its_number_of_requests(vendor_with):
    vendor = vendor_with(token_requests={"pat-simulator": 2})
    assert [(await vendor.get("contacts")).status_code for _ in range(3)] == [200, 200, 401]


async def test_a_token_expires_at_its_time(vendor_with):
    vendor = vendor_with(token_expires_at={"pat-simulator": 1_764_000_010.0})
    assert (await vendor.get("contacts")).status_code == 200
    vendor.clock.now += 10
    answer = await vendor.get("contacts")
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")


async def test_a_token_can_be_ended_while_the_account_runs(vendor):
    await vendor.admin("POST", "config", {"tokens": {"pat-simulator": {"requests": 1}}})
    assert [(await vendor.get("contacts")).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("POST", "contacts", {"properties": {"firstname": "A"}}, "crm.objects.contacts.write"),
        ("GET", "companies", None, "crm.objects.companies.read"),
        ("GET", "/crm/properties/2026-09/companies", None, "crm.schemas.companies.read"),
        ("GET", "/crm/owners/2026-09", None, "crm.objects.owners.read"),
        ("POST", "/crm/associations/2026-09/contacts/companies/batch/read", {}, "crm.objects.companies.read"),
        ("POST", "tasks", {"properties": {"hs_timestamp": "0"}}, "crm.objects.contacts.write"),
    ],
)
async def test_a_missing_scope_is_403_and_named(vendor_with, method, path, body, needed):
    vendor = vendor_with(token_scopes={"pat-simulator": CONTACTS_READ})
    answer = await vendor.ask(method, path, body)
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert needed in answer.json()["context"]["requiredGranularScopes"]
    assert (await vendor.get("contacts")).status_code == 200


async def test_email_bodies_need_a_scope_of_their_own(vendor_with):
    vendor = vendor_with(
        access_tokens=frozenset({"pat-simulator", "pat-all"}), token_scopes={"pat-simulator": CONTACTS_READ}
    )
    body = {"properties": {"hs_timestamp": "0", "hs_email_subject": "Hi", "hs_email_text": "secret"}}
    one = (await vendor.ask("POST", "emails", body, token="pat-all")).json()["id"]
    assert await vendor.read("emails", one, "hs_email_subject", "hs_email_text") == {"hs_email_subject": "Hi"}


async def test_rate_limit_headers_count_down(vendor):
    for remaining in (189, 188):
        headers = (await vendor.get("contacts")).headers
        assert headers["x-hubspot-ratelimit-max"] == "190"
        assert headers["x-hubspot-ratelimit-remaining"] == str(remaining)
        assert headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
        assert headers["x-hubspot-ratelimit-daily"] == "625000"


async def test_the_ten_second_window_rolls(vendor_with):
    vendor = vendor_with(rate_limit=2)
    assert [(await vendor.get("contacts")).status_code for _ in range(2)] == [200, 200]
    answer = await vendor.get("contacts")
    assert answer.status_code == 429
    assert (answer.json()["errorType"], answer.json()["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert "retry-after" not in answer.headers
    vendor.clock.now += 10
    assert (await vendor.get("contacts")).status_code == 200


async def test_search_has_its_own_limit_per_second_and_no_headers(vendor_with):
    vendor = vendor_with(search_limit=5, rate_limit=1)
    answers = [await vendor.search("contacts") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert not any(name.startswith("x-hubspot-ratelimit") for name in answers[0].headers)
    vendor.clock.now += 1
    assert (await vendor.search("contacts")).status_code == 200


async def test_associations_have_their_own_limit(vendor_with):
    vendor = vendor_with(associations_limit=1, rate_limit=1)
    path = "/crm/associations/2026-09/contacts/companies/labels"
    assert [(await vendor.get(path)).status_code for _ in range(2)] == [200, 429]
    assert (await vendor.get("contacts")).status_code == 200


async def test_the_daily_limit_ends_at_midnight_of_the_account(vendor_with):
    vendor = vendor_with(daily_limit=1, utc_offset_minutes=60)
    vendor.clock.now = 1_764_000_000.0 // 86_400 * 86_400 + 22.9 * 3600  # 22:54 UTC, six minutes before midnight here
    assert (await vendor.get("contacts")).status_code == 200
    answer = await vendor.get("contacts")
    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
    vendor.clock.now += 360
    assert (await vendor.get("contacts")).status_code == 200


async def test_limits_can_be_switched_off(vendor_with):
    vendor = vendor_with(rate_limit=None)
    answers = [await vendor.get("contacts") for _ in range(200)]
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/v5/objects/contacts", 404),
        ("GET", "/crm/objects/2026-09/contacts/1/2", 404),
        ("GET", "/", 404),
        ("PUT", "contacts", 405),
        ("GET", "contacts/search", 404),
        ("DELETE", "contacts/batch/read", 405),
        ("GET", "/crm/v3/associations/contacts/companies/labels", 404),
    ],
)
async def test_unknown_paths_are_404_and_wrong_methods_405(vendor, method, path, status):
    assert (await vendor.ask(method, path)).status_code == status


async def test_unknown_query_parameters_are_refused(vendor):
    assert (await vendor.get("contacts", property="email")).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("contacts", {"properties": {"firstname": "A"}, "extra": 1}),
        ("contacts", {"firstname": "A"}),
        ("contacts", []),
        ("contacts/search", {"filters": []}),
        ("contacts/batch/create", {"inputs": [{"properties": {"firstname": "A"}, "id": "1"}]}),
        ("contacts/batch/update", {"inputs": [{"properties": {}, "id": 1}]}),
    ],
)
async def test_unknown_or_wrong_body_keys_are_refused(vendor, path, body):
    assert (await vendor.post(path, body)).status_code == 400


async def test_malformed_json_is_400_and_another_content_type_415(vendor):
    headers = {"Authorization": "Bearer pat-simulator", "Content-Type": "application/json"}
    broken = await vendor.client.post("/crm/objects/2026-09/contacts", content=b'{"a"', headers=headers)
    assert broken.status_code == 400
    headers["Content-Type"] = "text/plain"
    assert (
        await vendor.client.post("/crm/objects/2026-09/contacts", content=b"{}", headers=headers)
    ).status_code == 415


async def test_an_error_has_the_shape_of_the_vendor(vendor):
    body = (await vendor.post("contacts", {"properties": {"email": "x"}})).json()
    assert body["status"] == "error"
    assert len(body["correlationId"]) == 36
    assert body["errors"][0]["context"] == {"propertyName": ["email"]}

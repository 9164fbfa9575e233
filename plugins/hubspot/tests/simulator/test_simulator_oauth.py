"""OAuth: codes, refresh, expiry, introspection, revocation."""

from urllib.parse import parse_qs, urlsplit

import pytest

CLIENT = {"client_id": "simulator-client", "client_secret": "simulator-secret"}
BACK = "http://hub.example/back"


async def tokens(vendor, version="2026-09", **form):
    return await vendor.client.post(f"/oauth/{version}/token", data=CLIENT | form)


async def granted(vendor):
    answer = await tokens(vendor, grant_type="authorization_code", code="simulator-code", redirect_uri=BACK)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("version", ["2026-09", "v3"])
async def test_a_code_gives_a_token_which_opens_the_account(vendor, version):
    answer = await tokens(vendor, version, grant_type="authorization_code", code="simulator-code", redirect_uri=BACK)
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["hub_id"]) == ("bearer", 1800, 44_556_677)
    assert (await vendor.ask("GET", "contacts", token=body["access_token"])).status_code == 200


async def test_a_code_works_once(vendor):
    await granted(vendor)
    again = await tokens(vendor, grant_type="authorization_code", code="simulator-code", redirect_uri=BACK)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_an_expired_token_is_401_and_its_refresh_token_gives_another(vendor):
    first = await granted(vendor)
    vendor.clock.now += 1800
    assert (await vendor.ask("GET", "contacts", token=first["access_token"])).status_code == 401
    second = (await tokens(vendor, grant_type="refresh_token", refresh_token=first["refresh_token"])).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert (await vendor.ask("GET", "contacts", token=second["access_token"])).status_code == 200


async def test_a_wrong_refresh_token_is_told_in_both_ways(vendor):
    answer = await tokens(vendor, grant_type="refresh_token", refresh_token="nonsense")
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["status"]) == ("invalid_grant", "BAD_REFRESH_TOKEN")


async def test_a_wrong_client_secret_is_refused(vendor):
    answer = await tokens(vendor, grant_type="refresh_token", client_secret="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


async def test_parameters_in_the_query_are_refused(vendor):
    answer = await vendor.client.post("/oauth/2026-09/token", params=CLIENT, data=CLIENT)
    assert answer.status_code == 400


async def test_an_oauth_token_has_the_smaller_limit_and_no_daily_headers(vendor):
    token = (await granted(vendor))["access_token"]
    headers = (await vendor.ask("GET", "contacts", token=token)).headers
    assert headers["x-hubspot-ratelimit-max"] == "110"
    assert "x-hubspot-ratelimit-daily" not in headers


async def test_introspection_tells_active_from_revoked(vendor):
    token = (await granted(vendor))["access_token"]
    for active in (True, False):
        answer = await vendor.client.post("/oauth/2026-09/token/introspect", data=CLIENT | {"token": token})
        assert answer.json()["active"] is active
        await vendor.client.post("/oauth/2026-09/token/revoke", data=CLIENT | {"token": token})
    assert (await vendor.ask("GET", "contacts", token=token)).status_code == 401


async def test_the_authorize_page_sends_back_a_code_for_the_scopes_asked(vendor):
    query = {"client_id": "simulator-client", "redirect_uri": BACK, "scope": "crm.objects.contacts.read", "state": "s1"}
    answer = await vendor.client.get("/oauth/authorize", params=query)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (answer.status_code, back["state"]) == (302, ["s1"])
    code = back["code"][0]
    body = (await tokens(vendor, grant_type="authorization_code", code=code, redirect_uri=BACK)).json()
    assert body["scopes"] == ["crm.objects.contacts.read", "oauth"]
    assert (await vendor.ask("GET", "companies", token=body["access_token"])).status_code == 403


async def test_a_code_is_bound_to_its_redirect_address(vendor):
    query = {"client_id": "simulator-client", "redirect_uri": BACK, "scope": "oauth"}
    answer = await vendor.client.get("/oauth/authorize", params=query)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    wrong = await tokens(vendor, grant_type="authorization_code", code=code, redirect_uri="http://evil.example")
    assert wrong.json()["status"] == "BAD_REDIRECT_URI"

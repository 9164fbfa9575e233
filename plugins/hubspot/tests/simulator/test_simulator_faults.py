"""Faults on purpose, the admin API, and a real server with real connections."""

import time

import httpx
import pytest

TOKEN = {"Authorization": "Bearer pat-simulator"}
CONTACTS = "/crm/objects/2026-09/contacts"


@pytest.fixture
def line(served):
    with httpx.Client(base_url=served, headers=TOKEN) as client:
        yield client


def create(line):
    return line.post(CONTACTS, json={"properties": {"firstname": "Ann"}})


def count(line):
    return len(line.get("/_simulator/state?type=contacts").json()["contacts"])


@pytest.mark.parametrize("retry_after", [None, "3", "soon"])
async def test_a_429_comes_with_any_retry_after_or_none(vendor, retry_after):
    await vendor.admin("POST", "faults", {"status": 429, "retry_after": retry_after})
    answer = await vendor.get("contacts")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, retry_after)
    assert answer.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert (await vendor.get("contacts")).status_code == 200


async def test_a_fault_meets_its_method_and_path_after_those_it_skips_and_as_often_as_told(vendor):
    await vendor.admin("POST", "faults", [{"path": "companies", "method": "GET", "status": 502, "skip": 1, "times": 2}])
    assert (await vendor.get("contacts")).status_code == 200
    assert (await vendor.post("companies", {"properties": {"name": "Acme"}})).status_code == 201
    assert [(await vendor.get("companies")).status_code for _ in range(4)] == [200, 502, 502, 200]
    assert await vendor.admin("GET", "faults") == []


async def test_a_failing_status_does_not_perform_the_request_and_a_committed_one_does(vendor):
    for kind, there in (("status", 0), ("commit_then_status", 1)):
        await vendor.admin("POST", "faults", {"kind": kind, "status": 500})
        assert (await vendor.post("contacts", {"properties": {"firstname": "Ann"}})).status_code == 500
        assert len((await vendor.admin("GET", "state?type=contacts"))["contacts"]) == there


async def test_an_html_page_may_come_instead_of_json(vendor):
    await vendor.admin("POST", "faults", {"kind": "html", "status": 200})
    answer = await vendor.get("contacts")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_faults_may_be_there_from_the_start(vendor_with):
    vendor = vendor_with(faults=({"status": 503},))
    assert [(await vendor.get("contacts")).status_code for _ in range(2)] == [503, 200]


async def test_an_unknown_fault_is_refused(vendor):
    for fault in ({"kind": "explode"}, {"colour": "red"}, {"path": "("}):
        assert (await vendor.post("/_simulator/faults", fault)).status_code == 400


def test_a_connection_breaks_before_or_after_the_request_is_performed(line):
    for kind, there in (("drop", 0), ("commit_then_drop", 1)):
        line.post("/_simulator/faults", json={"kind": kind, "method": "POST"})
        with pytest.raises(httpx.RemoteProtocolError):
            create(line)
        assert count(line) == there


def test_half_a_body_breaks_the_connection_too(line):
    line.post("/_simulator/faults", json={"kind": "half_body"})
    with (
        pytest.raises(httpx.RemoteProtocolError),
        line.stream("POST", CONTACTS, json={"properties": {"firstname": "A"}}) as answer,
    ):
        assert answer.status_code == 201
        answer.read()
    assert count(line) == 1


def test_a_slow_answer_runs_into_the_timeout_of_the_client(line):
    line.post("/_simulator/faults", json={"kind": "slow", "delay": 0.5})
    with pytest.raises(httpx.ReadTimeout):
        line.get(CONTACTS, timeout=0.1)
    assert line.get(CONTACTS).status_code == 200


def test_latency_is_added_to_every_answer(line):
    line.post("/_simulator/config", json={"latency": 0.1})
    start = time.perf_counter()
    line.get(CONTACTS)
    assert time.perf_counter() - start >= 0.1


async def test_seeded_records_are_found_at_once_and_unchecked(vendor_with):
    vendor = vendor_with(search_lag=60.0)
    seed = {"type": "contacts", "records": [{"firstname": "Ann", "hs_lead_status": "Strange"}]}
    ids = (await vendor.admin("POST", "records", seed))["ids"]
    assert await vendor.found("contacts", "hs_lead_status", "EQ", "Strange") == ids


async def test_seeded_links_have_the_types_given(vendor):
    firm = (await vendor.admin("POST", "records", {"type": "companies", "records": [{"name": "Acme"}]}))["ids"][0]
    ann = (await vendor.admin("POST", "records", {"type": "contacts", "records": [{"firstname": "Ann"}]}))["ids"][0]
    link = {"from": ann, "to": firm, "toType": "companies", "types": [1]}
    await vendor.admin("POST", "records", {"type": "contacts", "associations": [link]})
    assert await vendor.links("contacts", ann, "companies") == {firm: [1, 279]}


async def test_a_user_in_the_screen_changes_and_deletes(vendor_with):
    vendor = vendor_with(search_lag=60.0)
    one = await vendor.create("contacts", firstname="Ann", city="Delft")
    await vendor.admin("PATCH", f"records/contacts/{one}", {"properties": {"firstname": "Bob", "city": ""}})
    assert await vendor.read("contacts", one, "firstname", "city") == {"firstname": "Bob", "city": None}
    assert await vendor.found("contacts", "firstname", "EQ", "Bob") == [one]
    await vendor.admin("DELETE", f"records/contacts/{one}")
    assert (await vendor.get(f"contacts/{one}")).status_code == 404


async def test_calls_are_counted_by_route_and_kind(vendor):
    await vendor.create("contacts", firstname="Ann")
    await vendor.search("contacts")
    await vendor.get("contacts/9")
    counted = await vendor.admin("GET", "calls")
    assert {name: counted[name] for name in ("total", "reads", "writes", "rate_limited", "errors")} == {
        "total": 3,
        "reads": 2,
        "writes": 1,
        "rate_limited": 0,
        "errors": 1,
    }
    assert counted["routes"]["POST /crm/objects/{version}/{type}/search"] == 1
    await vendor.admin("DELETE", "calls")
    assert (await vendor.admin("GET", "calls"))["total"] == 0


async def test_refused_requests_are_counted(vendor_with):
    vendor = vendor_with(rate_limit=1)
    for _ in range(3):
        await vendor.get("contacts")
    assert (await vendor.admin("GET", "calls"))["rate_limited"] == 2


async def test_settings_change_while_the_account_runs_but_not_its_clock(vendor):
    await vendor.admin("POST", "config", {"search_lag": 5.0, "rate_limit": None})
    await vendor.create("contacts", firstname="Ann")
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == []
    await vendor.admin("POST", "config", {"search_lag": 0})
    assert len(await vendor.found("contacts", "firstname", "EQ", "ann")) == 1
    assert (await vendor.post("/_simulator/config", {"clock": 1})).status_code == 400


async def test_the_admin_can_define_a_property(vendor):
    body = {
        "objectType": "contacts",
        "name": "x",
        "label": "X",
        "type": "string",
        "fieldType": "text",
        "groupName": "g",
    }
    await vendor.admin("POST", "properties", body)
    await vendor.create("contacts", firstname="Ann", x="1")


async def test_the_same_steps_give_the_same_state(vendor_with):
    async def story():
        vendor = vendor_with()
        firm = await vendor.create("companies", name="Acme")
        ann = await vendor.create("contacts", firstname="Ann")
        await vendor.ask("PUT", f"contacts/{ann}/associations/default/companies/{firm}")
        return await vendor.admin("GET", "state")

    assert await story() == await story()

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import stamina
from pydantic import SecretStr

from hub_core.connection import VendorRefused
from hub_core.engine import http as module
from hub_core.engine.http import VendorHttp, open_http
from hub_core.engine.waits import Clock
from hub_core.errors import ConnectorBug, CredentialsRejected, MissingScope, RateLimited, Unavailable
from hub_core.manifest import BearerToken, HeaderKey, Limit, LimitHeaders, NoAuth, Settings
from tests.engine.vendor import Answer, Asked, Vendor, serve

TOKEN = "canary-7f3a"


class TokenSettings(Settings):
    token: SecretStr


class FastClock:
    """Sleeping passes at once and is remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = Clock(self.now, lambda: 1000.0 + sum(self.slept), self._sleep)

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 14, 30, tzinfo=UTC) + timedelta(seconds=sum(self.slept))

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


Open = Callable[..., AbstractAsyncContextManager[VendorHttp]]


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    async with serve(vendor) as url:
        vendor.url = url
        yield vendor


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def opened(vendor: Vendor, clock: FastClock) -> Open:
    def open_(**given: Any) -> AbstractAsyncContextManager[VendorHttp]:
        arguments: dict[str, Any] = {
            "key": "acme",
            "name": "Acme",
            "base_url": vendor.url + "/api/",
            "auth": BearerToken("token"),
            "settings": TokenSettings(token=SecretStr(TOKEN)),
            "limits": {"default": Limit(1000, 10.0)},
            "share": 1.0,
            "account": "acme:1",
            "db": None,
            "clock": clock.clock,
        }
        return open_http(**{**arguments, **given})

    return open_


@pytest.fixture(autouse=True)
def quick_retries() -> AsyncIterator[None]:
    stamina.set_testing(True, attempts=5, cap=True)
    yield
    stamina.set_testing(False)


async def test_a_request_carries_the_token_and_json_both_ways(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(201, {"id": "7"}, {"x-trace": "abc"}))
    async with opened() as http:
        response = await http.request("post", "/things", json={"name": "Zoë"})
    assert (response.status, response.data, response.headers["X-Trace"]) == (201, {"id": "7"}, "abc")
    asked = vendor.asked[0]
    assert (asked.method, asked.target, asked.body) == ("POST", "/api/things", '{"name":"Zoë"}'.encode())
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"


async def test_a_key_can_go_in_a_header_of_the_vendors_choice_and_loses_stray_space(
    vendor: Vendor, opened: Open
) -> None:
    settings = TokenSettings(token=SecretStr(f" {TOKEN}\n"))
    async with opened(auth=HeaderKey("X-Api-Key", "token"), settings=settings) as http:
        await http.request("GET", "x")
    async with opened(auth=NoAuth()) as http:
        await http.request("GET", "x")
    assert vendor.asked[0].headers["x-api-key"] == TOKEN
    assert "authorization" not in vendor.asked[1].headers


async def test_a_space_in_a_query_is_percent_encoded_and_a_next_link_keeps_its_query(
    vendor: Vendor, opened: Open
) -> None:
    async with opened() as http:
        await http.request("GET", "q", params={"$filter": "name eq 'O''Brien & Söhne'", "n": 2})
        await http.request("GET", f"{vendor.url}/api/next?after=a%2Bb", params={"limit": 5})
        await http.request("GET", f"{vendor.url}/api/next?after=a%2Bb")
    assert [asked.target for asked in vendor.asked] == [
        "/api/q?%24filter=name%20eq%20%27O%27%27Brien%20%26%20S%C3%B6hne%27&n=2",
        "/api/next?after=a%2Bb&limit=5",
        "/api/next?after=a%2Bb",
    ]


@pytest.mark.parametrize("path", ["https://evil.example/x", "http://127.0.0.1:1/x"])
async def test_the_token_never_goes_to_another_host(vendor: Vendor, opened: Open, path: str) -> None:
    async with opened() as http:
        with pytest.raises(ConnectorBug):
            await http.request("GET", path)
        await http.request("GET", "//evil.example/x")
    assert [asked.target for asked in vendor.asked] == ["/api/evil.example/x"]


async def test_a_redirect_is_not_followed(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(302, None, {"location": "/elsewhere"}))
    async with opened() as http:
        with pytest.raises(VendorRefused):
            await http.request("GET", "x")
    assert len(vendor.asked) == 1


async def test_no_body_is_no_data(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(204), Answer(200, raw=b" \n"))
    async with opened() as http:
        assert (await http.request("DELETE", "x")).data is None
        assert (await http.request("DELETE", "x")).data is None


async def test_an_expected_status_is_an_answer_and_any_other_4xx_is_a_refusal(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(404, {"why": "gone"}), Answer(409, raw=b"<html>"), Answer(409, {"id": "1"}))
    async with opened() as http:
        assert (await http.request("GET", "x", expect=(404, 409))).data == {"why": "gone"}
        assert (await http.request("GET", "x", expect=(404, 409))).data is None
        with pytest.raises(VendorRefused) as refused:
            await http.request("GET", "x")
    assert (refused.value.status, refused.value.data) == (409, {"id": "1"})


async def test_a_refused_token_says_how_to_sign_in_again(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(401, {"message": "bad"}))
    async with opened() as http:
        with pytest.raises(CredentialsRejected) as rejected:
            await http.request("GET", "x")
    assert rejected.value.message == "Acme refused the token."
    assert rejected.value.fix == "Sign in again: hub connect acme"
    assert len(vendor.asked) == 1


async def test_a_missing_scope_is_named(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(403, {"errors": [{"context": {"requiredScopes": ["contacts.write"]}}]}), Answer(403))
    async with opened() as http:
        with pytest.raises(MissingScope) as missing:
            await http.request("GET", "x")
        assert missing.value.scopes == ("contacts.write",)
        assert "contacts.write" in missing.value.message
        with pytest.raises(MissingScope) as missing:
            await http.request("GET", "x")
        assert missing.value.scopes == ()


async def test_a_token_that_cannot_be_sent_is_not_quoted(opened: Open) -> None:
    async with opened(settings=TokenSettings(token=SecretStr("secret-a\nb"))) as http:
        with pytest.raises(CredentialsRejected) as rejected:
            await http.request("GET", "x")
    assert "secret-a" not in str(rejected.value)
    assert rejected.value.__suppress_context__


@pytest.mark.parametrize(
    ("said", "least", "most"), [("3", 3.0, 3.4), ("0", 0.2, 0.3), ("soon", 10.0, 11.1), (None, 10.0, 11.1)]
)
async def test_a_429_is_waited_out_as_the_vendor_says_or_for_the_window(
    vendor: Vendor, opened: Open, clock: FastClock, said: str | None, least: float, most: float
) -> None:
    vendor.answers(Answer(429, {}, {} if said is None else {"retry-after": said}), Answer(data=1))
    async with opened() as http:
        assert (await http.request("POST", "x")).data == 1
    assert least <= sum(clock.slept) <= most
    assert (http.calls, http.calls_by_bucket) == (2, {"default": 2})


@pytest.mark.parametrize("status", [423, 429, 477])
async def test_a_refusal_before_acting_lets_any_request_be_sent_again(
    vendor: Vendor, opened: Open, status: int
) -> None:
    vendor.answers(Answer(status, {}, {"retry-after": "1"}), Answer(data="done"))
    async with opened() as http:
        assert (await http.request("POST", "x", repeatable=False)).data == "done"


async def test_retry_after_0_that_is_not_meant_waits_longer_each_time_and_ends(
    vendor: Vendor, opened: Open, clock: FastClock
) -> None:
    vendor.answers(Answer(429, {}, {"retry-after": "0"}))
    async with opened() as http:
        with pytest.raises(RateLimited):
            await http.request("GET", "x")
    assert clock.slept == sorted(clock.slept)
    assert sum(clock.slept) <= 70
    assert len(vendor.asked) < 12


async def test_a_long_wait_is_left_to_the_caller(vendor: Vendor, opened: Open, clock: FastClock) -> None:
    vendor.answers(Answer(429, {}, {"retry-after": "600"}))
    async with opened() as http:
        with pytest.raises(RateLimited) as limited:
            await http.request("GET", "x")
        assert limited.value.retry_after is not None
        assert 600 <= limited.value.retry_after <= 660
        with pytest.raises(RateLimited):  # and the next request does not even leave
            await http.request("GET", "x")
    assert (len(vendor.asked), clock.slept) == (1, [])


async def test_a_spent_day_is_told_at_once(vendor: Vendor, opened: Open, clock: FastClock) -> None:
    names = LimitHeaders(daily_remaining="X-Daily-Left", daily_body=("policyName", "DAILY"))
    for answer in (Answer(429, {"policyName": "DAILY"}), Answer(429, {}, {"x-daily-left": "0"})):
        vendor.answers(answer)
        async with opened(limit_headers=names) as http:
            with pytest.raises(RateLimited, match="daily limit") as limited:
                await http.request("GET", "x")
            assert limited.value.retry_after == 31 * 60
    assert clock.slept == []


async def test_a_server_error_is_tried_again_only_where_that_does_no_harm(vendor: Vendor, opened: Open) -> None:
    async with opened() as http:
        for method, repeatable, sent in [("GET", None, 3), ("POST", True, 3), ("PUT", None, 3)]:
            vendor.asked.clear()
            vendor.answers(Answer(500), Answer(502), Answer(data="fine"))
            assert (await http.request(method, "x", repeatable=repeatable)).data == "fine"
            assert len(vendor.asked) == sent
        for method, repeatable in [("POST", None), ("PATCH", None), ("PUT", False)]:
            vendor.asked.clear()
            vendor.answers(Answer(500), Answer(data="fine"))
            with pytest.raises(Unavailable) as unavailable:
                await http.request(method, "x", repeatable=repeatable)
            assert unavailable.value.in_doubt
            assert len(vendor.asked) == 1


async def test_a_vendor_that_stays_down_is_given_up_after_five_tries(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(503))
    async with opened() as http:
        with pytest.raises(Unavailable) as unavailable:
            await http.request("GET", "x")
    assert unavailable.value.message == "Acme failed to answer (status 503)."
    assert not unavailable.value.in_doubt
    assert len(vendor.asked) == 5


async def test_maintenance_that_takes_long_is_left_to_the_caller(vendor: Vendor, opened: Open) -> None:
    vendor.answers(Answer(503, None, {"retry-after": "900"}))
    async with opened() as http:
        with pytest.raises(Unavailable) as unavailable:
            await http.request("GET", "x")
    assert unavailable.value.retry_after == 900
    assert len(vendor.asked) == 1


async def test_a_page_of_a_proxy_is_not_an_answer(vendor: Vendor, opened: Open) -> None:
    async with opened() as http:
        vendor.answers(Answer(200, raw=b"<html>Sign in to the Wi-Fi</html>"))
        with pytest.raises(Unavailable, match="not JSON") as unavailable:
            await http.request("POST", "x")
        assert unavailable.value.in_doubt
        vendor.answers(Answer(200, raw=b'{"half": '), Answer(data="whole"))
        assert (await http.request("GET", "x")).data == "whole"


async def test_an_answer_that_is_too_large_is_refused_also_when_it_is_packed(
    vendor: Vendor, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_SIZE", 1_000_000)
    vendor.answers(Answer(200, raw=gzip.compress(b" " * 2_000_000), headers={"content-encoding": "gzip"}))
    async with opened() as http:
        with pytest.raises(Unavailable, match="too large"):
            await http.request("GET", "x")
    assert len(vendor.asked) == 1


async def test_a_vendor_that_cannot_be_reached_was_never_sent_anything(opened: Open) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with opened(base_url=f"http://127.0.0.1:{port}") as http:
        with pytest.raises(Unavailable, match="cannot be reached") as unavailable:
            await http.request("POST", "x", json={})
    assert not unavailable.value.in_doubt
    assert http.calls == 5  # and so it was safe to try again


@pytest.mark.parametrize(("repeatable", "tries"), [(False, 1), (True, 5)])
async def test_an_answer_that_is_cut_off_leaves_a_write_in_doubt(opened: Open, repeatable: bool, tries: int) -> None:
    connections = 0

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(base_url=f"http://127.0.0.1:{port}") as http:
        with pytest.raises(Unavailable) as unavailable:
            await http.request("POST", "x", repeatable=repeatable)
    assert unavailable.value.in_doubt is not repeatable
    assert connections == tries


async def test_nothing_slower_than_the_time_out_is_waited_for(opened: Open, vendor: Vendor) -> None:
    class Never(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("", request=request)

    async with opened(transport=Never()) as http:
        with pytest.raises(Unavailable) as unavailable:
            await http.request("POST", "x")
    assert unavailable.value.in_doubt


async def test_waits_are_told_when_they_start_and_when_they_end(vendor: Vendor, opened: Open, clock: FastClock) -> None:
    vendor.answers(Answer(429, {}, {"retry-after": "5"}), Answer(data=1))
    told: list[tuple[datetime | None, str]] = []
    async with opened() as http:
        http.on_wait = lambda until, why: told.append((until, why))
        started = clock.now()
        await http.request("GET", "x")
    (until, why), end = told
    assert until is not None
    assert timedelta(seconds=5) <= until - started <= timedelta(seconds=6)
    assert why == "Acme: its limit of requests"
    assert end == (None, "")


async def test_the_limit_is_corrected_by_the_vendors_headers(vendor: Vendor, opened: Open, clock: FastClock) -> None:
    vendor.answering = lambda asked: Answer(
        data=1, headers={"x-max": "4", "x-left": str(max(0, 4 - len(vendor.asked))), "x-ms": "10000"}
    )
    async with opened(limit_headers=LimitHeaders("x-max", "x-left", "x-ms")) as http:
        for _ in range(4):
            await http.request("GET", "x")
        assert clock.slept == []
        await http.request("GET", "x")
    assert sum(clock.slept) > 9


async def test_no_log_and_no_error_holds_the_token_or_what_was_sent(
    vendor: Vendor, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    async with opened() as http:
        for status in (200, 400, 401, 403, 404, 429, 500):
            vendor.answers(Answer(status, {"message": "anna@example.com"}, {"retry-after": "999"}))
            try:
                await http.request("GET", "x", params={"email": "anna@example.com"}, json={"email": "anna@example.com"})
            except Exception as error:
                said.append(f"{error} {error!r} {error.__cause__!r}")
    lines = [record.getMessage() for record in caplog.records]
    assert not [text for text in lines + said if TOKEN in text or "anna" in text]


async def test_requests_go_beside_each_other(vendor: Vendor, opened: Open) -> None:
    together = asyncio.Barrier(5)

    async def answering(asked: Asked) -> Answer:
        await together.wait()
        return Answer(data=asked.target)

    vendor.answering = answering
    async with opened() as http:
        answers = await asyncio.gather(*[http.request("GET", str(number)) for number in range(20)])
    assert [answer.data for answer in answers] == [f"/api/{number}" for number in range(20)]
    assert http.calls == 20

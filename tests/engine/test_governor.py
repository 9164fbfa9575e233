from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub_core.engine.governor import Governor
from hub_core.engine.store.database import Database, connect, value
from hub_core.engine.waits import Clock, Waits
from hub_core.errors import RateLimited
from hub_core.manifest import Limit, LimitHeaders
from tests.engine.vendor import Answer, Vendor, serve

NAMES = LimitHeaders("x-max", "x-left", "x-ms")
LIMIT = Limit(40, 2.0)

# A worker of its own: asks as fast as it may, ten at a time, until its time is over.
WORKER = """
import asyncio, sys, time
from hub_core.engine.http import open_http
from hub_core.engine.store.database import connect
from hub_core.errors import RateLimited
from hub_core.manifest import Limit, NoAuth, Settings

async def main(url, database, seconds):
    db = await connect(database, pool_size=2)
    limits = {"default": Limit(40, 2.0)}
    async with open_http(key="acme", base_url=url, auth=NoAuth(), settings=Settings(), limits=limits, share=0.9,
                         account="acme:1", db=db) as http:
        end = time.monotonic() + seconds
        async def ask():
            while time.monotonic() < end:
                await http.request("GET", "x")
        await asyncio.gather(*[ask() for _ in range(10)])
        print(http.calls)
    await db.close()

asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
"""


def _governor(db: Database | None, limit: Limit = LIMIT, **given: object) -> Governor:
    return Governor(account="acme:1", name="Acme", limits={"default": limit}, share=0.9, db=db, **given)  # type: ignore[arg-type]


def _most_in_any_window(times: list[float], seconds: float) -> int:
    times = sorted(times)
    return max(sum(1 for other in times[first:] if other < at + seconds) for first, at in enumerate(times))


def _work(vendor: Vendor, database_url: str, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, vendor.url, database_url, str(seconds)], stdout=subprocess.PIPE, text=True
    )


async def test_processes_together_keep_to_the_limit_in_every_window_and_use_what_they_may(
    database_url: str, tmp_path: Path
) -> None:
    vendor = Vendor()
    async with serve(vendor) as vendor.url:
        workers = [_work(vendor, database_url, 7.0) for _ in range(3)]
        codes = await asyncio.gather(*[asyncio.to_thread(worker.wait) for worker in workers])
    assert codes == [0, 0, 0]
    times = [asked.at for asked in vendor.asked]
    assert _most_in_any_window(times, LIMIT.seconds) <= LIMIT.requests  # what the vendor would refuse
    span = times[-1] - times[0]
    assert len(times) >= 0.8 * 36 * span / LIMIT.seconds
    assert all(int(worker.stdout.read()) > 0 for worker in workers if worker.stdout)


async def test_when_the_vendor_tells_one_process_to_wait_all_of_them_wait(database_url: str) -> None:
    vendor = Vendor()
    refused_at = 0.0

    def answer(asked: object) -> Answer:
        nonlocal refused_at
        if len(vendor.asked) == 20:
            refused_at = time.monotonic()
            return Answer(429, {}, {"retry-after": "2"})
        return Answer(data={})

    vendor.answering = answer
    async with serve(vendor) as vendor.url:
        workers = [_work(vendor, database_url, 5.0) for _ in range(2)]
        await asyncio.gather(*[asyncio.to_thread(worker.wait) for worker in workers])
    # What a process held already (a part of one slot) may still leave; nothing after that.
    slot = LIMIT.seconds / 20
    assert not [asked.at for asked in vendor.asked if refused_at + slot + 0.25 < asked.at < refused_at + 2.0]
    assert [asked.at for asked in vendor.asked if asked.at >= refused_at + 2.0]


async def test_tasks_of_one_process_keep_to_the_limit_without_a_database() -> None:
    governor = _governor(None, Limit(20, 1.0))
    sent: list[float] = []

    async def ask() -> None:
        for _ in range(6):
            await governor.take("default")
            sent.append(time.monotonic())

    await asyncio.gather(*[ask() for _ in range(10)])
    assert len(sent) == 60
    assert _most_in_any_window(sent, 1.0) <= 18
    assert sent[-1] - sent[0] < 4.0


async def test_most_requests_cost_no_round_trip(db: Database) -> None:
    governor = _governor(db, Limit(100_000, 10.0))
    fetches = 0
    fetch = governor._fetch

    async def counted(*args: object) -> tuple[float, str]:
        nonlocal fetches
        fetches += 1
        return await fetch(*args)  # type: ignore[arg-type]

    governor._fetch = counted  # type: ignore[method-assign]
    for _ in range(200):
        await governor.take("default")
    assert fetches <= 40


async def test_a_bucket_without_a_limit_counts_as_the_default_one(db: Database) -> None:
    governor = _governor(db)
    await governor.take("default")
    await governor.take("reports")
    async with db.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM api_budget") == 1


async def test_without_any_limit_only_a_block_holds_requests_up() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    clock = Clock(monotonic=lambda: 100.0, sleep=sleep)
    governor = Governor(account="acme:1", name="Acme", limits={}, share=0.9, db=None, clock=clock, waits=Waits(clock))
    await governor.take("default")
    assert slept == []
    await governor.block("default", 4.0, "Acme: its limit of requests")
    await governor.take("default")
    assert slept == [pytest.approx(4.0, abs=0.01)]


async def test_a_wait_that_is_too_long_is_an_error_that_says_when(db: Database, database_url: str) -> None:
    await _governor(db).block("default", 300.0, "Acme: its daily limit of requests")
    elsewhere = await connect(database_url, pool_size=1)
    with pytest.raises(RateLimited, match="daily limit") as limited:
        await _governor(elsewhere).take("default")
    await elsewhere.close()
    assert limited.value.retry_after == pytest.approx(300, abs=5)


async def test_a_learned_limit_is_shared_and_headers_of_another_window_are_not_ours(db: Database) -> None:
    governor = _governor(db, headers=NAMES)
    await governor.take("default")
    await governor.learn("default", {"x-max": "190", "x-left": "189", "x-ms": "2000"})
    await governor.learn("default", {"x-max": "5", "x-left": "4", "x-ms": "60000"})
    async with db.transaction() as conn:
        assert await value(conn, "SELECT requests FROM api_budget") == 190


async def test_what_other_apps_use_leaves_less_for_the_hub(db: Database) -> None:
    governor = _governor(db, headers=NAMES)
    await governor.take("default")
    await governor.learn("default", {"x-max": "40", "x-left": "0", "x-ms": "2000"})
    started = time.monotonic()
    for _ in range(3):
        await governor.take("default")
    assert time.monotonic() - started > 1.0


async def test_a_plugin_that_declares_another_limit_than_the_stored_one_is_right(db: Database) -> None:
    await _governor(db, Limit(10, 5.0)).take("default")
    await _governor(db, Limit(20, 5.0)).take("default")
    async with db.transaction() as conn:
        assert await value(conn, "SELECT requests FROM api_budget") == 20


async def test_what_the_vendor_told_holds_for_the_next_process_from_its_first_request_on(db: Database) -> None:
    first = _governor(db, Limit(10, 5.0), headers=NAMES)
    await first.take("default")
    await first.learn("default", {"x-max": "190", "x-left": "189", "x-ms": "5000"})
    for _ in range(40):
        await first.take("default")
    started = time.monotonic()
    await _governor(db, Limit(10, 5.0), headers=NAMES).take("default")
    assert time.monotonic() - started < 1.0


async def test_where_the_vendor_tells_no_limit_the_declared_one_counts_from_the_first_answer_on(db: Database) -> None:
    await _governor(db, Limit(10, 5.0), headers=NAMES).take("default")
    newer = _governor(db, Limit(20, 5.0), headers=NAMES)
    await newer.take("default")
    await newer.learn("default", {})
    async with db.transaction() as conn:
        assert await value(conn, "SELECT requests FROM api_budget") == 20

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hub_core.engine import jobs as module
from hub_core.engine.jobs import Advance, InlineJobs, Jobs, PostgresJobs
from hub_core.engine.store.database import Database, all_rows, execute, value
from hub_core.errors import LostLease, TryLater

# A worker process whose chunk number N of a run leaves one row, written together with the run's progress, and which
# notes when each chunk began and ended. Arguments: database, seconds a chunk takes, its name.
WORKER = """
import asyncio, signal, sys
from hub_core.engine import jobs as module
from hub_core.engine.jobs import PostgresJobs
from hub_core.engine.store.database import connect, execute, value

module._HEARTBEAT, module._STALLED, module._TURN = 0.3, 1.5, 1.0

async def main(database, seconds, name):
    db = await connect(database, pool_size=4)

    async def advance(run):
        async with db.transaction() as conn:
            chunk = await value(conn, "SELECT next FROM test_run WHERE id = %s", (run,))
            account = await value(conn, "SELECT account FROM test_run WHERE id = %s", (run,))
            await execute(conn, "INSERT INTO test_log (run, account, chunk, worker) VALUES (%s, %s, %s, %s)",
                          (run, account, chunk, name))
        await asyncio.sleep(seconds)
        async with db.transaction() as conn:
            await execute(conn, "INSERT INTO test_effect (run, chunk) VALUES (%s, %s)", (run, chunk))
            await execute(conn, "UPDATE test_run SET next = next + 1 WHERE id = %s AND next = %s", (run, chunk))
            await execute(conn, "UPDATE test_log SET ended = clock_timestamp() "
                          "WHERE run = %s AND chunk = %s AND worker = %s", (run, chunk, name))
            done = await value(conn, "SELECT next >= chunks FROM test_run WHERE id = %s", (run,))
        return None if done else 0.0

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with PostgresJobs(database, advance) as jobs:
        await jobs.work(stop)
    await db.close()

asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
"""

TABLES = """
CREATE TABLE test_run (id bigint PRIMARY KEY, account text, chunks int, next int NOT NULL DEFAULT 0);
CREATE TABLE test_effect (run bigint, chunk int, PRIMARY KEY (run, chunk));
CREATE TABLE test_log (run bigint, account text, chunk int, worker text,
    began timestamptz NOT NULL DEFAULT clock_timestamp(), ended timestamptz);
"""


def _worker(database_url: str, seconds: float, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, database_url, str(seconds), name])


@pytest.fixture
async def runs(db: Database) -> AsyncIterator[Database]:
    async with db.transaction() as conn:
        await execute(conn, TABLES)
    yield db


async def _plan(db: Database, database_url: str, chunks: dict[int, int], account: Callable[[int], str]) -> None:
    async with db.transaction() as conn:
        for run, count in chunks.items():
            await execute(conn, "INSERT INTO test_run VALUES (%s, %s, %s)", (run, account(run), count))

    async def never(run_id: int) -> float | None:
        raise AssertionError(run_id)

    async with PostgresJobs(database_url, never) as jobs:
        for run in chunks:
            await jobs.start(run, account(run))


async def _until(db: Database, condition: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        async with db.transaction() as conn:
            if await value(conn, f"SELECT {condition}"):
                return
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {condition}")


def _stop(*workers: subprocess.Popen[bytes]) -> list[int]:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    return [worker.wait(30) for worker in workers]


async def test_a_killed_workers_chunk_is_done_once_by_another(runs: Database, database_url: str) -> None:
    await _plan(runs, database_url, {1: 12, 2: 12, 3: 12}, lambda run: f"acme:{run}")
    first = _worker(database_url, 0.1, "first")
    await _until(runs, "count(*) >= 4 FROM test_effect")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    async with runs.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM test_log WHERE ended IS NULL") > 0  # it was in mid-chunk
    second = _worker(database_url, 0.02, "second")
    await _until(runs, "bool_and(next >= chunks) FROM test_run")
    assert _stop(second) == [0]
    async with runs.transaction() as conn:
        done = await all_rows(conn, "SELECT run, count(*) AS chunks FROM test_effect GROUP BY run ORDER BY run")
        assert [(row["run"], row["chunks"]) for row in done] == [(1, 12), (2, 12), (3, 12)]
        assert await value(conn, "SELECT max(next) FROM test_run") == 12
        assert await value(conn, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_chunks_of_one_account_never_overlap_and_those_of_others_do(runs: Database, database_url: str) -> None:
    await _plan(runs, database_url, {1: 8, 2: 8, 3: 8}, lambda run: "shared" if run < 3 else "alone")
    workers = [_worker(database_url, 0.15, name) for name in ("first", "second")]
    await _until(runs, "bool_and(next >= chunks) FROM test_run")
    assert _stop(*workers) == [0, 0]
    overlaps = """
        SELECT count(*) FROM test_log AS a JOIN test_log AS b
            ON (a.run, a.chunk) < (b.run, b.chunk) AND a.began < b.ended AND b.began < a.ended
        WHERE (a.account = b.account) = %s
    """
    async with runs.transaction() as conn:
        assert await value(conn, overlaps, (True,)) == 0
        assert await value(conn, overlaps, (False,)) > 0
        assert await value(conn, "SELECT count(*) FROM test_effect") == 24


async def test_a_worker_told_to_stop_ends_its_chunk_and_leaves_the_rest_queued(
    runs: Database, database_url: str
) -> None:
    await _plan(runs, database_url, {1: 50}, lambda run: "acme:1")
    worker = _worker(database_url, 0.3, "first")
    await _until(runs, "count(*) >= 2 FROM test_log")
    started = time.monotonic()
    assert _stop(worker) == [0]
    assert time.monotonic() - started < 3
    async with runs.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM test_log WHERE ended IS NULL") == 0
        jobs = await all_rows(conn, "SELECT status, args, lock FROM procrastinate_jobs")
    assert [(job["status"], job["lock"]) for job in jobs] == [("todo", "acme:1")]
    assert jobs[0]["args"] == {"run_id": 1, "account": "acme:1"}  # ids and nothing else


# The same promises of both engines.


@pytest.fixture(params=["inline", "postgres"])
def engine(request: pytest.FixtureRequest) -> Callable[[Advance], Jobs]:
    if request.param == "inline":
        return InlineJobs
    url: str = request.getfixturevalue("database_url")
    return lambda advance: PostgresJobs(url, advance)


async def _closed(jobs: Jobs) -> None:
    if isinstance(jobs, PostgresJobs):
        await jobs.close()


def _counting(seen: list[int], chunks: dict[int, int], wait: float = 0.0) -> Advance:
    async def advance(run_id: int) -> float | None:
        seen.append(run_id)
        return wait if seen.count(run_id) < chunks[run_id] else None

    return advance


async def test_work_goes_on_until_the_run_is_done(engine: Callable[[Advance], Jobs]) -> None:
    seen: list[int] = []

    async def done() -> bool:
        return len(seen) == 5

    jobs = engine(_counting(seen, {7: 5}))
    await jobs.start(7, "acme:1")
    await jobs.start(7, "acme:1")
    await jobs.work_until(done)
    assert seen == [7] * 5
    await _closed(jobs)


async def test_a_run_that_has_to_wait_goes_on_when_its_time_has_come(engine: Callable[[Advance], Jobs]) -> None:
    seen: list[int] = []

    async def done() -> bool:
        return len(seen) == 3

    jobs = engine(_counting(seen, {7: 3}, wait=0.3))
    await jobs.start(7, "acme:1")
    started = time.monotonic()
    await jobs.work_until(done)
    assert 0.6 <= time.monotonic() - started < 5
    await _closed(jobs)


async def test_a_paused_run_stops_between_chunks_and_goes_on_when_it_is_started_again(
    engine: Callable[[Advance], Jobs],
) -> None:
    done_chunks = 0
    paused = False

    async def advance(run_id: int) -> float | None:
        nonlocal done_chunks, paused
        if paused:
            return None
        done_chunks += 1
        paused = done_chunks == 2
        return 0.0 if done_chunks < 5 else None

    async def stopped() -> bool:
        return paused or done_chunks == 5

    jobs = engine(advance)
    await jobs.start(7, "acme:1")
    await jobs.work_until(stopped)
    assert done_chunks == 2
    paused = False
    await jobs.start(7, "acme:1")
    await jobs.work_until(stopped)
    assert done_chunks == 5
    await _closed(jobs)


async def test_a_run_that_waits_long_is_up_at_once_when_it_is_started_again(
    engine: Callable[[Advance], Jobs],
) -> None:
    seen: list[int] = []

    def reached(count: int) -> Callable[[], Awaitable[bool]]:
        async def done() -> bool:
            return len(seen) >= count

        return done

    jobs = engine(_counting(seen, {7: 9}, wait=600.0))
    await jobs.start(7, "acme:1")
    await jobs.work_until(reached(1))
    await jobs.start(7, "acme:1")
    await asyncio.wait_for(jobs.work_until(reached(2)), 10)
    await _closed(jobs)


async def test_an_error_in_a_chunk_reaches_whoever_waits_for_the_run(engine: Callable[[Advance], Jobs]) -> None:
    async def advance(run_id: int) -> float | None:
        raise ValueError("a bug")

    async def never() -> bool:
        return False

    jobs = engine(advance)
    await jobs.start(7, "acme:1")
    with pytest.raises(ValueError, match="a bug"):
        await asyncio.wait_for(jobs.work_until(never), 10)
    await _closed(jobs)


async def test_an_error_that_passes_lets_the_run_wait_and_a_lost_lease_lets_it_go(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_AFTER_ERROR", 0.2)
    errors: list[Exception] = [TryLater("busy"), TryLater("busy", retry_after=0.2), LostLease("another has it")]
    left = list(errors)

    async def advance(run_id: int) -> float | None:
        raise left.pop(0)

    async def done() -> bool:
        return not left

    async with PostgresJobs(database_url, advance) as jobs:
        await jobs.start(7, "acme:1")
        await asyncio.wait_for(jobs.work_until(done), 10)


async def test_the_inline_engine_can_end_after_any_chunk() -> None:
    seen: list[int] = []

    async def never() -> bool:
        return False

    jobs = InlineJobs(_counting(seen, {1: 9, 2: 9}), max_chunks=3)
    await jobs.start(1, "acme:1")
    await jobs.start(2, "acme:1")
    await jobs.work_until(never)
    assert len(seen) == 3

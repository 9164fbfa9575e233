"""kill -9 at any moment of an export, then resume, until it is done: nothing twice, nothing lost, each outcome once.

HUB_FAULT_ROUNDS sets how many exports are killed (2 by default), HUB_FAULT_SEED where the moments are drawn from.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.cli.processes import Commands, Done
from tests.scene import COMPANY, CONTACT, Scene

ROUNDS = int(os.environ.get("HUB_FAULT_ROUNDS", "2"))
SEED = int(os.environ.get("HUB_FAULT_SEED", "7"))
CONTACTS, COMPANIES, KNOWN = 500, 100, 120
WRITES = "(contacts|companies)/batch/(create|update)"


async def _fill(crm: Scene) -> tuple[list[int], list[int]]:
    """Companies, contacts who work there, and some of both in the CRM already, with blanks."""
    companies = await crm.add(
        COMPANY,
        *({"name": f"Company {n}", "domain": f"WWW.Company{n}.example", "city": "Delft"} for n in range(COMPANIES)),
    )
    contacts = await crm.add(
        CONTACT,
        *(
            {
                "firstName": f"First {n}",
                "lastName": f"Last{n}",
                "companyName": f"Company {n % COMPANIES}",
                "company": companies[n % COMPANIES],
                "jobTitle": f" Chief {n} ",
                "mobilePhone": f"+31 6 {n:08}",
                **({"professionalEmail": f"Person{n}@Example.com"} if n % 2 else {}),
            }
            for n in range(CONTACTS)
        ),
    )
    await crm.seed(COMPANY, *({"domain": f"company{n}.example"} for n in range(0, COMPANIES, 5)))
    await crm.seed(
        CONTACT,
        *(
            {"firstname": f"FIRST {n}", "lastname": f"Last{n}", "company": f"Company {n % COMPANIES}"}
            for n in range(KNOWN)
        ),
    )
    return companies, contacts


async def _check(crm: Scene, number: int, companies: list[int], contacts: list[int]) -> None:
    """What a person who looks into the CRM and into the hub afterwards would count."""
    people, firms = await crm.crm(CONTACT), await crm.crm(COMPANY)
    assert Counter(each["lastname"] for each in people.values()) == Counter(f"Last{n}" for n in range(CONTACTS))
    assert Counter(each["domain"].lower().removeprefix("www.") for each in firms.values()) == Counter(
        f"company{n}.example" for n in range(COMPANIES)
    )
    links = {row["record_id"]: row["crm_id"] for row in await crm.rows("SELECT record_id, crm_id FROM link")}
    assert {links[record] for record in contacts} == set(people)
    assert {links[record] for record in companies} == set(firms)
    for n, record in enumerate(contacts):
        assert people[links[record]]["lastname"] == f"Last{n}"
        assert set(people[links[record]]["ties"]) == {links[companies[n % COMPANIES]]}
    items = await crm.rows("SELECT state, outcome, ended_at, action FROM plan_item WHERE run_id = %s", number)
    assert len(items) == CONTACTS + COMPANIES
    assert {item["state"] for item in items} == {"done"}
    assert all(item["ended_at"] for item in items)
    outcomes = Counter(item["outcome"] for item in items)
    assert set(outcomes) <= {"created", "updated", "linked"}
    assert outcomes["created"] == CONTACTS - KNOWN + COMPANIES - COMPANIES // 5
    journal = Counter(
        row["record_id"]
        for row in await crm.rows("SELECT record_id FROM journal WHERE run_id = %s AND action = 'create'", number)
    )
    assert set(journal.values()) == {1}
    assert sum(journal.values()) == outcomes["created"]


async def _state(crm: Scene, number: int) -> dict[str, Any]:
    [run] = await crm.rows("SELECT state, applied, total FROM run WHERE id = %s", number)
    return run


async def _killed_until_done(crm: Scene, hub: Commands, chance: random.Random, kills: int) -> tuple[int, list[Done]]:
    """Export, killed at random ``kills`` times; the run's number, and how its processes ended."""
    export = ("export", "contacts", "--with-associated", "--yes", "--json")
    ended = [await hub.killed(chance.uniform(1.2, 4.0), *export)]
    numbers = [row["id"] for row in await crm.rows("SELECT id FROM run ORDER BY id DESC LIMIT 1")]
    if not numbers:  # it had not even begun
        return await _killed_until_done(crm, hub, chance, kills)
    while (await _state(crm, numbers[0]))["state"] != "done":
        assert len(ended) < kills + 6, [done.err for done in ended]
        resume = ("runs", "resume", str(numbers[0]), "--json")
        if len(ended) < kills:
            ended.append(await hub.killed(chance.uniform(1.0, 3.0), *resume))
        else:
            ended.append(await hub(*resume))
    return numbers[0], ended


@pytest.mark.parametrize("round_", range(ROUNDS))
async def test_an_export_that_is_killed_and_resumed_writes_everything_once(
    crm: Scene, hub: Commands, round_: int
) -> None:
    chance = random.Random(SEED * 1000 + round_)
    companies, contacts = await _fill(crm)
    await crm.config(latency=chance.choice([0.02, 0.1, 0.3]), search_lag=chance.choice([0.0, 2.0]))
    if round_ % 2:
        for kind in ("commit_then_drop", "half_body"):
            await crm.fault(path=WRITES, kind=kind, skip=chance.randrange(4), times=1)
    number, ended = await _killed_until_done(crm, hub, chance, kills=3)
    assert sum(done.code == -9 for done in ended) >= 2, [done.said for done in ended]
    await _check(crm, number, companies, contacts)
    again = await hub("export", "contacts", "--with-associated", "--yes", "--json")
    assert again.code == 0
    assert set(again.json()["outcomes"]) == {"unchanged"}


async def test_a_batch_that_was_on_its_way_when_the_process_was_killed_is_not_sent_again(
    crm: Scene, hub: Commands
) -> None:
    """Killed between sending and storing, and resumed before anything could time out."""
    await crm.add(CONTACT, *({"firstName": "Ada", "lastName": f"Last{n}", "companyName": "X"} for n in range(150)))
    await crm.fault(path="contacts/batch/create", kind="slow", delay=8)
    export = await hub.start("export", "contacts", "--yes")
    while len(await crm.crm(CONTACT)) < 100:
        await asyncio.sleep(0.02)
    export.kill()
    await export.wait()
    done = await hub("runs", "resume", "1")
    assert done.code == 0, done.said
    assert Counter(each["lastname"] for each in (await crm.crm(CONTACT)).values()) == Counter(
        f"Last{n}" for n in range(150)
    )
    [counted] = await crm.rows("SELECT count(*) AS n, count(DISTINCT crm_id) AS crm FROM link")
    assert (counted["n"], counted["crm"]) == (150, 150)


async def test_what_the_vendor_carries_out_after_the_hub_has_come_back_is_waited_for(crm: Scene, hub: Commands) -> None:
    """The request hangs somewhere between the two for four seconds, while the hub is killed and started again."""
    patient = {"TEST_IN_FLIGHT": "6"}
    await crm.add(CONTACT, *({"firstName": "Ada", "lastName": f"Last{n}", "companyName": "X"} for n in range(50)))
    async with _slow_way(crm.base_url, b"contacts/batch/create", 4.0) as (address, sent):
        async with crm.hub.db.transaction() as conn:
            await conn.execute("UPDATE connection SET base_url = %s", [address])
        export = await hub.start("export", "contacts", "--yes", env=patient)
        await asyncio.wait_for(sent.wait(), 60)
        export.kill()
        await export.wait()
        assert not await crm.crm(CONTACT)
        done = await hub("runs", "resume", "1", "--json", env=patient)
    assert (done.code, done.json()["outcomes"]) == (0, {"created": 50})
    assert len(await crm.crm(CONTACT)) == 50


@asynccontextmanager
async def _slow_way(base_url: str, slow: bytes, seconds: float) -> AsyncGenerator[tuple[str, asyncio.Event]]:
    """A way to a server that forwards the first request with ``slow`` in it late, also when nobody waits any more.

    Gives its address, and an event for when that request has come. At the end everything has been forwarded.
    """
    host, port = base_url.removeprefix("http://").split(":")
    sent, arrived = asyncio.Event(), asyncio.Event()

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(host, int(port))
        backwards = asyncio.create_task(back(answers, writer))
        with suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                late = slow in data and not sent.is_set()
                if late:
                    sent.set()
                    await asyncio.sleep(seconds)
                requests.write(data)
                await requests.drain()
                if late:
                    await asyncio.sleep(1)  # the answer comes, and nobody takes it
                    arrived.set()
        requests.close()
        backwards.cancel()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", sent
        await asyncio.wait_for(arrived.wait(), 30)
    finally:
        server.close()


async def test_a_run_that_was_killed_can_be_cancelled_and_what_was_on_its_way_is_known(
    crm: Scene, hub: Commands
) -> None:
    await crm.add(CONTACT, *({"firstName": "Ada", "lastName": f"Last{n}", "companyName": "X"} for n in range(250)))
    await crm.fault(path="contacts/batch/create", kind="slow", delay=8)
    export = await hub.start("export", "contacts", "--yes")
    while len(await crm.crm(CONTACT)) < 100:
        await asyncio.sleep(0.02)
    export.kill()
    await export.wait()
    shown = await hub("runs", "list", "--json")
    assert shown.json()[0]["state"] == "interrupted"
    done = await hub("runs", "cancel", "1", "--json")
    assert (done.code, done.json()["state"]) == (0, "cancelled")
    items = Counter(row["outcome"] for row in await crm.rows("SELECT outcome FROM plan_item"))
    assert items == {"created": 100, "skipped": 150}
    assert len(await crm.rows("SELECT FROM link")) == len(await crm.crm(CONTACT)) == 100


async def test_the_next_export_finishes_a_run_that_was_killed(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *({"firstName": "Ada", "lastName": f"Last{n}", "companyName": "X"} for n in range(50)))
    await crm.fault(path="batch/create", kind="slow", delay=8)
    export = await hub.start("export", "contacts", "--yes")
    while not await crm.crm(CONTACT):
        await asyncio.sleep(0.02)
    export.kill()
    await export.wait()
    done = await hub("export", "contacts", "--yes", "--json")
    assert done.code == 0, done.said
    assert done.json()["outcomes"] == {"unchanged": 50}
    assert len(await crm.crm(CONTACT)) == 50
    assert {row["state"] for row in await crm.rows("SELECT state FROM run")} == {"done"}


async def test_a_worker_in_another_place_that_holds_a_run_is_left_in_peace(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *({"firstName": "Ada", "lastName": f"Last{n}", "companyName": "X"} for n in range(5)))
    planned = await crm.plan(CONTACT)
    async with crm.hub.db.transaction() as conn:
        await conn.execute(
            "UPDATE run SET state = 'applying', leased_by = 'elsewhere 1 2', leased_until = now() + interval '20 s'"
        )
    refused = await hub("runs", "resume", str(planned.id))
    assert (refused.code, await crm.crm(CONTACT)) == (1, {})

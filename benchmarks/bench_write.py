"""Writing new contacts: through the HubSpot connector, the vendor's own client library, and as little as it takes.

All send the same contacts in the same batches to the same server, which is another process, and learn every new
record's id. What counts is the CPU time of the writing process, after a first batch that is not counted. Ours has all
that production has: the contract's checks, the API budget in the database, one outcome per write.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeAlias

import orjson

from benchmarks._measure import Measurement
from benchmarks._processes import serving, step

BATCH = 100
ROUNDS = 3
_PATH = "/crm/objects/2026-09/contacts/batch/create"


def contacts(count: int) -> list[dict[str, str]]:
    """Contacts of twelve properties."""
    return [
        {
            **{
                "email": f"person-{number}@company.com",
                "firstname": f"Ann {number % 997}",
                "lastname": f"Müller {number}",
            },
            **{
                "company": f"Company {number % 20_000} GmbH",
                "jobtitle": "Head of Sales",
                "phone": f"+49 30 {number:07}",
            },
            **{"mobilephone": f"+49 170 {number:07}", "city": "Berlin", "state": "Berlin", "country": "Germany"},
            **{
                "website": "https://company.com/team",
                "hs_linkedin_url": f"https://www.linkedin.com/in/person-{number}",
            },
        }
        for number in range(count)
    ]


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 10,000 contacts in batches of 100."""
    count = max(BATCH, int(10_000 * scale))
    seconds: dict[str, list[float]] = {client: [] for client in _CLIENTS}
    with serving("benchmarks._write_server") as address:
        for _ in range(ROUNDS):
            for client, took in seconds.items():
                result = await step("benchmarks.bench_write", client, address, str(count), database_url)
                assert result["written"] == count
                took.append(result["cpu"])
    ours, sdk, bare, blocking = (statistics.median(took) for took in seconds.values())
    what = f"CPU to write {count:,} contacts, without planning"
    return [
        Measurement(what, "hubspot-api-client", ours, sdk, "s", 0.2),
        Measurement(what, "bare httpx + orjson", ours, bare, "s", 2.0),
        Measurement(what, "the same without asyncio", ours, blocking, "s", 2.0),
    ]


def _batches(rows: Iterable[dict[str, str]]) -> Iterable[list[dict[str, str]]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch


def _timed(started: float, written: int) -> dict[str, Any]:
    return {"cpu": time.process_time() - started, "written": written}


async def _ours(address: str, rows: list[dict[str, str]], url: str) -> dict[str, Any]:
    from hub_core.engine.settings import read_settings
    from hub_core.model.records import Create, RecordKind, Written
    from hub_core.services import connections
    from hub_core.services.hub import open_hub

    with tempfile.TemporaryDirectory() as home:
        settings = read_settings({"HUB_HOME": home, "HUB_DATABASE_URL": url, "HUB_WORKSPACE": f"write {home}"})
        async with open_hub(settings) as hub:
            await connections.connect(hub, "hubspot", {"access_token": "bench"}, base_url=address)
            async with hub.connection("hubspot") as crm:

                async def write(batch: list[dict[str, str]]) -> int:
                    writes = [Create(f"1-{number}", values) for number, values in enumerate(batch)]
                    outcomes = await crm.connector.export(crm.connection, RecordKind.CONTACT, writes)
                    return sum(isinstance(outcome, Written) for outcome in outcomes)

                await write(rows[:BATCH])
                started = time.process_time()
                written = 0
                for batch in _batches(rows):
                    written += await write(batch)
                return _timed(started, written)


def _sdk(address: str, rows: list[dict[str, str]], _: str) -> dict[str, Any]:
    import hubspot
    from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInputForCreate as Inputs
    from hubspot.crm.contacts import SimplePublicObjectBatchInputForCreate as Input

    api = hubspot.Client.create(access_token="bench", host=address).crm.contacts.batch_api

    def write(batch: list[dict[str, str]]) -> int:
        answer = api.create(Inputs(inputs=[Input(properties=values) for values in batch]))
        return sum(bool(result.id) for result in answer.results)

    write(rows[:BATCH])
    started = time.process_time()
    return _timed(started, sum(write(batch) for batch in _batches(rows)))


_HEADERS = {"authorization": "Bearer bench", "content-type": "application/json"}


def _body(batch: list[dict[str, str]]) -> bytes:
    return orjson.dumps({"inputs": [{"properties": values} for values in batch]})


def _ids(body: bytes) -> int:
    return sum(bool(result["id"]) for result in orjson.loads(body)["results"])


async def _bare(address: str, rows: list[dict[str, str]], _: str) -> dict[str, Any]:
    import httpx

    async with httpx.AsyncClient(base_url=address, headers=_HEADERS, timeout=60) as client:

        async def write(batch: list[dict[str, str]]) -> int:
            return _ids((await client.post(_PATH, content=_body(batch))).content)

        await write(rows[:BATCH])
        started = time.process_time()
        written = 0
        for batch in _batches(rows):
            written += await write(batch)
        return _timed(started, written)


def _blocking(address: str, rows: list[dict[str, str]], _: str) -> dict[str, Any]:
    import httpx

    with httpx.Client(base_url=address, headers=_HEADERS, timeout=60) as client:

        def write(batch: list[dict[str, str]]) -> int:
            return _ids(client.post(_PATH, content=_body(batch)).content)

        write(rows[:BATCH])
        started = time.process_time()
        return _timed(started, sum(write(batch) for batch in _batches(rows)))


_Client: TypeAlias = "Callable[[str, list[dict[str, str]], str], Any]"
_CLIENTS: dict[str, _Client] = {"ours": _ours, "sdk": _sdk, "bare": _bare, "blocking": _blocking}


def _main(client: str, address: str, count: str, url: str) -> dict[str, Any]:
    result = _CLIENTS[client](address, contacts(int(count)), url)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))

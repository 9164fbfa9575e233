"""API calls that bring new contacts, their companies and their ties into HubSpot, as its simulator counts them.

The vendor's minimum is one call per 100 contacts and per 100 companies, ties inline. Ours also reads the ties back,
1,000 contacts a call, since the vendor may have made something else of them. The mirror is fresh: the CRM was read
before.
"""

from __future__ import annotations

import math
import tempfile
from typing import Any

import httpx

from benchmarks._measure import Measurement
from benchmarks._processes import serving, step

BATCH = 100
CONTACTS_PER_COMPANY = 4


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 10,000 contacts of 2,500 companies. The database should be empty."""
    contacts = max(BATCH, int(10_000 * scale))
    companies = max(1, contacts // CONTACTS_PER_COMPANY)
    minimum = math.ceil(contacts / BATCH) + math.ceil(companies / BATCH)
    with serving("benchmarks._simulator_server") as address, tempfile.TemporaryDirectory() as home:
        await step("benchmarks._export", "prepare", home, database_url, address, str(contacts), str(companies))
        _counted(address)
        first = await step("benchmarks._export", "export", home, database_url)
        calls = _counted(address)
        again = await step("benchmarks._export", "export", home, database_url)
        later = _counted(address)
        state = httpx.get(f"{address}/_simulator/state?type=contacts", timeout=60).json()["contacts"]
    tied = sum(len(row["associations"].get("companies", ())) == 1 for row in state)
    assert first["applied"] == contacts + companies and len(state) == tied == contacts, (first, again, len(state), tied)
    what = f"{contacts:,} new contacts, {companies:,} companies, ties"
    return [
        Measurement(f"API calls for {what}", "the vendor's minimum", calls["total"], minimum, "calls", 1.1),
        Measurement("write calls of the same export again", "none", later["writes"], 0, "calls", 0),
    ]


def _counted(address: str) -> dict[str, Any]:
    """What was called since the last time."""
    counted = httpx.get(f"{address}/_simulator/calls").json()
    httpx.delete(f"{address}/_simulator/calls")
    return counted

"""Planning and applying ten times as many new contacts, with their companies and ties: does a record cost the same?

The same services against the same simulator, each size in a database of its own, each run in a process of its own; the
sizes take turns. Importing and the first reading of the (empty) CRM are not counted.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from typing import Any

from benchmarks._databases import fresh_database
from benchmarks._measure import Measurement
from benchmarks._processes import serving, step

CONTACTS_PER_COMPANY = 5
TIMES = 10


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 100,000 against 10,000 contacts."""
    small = max(500, int(10_000 * scale))
    large = TIMES * small
    few = [await _exported(database_url, small)]
    many = await _exported(database_url, large)
    few += [await _exported(database_url, small) for _ in range(2)]
    for count, runs in ((small, few), (large, [many])):
        stages = ", ".join(
            f"{stage} {statistics.median(1000 * run[stage] / run['total'] for run in runs):.2f}"
            for stage in ("plan", "apply")
        )
        print(f"{count:,} contacts: {stages} ms a record, {runs[0]['mb']:.0f} MB", file=sys.stderr)
    what = f"plan and apply {large:,} new contacts: %s"
    return [
        Measurement(what % "time a record", f"{small:,} contacts", _per_record(many), _median(few), "ms", 1.2),
        Measurement(
            what % "peak memory",
            f"{small:,} contacts",
            many["mb"],
            statistics.median(run["mb"] for run in few),
            "MB",
            1.2,
        ),
    ]


def _per_record(run: dict[str, Any]) -> float:
    return 1000 * (run["plan"] + run["apply"]) / run["total"]


def _median(runs: list[dict[str, Any]]) -> float:
    return statistics.median(_per_record(run) for run in runs)


async def _exported(server: str, contacts: int) -> dict[str, Any]:
    companies = contacts // CONTACTS_PER_COMPANY
    with (
        fresh_database(server, f"bench_scale_{contacts}") as url,
        serving("benchmarks._simulator_server") as address,
        tempfile.TemporaryDirectory() as home,
    ):
        await step("benchmarks._export", "prepare", home, url, address, str(contacts), str(companies))
        run = await step("benchmarks._export", "export", home, url)
    assert run["applied"] == run["total"] == contacts + companies and not run["failed"], run
    return run

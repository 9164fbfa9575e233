"""Matching a million contacts with a million CRM records: stored keys joined in the database, against other engines.

Ours keeps keys when records are stored, so a match is one join whose result is stored; making all keys at once, which
happens when the rule changes, is printed beside it. The others normalise and join, each in a process of its own. All
answers must be equal to the record.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks._measure import Measurement

#: Engine -> how many times its time ours may take at most.
TARGETS = {"duckdb": 2.0, "splink": 2.0, "pandas": 1.0, "recordlinkage": 1.0}
MAX_MB = 400.0
MAPPING = {"linkedInProfileUrl": "linkedin", "firstName": "first", "lastName": "last", "companyName": "company"}


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 1,000,000 contacts on each side. The database should be empty."""
    count = int(1_000_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        await _run("write", folder, str(count))
        await _run("load", folder, database_url)
        ours = await _run("ours", folder, database_url)
        theirs = {"duckdb": await _median("duckdb", folder)}
        for engine in ("splink", "pandas", "recordlinkage"):
            theirs[engine] = await _run(engine, folder)
    for engine, result in theirs.items():
        if result["answer"] != ours["answer"]:
            raise AssertionError(f"{engine} found {result['found']:,} matches, not the same as our {ours['found']:,}")
    print(
        f"{count:,} x {count:,}: {ours['found']:,} matched; keys made in {ours['hub_keys']:.1f} s (hub) and "
        f"{ours['crm_keys']:.1f} s (CRM), once; joins {', '.join(f'{each:.2f}' for each in ours['joins'])} s",
        file=sys.stderr,
    )
    what = f"match {count:,} contacts with {count:,} CRM records"
    return [
        *(
            Measurement(what, f"{engine} ({result['mb']:.0f} MB)", ours["seconds"], result["seconds"], "s", target)
            for engine, target in TARGETS.items()
            for result in (theirs[engine],)
        ),
        Measurement(
            "peak memory of the hub while it makes all keys and matches", "400 MB", ours["mb"], MAX_MB, "MB", 1
        ),
    ]


async def _median(engine: str, folder: str) -> dict[str, Any]:
    runs = [await _run(engine, folder) for _ in range(3)]
    return {**runs[0], "seconds": statistics.median(run["seconds"] for run in runs)}


async def _run(*arguments: str) -> dict[str, Any]:
    """One step in a fresh process; what it prints last is its result."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "ignore", "-m", "benchmarks.bench_match", *arguments],
        stdout=subprocess.PIPE,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _digest(answer: Iterable[tuple[int, int, int]]) -> str:
    text = ",".join([f"{hub}:{lo}:{hi}" for hub, lo, hi in answer])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _theirs(engine: str, folder: Path) -> dict[str, Any]:
    from benchmarks._match_engines import ENGINES

    start = time.perf_counter()
    fetch = ENGINES[engine](folder)
    seconds = time.perf_counter() - start
    peak = _peak_mb()
    answer = fetch()
    return {"seconds": seconds, "mb": peak, "found": len(answer), "answer": _digest(sorted(answer))}


async def _load(folder: Path, url: str) -> dict[str, Any]:
    """Put both sides into the hub's tables, as importing and mirroring would."""
    import orjson
    import pyarrow.parquet as pq

    from hub_core.engine.store.database import connect, execute, value

    db = await connect(url, pool_size=2)
    async with db.transaction() as conn:
        workspace = await value(conn, "INSERT INTO workspace (key, name) VALUES ('match', 'Match') RETURNING id")
        crm = await value(
            conn,
            "INSERT INTO connection (workspace_id, kind, key, base_url) VALUES (%s, 'crm', 'bench', '') RETURNING id",
            [workspace],
        )
        sides = (
            ("hub", tuple(MAPPING), "COPY record (workspace_id, kind, external_id, values) FROM STDIN", workspace),
            ("crm", tuple(MAPPING.values()), "COPY crm_record (connection_id, kind, crm_id, values) FROM STDIN", crm),
        )
        for side, names, into, owner in sides:
            async with conn.cursor() as cursor, cursor.copy(into) as copy:
                for batch in pq.ParquetFile(folder / f"{side}.parquet").iter_batches(50_000):
                    lines: list[bytes] = []
                    for number, *texts in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        values = {name: text for name, text in zip(names, texts, strict=True) if text is not None}
                        document = orjson.dumps(values).replace(b"\\", b"\\\\")
                        lines.append(b"%d\tcontact\t%d\t%b\n" % (owner, number, document))
                    await copy.write(b"".join(lines))
        await execute(conn, "ANALYZE record, crm_record")
    await db.close()
    return {}


async def _ours(url: str) -> dict[str, Any]:
    from hub_core.engine.store import keys
    from hub_core.engine.store.database import connect, execute, one_row, value
    from hub_core.engine.store.matching import join_into
    from hub_core.model.records import RecordKind
    from hub_core.model.setup import SyncStep
    from hub_core.rules.matching import compile_rule

    kind = RecordKind.CONTACT
    rule = compile_rule(SyncStep(), kind)
    db = await connect(url, pool_size=2)
    seconds: list[float] = []
    async with db.transaction() as conn:
        workspace = await value(conn, "SELECT id FROM workspace WHERE key = 'match'")
        crm = await value(conn, "SELECT id FROM connection WHERE workspace_id = %s", [workspace])
        start = time.perf_counter()
        hub_scope = await keys.ensure_hub_keys(conn, workspace, kind, rule)
        middle = time.perf_counter()
        crm_scope = await keys.ensure_crm_keys(conn, workspace, crm, kind, rule=rule, mapping=MAPPING)
        end = time.perf_counter()
    for _ in range(3):
        start_join = time.perf_counter()
        async with db.transaction() as conn:
            await execute(conn, "DROP TABLE IF EXISTS bench_found")
            counts = await join_into(conn, "bench_found", hub_scope=hub_scope, crm_scope=crm_scope, connection_id=crm)
        seconds.append(time.perf_counter() - start_join)
    peak = _peak_mb()
    async with db.transaction() as conn:
        row = await one_row(
            conn,
            "SELECT md5(string_agg(r.external_id || ':' || lo.crm_id || ':' || hi.crm_id, ',' "
            "ORDER BY r.external_id::bigint)) AS answer FROM bench_found f JOIN record r ON r.id = f.record_id "
            "JOIN crm_record lo ON lo.id = f.crm_lo JOIN crm_record hi ON hi.id = f.crm_hi",
        )
        await execute(conn, "DROP TABLE bench_found")
    await db.close()
    return {
        "seconds": statistics.median(seconds),
        "joins": seconds,
        "hub_keys": middle - start,
        "crm_keys": end - middle,
        "mb": peak,
        "found": counts.unique + counts.several,
        "answer": row["answer"] if row else "",
    }


def _step(step: str, folder: str, *rest: str) -> dict[str, Any]:
    if step == "write":
        from benchmarks._noisy_contacts import write

        write(Path(folder), int(rest[0]))
        return {}
    if step == "load":
        return asyncio.run(_load(Path(folder), rest[0]))
    return asyncio.run(_ours(rest[0])) if step == "ours" else _theirs(step, Path(folder))


if __name__ == "__main__":
    print(json.dumps(_step(*sys.argv[1:])))

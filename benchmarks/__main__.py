"""``python -m benchmarks [NAME...]``: ratios against other tools, measured in one run, as a table.

A PostgreSQL of its own is started in a temporary folder, and every benchmark gets a fresh database in it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import os
import platform
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._databases import fresh_database
from benchmarks._measure import Measurement
from hub_core.engine import embedded


@dataclass(frozen=True, slots=True)
class Bench:
    """``peers``: the modules that must be installed. ``scale``: the part of the stated size that is measured by
    default, such that everything together takes less than ten minutes on four cores."""

    peers: tuple[str, ...] = ()
    scale: float = 1.0


BENCHES: dict[str, Bench] = {
    "start": Bench(),
    "calls": Bench(),
    "write": Bench(("hubspot",)),
    "import": Bench(),
    "mirror": Bench(("airbyte_cdk",)),
    "scale": Bench(scale=0.3),
    "match": Bench(("duckdb", "pandas", "pyarrow", "recordlinkage", "splink"), scale=0.5),
}
_SCALE = f"part of the stated sizes; default: 1, but match {BENCHES['match'].scale}, scale {BENCHES['scale'].scale}"
_INSTALL = "uv run --group bench python -m benchmarks"


def main() -> int:
    """Run what is asked for; 1 when something of it could not be run."""
    asked = _arguments()
    names: list[str] = asked.names or list(BENCHES)
    missing = {name: [peer for peer in BENCHES[name].peers if importlib.util.find_spec(peer) is None] for name in names}
    with tempfile.TemporaryDirectory(prefix="hub-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "postgres"
        server = embedded.start(data)
        try:
            ready = [name for name in names if not missing[name]]
            results = {name: _measured(name, server, asked.scale or BENCHES[name].scale) for name in ready}
        finally:
            embedded.stop(data)
    _print({name: found for name, found in results.items() if found}, asked.json)
    for name, peers in missing.items():
        if peers:
            _say(f"{name}: not measured, {', '.join(peers)} is not installed. To install it: {_INSTALL} {name}")
    return 0 if all(results.get(name) for name in names) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--scale", type=float, metavar="F", help=_SCALE)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in BENCHES]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    if asked.scale is not None and asked.scale <= 0:
        parser.error("the scale must be more than 0")
    return asked


def _measured(name: str, server: str, scale: float) -> list[Measurement]:
    """Nothing when it failed, which is said."""
    bench = importlib.import_module(f"benchmarks.bench_{name}")
    started = time.perf_counter()
    try:
        with fresh_database(server, f"bench_{name}") as url:
            found = asyncio.run(bench.measure(url, scale))
    except Exception:
        traceback.print_exc()
        _say(f"{name}: failed")
        return []
    _say(f"{name}: done in {time.perf_counter() - started:.0f} s")
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _print(results: dict[str, list[Measurement]], as_json: bool) -> None:
    if as_json:
        import orjson

        rows = [
            {"bench": name, **asdict(each), "ratio": each.ratio, "reached": each.reached}
            for name, found in results.items()
            for each in found
        ]
        sys.stdout.buffer.write(orjson.dumps({"machine": _machine(), "measurements": rows}, option=orjson.OPT_INDENT_2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=_machine(), caption_justify="left")
    table.add_column("What", ratio=3)
    table.add_column("Against", ratio=2)
    for column in ("Ours", "Theirs", "Ratio", "Target"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for found in results.values():
        for each in found:
            ours, theirs = _amount(each.ours, each.unit), _amount(each.theirs, each.unit)
            reached = "[green]reached[/]" if each.reached else "[red]missed[/]"
            table.add_row(each.what, each.against, ours, theirs, f"{each.ratio:.2f}", f"{each.target:g}", reached)
        table.add_section()
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


def _amount(amount: float, unit: str) -> str:
    whole = amount >= 100 or amount == int(amount)
    return f"{amount:,.0f} {unit}" if whole else f"{amount:.2f} {unit}"


if __name__ == "__main__":
    sys.exit(main())

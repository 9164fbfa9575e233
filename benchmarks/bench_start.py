"""Starting: `hub plugins list` against a bare Typer program that prints one line; whole processes that take turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks._measure import Measurement
from hub_core.engine.discovery import KINDS

ROUNDS = 15

_BARE = """\
import typer

app = typer.Typer()


@app.command()
def main() -> None:
    print("hello")


app()
"""
_OURS = "from hub_core.cli import main\n\nmain()\n"

#: What listing plugins has no use for, besides the plugins themselves.
SDKS = frozenset(
    {"hubspot", "simple_salesforce", "pipedrive", "msal", "openai", "anthropic", "google", "xai_sdk", "slack_sdk"}
)
DRIVERS = frozenset({"httpx", "psycopg", "pydantic", "sqlalchemy", "procrastinate"})


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 15 starts of each."""
    del database_url
    with tempfile.TemporaryDirectory() as folder:
        bare, ours = Path(folder) / "bare.py", Path(folder) / "hub"
        bare.write_text(_BARE)
        ours.write_text(_OURS)
        commands = {"ours": [sys.executable, str(ours), "plugins", "list"], "bare": [sys.executable, str(bare)]}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        environ = {**os.environ, "HUB_HOME": folder}
        for command in commands.values():
            _run(command, environ)  # compiles, and finds out which plugins work
        for _ in range(max(3, int(ROUNDS * scale))):
            for name, command in commands.items():
                started = time.perf_counter()
                _run(command, environ)
                seconds[name].append(time.perf_counter() - started)
        loaded = _imported(commands["ours"], environ)
    plugins = {entry.module for kind in KINDS for entry in entry_points(group=f"hub.{kind}")}
    unwanted = sorted(loaded & (SDKS | DRIVERS | plugins))
    milliseconds = {name: 1000 * statistics.median(took) for name, took in seconds.items()}
    imported = f"vendor SDKs, plugins and drivers that it imports{': ' if unwanted else ''}{', '.join(unwanted)}"
    return [
        Measurement("hub plugins list", "a bare Typer program", milliseconds["ours"], milliseconds["bare"], "ms", 2.0),
        Measurement(imported, "none", len(unwanted), 0, "", 0),
    ]


def _run(command: list[str], environ: dict[str, str], *options: str) -> str:
    done = subprocess.run([command[0], *options, *command[1:]], env=environ, capture_output=True, text=True, check=True)
    return done.stderr


def _imported(command: list[str], environ: dict[str, str]) -> set[str]:
    """The top-level packages that a command imports."""
    lines = _run(command, environ, "-X", "importtime").splitlines()
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines if line.startswith("import time:")}

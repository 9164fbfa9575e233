from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest


def _worker(database_url: str, home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from hub_core.cli import main; main()", "worker", *options],
        env={**os.environ, "HUB_DATABASE_URL": database_url, "HUB_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _registered(database_url: str) -> int:
    """Wait until a worker is at work; how many there are."""
    end = time.monotonic() + 20
    with psycopg.connect(database_url, autocommit=True) as conn:
        while time.monotonic() < end:
            row = conn.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
            if row and row[0]:
                return row[0]
            time.sleep(0.05)
    return 0


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_cleanly_when_it_is_told_to(database_url: str, tmp_path: Path, sent: signal.Signals) -> None:
    worker = _worker(database_url, tmp_path, "--json", "--concurrency", "2")
    assert _registered(database_url) == 1
    worker.send_signal(sent)
    out, log = worker.communicate(timeout=20)
    assert worker.returncode == 0, log
    assert '"stopped": true' in out
    assert "Traceback" not in log
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)


def test_a_worker_outlives_a_broken_tie_to_the_database(database_url: str, tmp_path: Path) -> None:
    worker = _worker(database_url, tmp_path)
    assert _registered(database_url) == 1
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(2)
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    _, log = worker.communicate(timeout=20)
    assert worker.returncode == 0, log

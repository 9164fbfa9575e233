from __future__ import annotations

import subprocess
from pathlib import Path

from tests.packages import environment, hub


def test_the_demo_writes_everything_once_and_then_finds_nothing_left_to_do(database_url: str, tmp_path: Path) -> None:
    env = environment(tmp_path, tmp_path / "home", HUB_DATABASE_URL=database_url)
    done = subprocess.run(hub("demo"), env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Exporting again would write 0 records" in " ".join(done.stdout.split())
    assert _plan((Path(__file__).parents[2] / "README.md").read_text()) == _plan(done.stdout)


def _plan(text: str) -> str:
    """The plan of the contacts without how it was made; what the CRM says of its size lags behind."""
    return "\n".join(map(str.rstrip, text.partition("Plan of run 2 ")[2].partition("\ncompanies: ")[0].splitlines()))

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


def _demo(database_url: str, tmp_path: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "people.csv"
    file.write_bytes(text.encode("latin-1"))
    env = environment(tmp_path, tmp_path / "home", HUB_DATABASE_URL=database_url)
    command = hub("demo", "--contacts", str(file), *options)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_a_file_of_ones_own_is_enough_whatever_its_encoding_and_delimiter(database_url: str, tmp_path: Path) -> None:
    text = "Vorname;Nachname;Firma;E-Mail\nJürgen;Müller;Bäckerei Süß;j@baeck.example\nZoë;Aß;Bäckerei Süß;\n"
    done = _demo(database_url, tmp_path, text)
    assert done.returncode == 0, done.stderr
    assert "Jürgen" in done.stdout
    assert "Exporting again would write 0 records" in " ".join(done.stdout.split())


def test_columns_that_nobody_recognises_are_named_by_hand(database_url: str, tmp_path: Path) -> None:
    text = "Ding,Sache,Wer\na,b,c\n"
    done = _demo(database_url, tmp_path, text)
    assert done.returncode == 2
    assert "No row can be used" in done.stderr
    assert "--map" in done.stderr
    done = _demo(database_url, tmp_path, text, "--map", "Dingg=firstName")
    assert (done.returncode, done.stderr) == (2, "Error: There is no column 'Dingg'.\n  -> Did you mean 'Ding'?\n")
    named = ("--map", "Ding=firstName", "--map", "Sache=lastName", "--map", "Wer=companyName")
    assert _demo(database_url, tmp_path, text, *named).returncode == 0

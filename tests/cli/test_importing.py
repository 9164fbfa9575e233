from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def hub(database_url: str, tmp_path: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from hub_core.cli import main; main()", *args],
        env={**os.environ, "HUB_DATABASE_URL": database_url, "HUB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("E-Mail;Shoe size;Zip\nada@x.io;36;00123\nbob;44;\n", encoding="utf-8")
    return path


def test_an_import_shows_the_columns_and_the_report(database_url: str, tmp_path: Path, people: Path) -> None:
    done = hub(database_url, tmp_path, "import", "contacts", str(people))
    assert done.returncode == 3
    assert "CSV, UTF-8, semicolon" in done.stdout
    assert "shoeSize (new)" in done.stdout
    assert "2 read, 1 created, 1 rejected" in done.stdout
    assert "people.rejects.csv" in done.stdout.replace("\n", "")
    assert done.stderr == ""


def test_the_report_is_one_json_document(database_url: str, tmp_path: Path, people: Path) -> None:
    rejects = tmp_path / "bad.csv"
    done = hub(database_url, tmp_path, "import", "contacts", str(people), "--json", "--rejects", str(rejects))
    assert done.returncode == 3
    report: dict[str, Any] = json.loads(done.stdout)
    assert (report["read"], report["created"], report["rejected"]) == (2, 1, 1)
    assert report["rejectsFile"] == str(rejects)
    assert report["columns"][0] == {
        "column": "E-Mail",
        "field": "professionalEmail",
        "new": False,
        "sample": "ada@x.io",
    }
    assert report["reasons"][0]["column"] == "E-Mail"
    assert rejects.exists()


def test_columns_can_be_mapped_and_left_out(database_url: str, tmp_path: Path, people: Path) -> None:
    args = ("import", "contacts", str(people), "--json", "--map", "E-Mail=externalId", "--map", "Shoe size=-")
    done = hub(database_url, tmp_path, *args)
    assert done.returncode == 0
    assert [column["field"] for column in json.loads(done.stdout)["columns"]] == ["externalId", None, "postalCode"]


def test_mistakes_name_what_would_be_right(database_url: str, tmp_path: Path, people: Path) -> None:
    for given, says in (("Zipp=city", "'Zip'"), ("Zip=postalcod", "'postalCode'"), ("Zip", "COLUMN=FIELD")):
        done = hub(database_url, tmp_path, "import", "contacts", str(people), "--map", given)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_a_dry_run_stores_nothing(database_url: str, tmp_path: Path, people: Path) -> None:
    done = hub(database_url, tmp_path, "import", "contacts", str(people), "--dry-run")
    assert "nothing is stored" in done.stdout
    again = hub(database_url, tmp_path, "import", "contacts", str(people), "--json")
    assert json.loads(again.stdout)["created"] == 1

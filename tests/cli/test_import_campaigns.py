"""``hub import`` of campaigns, activities and tags, and ``hub campaigns``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_importing import hub

FILES = Path(__file__).parents[1] / "campaigns"


def test_files_are_imported_and_a_contacts_properties_shown(database_url: str, tmp_path: Path) -> None:
    rejects = str(tmp_path / "rejects.csv")
    for what in ("contacts", "campaigns", "tags"):
        done = hub(database_url, tmp_path, "import", what, str(FILES / f"{what}.csv"))
        assert done.returncode == 0, done.stderr
    done = hub(database_url, tmp_path, "import", "activities", str(FILES / "activities.csv"), "--rejects", rejects)
    assert done.returncode == 3
    assert "15 read, 14 created, 1 rejected" in done.stdout
    assert "There is no contact with this e-mail address." in done.stdout
    shown = hub(database_url, tmp_path, "campaigns", "ada@engines.example")
    assert "Message Replied (3/3) - LinkedIn" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    plain = json.loads(hub(database_url, tmp_path, "campaigns", "p2", "--json").stdout)
    assert plain["properties"]["sequenceStatus"] == "Ongoing"
    assert "No campaign" in hub(database_url, tmp_path, "campaigns", "p3").stdout
    assert hub(database_url, tmp_path, "campaigns", "p4").returncode == 2


def test_a_column_that_is_missing_can_be_said(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("person,what\np1,Interested\n", encoding="utf-8")
    done = hub(database_url, tmp_path, "import", "tags", str(tmp_path / "tags.csv"), "--map", "what=tag")
    assert done.returncode == 2
    assert '--map "COLUMN=contactId"' in done.stderr

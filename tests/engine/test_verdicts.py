from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from hub_core.engine import discovery
from hub_core.engine.verdicts import BROKEN, OFF, READY, Verdict, verdicts
from tests.packages import GOOD, Packages, packages


@pytest.fixture
def site(tmp_path: Path) -> Generator[Packages]:
    with packages(tmp_path / "site") as made:
        yield made


def _verdict(key: str, remembered: Path) -> Verdict:
    return verdicts([discovery.find(key)], remembered)[key]


def test_a_good_plugin_is_ready_and_named_by_its_manifest(site: Packages, tmp_path: Path) -> None:
    site.add("hub-finder", "finder")
    assert _verdict("finder", tmp_path / "home" / "plugins.json") == Verdict(READY, "Finder")


def test_a_broken_plugin_says_why_and_how_to_mend_it(site: Packages, tmp_path: Path) -> None:
    site.add("hub-bad", "bad", "import no_such_sdk")
    assert _verdict("bad", tmp_path / "plugins.json") == Verdict(
        BROKEN, "", "the module 'no_such_sdk' is not installed.", "pip install --upgrade hub-bad"
    )


def test_a_switched_off_plugin_is_not_judged(site: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DISABLED_CONNECTORS", "bad")
    site.add("hub-bad", "bad", "raise SystemExit")
    assert _verdict("bad", tmp_path / "plugins.json") == Verdict(OFF)


def test_what_was_found_ready_is_remembered_until_its_code_changes(site: Packages, tmp_path: Path) -> None:
    remembered = tmp_path / "plugins.json"
    site.add("hub-finder", "finder")
    _verdict("finder", remembered)
    text = remembered.read_text()
    remembered.write_text(text.replace("Finder", "Remembered"))
    discovery.rescan()
    assert _verdict("finder", remembered).name == "Remembered"
    file = site.folder / "hub_finder.py"
    os.utime(file, (1, 1))
    assert _verdict("finder", remembered).name == "Finder"


def test_what_was_broken_is_tried_again(site: Packages, tmp_path: Path) -> None:
    site.add("hub-bad", "bad", "import helper_to_come\n" + GOOD)
    assert _verdict("bad", tmp_path / "plugins.json").status == BROKEN
    (site.folder / "helper_to_come.py").write_text("")
    discovery.rescan()
    assert _verdict("bad", tmp_path / "plugins.json").status == READY


@pytest.mark.parametrize("content", ["", "[]", '{"stamp": 1}', "\x00"])
def test_a_damaged_memory_is_no_memory(site: Packages, tmp_path: Path, content: str) -> None:
    site.add("hub-finder", "finder")
    (tmp_path / "plugins.json").write_text(content)
    assert _verdict("finder", tmp_path / "plugins.json").status == READY

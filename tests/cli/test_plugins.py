from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.packages import Packages, environment, hub, packages

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def site(tmp_path: Path) -> Generator[Packages]:
    with packages(tmp_path / "site") as made:
        made.add("hub-finder", "finder")
        made.add("hub-exits", "exits", "raise SystemExit(9)")
        made.add("hub-one", "taken")
        made.add("hub-two", "taken")
        yield made


@pytest.fixture
def run(site: Packages, tmp_path: Path) -> Run:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = environment(site.folder, tmp_path / "home", **more)
        return subprocess.run(hub(*arguments), env=env, capture_output=True, text=True, check=False, timeout=60)

    return run


def test_the_list_says_which_plugins_are_ready_and_why_the_others_are_not(run: Run) -> None:
    done = run("plugins", "list", "--json", HUB_DISABLED_CONNECTORS="hubspot")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["finder"] == {
        "key": "finder",
        "kind": "enrichment",
        "name": "Finder",
        "package": "hub-finder",
        "version": "1.2",
        "summary": "hub-finder finds things.",
        "status": "ready",
        "why": "",
        "fix": "",
    }
    assert rows["hubspot"]["status"] == "switched off"
    assert (rows["exits"]["status"], rows["taken"]["status"]) == ("broken", "broken")
    assert "SystemExit" in rows["exits"]["why"]
    assert rows["taken"]["why"] == "hub-one and hub-two both claim this key."


def test_neither_broken_metadata_nor_a_plugin_that_interrupts_ends_the_list(run: Run, site: Packages) -> None:
    site.add("hub-interrupts", "interrupts", "raise KeyboardInterrupt")
    for name, metadata in (("hub-mute", b""), ("hub-cut", b"Name: hub-\xff"), ("hub-bare", b"")):
        site.add(name, name.removeprefix("hub-"), "import no_such_sdk")
        (site.folder / f"{name.replace('-', '_')}-1.2.dist-info" / "METADATA").write_bytes(metadata)
    (site.folder / "hub_bare-1.2.dist-info" / "METADATA").unlink()
    table = run("plugins", "list")
    assert (table.returncode, table.stderr) == (0, "")
    rows = {row["key"]: row for row in json.loads(run("plugins", "list", "--json").stdout)}
    assert rows["finder"]["status"] == "ready"
    for key in ("interrupts", "mute", "cut", "bare"):
        assert rows[key]["status"] == "broken"
        assert rows[key]["fix"]
        assert "None" not in rows[key]["fix"]
    assert (rows["mute"]["package"], rows["mute"]["version"]) == ("", "")


def test_the_second_list_says_the_same_from_memory(run: Run, site: Packages) -> None:
    first = run("plugins", "list", "--json").stdout
    assert run("plugins", "list", "--json").stdout == first


def test_the_table_fits_80_columns_and_gives_the_mend_of_what_is_broken(run: Run) -> None:
    done = run("plugins", "list")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "-> Uninstall one of them: pip uninstall hub-two" in done.stdout


def test_without_plugins_the_list_is_empty_json(tmp_path: Path) -> None:
    code = (
        "import sys, importlib.metadata as m\n"
        "m.entry_points = lambda **_: m.EntryPoints()\n"
        "from hub_core.cli import main; main()"
    )
    command = [hub()[0], "-c", code, "plugins", "list", "--json"]
    done = subprocess.run(
        command, env=environment(tmp_path, tmp_path), capture_output=True, text=True, check=False, timeout=60
    )
    assert json.loads(done.stdout) == []

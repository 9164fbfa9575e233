from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from hub_core.engine import discovery
from hub_core.errors import NotPossible, PluginBroken, UnknownName
from tests.packages import GOOD, Packages, environment, packages


@pytest.fixture
def site(tmp_path: Path) -> Generator[Packages]:
    with packages(tmp_path / "site") as made:
        yield made


def test_listing_tells_what_the_metadata_says(site: Packages) -> None:
    site.add("hub-finder", "finder")
    assert discovery.find("finder") == discovery.Installed(
        "finder", "enrichment", "hub-finder", "1.2", "hub-finder finds things.", "hub_finder:plugin"
    )


def test_listing_imports_no_plugin(site: Packages, tmp_path: Path) -> None:
    site.add("hub-finder", "finder", "raise SystemExit('imported')")
    code = (
        "import sys; from hub_core.engine.discovery import installed\n"
        "print([plugin.key for plugin in installed()])\n"
        "print([name for name in ('hub_finder', 'stevedore', 'pluggy', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(site.folder, tmp_path), capture_output=True, text=True, check=True
    )
    keys, imported = done.stdout.splitlines()
    assert "finder" in keys
    assert imported == "[]"


def test_a_plugin_is_imported_once_when_it_is_first_loaded(site: Packages) -> None:
    site.add("hub-finder", "finder")
    assert "hub_finder" not in sys.modules
    plugin = discovery.load("enrichment", "finder")
    assert discovery.load(None, "finder") is plugin
    assert sys.modules["hub_finder"].plugin is plugin


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemExit(3)", "raise BaseException('no')", "import this is wrong"])
def test_whatever_an_import_raises_only_breaks_that_plugin(site: Packages, code: str) -> None:
    site.add("hub-bad", "bad", code)
    site.add("hub-finder", "finder")
    for _ in range(2):  # a failed import is remembered
        with pytest.raises(PluginBroken) as caught:
            discovery.load(None, "bad")
        assert caught.value.plugin == "bad"
        assert caught.value.reason.startswith("importing it raised ")
        assert caught.value.fix
    assert discovery.load(None, "finder")


def test_ctrl_c_during_an_import_is_not_swallowed(site: Packages) -> None:
    site.add("hub-bad", "bad", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discovery.load(None, "bad")


def test_a_missing_module_names_the_extra_that_brings_it(site: Packages) -> None:
    site.add("hub-bad", "bad", "import no_such_sdk.client", extras={"sdk": "no-such-sdk>=2"})
    with pytest.raises(PluginBroken) as caught:
        discovery.load(None, "bad")
    assert caught.value.reason == "the module 'no_such_sdk' is not installed."
    assert caught.value.fix == "pip install 'hub-bad[sdk]'"


def test_a_missing_module_that_no_extra_brings_names_the_package(site: Packages) -> None:
    site.add("hub-bad", "bad", "import no_such_sdk")
    with pytest.raises(PluginBroken) as caught:
        discovery.load(None, "bad")
    assert caught.value.fix == "pip install --upgrade hub-bad"


def test_an_entry_point_to_nothing_is_broken(site: Packages) -> None:
    site.add("hub-bad", "bad", value="hub_bad:nothing")
    with pytest.raises(PluginBroken, match="nothing"):
        discovery.load(None, "bad")


def test_two_packages_with_one_key_are_one_broken_plugin_that_names_both(site: Packages) -> None:
    site.add("hub-finder", "finder")
    site.add("hub-other", "finder", kind="ai")
    entry = discovery.find("finder")
    assert entry.why == "hub-finder and hub-other both claim this key."
    with pytest.raises(PluginBroken, match="hub-finder and hub-other"):
        discovery.load(None, "finder")


@pytest.mark.parametrize(
    ("api", "fix"),
    [
        ("(2, 0)", "Update the hub: pip install --upgrade hub-core"),
        ("(1, 1)", "Update the hub: pip install --upgrade hub-core"),
        ("(0, 9)", "Update it: pip install --upgrade hub-finder"),
    ],
)
def test_a_plugin_for_another_contract_says_who_has_to_be_updated(site: Packages, api: str, fix: str) -> None:
    site.add("hub-finder", "finder", GOOD.replace("settings=Key)", f"settings=Key, api={api})"))
    with pytest.raises(PluginBroken) as caught:
        discovery.manifest_of("finder", discovery.load(None, "finder"))
    assert caught.value.fix == fix


def test_an_object_without_manifest_is_broken(site: Packages) -> None:
    site.add("hub-finder", "finder", "plugin = object()")
    with pytest.raises(PluginBroken, match="no manifest"):
        discovery.manifest_of("finder", discovery.load(None, "finder"))


def test_an_unknown_key_names_the_nearest(site: Packages) -> None:
    site.add("hub-finder", "finder")
    with pytest.raises(UnknownName) as caught:
        discovery.load(None, "findr")
    assert caught.value.fix == "Did you mean 'finder'?"


def test_a_plugin_of_another_kind_is_not_found(site: Packages) -> None:
    site.add("hub-finder", "finder")
    with pytest.raises(UnknownName, match="crm plugin 'finder'"):
        discovery.load("crm", "finder")


def test_a_switched_off_plugin_is_listed_and_not_imported(site: Packages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DISABLED_CONNECTORS", "other, finder")
    site.add("hub-finder", "finder")
    assert discovery.find("finder").disabled
    with pytest.raises(NotPossible, match="switched off"):
        discovery.load(None, "finder")
    assert "hub_finder" not in sys.modules


def test_a_package_that_comes_later_is_there_after_a_rescan(site: Packages) -> None:
    site.add("hub-first", "first")
    discovery.load(None, "first")
    site.add("hub-second", "second")  # rescans
    assert discovery.load(None, "second")


def test_a_simulator_is_found_by_its_plugins_key() -> None:
    assert callable(discovery.load_simulator("hubspot"))
    with pytest.raises(UnknownName, match="simulator 'hubspt'"):
        discovery.load_simulator("hubspt")

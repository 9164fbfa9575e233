from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from hub_core.cli.operate import _redacted
from tests.packages import environment, hub


def _run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(home, home, **more)
    return subprocess.run(hub(*arguments), env=env, capture_output=True, text=True, check=False, timeout=120)


def test_config_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    done = _run(tmp_path, "config", "--json", HUB_WORKSPACE="sales")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["HUB_WORKSPACE"]["value"], rows["HUB_WORKSPACE"]["source"]) == ("sales", "environment")
    assert rows["HUB_SECRET_KEY_FILE"]["source"] == "default"
    assert rows["embedded database"]["value"] == str(tmp_path / "postgres")


def test_config_shows_no_password_and_no_key(tmp_path: Path) -> None:
    url = "postgresql://ada:canary1@db.example/hub"
    for more in ([], ["--json"]):
        done = _run(tmp_path, "config", *more, HUB_DATABASE_URL=url, HUB_SECRET_KEY="canary2")
        assert done.returncode == 0
        assert "canary" not in done.stdout + done.stderr
        assert "ada:***@db.example" in done.stdout


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:p%40ss@h:5/d?sslmode=require", "postgresql://ada:***@h:5/d?sslmode=require"),
        ("postgresql://h/d?user=ada&password=p&x=1", "postgresql://h/d?user=ada&password=***&x=1"),
        ("host=h password='p q' user=ada", "host=h password=*** user=ada"),
        ("postgresql:///d", "postgresql:///d"),
    ],
)
def test_a_database_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert _redacted(url) == shown


def test_the_embedded_database_is_started_found_and_stopped(tmp_path: Path) -> None:
    try:
        assert _run(tmp_path, "db", "url").returncode == 1
        assert json.loads(_run(tmp_path, "db", "status", "--json").stdout)["running"] is False
        url = json.loads(_run(tmp_path, "db", "start", "--json").stdout)["url"]
        assert _run(tmp_path, "db", "url").stdout.strip() == url
        assert json.loads(_run(tmp_path, "db", "status", "--json").stdout)["running"] is True
    finally:
        stopped = _run(tmp_path, "db", "stop", "--json")
    assert json.loads(stopped.stdout) == {"stopped": True}
    assert json.loads(_run(tmp_path, "db", "stop", "--json").stdout) == {"stopped": False}


def test_the_embedded_database_is_left_alone_when_another_one_is_named(tmp_path: Path) -> None:
    done = _run(tmp_path, "db", "start", HUB_DATABASE_URL="postgresql://h/d")
    assert done.returncode == 1
    assert "HUB_DATABASE_URL" in done.stderr


def test_simulate_serves_the_vendor_until_ctrl_c(tmp_path: Path) -> None:
    served = subprocess.Popen(
        hub("simulate", "hubspot", "--json"),
        env=environment(tmp_path, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert served.stdout
    text = served.stdout.readline()
    while not text.endswith("}\n"):
        text += served.stdout.readline()
    said = json.loads(text)
    assert said["connect"].startswith(("hub connect hubspot", "echo "))
    assert said["base_url"] in said["connect"]
    assert httpx.get(said["base_url"]).status_code >= 400
    served.send_signal(signal.SIGINT)
    _, errors = served.communicate(timeout=20)
    assert served.returncode == 130
    assert errors == "Stopped.\n"


def test_a_plugin_without_a_simulator_says_which_have_one(tmp_path: Path) -> None:
    done = _run(tmp_path, "simulate", "hubspt")
    assert done.returncode == 2
    assert "Did you mean 'hubspot'?" in done.stderr

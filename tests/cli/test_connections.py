from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.engine.simulators import serve
from tests.packages import environment, hub

TOKEN = "pat-canary-51c0"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def hubspot() -> Generator[str]:
    with serve(create_app(SimulatorConfig(access_tokens=frozenset({TOKEN})))) as base_url:
        yield base_url


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    said: list[str] = []

    def run(*arguments: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        env = environment(tmp_path, tmp_path / "home", HUB_DATABASE_URL=database_url, **more)
        done = subprocess.run(
            hub(*arguments), env=env, input=typed, capture_output=True, text=True, check=False, timeout=60
        )
        said.append(done.stdout + done.stderr)
        assert TOKEN not in said[-1]
        assert "Traceback" not in said[-1]
        return done

    return run


def _connect(run: Run, base_url: str, token: str = TOKEN, *more: str) -> subprocess.CompletedProcess[str]:
    return run("connect", "hubspot", "--base-url", base_url, "--secret", "access_token=-", *more, typed=token + "\n")


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_crm_is_connected_enabled_looked_at_and_disabled(run: Run, hubspot: str) -> None:
    connected = _json(_connect(run, hubspot, TOKEN, "--json"))
    assert (connected["key"], connected["enabled"], connected["base_url"]) == ("hubspot", False, hubspot)
    assert _json(run("enable", "hubspot", "--json"))["enabled"]
    (row,) = _json(run("status", "--json"))
    assert (row["key"], row["enabled"], row["state"]) == ("hubspot", True, "connected")
    assert "active CRM" in run("status").stdout
    assert not _json(run("disable", "hubspot", "--json"))["enabled"]


def test_a_secret_may_come_from_a_file(run: Run, hubspot: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    done = run("connect", "hubspot", "--base-url", hubspot, "--secret", f"access_token=@{tmp_path / 'token'}")
    assert done.returncode == 0
    assert "Next: hub enable hubspot" in done.stdout


def test_refused_credentials_ask_to_sign_in_with_code_4(run: Run, hubspot: str) -> None:
    done = _connect(run, hubspot, "pat-not-this-one")
    assert done.returncode == 4
    assert done.stderr.startswith("Error: ")
    assert "\n  -> " in done.stderr
    assert "pat-not-this-one" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["connect", "hubspot"], "--secret access_token=-"),
        (["connect", "hubspot", "--set", f"access_token={TOKEN}"], "is a secret"),
        (["connect", "hubspot", "--secret", f"access_token={TOKEN}"], "not taken from the command line"),
        (["connect", "hubspot", "--secret", "acces_token=-"], "Did you mean 'access_token'?"),
        (["connect", "hubspot", "--secret", "access_token"], "NAME=-"),
        (["connect", "hubspot", "--secret", "access_token=@/no/such/file"], "FileNotFoundError"),
        (["connect", "hubspt"], "Did you mean 'hubspot'?"),
    ],
)
def test_what_cannot_be_used_is_a_usage_error_with_the_mend(run: Run, arguments: list[str], text: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert text in done.stderr
    assert done.stdout == ""


def test_what_is_not_connected_cannot_be_enabled(run: Run) -> None:
    done = run("enable", "hubspot")
    assert done.returncode == 1
    assert "-> Connect it first: hub connect hubspot" in done.stderr


def test_an_empty_workspace_says_where_to_begin(run: Run) -> None:
    assert "hub plugins list" in run("status").stdout
    assert _json(run("status", "--json")) == []

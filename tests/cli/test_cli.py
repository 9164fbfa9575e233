"""`hub_core.cli` itself: how it starts, fails and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_core import __version__
from hub_core.cli import COMMANDS
from hub_core.errors import ExitCode
from tests.packages import environment, hub

RAISING = """
import hub_core.cli as cli, types, sys
def command() -> None:
    '''Fail.'''
    {statement}
module = sys.modules["hub_core.cli.raising"] = types.ModuleType("hub_core.cli.raising")
module.command = command
cli.COMMANDS["raising"] = ("raising", "command", "Fail.", "Work")
cli.main()
"""


def _hub(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        hub(*arguments), env=environment(home, home), capture_output=True, text=True, check=False, timeout=60
    )


def _raising(home: Path, statement: str, **more: str) -> subprocess.CompletedProcess[str]:
    code = RAISING.format(statement=statement)
    env = environment(home, home, **more)
    command = [sys.executable, "-c", code, "raising"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_help_lists_the_commands_and_the_exit_codes(tmp_path: Path) -> None:
    done = _hub(tmp_path, "--help")
    assert done.returncode == 0
    text = " ".join(done.stdout.split())
    assert all(f"{code.value} {code.name.lower().replace('_', ' ')}" in text for code in ExitCode)
    assert "connect" in done.stdout


def test_every_command_has_a_module_and_shows_its_help(tmp_path: Path) -> None:
    for name, (module, *_) in COMMANDS.items():
        done = _hub(tmp_path, name, "--help")
        assert done.returncode == 0, (name, module, done.stderr)
        assert f"hub {name}" in done.stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert _hub(tmp_path, "--version").stdout == f"hub {__version__}\n"


def test_an_unknown_command_is_a_usage_error_with_the_nearest(tmp_path: Path) -> None:
    done = _hub(tmp_path, "conect")
    assert done.returncode == 2
    assert "connect" in done.stderr


def test_a_hub_error_is_its_message_its_mend_and_its_code(tmp_path: Path) -> None:
    done = _raising(tmp_path, "from hub_core.errors import OneActiveCrm; raise OneActiveCrm('hubspot', 'zoho')")
    assert done.returncode == ExitCode.SETUP_INVALID
    assert done.stderr == (
        "Error: hubspot is the active CRM, and only one CRM can be active at a time.\n"
        "  -> Disable hubspot first (hub disable hubspot), then enable zoho.\n"
    )


def test_an_unexpected_error_shows_its_type_and_no_text_of_it(tmp_path: Path) -> None:
    done = _raising(tmp_path, "raise KeyError('canary')")
    assert done.returncode == 1
    assert "KeyError" in done.stderr
    assert "HUB_DEBUG=1" in done.stderr
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_traceback_is_there_for_those_who_ask(tmp_path: Path) -> None:
    done = _raising(tmp_path, "raise KeyError('canary')", HUB_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_ctrl_c_says_stopped(tmp_path: Path) -> None:
    done = _raising(tmp_path, "raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


@pytest.mark.parametrize("statement", ["print('x' * 1_000_000)", "raise BrokenPipeError"])
def test_a_reader_that_has_gone_is_no_error(tmp_path: Path, statement: str) -> None:
    code = RAISING.format(statement=statement)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code, "raising"],
        env=environment(tmp_path, tmp_path),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert done.stderr == ""

from __future__ import annotations

import os
import subprocess
import sys

from hub_core.engine.processes import is_dead, this_process

_NAME = "from hub_core.engine.processes import this_process; print(this_process(), flush=True)"


def test_this_process_lives() -> None:
    assert this_process() == this_process()
    assert not is_dead(this_process())


def test_a_process_is_dead_when_it_was_killed_even_before_anybody_has_waited_for_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", f"{_NAME}; input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    name = child.stdout.readline().strip()
    assert not is_dead(name)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    if sys.platform == "linux":
        assert is_dead(name)
    child.communicate()
    assert is_dead(name)


def test_another_process_with_the_number_of_a_dead_one_is_not_taken_for_it() -> None:
    place, _, began = this_process().rpartition(" ")
    if began != "-":
        assert is_dead(f"{place} 1{began}")


def test_of_a_process_elsewhere_nobody_knows() -> None:
    assert not is_dead("another-host 2f 4026531836 999999 1")
    assert not is_dead("")

"""Which process does something, and whether it still lives: so that what a killed one held is taken over at once.

Only a process of this machine (and of this container) can be told to be dead; of any other nobody knows, and its lease
has to run out.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def this_process() -> str:
    """This process's name in the database: where it runs, its number, when it began."""
    return f"{_place()} {os.getpid()} {_began(os.getpid())}"


def is_dead(name: str) -> bool:
    """Whether the process of that name has surely ended; False when it lives, or when nobody here can know."""
    place, _, rest = name.rpartition(" ")
    place, _, number = place.rpartition(" ")
    if place != _place() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _began(int(number)) != rest


@cache
def _place() -> str:
    """The machine since its last start, and the container: within it a process number means one process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux; there a host has one set of process numbers
        return f"{socket.gethostname()} {os.name}"


def _began(number: int) -> str:
    """When a process began, as the system counts; "-" where it does not say. A zombie has ended: "ended"."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "-"
    return "ended" if fields[0] in "ZX" else fields[19]

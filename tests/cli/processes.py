"""The command line as processes of their own, on a hub that `tests.scene` has set up: to be killed, or watched."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.packages import environment

#: The simulated CRM has carried a request out when the answer is late: what is in flight is known sooner than in life.
_MAIN = """
from hub_core.services import settling
import os
settling.IN_FLIGHT = float(os.environ.get("TEST_IN_FLIGHT", "1.0"))
from hub_core.cli import main
main()
"""


@dataclass(frozen=True)
class Done:
    """How a process ended; killed ones have the code -9."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything, in one line."""
        return " ".join((self.out + self.err).split())

    def json(self) -> Any:
        """Standard output is one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Commands:
    """``hub`` commands with the same database and home as a scene's hub."""

    database_url: str
    home: Path

    async def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _MAIN, *arguments),
            env={**environment(self.home, self.home), "HUB_DATABASE_URL": self.database_url, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
        return await ended(await self.start(*arguments, env=env))

    async def killed(self, after: float, *arguments: str) -> Done:
        """Start, and kill -9 after so many seconds, if it has not ended before."""
        return await self.signalled(after, signal.SIGKILL, *arguments)

    async def signalled(self, after: float, number: signal.Signals, *arguments: str) -> Done:
        process = await self.start(*arguments)
        waiting = asyncio.create_task(ended(process))
        await asyncio.wait({waiting}, timeout=after)
        if process.returncode is None:
            process.send_signal(number)
        return await waiting


async def ended(process: Process, within: float = 90.0) -> Done:
    """Wait for a process and take what it said; no traceback is ever in it."""
    out, err = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode is not None
    done = Done(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in done.err, done.err
    return done

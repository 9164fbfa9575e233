"""Servers and measured steps in processes of their own, so that neither's CPU time or memory is counted as the other's.

Every process is a module of this folder. A server prints its address and serves until its standard input is closed; a
step prints one JSON document at the end.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """The server ``python -m module arguments`` for the length of the block; gives its address."""
    with subprocess.Popen(
        _command(module, arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


async def step(module: str, *arguments: str) -> dict[str, Any]:
    """What ``python -m module arguments`` prints last."""
    done = await asyncio.to_thread(
        subprocess.run, _command(module, arguments), stdout=subprocess.PIPE, check=True, cwd=_ROOT
    )
    return json.loads(done.stdout.splitlines()[-1])


def _command(module: str, arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", module, *arguments]


def serve(app: Any) -> None:
    """Be a server: serve an ASGI app on a free port of loopback. For the main of a server's module."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))

    def stop_at_the_end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=stop_at_the_end, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server.run([listener])


def peak_mb() -> float:
    """The most memory that this process has held so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)

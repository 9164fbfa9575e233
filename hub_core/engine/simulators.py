"""Serving a plugin's simulated vendor on loopback, for tests, the demo and ``hub simulate``."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from hub_core.errors import BadInput, HubError

_START = 10.0  # seconds


@contextmanager
def serve(app: Callable[..., Any], *, port: int = 0) -> Generator[str]:
    """Serve an ASGI app on 127.0.0.1 from a thread of its own; gives its base URL. ``port`` 0 takes a free one.

    Raises `BadInput` when the port is taken.
    """
    with _listening(port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="auto"))
        thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=_START)


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise BadInput(f"Port {port} cannot be used on this computer.", fix="Give another one: --port N") from error
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _START
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise HubError("The simulator did not start.", fix="Set HUB_DEBUG=1 to see why.")
        time.sleep(0.002)

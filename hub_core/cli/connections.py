"""``hub connect``, ``enable``, ``disable`` and ``status``."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hub_core.cli._output import Json, emit, run
from hub_core.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hub_core.engine.store.connections import StoredConnection
    from hub_core.services.connections import Card, Setting
    from hub_core.services.hub import Hub

T = TypeVar("T")
Key = Annotated[str, typer.Argument(metavar="KEY", help="The plugin's key; see: hub plugins list")]


def connect(
    key: Key,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another address than the vendor's own: a sandbox, a simulator.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=-|@FILE", help="A secret: '-' reads a line of standard input, '@FILE' a file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Connect an integration, or connect it again with other settings or credentials.

    Asks for what is missing. Nothing is stored before the vendor has accepted the credentials.
    """
    from hub_core.engine.connectors import connector
    from hub_core.services.connections import settings_of

    asked = settings_of(connector(key).manifest)
    given = _settings(asked, set_ or []) | _secrets(asked, secret or [])
    stored = run(_connect(key, asked, given, base_url))
    emit(_row(stored), as_json, lambda: _connected(stored))


def enable(key: Key, as_json: Json = False) -> None:
    """Make a connected CRM the active one, or switch an integration on."""
    from hub_core.services import connections

    stored = run(_with_hub(lambda hub: connections.enable(hub, key)))
    emit(_row(stored), as_json, lambda: f"{stored.key} is enabled.")


def disable(key: Key, as_json: Json = False) -> None:
    """Take the active CRM, or another integration, out of use. It stays connected."""
    from hub_core.services import connections

    stored = run(_with_hub(lambda hub: connections.disable(hub, key)))
    emit(_row(stored), as_json, lambda: f"{stored.key} is disabled.")


def status(as_json: Json = False) -> None:
    """Show the workspace's connections and how they fare."""
    from hub_core.services import connections

    cards = run(_with_hub(connections.status))
    rows = [{**_row(card.connection), "state": card.state, "why": card.why, "fix": card.fix} for card in cards]
    emit(rows, as_json, lambda: _cards(cards))


async def _with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    from hub_core.engine.settings import read_settings
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings(), pool_size=2) as hub:
        return await work(hub)


async def _connect(key: str, asked: Iterable[Setting], given: dict[str, str], base_url: str | None) -> StoredConnection:
    from hub_core.engine.settings import read_settings
    from hub_core.services import connections
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings(), pool_size=2) as hub:
        known = await connections.kept_settings(hub, key, base_url)
        missing = [one for one in asked if one.required and one.name not in given and one.name not in known]
        return await connections.connect(hub, key, given | _prompted(missing), base_url=base_url)


def _prompted(missing: list[Setting]) -> dict[str, str]:
    """Ask a person for what is missing; raises `BadInput` where there is nobody to ask."""
    if missing and not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = ", ".join(one.name for one in missing)
        options = " ".join(f"--secret {one.name}=-" if one.secret else f"--set {one.name}=VALUE" for one in missing)
        raise BadInput(f"These settings are missing: {names}.", fix=f"Give them: {options}")
    return {one.name: typer.prompt(one.description, hide_input=one.secret, err=True) for one in missing}


def _settings(asked: Iterable[Setting], pairs: list[str]) -> dict[str, str]:
    """The settings of ``--set``; refuses secrets, which would stay in the shell's history."""
    known = {one.name: one for one in asked}
    given: dict[str, str] = {}
    for pair in pairs:
        name, value = _pair(pair, "--set NAME=VALUE", known)
        if known[name].secret:
            raise BadInput(
                f"{name} is a secret and is not taken from the command line.", fix=f"Use --secret {name}=- instead."
            )
        given[name] = value
    return given


def _secrets(asked: Iterable[Setting], pairs: list[str]) -> dict[str, str]:
    """The secrets of ``--secret``, read from where each says."""
    known = {one.name: one for one in asked}
    given: dict[str, str] = {}
    for pair in pairs:
        name, source = _pair(pair, "--secret NAME=- or NAME=@FILE", known)
        if source == "-":
            value = sys.stdin.readline().strip()
        elif source.startswith("@"):
            try:
                value = Path(source[1:]).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise BadInput(f"The file for {name} cannot be read ({type(error).__name__}).") from error
        else:
            raise BadInput(
                f"{name} is not taken from the command line.", fix=f"Use --secret {name}=- or --secret {name}=@FILE."
            )
        if not value:
            raise BadInput(f"No secret was given for {name}.")
        given[name] = value
    return given


def _pair(text: str, form: str, known: Mapping[str, object]) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput("A setting needs a name and a value.", fix=f"Give it like this: {form}")
    if name not in known:
        raise UnknownName("setting", name, known)
    return name, value


def _row(stored: StoredConnection) -> dict[str, Any]:
    """A connection for programs; it has no secrets to leave out."""
    return {
        "key": stored.key,
        "kind": stored.kind,
        "account": {"id": stored.account.id, "label": stored.account.label, "user": stored.account.user_email},
        "base_url": stored.base_url,
        "settings": dict(stored.settings),
        "enabled": stored.enabled,
        "health": stored.health,
    }


def _connected(stored: StoredConnection) -> RenderableType:
    user = f" as {stored.account.user_email}" if stored.account.user_email else ""
    further = "" if stored.enabled else f"\nNext: hub enable {stored.key}"
    return f"Connected to {stored.account.label or stored.key}{user}.{further}"


def _cards(cards: list[Card]) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not cards:
        return "Nothing is connected. See what there is: hub plugins list"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("Key", "Kind", "Account", "User", "In use", "State"):
        table.add_column(column, overflow="fold")
    for card in cards:
        one = card.connection
        in_use = ("active CRM" if one.kind == "crm" else "yes") if one.enabled else "no"
        cells = (one.key, one.kind, one.account.label, one.account.user_email, in_use, card.state)
        table.add_row(*map(Text, cells))
    return Group(table, *(Text(f"{card.connection.key}: {card.why}\n  -> {card.fix}") for card in cards if card.why))

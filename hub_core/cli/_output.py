"""What the commands share: output for people and for programs, and running a coroutine."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

import typer

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

#: The ``--json`` option, the same for every command.
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


@cache
def console() -> Console:
    """Standard output: a command's result. 80 columns wide where there is no terminal to ask."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 80)


@cache
def err() -> Console:
    """Standard error: progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def emit(data: object, as_json: bool, table: Callable[[], object]) -> None:
    """Print ``data`` as one JSON document, or what ``table()`` gives (anything rich can show; text without markup)."""
    if as_json:
        print_json(data)
    else:
        console().print(table(), markup=False)


def print_json(data: object) -> None:
    """One JSON document on standard output; dataclasses, dates and enums are understood."""
    sys.stdout.write(_json(data) + "\n")


async def print_json_stream(head: Mapping[str, object], name: str, items: AsyncIterable[object]) -> None:
    """The document that `print_json` makes of ``head`` and, under ``name``, the list of ``items``, held one by one."""
    before = f"{_json(head)[:-2]},\n  {_json(name)}: ["
    async for item in items:
        sys.stdout.write(before + "\n    " + _json(item).replace("\n", "\n    "))
        before = ","
    sys.stdout.write("\n  ]\n}\n" if before == "," else f"{before}]\n}}\n")


def _json(data: object) -> str:
    import orjson

    return orjson.dumps(data, default=_plain, option=orjson.OPT_INDENT_2).decode()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    import asyncio
    import logging
    import os

    if not os.environ.get("HUB_DEBUG"):
        # What libraries log of an error is no message for people; the error itself is raised and becomes one.
        logging.lastResort = logging.NullHandler()
    # psycopg cannot use Windows' default event loop.
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def _plain(value: object) -> object:
    """JSON for what orjson does not know: sets, paths, errors."""
    if isinstance(value, (set, frozenset)):
        return sorted(cast("set[str]", value))
    return str(value)

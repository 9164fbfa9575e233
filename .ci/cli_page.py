"""Print docs/cli.md, made from the command line's own help: ``uv run python .ci/cli_page.py > docs/cli.md``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from hub_core.cli import COMMANDS, _loaded
from hub_core.errors import ExitCode

MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "not done: the database, the vendor or the hub failed, or it does not fit the present state",
    ExitCode.USAGE: "a file, an argument or a value that cannot be used",
    ExitCode.PARTIAL: "done, but some records failed",
    ExitCode.SIGN_IN_NEEDED: "the vendor does not accept the credentials",
    ExitCode.SETUP_INVALID: "settings, mapping or set-up must be corrected first",
    ExitCode.RATE_LIMITED: "the vendor's limit is reached for longer than the hub waits, or credits are used up",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; a run keeps its place",
}

#: Options that every command has.
UNSAID = ("--help", "--json")


def page() -> str:
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# The command line"
    yield ""
    yield "Made from the commands' own help by `.ci/cli_page.py`. Results go to standard output, progress and errors to"
    yield "standard error. With `--json` (every command but `hub demo`) the result is one JSON document, not a table. A"
    yield "message says what happened and, after `->`, what to do; `HUB_DEBUG=1` adds the traceback."
    yield ""
    yield "| exit code | means |"
    yield "| --- | --- |"
    for code in ExitCode:
        yield f"| {code.value} | {MEANINGS[code]} |"
    panel = ""
    for name, (module, _, _, its_panel) in COMMANDS.items():
        if find_spec(f"hub_core.cli.{module}") is None:
            continue
        if its_panel != panel:
            panel = its_panel
            yield from ("", f"## {panel}")
        yield from _command(_loaded(name), f"hub {name}")


def _command(command: Any, path: str) -> Iterator[str]:
    parts = getattr(command, "commands", None)
    if parts:
        for name, part in parts.items():
            yield from _command(part, f"{path} {name}")
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and each.opts[0] not in UNSAID]
    usage = " ".join([path, *(_argument(each) for each in arguments), *(["[OPTIONS]"] if options else [])])
    yield from ("", f"### `{usage}`", "", inspect.cleandoc(command.help or ""))
    if arguments or options:
        yield from ("", "| | |", "| --- | --- |")
    for each in arguments:
        yield _row(_argument(each), each)
    for each in options:
        names = ", ".join([*each.opts, *each.secondary_opts])
        value = "" if each.is_flag else f" {_metavar(each)}"
        yield _row(f"{names}{value}", each)


def _argument(argument: Any) -> str:
    return argument.metavar or _value(argument) or argument.name.upper().rstrip("_")


def _metavar(option: Any) -> str:
    return option.metavar or _value(option) or "TEXT"


def _value(parameter: Any) -> str:
    """What may be given: the choices, the type; "" for any text."""
    annotation = parameter.type_descriptor.annotation
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, Enum):
            return "|".join(str(choice.value) for choice in each)
        if each in (int, float):
            return "N"
        if each is Path:
            return "FILE"
    return ""


def _row(names: str, parameter: Any) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{names}`", _text(parameter))) + " |"


def _text(parameter: Any) -> str:
    text = parameter.help or ""
    default = getattr(parameter.default, "value", parameter.default)
    shown = not getattr(parameter, "is_flag", False) and isinstance(default, (str, int)) and default != ""
    return f"{text} Default: {default}." if shown else text


if __name__ == "__main__":
    print(page(), end="")

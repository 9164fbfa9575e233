"""The command line. Nothing but Typer is imported until a command is known, and then only that command's module.

`COMMANDS` is the whole list: name -> (module in this folder, what to take from it, help line, panel of ``--help``).
What is taken is a function, which becomes a Typer command, or a `typer.Typer`, which becomes a group of commands. A
command imports what it needs inside its function.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Any, NoReturn, cast

import typer
from typer._click import Command, Context
from typer._click.decorators import help_option
from typer.core import TyperCommand, TyperGroup, TyperOption

from hub_core import __version__
from hub_core.errors import ExitCode, HubError

_START, _WORK, _LOOK, _HOST = "Set up", "Work", "Look", "Operate"

COMMANDS: dict[str, tuple[str, str, str, str]] = {
    "plugins": ("plugins", "app", "List the installed plugins, with why a broken one is broken.", _START),
    "connect": ("connections", "connect", "Connect an integration, or connect it again with other settings.", _START),
    "enable": ("connections", "enable", "Make a connected CRM the active one, or switch an integration on.", _START),
    "disable": ("connections", "disable", "Take the active CRM, or another integration, out of use.", _START),
    "fields": ("fields", "fields", "List the fields of the active CRM.", _START),
    "setup": ("setup", "app", "Matching, field mapping, campaign mapping and user mapping of the active CRM.", _START),
    "import": ("importing", "import_", "Read contacts, companies, campaigns, activities and tags from a file.", _WORK),
    "match": ("matching", "match", "Find which CRM records the hub's records are.", _WORK),
    "export": ("exporting", "export", "Write contacts or companies into the active CRM.", _WORK),
    "sync": ("syncing", "sync", "Bring linked records together, both ways.", _WORK),
    "schedule": ("syncing", "schedule", "Let syncs start by themselves.", _WORK),
    "demo": ("demo", "demo", "See the whole of it work against a simulated CRM.", _WORK),
    "status": ("connections", "status", "Show the workspace's connections and how they fare.", _LOOK),
    "records": ("importing", "records", "Look at the hub's own contacts and companies.", _LOOK),
    "doctor": ("doctor", "doctor", "Say what is in the way, who must act, and what to do.", _LOOK),
    "journal": ("journal", "journal", "Say why a record's fields changed.", _LOOK),
    "runs": ("runs", "app", "Follow, pause, resume, cancel and undo runs.", _LOOK),
    "campaigns": ("campaigns", "campaigns", "Show what campaigns say about a contact.", _LOOK),
    "review": ("review", "app", "Decide about records with more than one candidate.", _LOOK),
    "config": ("operate", "config", "Show the hub's own settings and where each comes from.", _HOST),
    "db": ("operate", "db", "Start, stop and look at the embedded database.", _HOST),
    "simulate": ("operate", "simulate", "Serve a plugin's simulated vendor on this computer.", _HOST),
    "worker": ("worker", "worker", "Carry out queued runs until stopped.", _HOST),
}

_CODES = "Exit codes: " + ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in ExitCode) + "."


class _LazyGroup(TyperGroup):
    """Knows every command's name and help line, and loads the one that is asked for."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        _answer_help(self)
        for name, (_, _, text, panel) in COMMANDS.items():
            self.add_command(TyperCommand(name, help=text, rich_help_panel=panel))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and args[0] in self.commands:
            self.add_command(_loaded(args[0]), args[0])
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Command:
    """The command as its module defines it."""
    module, attribute, text, _ = COMMANDS[name]
    found = getattr(importlib.import_module(f"hub_core.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        found.info.help = found.info.help or text
        found.info.no_args_is_help = True
        command = typer.main.get_group(found)
    else:
        one = typer.Typer(add_completion=False)
        one.command(name, help=found.__doc__ or text)(found)
        command = typer.main.get_command(one)
    _answer_help(command)
    return command


def _answer_help(command: Command) -> None:
    """Give ``--help`` the default False. Typer's own is None, which it loads pydantic (0.3 s) to interpret."""
    help_option(["--help"])(command)
    option = cast(TyperOption, command.params.pop())
    option.default = False
    command._help_option = option  # pyright: ignore[reportPrivateUsage]
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            _answer_help(each)


#: Typer's completion options load pydantic for every command (0.3 s), so they are there when they are asked for.
_COMPLETION = (
    not {"--install-completion", "--show-completion", "--help"}.isdisjoint(sys.argv) or "_HUB_COMPLETE" in os.environ
)

app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=_COMPLETION or len(sys.argv) < 2,
    pretty_exceptions_enable=False,
    epilog=_CODES,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hub {__version__}")
        raise typer.Exit


@app.callback()
def hub(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Match, plan and write contacts and companies into your CRM, field by field."""


def main() -> NoReturn:
    """Run the command line and exit. A `HubError` becomes its message and what to do; a traceback only appears with
    HUB_DEBUG=1."""
    try:
        app(prog_name="hub", standalone_mode=True)
        code = 0
    except SystemExit as exit_:
        code = exit_.code
    except BrokenPipeError:
        code = ExitCode.OK
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except HubError as error:
        _debug()
        sys.stderr.write(f"Error: {error.message}\n" + (f"  -> {error.fix}\n" if error.fix else ""))
        code = error.exit_code
    except Exception as error:
        _debug()
        sys.stderr.write(f"Error: something unexpected happened ({type(error).__name__}).\n")
        if not os.environ.get("HUB_DEBUG"):
            sys.stderr.write("  -> Set HUB_DEBUG=1 to see where, and report it.\n")
        code = ExitCode.FAILED
    _leave(code)


def _debug() -> None:
    if os.environ.get("HUB_DEBUG"):
        import traceback

        traceback.print_exc()


def _leave(code: object) -> NoReturn:
    """Exit, quietly also when whoever read our output has gone."""
    if code == ExitCode.INTERRUPTED:
        sys.stderr.write("Stopped.\n")
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would be written, and fail, once more at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(int(code) if isinstance(code, int) else 1)

"""Following a run in the terminal: carry it on (or watch others do it), with a progress bar that shows waits."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub_core.cli._output import err
from hub_core.errors import ExitCode
from hub_core.model.plan import RunState

if TYPE_CHECKING:
    from hub_core.engine.store.runs import Run
    from hub_core.services.hub import Hub

_LONG = 3.0  # seconds of waiting that are worth a line in a log
_STAGES = {"plan": "Planning", "apply": "Applying", "verify": "Reading back"}


def at_rest(run: Run) -> bool:
    """Whether nobody needs to work on the run now."""
    return run.state not in (RunState.PLANNING, RunState.APPLYING)


async def carry_on(hub: Hub, run: Run, *, quiet: bool = False) -> Run:
    """Work on a run until it is planned, ended or paused; returns it as it is then.

    Ctrl-C lets the present batch finish and pauses the run.
    """
    from hub_core.engine.jobs import PostgresJobs
    from hub_core.services import advancing, runs

    async def advance(run_id: int) -> float | None:
        return await advancing.advance(hub, run_id)

    now = run
    async with PostgresJobs(hub.db.url, advance) as jobs, _progress(quiet) as show, _interrupts(run.id) as interrupted:

        async def done() -> bool:
            nonlocal now
            now = await runs.get_run(hub, run.id)
            show(now)
            if interrupted.is_set() and not at_rest(now):
                await runs.pause(hub, run.id)
            return at_rest(now)

        await jobs.start(run.id, await runs.account_of(hub, run))
        await jobs.work_until(done)
    if interrupted.is_set():
        if not now.state.ended:
            err().print(_how_to_go_on(now), markup=False)
        raise KeyboardInterrupt
    return now


def _how_to_go_on(run: Run) -> str:
    from hub_core.services.runs import progress_of

    where = progress_of(run)
    how_far = f" after {where.done:,} of {where.total:,} records" if where.total else ""
    return f"Run {run.id} is {run.state.value}{how_far}. Go on with: hub runs resume {run.id}"


@asynccontextmanager
async def _interrupts(run_id: int) -> AsyncGenerator[asyncio.Event]:
    """The first Ctrl-C sets the event; a second one ends the process, which a run survives at any moment."""
    interrupted, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        if interrupted.is_set():
            err().show_cursor()
            err().print(
                f"\nStopped at once. What was on its way is looked up by: hub runs resume {run_id}", markup=False
            )
            sys.stdout.flush()
            os._exit(ExitCode.INTERRUPTED)
        interrupted.set()
        err().print("Stopping after this batch; the run keeps its place. Once more Ctrl-C stops at once.")

    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except NotImplementedError:  # Windows
        yield interrupted
        return
    try:
        yield interrupted
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@asynccontextmanager
async def _progress(quiet: bool) -> AsyncGenerator[Callable[[Run], None]]:
    if quiet or not err().is_terminal:
        yield _no_bar if quiet else _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from hub_core.services.runs import progress_of

    columns: Any = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=14),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=err(), transient=True) as bar:
        task, stage = bar.add_task("Starting", total=None, note=""), ""

        def show(run: Run) -> None:
            nonlocal stage
            if at_rest(run):
                return
            if run.stage != stage:
                stage = run.stage
                bar.reset(task)
            progress = progress_of(run)
            bar.update(
                task,
                description=_STAGES.get(run.stage.rpartition(" ")[2], ""),
                completed=progress.done,
                total=progress.total or None,
                note=waiting(run),
            )

        yield show


def _no_bar(run: Run) -> None:
    """Show nothing."""


class _Lines:
    """Where no bar can be drawn: a line for every long wait, so that a log says why nothing happens."""

    def __init__(self) -> None:
        self._said: datetime | None = None

    def __call__(self, run: Run) -> None:
        until = run.waiting_until
        if until and until != self._said and (until - datetime.now(UTC)).total_seconds() > _LONG:
            self._said = until
            err().print(f"Run {run.id}: {waiting_why(run)}", markup=False)


def waiting(run: Run) -> str:
    """What a run waits for, in words: "waiting for HubSpot until 14:05:10"."""
    return _waiting(run)[0]


def waiting_why(run: Run) -> str:
    """The same with the reason: "waiting for HubSpot until 14:05:10 (its limit of requests)"."""
    text, why = _waiting(run)
    return f"{text} ({why})" if why else text


def _waiting(run: Run) -> tuple[str, str]:
    if run.waiting_until is None or run.waiting_until < datetime.now(UTC):
        return "", ""
    name, _, why = run.waiting_for.partition(": ")
    return f"waiting for {name} until {run.waiting_until.astimezone():%H:%M:%S}", why.rstrip(".")

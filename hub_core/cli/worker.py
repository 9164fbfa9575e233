"""``hub worker``: carry out queued runs, beside as many other workers as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hub_core.cli._output import Json, emit, err, run

if TYPE_CHECKING:
    import asyncio

_WAIT_FOR_DATABASE = 5.0  # seconds


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Runs of different accounts at the same time.")] = 4,
    as_json: Json = False,
) -> None:
    """Carry out queued runs until stopped (Ctrl-C). What is being written is finished first; nothing is lost when the
    worker is killed: another one, or the next one, goes on."""
    run(_work(concurrency))
    emit({"stopped": True}, as_json, lambda: "Stopped.")


async def _work(concurrency: int) -> None:
    import asyncio
    import contextlib

    from hub_core.engine.jobs import PostgresJobs
    from hub_core.engine.settings import read_settings
    from hub_core.errors import DatabaseUnavailable
    from hub_core.services import advancing, doctor, scheduling
    from hub_core.services.hub import open_hub

    _log_to_stderr()
    stop = _stop_on_signals()
    async with open_hub(read_settings(), pool_size=2 * concurrency + 2) as hub:

        async def advance(run_id: int) -> float | None:
            return await advancing.advance(hub, run_id)

        err().print("Working. Ctrl-C to stop.")
        watching = asyncio.create_task(doctor.watch(hub))
        while not stop.is_set():
            try:
                async with PostgresJobs(hub.db.url, advance) as jobs:
                    starting = asyncio.create_task(scheduling.keep_starting(hub, jobs))
                    try:
                        await jobs.work(stop, concurrency)
                    finally:
                        starting.cancel()
            except DatabaseUnavailable as error:
                err().print(f"{error.message} Trying again.", markup=False)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _WAIT_FOR_DATABASE)
        watching.cancel()


def _stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C or a service manager sets; a second Ctrl-C stops at once."""
    import asyncio
    import signal

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop_it() -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        err().print("Stopping after the present batch.")

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop_it)
        except NotImplementedError:  # Windows: Ctrl-C interrupts at once, which is safe too
            break
    return stop


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("hub_core").setLevel(logging.INFO)

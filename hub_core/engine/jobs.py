"""The job engine: carries runs on, chunk by chunk, whatever happens to the process that does it.

A chunk is a bounded piece of a run that may safely be done twice: what it did is in our tables, written in the same
commit as its effects. So the engine keeps nothing but "run N is not finished". This is the only module that knows which
engine that is (Procrastinate, on the hub's own PostgreSQL).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from hub_core.engine.store.database import Conn
from hub_core.engine.store.stalled_jobs import put_back_stalled
from hub_core.errors import DatabaseUnavailable, LostLease, TryLater

if TYPE_CHECKING:
    from procrastinate import App, PsycopgConnector

Advance = Callable[[int], Awaitable[float | None]]
"""Do the next chunk of a run. Returns seconds until the one after (0: at once), None when the run has nothing more to
do: finished, paused, cancelled. It decides itself about errors that pass; one that it raises ends the job."""

Done = Callable[[], Awaitable[bool]]

_TASK = "hub.advance"
_TURN = 30.0  # seconds a run keeps a worker's place before it queues up behind the others again
_HEARTBEAT = 5.0
_STALLED = 11.0  # seconds without a heartbeat after which a worker is taken for dead
_POLL = 0.5  # seconds; a new job is announced at once, one that waited for time or for its account is found by looking
_LAST_CHUNK = 90.0  # seconds that a chunk may take to finish when the worker is told to stop
_WAIT_AFTER_ERROR = 10.0
_LAST_WORDS = 1.0  # seconds for a worker whose database is gone: all that it still has to say would wait in vain

log = logging.getLogger(__name__)


class Jobs(Protocol):
    """Carries runs on. At most one chunk of one ``account`` is done at any time, by all workers together."""

    async def start(self, run_id: int, account: str) -> None:
        """Queue the run; if it waits for its time, it is up at once. Safe to call at any time, and twice."""
        ...

    async def work_until(self, done: Done) -> None:
        """Do chunks of any run until ``done()``. Raises what a chunk of this process raised."""
        ...

    async def work(self, stop: asyncio.Event, concurrency: int = 4) -> None:
        """Do chunks of any run until ``stop``; then the present ones are finished and the rest is left queued."""
        ...


class InlineJobs:
    """The twin for one process and tests: no queue in the database, chunks one after the other.

    ``max_chunks``: `work_until` returns after so many chunks, done or not, as if the process had ended there.
    """

    def __init__(self, advance: Advance, *, max_chunks: int | None = None) -> None:
        self._advance = advance
        self._due: dict[int, float] = {}  # run -> when its next chunk is due
        self._left = max_chunks

    async def start(self, run_id: int, account: str) -> None:
        self._due[run_id] = 0.0

    async def work_until(self, done: Done) -> None:
        while self._due and self._left != 0 and not await done():
            run_id = min(self._due, key=self._due.__getitem__)
            await asyncio.sleep(max(0.0, self._due[run_id] - time.monotonic()))
            del self._due[run_id]
            seconds = await self._advance(run_id)
            if seconds is not None:
                self._due[run_id] = time.monotonic() + seconds
            if self._left:
                self._left -= 1

    async def work(self, stop: asyncio.Event, concurrency: int = 4) -> None:
        async def stopped() -> bool:
            return stop.is_set()

        while not stop.is_set():
            await self.work_until(stopped)
            await asyncio.sleep(0.05)


class PostgresJobs:
    """`Jobs` of any number of processes on the database at ``database_url``. Use it as a context manager, or call
    `close` in the end.

    A worker that dies is noticed at once on its own machine, elsewhere after some ten seconds; its chunk is then done
    again by another one.
    """

    def __init__(self, database_url: str, advance: Advance) -> None:
        self._url = database_url
        self._advance = advance
        self._app: App | None = None
        self._stopping = self._closed = False
        self._chunk_done = asyncio.Event()
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        app, self._app, self._closed = self._app, None, True
        if app:
            await app.close_async()

    async def start(self, run_id: int, account: str) -> None:
        app = await self._opened()
        await self._put_back(app)
        waiting = await app.job_manager.list_jobs_async(queueing_lock=_name(run_id), status="todo")
        for job in waiting:
            if job.scheduled_at and job.id:
                await app.job_manager.cancel_job_by_id_async(job.id, delete_job=True)
        await self._queue(run_id, account, 0.0)

    async def work_until(self, done: Done) -> None:
        stop = asyncio.Event()
        self._failure = None
        worker = asyncio.create_task(self.work(stop))
        patience: float | None = None
        try:
            while not worker.done() and self._failure is None and not await done():
                self._chunk_done.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._chunk_done.wait(), _POLL)
        except DatabaseUnavailable:
            patience = _LAST_WORDS
            raise
        finally:
            stop.set()
            await asyncio.wait({worker}, timeout=patience)
        worker.result()
        if self._failure:
            raise self._failure

    async def work(self, stop: asyncio.Event, concurrency: int = 4) -> None:
        app = await self._opened()
        self._stopping = False
        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=concurrency,
                fetch_job_polling_interval=_POLL,
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_STALLED,
                shutdown_graceful_timeout=_LAST_CHUNK,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
        )
        sweep = asyncio.create_task(self._sweep())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping = True
            for task in (stopped, sweep, worker):
                task.cancel()
            ended = await asyncio.gather(worker, stopped, sweep, return_exceptions=True)
        if isinstance(ended[0], Exception) or not stop.is_set():
            raise DatabaseUnavailable(
                "The hub's database does not answer.", fix="Start it again; what was stored is kept, and runs resume."
            ) from (ended[0] if isinstance(ended[0], Exception) else None)

    async def _take_turn(self, run_id: int, account: str) -> None:
        """One job: chunks of a run, until its turn is over, it has to wait, or it has nothing more to do."""
        over = time.monotonic() + _TURN
        try:
            while True:
                seconds = await self._chunk(run_id)
                if seconds is None:
                    return
                if seconds > 0 or self._stopping or time.monotonic() > over:
                    break
        except asyncio.CancelledError:
            await asyncio.shield(self._queue(run_id, account, 0.0))
            raise
        await self._queue(run_id, account, seconds)

    async def _chunk(self, run_id: int) -> float | None:
        try:
            return await self._advance(run_id)
        except LostLease:
            return None  # whoever has it now queues it
        except TryLater as error:
            log.warning("run %d waits: %s", run_id, error.message)
            return error.retry_after or _WAIT_AFTER_ERROR
        except Exception as error:
            log.error("run %d was stopped by a %s", run_id, type(error).__name__)  # noqa: TRY400 its text may be personal
            log.debug("where", exc_info=True)
            self._failure = error
            raise
        finally:
            self._chunk_done.set()

    async def _queue(self, run_id: int, account: str, seconds: float) -> None:
        from procrastinate.exceptions import AlreadyEnqueued

        app = await self._opened()
        due: dict[str, Any] = {"schedule_in": {"seconds": seconds}} if seconds > 0 else {}
        with contextlib.suppress(AlreadyEnqueued):
            await app.configure_task(_TASK, lock=account, queueing_lock=_name(run_id), **due).defer_async(
                run_id=run_id, account=account
            )

    async def _sweep(self) -> None:
        """Give back the jobs of dead workers, for ever."""
        app = await self._opened()
        while True:
            await self._put_back(app)
            await asyncio.sleep(_HEARTBEAT)

    async def _put_back(self, app: App) -> None:
        import psycopg
        import psycopg_pool

        try:
            async with cast("PsycopgConnector", app.connector).pool.connection() as conn:
                count = await put_back_stalled(cast("Conn", conn), _STALLED)
            if count:
                log.info("%d jobs of a worker that died are queued again", count)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            log.warning("stalled jobs could not be looked for: %s", type(error).__name__)

    async def _opened(self) -> App:
        if self._closed:
            raise DatabaseUnavailable("The tie to the hub's database is closed.")
        if self._app is None:
            from procrastinate import App, PsycopgConnector
            from psycopg.rows import dict_row

            logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # it logs whole errors, with what they quote
            pool: dict[str, Any] = {"min_size": 1, "max_size": 6, "timeout": 10, "kwargs": {"row_factory": dict_row}}
            app = App(connector=PsycopgConnector(conninfo=self._url, **pool))
            app.task(name=_TASK)(self._take_turn)
            try:
                await app.open_async()
            except Exception as error:
                raise DatabaseUnavailable("The hub's database does not answer.", fix="Start it again.") from error
            self._app = app
        return self._app


def _name(run_id: int) -> str:
    return f"run-{run_id}"

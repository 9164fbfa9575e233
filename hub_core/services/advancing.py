"""Working on a run: `advance` does one bounded chunk, and says what is in the way.

A chunk may be run by any worker, and twice: what it has done is in the run's rows, written together with its effects.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub_core.engine.processes import this_process
from hub_core.engine.store import links, plans, runs, selection
from hub_core.engine.store import syncing as sync_store
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.runs import Run
from hub_core.errors import (
    ConnectorBug,
    DatabaseUnavailable,
    HubError,
    LostLease,
    RateLimited,
    TryLater,
    UserMustAct,
)
from hub_core.model.plan import RunState, SyncOptions
from hub_core.services import applying, planning, settling, sync_applying, syncing, undo_applying, undoing
from hub_core.services.export_context import ExportContext, gather_context
from hub_core.services.hub import Hub, OpenConnection
from hub_core.services.reporting import crm_name
from hub_core.services.runs import stop, stored_connection

#: Seconds that a chunk may take before it gives the run back (a single batch is never cut).
CHUNK_SECONDS = 5.0
#: How often a chunk is tried again when the vendor does not answer, and the first wait; each wait is twice the last.
TRIES, FIRST_WAIT = 6, 1.0
#: A vendor that asks for a longer wait than this pauses the run; the person decides when to go on.
LONGEST_WAIT = 3600.0
_HEARTBEAT = 5.0
_TAKEN = 2.0  # seconds after which to look again at a run that another worker has in hand


async def advance(hub: Hub, run_id: int) -> float | None:
    """Do the next chunk of a run. Returns after how many seconds the next one is due, None when there is none.

    Raises `DatabaseUnavailable`, and nothing else that a run can meet: that is stored with the run.
    """
    async with hub.db.transaction() as conn:
        run = await runs.get_run(conn, run_id)
        if run.state not in (RunState.PLANNING, RunState.APPLYING):
            return None
        if run.leased and run.leased_by != this_process():
            return _TAKEN
        run = await runs.take_lease(conn, run)
        stored = await stored_connection(conn, run)
    hub = Hub(hub.settings, hub.db, stored.workspace_id, stored.workspace, hub.vault)  # a worker serves them all
    try:
        return await _advance(hub, run, stored)
    except LostLease:  # its new owner sees to it
        return None
    finally:
        with contextlib.suppress(HubError):
            async with hub.db.transaction() as conn:
                await runs.give_lease_back(conn, run)


async def _advance(hub: Hub, run: Run, stored: StoredConnection) -> float | None:
    try:
        async with hub.open(stored) as crm, _in_hand(hub, run, crm):
            context = await gather_context(hub, crm, run)
            delay = await _chunk(context)
        if delay == 0 and run.cursor.get("tries"):
            await _forget_tries(hub, run)
        return delay
    except DatabaseUnavailable:
        raise
    except TryLater as error:
        return await _try_later(hub, run, error, crm_name(stored.key))
    except (UserMustAct, ConnectorBug) as error:
        await _pause_for(hub, run, error)
        return None


async def _chunk(context: ExportContext) -> float | None:
    """Pieces of work until the time is up. Returns as `advance`."""
    deadline = time.monotonic() + CHUNK_SECONDS
    hub, run = context.hub, context.run
    if run.state is RunState.APPLYING:
        wait = await settling.reconcile(context)
        if wait:
            await _show_wait(hub, run, wait, f"{context.crm_name}: to finish what was on its way")
            return wait
        await _carry_out_links(context)
    while True:
        stopped = await _stop_if_wanted(context)
        if stopped:
            return None
        async with hub.db.transaction() as conn:
            now = await runs.get_run(conn, run.id)
        step = _STEPS[now.stage]
        if not await step(_with_run(context, now)):
            return None
        if time.monotonic() > deadline:
            return 0.0


def _with_run(context: ExportContext, run: Run) -> ExportContext:
    """The context with the run's present cursor, under the lease that this worker has taken."""
    return replace(context, run=replace(run, lease=context.run.lease))


async def _apply_step(context: ExportContext) -> bool:
    if not await applying.write_batch(context):
        async with context.hub.db.transaction() as conn:
            await runs.hold_lease(conn, context.run)
            await runs.update_run(conn, context.run.id, stage="verify", cursor={"verified": 0})
    return True


async def _verify_step(context: ExportContext) -> bool:
    last = await settling.verify_ties(context, context.run.cursor.get("verified", 0))
    if last is None:
        await _finish(context)
        return False
    return True


async def _sync_plan_step(context: ExportContext) -> bool:
    """A sync that a schedule has started goes on by itself, unless it is the first one, which waits for a person."""
    if await syncing.plan_chunk(context):
        return True
    options = context.run.options
    if not (isinstance(options, SyncOptions) and options.automatic):
        return False
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        state = await sync_store.sync_state(conn, context.connection_id, options.kind)
        return state.confirmed and await runs.begin_applying(conn, context.run.id)


async def _sync_apply_step(context: ExportContext) -> bool:
    if await sync_applying.apply_chunk(context):
        return True
    await _finish(context)
    return False


async def _undo_apply_step(context: ExportContext) -> bool:
    if await undo_applying.apply_chunk(context):
        return True
    await _finish(context)
    return False


_STEPS: dict[str, Callable[[ExportContext], Awaitable[bool]]] = {
    "sync plan": _sync_plan_step,
    "sync apply": _sync_apply_step,
    "undo plan": undoing.plan_chunk,
    "undo apply": _undo_apply_step,
    "plan": planning.plan_chunk,
    "apply": _apply_step,
    "verify": _verify_step,
}


async def _carry_out_links(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        await plans.end_without_writing(conn, context.run.id)
        await links.link_unchanged(conn, context.run.id, context.connection_id, context.hub.workspace_id)


async def _finish(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        counts = await plans.counts_by_outcome(conn, context.run.id)
        failed = counts.get("failed", 0)
        left_out = await plans.count_with_problems(conn, context.run.id)
        state = RunState.PARTIAL if failed or left_out else RunState.DONE
        await runs.update_run(
            conn, context.run.id, state=state.value, stage="", failed=failed, ended_at=datetime.now(UTC)
        )
        await selection.drop_twins(conn, context.run.id)


async def _stop_if_wanted(context: ExportContext) -> bool:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        run = await runs.get_run(conn, context.run.id)
        if not run.wanted:
            return False
        await stop(conn, run.id, RunState.CANCELLED if run.wanted == "cancel" else RunState.PAUSED, "")
        return True


# When something is in the way


@asynccontextmanager
async def _in_hand(hub: Hub, run: Run, crm: OpenConnection) -> AsyncGenerator[None]:
    """While a chunk goes on: keep the lease alive, show waits, and count the API calls at the end."""
    waits: set[asyncio.Task[None]] = set()

    async def show(until: datetime | None, why: str) -> None:
        with contextlib.suppress(HubError):
            async with hub.db.transaction() as conn:
                await runs.set_waiting(conn, run.id, until, why)

    def on_wait(until: datetime | None, why: str) -> None:
        task = asyncio.ensure_future(show(until, why))
        waits.add(task)
        task.add_done_callback(waits.discard)

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            with contextlib.suppress(HubError):
                async with hub.db.transaction() as conn:
                    await runs.hold_lease(conn, run)

    crm.http.on_wait = on_wait
    heart = asyncio.create_task(beat())
    try:
        yield
    finally:
        crm.http.on_wait = None
        heart.cancel()
        await asyncio.gather(heart, *waits, return_exceptions=True)
        with contextlib.suppress(HubError):
            async with hub.db.transaction() as conn:
                await runs.add_progress(conn, run.id, api_calls=crm.http.calls)


async def _try_later(hub: Hub, run: Run, error: TryLater, crm_name: str) -> float | None:
    """Wait and try the chunk again; pause the run when that has not helped."""
    tries = int(run.cursor.get("tries", 0)) + 1
    wait = max(error.retry_after or 0.0, FIRST_WAIT * 2 ** (tries - 1))
    if wait > LONGEST_WAIT or (tries >= TRIES and not isinstance(error, RateLimited)):
        await _pause_for(hub, run, error)
        return None
    async with hub.db.transaction() as conn:
        await runs.hold_lease(conn, run)
        now = await runs.get_run(conn, run.id)
        await runs.update_run(conn, run.id, cursor={**now.cursor, "tries": tries}, message=error.message)
    await _show_wait(hub, run, wait, f"{crm_name}: {error.message}")
    return wait


async def _forget_tries(hub: Hub, run: Run) -> None:
    async with hub.db.transaction() as conn:
        now = await runs.get_run(conn, run.id)
        cursor = {name: value for name, value in now.cursor.items() if name != "tries"}
        await runs.update_run(conn, run.id, cursor=cursor, message="")


async def _show_wait(hub: Hub, run: Run, seconds: float, why: str) -> None:
    async with hub.db.transaction() as conn:
        await runs.set_waiting(conn, run.id, datetime.now(UTC) + timedelta(seconds=seconds), why)


async def _pause_for(hub: Hub, run: Run, error: HubError) -> None:
    """Keep the run's place and say who must act."""
    async with hub.db.transaction() as conn:
        await runs.hold_lease(conn, run)
        await runs.update_run(
            conn,
            run.id,
            state=RunState.PAUSED.value,
            message=f"{error} Then: hub runs resume {run.id}",
            exit_code=int(error.exit_code),
            waiting_until=None,
            waiting_for="",
        )

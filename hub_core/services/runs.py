"""The life of an export run: planned, applied, paused, resumed, retried, cancelled. `advance` does one bounded chunk.

A chunk may be run by any worker, and twice: what it has done is in the run's rows, written together with its effects.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hub_core.engine.processes import this_process
from hub_core.engine.store import connections, plans, runs, selection, setups
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.database import Conn
from hub_core.engine.store.runs import Run
from hub_core.errors import (
    ConnectorBug,
    DatabaseUnavailable,
    HubError,
    LostLease,
    NotPossible,
    RateLimited,
    TryLater,
    UserMustAct,
)
from hub_core.model.plan import ExportOptions, RunState
from hub_core.rules.checking import check_manual
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.matching import compile_rule
from hub_core.services import applying, planning, settling
from hub_core.services.export_context import ExportContext, gather_context, known_fields, parts_of
from hub_core.services.fields import usable_mapping
from hub_core.services.hub import Hub, OpenConnection
from hub_core.services.reporting import crm_name
from hub_core.services.setup import crm_users, user_id

#: Seconds that a chunk may take before it gives the run back (a single batch is never cut).
CHUNK_SECONDS = 5.0
#: How often a chunk is tried again when the vendor does not answer, and the first wait; each wait is twice the last.
TRIES, FIRST_WAIT = 6, 1.0
#: A vendor that asks for a longer wait than this pauses the run; the person decides when to go on.
LONGEST_WAIT = 3600.0
_HEARTBEAT = 5.0
_TAKEN = 2.0  # seconds after which to look again at a run that another worker has in hand


async def start_export(hub: Hub, options: ExportOptions) -> Run:
    """Store a run that is to be planned. The owner may be given by e-mail address.

    Raises `NotPossible` without an active CRM, `BadInput` for options that do not fit.
    """
    async with hub.crm() as crm:
        if options.owner:
            options = replace(options, owner=user_id(crm, await crm_users(crm), options.owner))
        async with hub.db.transaction() as conn:
            version, setup = await setups.load_setup(conn, crm.stored.id)
            fields = await known_fields(conn, hub.workspace_id)
        parts_of(options, setup, hub.workspace_id, fields)
        if options.manual:
            own = fields[options.kind]
            rule = compile_rule(setup.sync, options.kind, own)
            usable = await usable_mapping(hub, crm, options.kind, setup, own, rule)
            check_manual(compile_mapping(usable.mapping, own, usable.fields), options.manual)
    async with hub.db.transaction() as conn:
        run_id = await runs.new_run(conn, hub.workspace_id, crm.stored.id, options, setup_version=version, stage="plan")
        return await runs.get_run(conn, run_id)


async def get_run(hub: Hub, run_id: int) -> Run:
    """Raises `UnknownName`."""
    async with hub.db.transaction() as conn:
        return await runs.get_run(conn, run_id, hub.workspace_id)


async def account_of(hub: Hub, run: Run) -> str:
    """The name of the vendor account that a run works with; one run at a time may be applied for it."""
    async with hub.db.transaction() as conn:
        stored = await _stored(conn, run)
    return f"{stored.key}:{stored.account.id}"


async def _stored(conn: Conn, run: Run) -> StoredConnection:
    stored = await connections.get_connection(conn, run.connection_id)
    assert stored is not None  # a foreign key keeps it
    return stored


async def apply(hub: Hub, run_id: int) -> Run:
    """Let a planned run be applied. Raises `NotPossible` when it is not planned, or another run is in the way."""
    run = await get_run(hub, run_id)
    if run.state is not RunState.PLANNED:
        raise NotPossible(f"Run {run_id} is {run.state.value}, so it cannot be applied.", fix=_what_now(run))
    return await _begin(hub, run)


async def resume(hub: Hub, run_id: int) -> Run:
    """Let a paused or interrupted run go on where it stopped."""
    run = await get_run(hub, run_id)
    if run.state is RunState.PLANNED:
        return await _begin(hub, run)
    if run.state is not RunState.PAUSED and not run.interrupted:
        raise NotPossible(f"Run {run_id} is {run.state.value}, so there is nothing to resume.", fix=_what_now(run))
    if run.stage == "plan":
        async with hub.db.transaction() as conn:
            await runs.update_run(conn, run_id, state=RunState.PLANNING.value, message="", wanted="")
        return await get_run(hub, run_id)
    return await _begin(hub, run)


async def retry(hub: Hub, run_id: int) -> Run:
    """Try the failed records of an ended run once more."""
    run = await get_run(hub, run_id)
    if not run.state.ended:
        raise NotPossible(f"Run {run_id} is {run.state.value}; only an ended run can be retried.", fix=_what_now(run))
    async with hub.db.transaction() as conn:
        reopened = await plans.reopen_failed(conn, run_id)
        if not reopened:
            raise NotPossible(f"No record of run {run_id} failed, so there is nothing to retry.")
        await runs.add_progress(conn, run_id, applied=-reopened, failed=-reopened)
        await runs.update_run(conn, run_id, stage="apply", cursor={}, ended_at=None)
    return await _begin(hub, run)


async def pause(hub: Hub, run_id: int) -> Run:
    """Stop a run after its present batch."""
    return await _want(hub, run_id, "pause", RunState.PAUSED)


async def cancel(hub: Hub, run_id: int) -> Run:
    """End a run after its present batch; what is done stays done.

    When it was cut off with a batch on its way, it is "applying" afterwards, until a worker has looked up what became
    of that batch.
    """
    run = await get_run(hub, run_id)
    if run.state is RunState.PAUSED or run.interrupted:
        async with hub.db.transaction() as conn:
            in_flight = await plans.items_sending(conn, run_id)
        if in_flight:
            await _begin(hub, run)
    return await _want(hub, run_id, "cancel", RunState.CANCELLED)


async def _want(hub: Hub, run_id: int, wanted: str, at_rest: RunState) -> Run:
    run = await get_run(hub, run_id)
    if run.state.ended:
        raise NotPossible(f"Run {run_id} has ended ({run.state.value}).", fix=_what_now(run))
    async with hub.db.transaction() as conn:
        if run.state in (RunState.PLANNED, RunState.PAUSED) or run.interrupted:
            await _stop(conn, run_id, at_rest, "")
        else:
            await runs.update_run(conn, run_id, wanted=wanted)
    return await get_run(hub, run_id)


async def _begin(hub: Hub, run: Run) -> Run:
    async with hub.db.transaction() as conn:
        if not await runs.begin_applying(conn, run.id):
            other = await runs.applying_run(conn, run.connection_id)
            number = other.id if other else "?"
            raise NotPossible(
                f"Run {number} is being applied for the same CRM account; one at a time can be.",
                fix=f"Wait for it, or: hub runs resume {number}, hub runs cancel {number}.",
            )
    return await get_run(hub, run.id)


def _what_now(run: Run) -> str:
    if run.state.ended:
        return "Start a new export to bring the CRM up to date."
    if run.interrupted:
        return f"It was interrupted: hub runs resume {run.id}"
    return f"See 'hub runs show {run.id}'."


# Advancing


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
        stored = await _stored(conn, run)
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


_STEPS: dict[str, Callable[[ExportContext], Awaitable[bool]]] = {
    "plan": planning.plan_chunk,
    "apply": _apply_step,
    "verify": _verify_step,
}


async def _carry_out_links(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        await plans.end_without_writing(conn, context.run.id)
        await plans.link_unchanged(conn, context.run.id, context.connection_id, context.hub.workspace_id)


async def _finish(context: ExportContext) -> None:
    async with context.hub.db.transaction() as conn:
        await runs.hold_lease(conn, context.run)
        counts = await plans.counts_by_outcome(conn, context.run.id)
        failed = counts.get("failed", 0)
        state = RunState.PARTIAL if failed else RunState.DONE
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
        await _stop(conn, run.id, RunState.CANCELLED if run.wanted == "cancel" else RunState.PAUSED, "")
        return True


async def _stop(conn: Conn, run_id: int, state: RunState, message: str) -> None:
    changes: dict[str, object] = {"state": state.value, "wanted": "", "message": message, "waiting_until": None}
    if state is RunState.CANCELLED:
        await plans.end_open(conn, run_id, "The run was cancelled")
        await selection.drop_twins(conn, run_id)
        changes["ended_at"] = datetime.now(UTC)
    await runs.update_run(conn, run_id, **changes)


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


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for a progress bar. ``total`` counts the records of the present stage."""

    run: Run
    done: int
    total: int


def progress_of(run: Run) -> Progress:
    """Planning counts records looked at, applying counts records written."""
    if run.stage == "plan":
        return Progress(run, run.planned, run.total)
    return Progress(run, run.applied, run.total)

"""The life of a run: started, applied, paused, resumed, retried, cancelled. `advancing` works on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hub_core.engine.store import connections, plans, runs, selection, setups
from hub_core.engine.store import syncing as sync_store
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.database import Conn
from hub_core.engine.store.runs import Run
from hub_core.errors import (
    NotPossible,
)
from hub_core.model.plan import ExportOptions, RunState, SyncOptions
from hub_core.rules.checking import check_manual
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.matching import compile_rule
from hub_core.services.export_context import known_fields, not_mapped, parts_of
from hub_core.services.fields import usable_mapping
from hub_core.services.hub import Hub
from hub_core.services.setup import crm_users, user_id

#: The stage in which each job is applied.
_APPLY = {"export": "apply", "sync": "sync apply", "undo": "undo apply"}


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
        if not setup.fields.of(options.kind).rows:
            raise not_mapped(crm, options.kind)
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
        stored = await stored_connection(conn, run)
    return f"{stored.key}:{stored.account.id}"


async def stored_connection(conn: Conn, run: Run) -> StoredConnection:
    """The connection that a run works with, to the end, whatever is active by then."""
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
    if run.stage in ("plan", "sync plan", "undo plan"):
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
        await runs.update_run(conn, run_id, stage=_APPLY[run.options.job], cursor={}, ended_at=None)
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
            async with hub.db.transaction() as conn:
                await runs.update_run(conn, run_id, wanted="cancel")
            return await get_run(hub, run_id)
    return await _want(hub, run_id, "cancel", RunState.CANCELLED)


async def _want(hub: Hub, run_id: int, wanted: str, at_rest: RunState) -> Run:
    run = await get_run(hub, run_id)
    if run.state.ended:
        raise NotPossible(f"Run {run_id} has ended ({run.state.value}).", fix=_what_now(run))
    async with hub.db.transaction() as conn:
        # One that waits is in nobody's hands; to be cancelled it may still have to learn what was on its way.
        waits = run.waiting_until is not None and not run.leased and at_rest is RunState.PAUSED
        if run.state in (RunState.PLANNED, RunState.PAUSED) or run.interrupted or waits:
            await stop(conn, run_id, at_rest, run.message if waits else "")
        else:
            await runs.update_run(conn, run_id, wanted=wanted)
    return await get_run(hub, run_id)


async def _begin(hub: Hub, run: Run) -> Run:
    async with hub.db.transaction() as conn:
        if isinstance(run.options, SyncOptions):
            await sync_store.confirm(conn, run.connection_id, run.options.kind)
        if not await runs.begin_applying(conn, run.id):
            other = await runs.applying_run(conn, run.id)
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


async def stop(conn: Conn, run_id: int, state: RunState, message: str) -> None:
    """Bring a run to rest as paused or cancelled."""
    changes: dict[str, object] = {"state": state.value, "wanted": "", "message": message, "waiting_until": None}
    if state is RunState.CANCELLED:
        await plans.end_open(conn, run_id, "The run was cancelled")
        await selection.drop_twins(conn, run_id)
        changes["ended_at"] = datetime.now(UTC)
    await runs.update_run(conn, run_id, **changes)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for a progress bar. ``total`` counts the records of the present stage."""

    run: Run
    done: int
    total: int


def progress_of(run: Run) -> Progress:
    """Planning counts records looked at, applying counts records written."""
    if run.stage in ("plan", "sync plan", "undo plan"):
        return Progress(run, run.planned, run.total)
    return Progress(run, run.applied, run.total)

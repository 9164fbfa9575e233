"""Syncs that start by themselves: workers look for what is due."""

from __future__ import annotations

import asyncio
import contextlib

from hub_core.engine.jobs import Jobs
from hub_core.engine.store import syncing as store
from hub_core.engine.store import workspaces
from hub_core.engine.store.syncing import Schedule
from hub_core.errors import BadInput, HubError
from hub_core.model.records import RecordKind
from hub_core.services import runs
from hub_core.services.hub import Hub
from hub_core.services.syncing import start_sync

#: Seconds between two looks, and the shortest interval of a schedule.
LOOK, SHORTEST = 5.0, 10


async def schedules(hub: Hub) -> list[Schedule]:
    """The workspace's schedules."""
    async with hub.db.transaction() as conn:
        return await store.schedules(conn, hub.workspace_id)


async def set_schedule(hub: Hub, kind: RecordKind, seconds: int | None) -> None:
    """Sync ``kind`` every ``seconds``; None ends it. Raises `BadInput` for an interval that is too short."""
    if seconds is not None and seconds < SHORTEST:
        raise BadInput(f"A sync cannot be started more often than every {SHORTEST} seconds.")
    async with hub.db.transaction() as conn:
        await store.set_schedule(conn, hub.workspace_id, kind, seconds)


async def start_due(hub: Hub, jobs: Jobs) -> int:
    """Start the syncs of all workspaces that are due; returns how many."""
    async with hub.db.transaction() as conn:
        due = await store.take_due(conn)
        names = {workspace: await workspaces.workspace_key(conn, workspace) for workspace, _ in due}
    started = 0
    for workspace, kind in due:
        own = Hub(hub.settings, hub.db, workspace, names[workspace], hub.vault)
        try:
            run = await start_sync(own, kind, automatic=True)
            await jobs.start(run.id, await runs.account_of(own, run))
            started += 1
        except HubError:  # no CRM is active now, or it cannot be opened: 'hub doctor' says so
            continue
    return started


async def keep_starting(hub: Hub, jobs: Jobs) -> None:
    """Look for what is due until cancelled; a database that is away for a while is waited for."""
    while True:
        with contextlib.suppress(HubError):
            await start_due(hub, jobs)
        await asyncio.sleep(LOOK)

"""Syncs that start by themselves."""

from __future__ import annotations

import pytest

from hub_core.engine.jobs import InlineJobs
from hub_core.errors import BadInput
from hub_core.model.plan import RunState
from hub_core.services import advancing, runs, scheduling, syncing
from tests.scene import CONTACT, Scene


async def _jobs(crm: Scene) -> InlineJobs:
    async def advance(run_id: int) -> float | None:
        return await advancing.advance(crm.hub, run_id)

    return InlineJobs(advance)


async def test_a_schedule_that_is_due_starts_one_sync_and_then_waits_for_its_interval(crm: Scene) -> None:
    await scheduling.set_schedule(crm.hub, CONTACT, 300)
    jobs = await _jobs(crm)
    assert await scheduling.start_due(crm.hub, jobs) == 1
    assert await scheduling.start_due(crm.hub, jobs) == 0
    [run] = await crm.rows("SELECT id, job FROM run")
    assert run["job"] == "sync"


async def test_a_change_in_the_crm_arrives_by_schedule_once_the_first_sync_was_confirmed(crm: Scene) -> None:
    await crm.config(search_lag=0.0)
    [record] = await crm.add(CONTACT, {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines"})
    await crm.export(CONTACT)
    [crm_id] = await crm.crm(CONTACT)
    await crm.edit(record, jobTitle="Programmer")
    await crm.apply(await crm.work(await syncing.start_sync(crm.hub, CONTACT)))
    await crm.change(CONTACT, crm_id, jobtitle="Countess")
    await scheduling.set_schedule(crm.hub, CONTACT, 300)
    await scheduling.start_due(crm.hub, await _jobs(crm))
    [newest] = await crm.rows("SELECT max(id) AS id FROM run")
    done = await crm.work(await runs.get_run(crm.hub, newest["id"]))
    assert done.state is RunState.DONE
    [row] = await crm.rows("SELECT values FROM record WHERE id = %s", record)
    assert row["values"]["jobTitle"] == "Countess"


async def test_an_interval_that_is_too_short_is_refused_and_a_schedule_can_be_ended(crm: Scene) -> None:
    with pytest.raises(BadInput, match="every 10 seconds"):
        await scheduling.set_schedule(crm.hub, CONTACT, 1)
    await scheduling.set_schedule(crm.hub, CONTACT, 60)
    assert [each.seconds for each in await scheduling.schedules(crm.hub)] == [60]
    await scheduling.set_schedule(crm.hub, CONTACT, None)
    assert await scheduling.schedules(crm.hub) == []

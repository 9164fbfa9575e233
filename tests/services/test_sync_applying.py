"""Syncs that are broken off, refused, or overtaken by somebody's edits."""

from __future__ import annotations

import pytest

from hub_core.model.plan import RunState
from hub_core.services import runs, sync_applying, syncing
from tests.scene import CONTACT, Scene

ADA = {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines", "jobTitle": "Programmer"}


async def _agreed(crm: Scene) -> tuple[int, str]:
    """One contact that both sides agree on."""
    await crm.config(search_lag=0.0)
    [record] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    [crm_id] = await crm.crm(CONTACT)
    return record, crm_id


async def test_a_sync_broken_off_after_writing_settles_when_it_goes_on(
    crm: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, crm_id = await _agreed(crm)
    await crm.edit(record, jobTitle="Countess")
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT))

    class Stopped(BaseException):
        pass

    async def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(sync_applying, "_store", stop)
        with pytest.raises(Stopped):
            await crm.apply(planned)
    assert (await crm.crm(CONTACT))[crm_id]["jobtitle"] == "Countess"
    run = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert run.state is RunState.DONE
    assert (await crm.work(await syncing.start_sync(crm.hub, CONTACT))).total == 0


async def test_what_is_edited_in_the_hub_between_plan_and_writing_is_not_lost(crm: Scene) -> None:
    record, crm_id = await _agreed(crm)
    await crm.change(CONTACT, crm_id, jobtitle="Countess")
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    await crm.edit(record, jobTitle="Enchantress", mobilePhone="+44 20 7946 0000")
    await crm.apply(planned)
    await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    [row] = await crm.rows("SELECT values FROM record WHERE id = %s", record)
    assert row["values"]["mobilePhone"] == "+44 20 7946 0000"


async def test_a_record_the_vendor_refuses_fails_with_its_reason_and_is_tried_again_by_the_next_sync(
    crm: Scene,
) -> None:
    record, crm_id = await _agreed(crm)
    await crm.edit(record, jobTitle="Countess")
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    await crm.delete(CONTACT, crm_id)
    run = await crm.apply(planned)
    assert run.state is RunState.PARTIAL
    assert "not there any more" in (await crm.items(run))[record].error

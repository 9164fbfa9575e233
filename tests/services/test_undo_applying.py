"""Undos that are cut off or refused, of runs that were cut off, and of syncs, which change both sides."""

from __future__ import annotations

from typing import Any

import pytest

from hub_core.engine.store.runs import Run
from hub_core.model.plan import RunState
from hub_core.model.records import AssociationType
from hub_core.services import runs, sync_applying, syncing, undo_applying, undoing
from tests.scene import COMPANY, CONTACT, SETUP, Scene
from tests.services.undone import ADA, BOB, KNOWN_ADA, KNOWN_BOB, TYPES, dump, outcomes, undo


def _people(number: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"firstName": f"First{n}", "lastName": f"Last{n}", "companyName": f"Company {n}", "jobTitle": "x", **more}
        for n in range(number)
    ]


async def _many(crm: Scene) -> tuple[dict[str, Any], Run]:
    """150 records that are there and 150 that are not, exported; with the CRM's state before."""
    known = [
        {"firstname": f"First{n}", "lastname": f"Last{n}", "company": f"Company {n}", "jobtitle": "old"}
        for n in range(150)
    ]
    await crm.seed(CONTACT, *known)
    await crm.add(CONTACT, *_people(300))
    before = await dump(crm)
    return before, await crm.export(CONTACT, overwrite=True)


class _StoppedError(BaseException):
    pass


@pytest.mark.parametrize("batch", range(4))
async def test_a_worker_that_stops_between_sending_and_storing_leaves_nothing_undone(
    crm: Scene, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    before, run = await _many(crm)
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id))
    store, stored = undo_applying._store, 0

    async def stop(*args: Any) -> None:
        nonlocal stored
        if stored == batch:
            raise _StoppedError
        stored += 1
        await store(*args)

    with monkeypatch.context() as patch:
        patch.setattr(undo_applying, "_store", stop)
        with pytest.raises(_StoppedError):
            await crm.apply(planned)
    assert await crm.rows("SELECT seq FROM plan_item WHERE state = 'sending'")
    undone = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert undone.state is RunState.DONE
    assert await dump(crm) == before
    assert await crm.rows("SELECT * FROM link") == []
    ended = list((await outcomes(crm, undone)).values())
    assert (ended.count("restored"), ended.count("archived")) == (150, 150)
    noted = await crm.rows("SELECT record_id FROM journal WHERE run_id = %s", undone.id)
    assert len(noted) == len({row["record_id"] for row in noted}) == 300


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop", "status", "html"])
@pytest.mark.parametrize("path", ["batch/update", "batch/archive"])
async def test_a_request_whose_answer_is_lost_is_sent_again(crm: Scene, kind: str, path: str) -> None:
    before, run = await _many(crm)
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id))
    await crm.fault(path=path, kind=kind, skip=1, times=1, status=502)
    undone = await crm.apply(planned)
    assert undone.state is RunState.DONE, undone.message
    assert await dump(crm) == before


@pytest.mark.parametrize("known", [[], [{**KNOWN_BOB, "jobtitle": "Owner"}]], ids=["created", "updated"])
@pytest.mark.parametrize("type_", TYPES)
async def test_what_a_killed_export_has_written_is_taken_back_as_well(
    crm: Scene, monkeypatch: pytest.MonkeyPatch, known: list[dict[str, str]], type_: AssociationType
) -> None:
    """Its worker ended after the vendor had carried the batch out, and before the journal was written."""
    from hub_core.services import applying

    old, _ = await crm.seed(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "Engines", "domain": "engines.example"}
    )
    for contact in await crm.seed(CONTACT, *known):
        await crm.tie(contact, old, 1)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**BOB, "company": engines})
    before = await dump(crm)
    planned = await crm.plan(CONTACT, overwrite=True, association=type_)

    async def stop(*_: Any) -> None:
        raise _StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(applying, "store_outcomes", stop)
        with pytest.raises(_StoppedError):
            await crm.apply(planned)
    run = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert run.state is RunState.DONE
    assert await dump(crm) != before
    await undo(crm, run)
    assert await dump(crm) == before


async def test_a_stage_that_only_goes_forward_is_cleared_first(crm: Scene) -> None:
    fields = SETUP["fields"]
    stage = {"source": {"fixed": "opportunity"}, "crm": "lifecyclestage"}
    rows = [*fields["contacts"]["rows"], stage]
    await crm.save_setup({"fields": {**fields, "contacts": {"rows": rows}}})
    [known] = await crm.seed(CONTACT, {**KNOWN_BOB, "lifecyclestage": "lead"})
    await crm.add(CONTACT, BOB)
    before = await dump(crm)
    run = await crm.export(CONTACT, overwrite=True)
    assert (await crm.crm(CONTACT))[known]["lifecyclestage"] == "opportunity"
    await undo(crm, run)
    assert await dump(crm) == before


async def test_companies_that_the_crm_ties_by_itself_are_taken_away(crm: Scene) -> None:
    await crm.config(auto_associate=True)
    await crm.seed(COMPANY, {"name": "Mail", "domain": "mail.example"})
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines, "professionalEmail": "ada@mail.example"})
    before = await dump(crm)
    run = await crm.export(CONTACT, with_associated=True)
    assert len((await crm.crm(CONTACT))[known]["ties"]) == 2
    await undo(crm, run)
    assert await dump(crm) == before


async def test_a_field_that_the_crm_refuses_fails_with_its_reason(crm: Scene) -> None:
    await crm.seed(CONTACT, {**KNOWN_BOB, "jobtitle": "Owner"})
    [bob] = await crm.add(CONTACT, BOB)
    run = await crm.export(CONTACT, overwrite=True)
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id))
    await crm.fault(path="batch/update", kind="status", status=400, times=9)
    undone = await crm.apply(planned)
    assert undone.state is RunState.PARTIAL
    item = (await crm.items(undone))[bob]
    assert (item.outcome, bool(item.error)) == ("failed", True)
    again = await crm.work(await runs.retry(crm.hub, undone.id))
    assert again.state in (RunState.DONE, RunState.PARTIAL)


# A sync changes both sides


async def _sync(crm: Scene) -> Run:
    await crm.config(search_lag=0.0)
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    return planned if planned.state is RunState.DONE else await crm.apply(planned)


@pytest.fixture
async def synced(crm: Scene) -> tuple[int, str]:
    """One contact that both sides have and agree on: (hub id, CRM id)."""
    [record] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    [crm_id] = await crm.crm(CONTACT)
    await _sync(crm)
    return record, crm_id


async def _hub(crm: Scene) -> list[dict[str, Any]]:
    return await crm.rows("SELECT id, values FROM record ORDER BY id")


async def _change_both(crm: Scene, synced: tuple[int, str]) -> None:
    await crm.edit(synced[0], jobTitle="Countess")
    await crm.change(CONTACT, synced[1], mobilephone="+44 20 7946 0000", company="Engines Ltd")


async def test_a_sync_is_taken_back_on_both_sides_and_the_next_one_does_it_again(
    crm: Scene, synced: tuple[int, str]
) -> None:
    await _change_both(crm, synced)
    hub, there = await _hub(crm), await dump(crm)
    run = await _sync(crm)
    after = await _hub(crm), await dump(crm)
    assert after != (hub, there)
    undone = await undo(crm, run)
    assert (await outcomes(crm, undone)) == {synced[0]: "restored"}
    assert await _hub(crm) == hub
    assert await dump(crm) == there
    assert len(await crm.rows("SELECT * FROM link")) == 1
    await _sync(crm)
    assert (await _hub(crm), await dump(crm)) == after
    assert await crm.items(await _sync(crm)) == {}


async def test_what_was_edited_in_the_hub_since_a_sync_stays(crm: Scene, synced: tuple[int, str]) -> None:
    await _change_both(crm, synced)
    run = await _sync(crm)
    await crm.edit(synced[0], mobilePhone="+44 1")
    undone = await undo(crm, run)
    [row] = await _hub(crm)
    assert (row["values"]["mobilePhone"], row["values"]["companyName"]) == ("+44 1", "Analytical Engines")
    assert "left so: mobilePhone in the hub" in (await crm.items(undone))[synced[0]].decision.reason


async def test_what_a_killed_sync_has_written_is_taken_back_as_well(
    crm: Scene, synced: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await _change_both(crm, synced)
    hub, there = await _hub(crm), await dump(crm)
    await crm.config(search_lag=0.0)
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT))

    async def stop(*_: Any) -> None:
        raise _StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(sync_applying, "_store", stop)
        with pytest.raises(_StoppedError):
            await crm.apply(planned)
    run = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert run.state is RunState.DONE
    assert await dump(crm) != there
    await undo(crm, run)
    assert (await _hub(crm), await dump(crm)) == (hub, there)

"""Runs that are stopped, broken off or refused half-way: nothing twice, nothing lost, every outcome once."""

from __future__ import annotations

from typing import Any

import pytest

from hub_core.model.plan import RunState
from hub_core.services import runs
from tests.scene import CONTACT, Scene


def _people(number: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"firstName": f"First{n}", "lastName": f"Last{n}", "companyName": f"Company {n}", "jobTitle": "x", **more}
        for n in range(number)
    ]


async def _each_once(crm: Scene, run: runs.Run, number: int) -> None:
    found = [record["lastname"] for record in (await crm.crm(CONTACT)).values()]
    assert sorted(found) == sorted(f"Last{n}" for n in range(number))
    items = (await crm.items(run)).values()
    assert {item.outcome for item in items} == {"created"}
    links = await crm.rows("SELECT crm_id FROM link")
    assert {link["crm_id"] for link in links} == set(await crm.crm(CONTACT))


@pytest.mark.parametrize("kind", ["commit_then_drop", "commit_then_status", "drop", "status", "half_body", "html"])
async def test_a_batch_whose_answer_is_lost_is_looked_up_before_it_is_sent_again(crm: Scene, kind: str) -> None:
    await crm.add(CONTACT, *_people(250))
    planned = await crm.plan(CONTACT)
    await crm.fault(path="contacts/batch/create", kind=kind, skip=1, times=1, status=502)
    run = await crm.apply(planned)
    assert run.state is RunState.DONE, run.message
    await _each_once(crm, run, 250)


async def test_a_record_that_the_crm_keeps_in_small_letters_is_known_again(crm: Scene) -> None:
    mails = [f"Ada.{n}.of.the.Analytical@Engines.EXAMPLE" for n in range(5)]
    await crm.add(CONTACT, *({**each, "professionalEmail": mail} for each, mail in zip(_people(5), mails, strict=True)))
    planned = await crm.plan(CONTACT)
    await crm.fault(path="contacts/batch/create", kind="commit_then_drop")
    run = await crm.apply(planned)
    await _each_once(crm, run, 5)
    assert [row["action"] for row in await crm.rows("SELECT action FROM journal")] == ["create"] * 5


async def test_a_worker_that_stops_between_sending_and_storing_leaves_nothing_twice(
    crm: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends right after the vendor has carried the batch out."""
    await crm.add(CONTACT, *_people(150))
    planned = await crm.plan(CONTACT)

    class Stopped(BaseException):
        pass

    async def stop(*_: object) -> None:
        raise Stopped

    from hub_core.services import applying

    with monkeypatch.context() as patch:
        patch.setattr(applying, "store_outcomes", stop)
        with pytest.raises(Stopped):
            await crm.apply(planned)
    assert len(await crm.crm(CONTACT)) == 100
    assert {row["state"] for row in await crm.rows("SELECT DISTINCT state FROM plan_item")} == {"sending", "planned"}
    run = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert run.state is RunState.DONE
    await _each_once(crm, run, 150)


async def test_a_worker_that_was_given_up_for_dead_cannot_store_anything_any_more(crm: Scene) -> None:
    from hub_core.engine.store import runs as store
    from hub_core.errors import LostLease

    await crm.add(CONTACT, *_people(1))
    planned = await crm.plan(CONTACT)
    async with crm.hub.db.transaction() as conn:
        frozen = await store.take_lease(conn, planned)
        await store.take_lease(conn, frozen)
    with pytest.raises(LostLease):
        async with crm.hub.db.transaction() as conn:
            await store.hold_lease(conn, frozen)


async def test_an_expired_token_pauses_the_run_which_keeps_its_place_and_says_who_must_act(crm: Scene) -> None:
    await crm.add(CONTACT, *_people(250))
    planned = await crm.plan(CONTACT)
    await crm.config(tokens={"pat-simulator": {"requests": 1}})
    paused = await crm.apply(planned)
    assert paused.state is RunState.PAUSED
    assert paused.exit_code == 4
    assert "hub connect hubspot" in paused.message
    assert f"hub runs resume {planned.id}" in paused.message
    done = len(await crm.crm(CONTACT))
    assert 0 < done < 250
    await crm.config(tokens={"pat-simulator": {"requests": None}})
    run = await crm.apply(paused)
    assert run.state is RunState.DONE
    await _each_once(crm, run, 250)


async def test_a_vendor_that_is_down_for_a_while_is_waited_for(crm: Scene) -> None:
    await crm.add(CONTACT, *_people(3))
    planned = await crm.plan(CONTACT)
    await crm.fault(path="batch/create", kind="status", status=429, retry_after="0", times=2)
    run = await crm.apply(planned)
    assert run.state is RunState.DONE
    await _each_once(crm, run, 3)


async def test_pause_and_resume_and_cancel(crm: Scene) -> None:
    await crm.add(CONTACT, *_people(120))
    planned = await crm.plan(CONTACT)
    begun = await runs.apply(crm.hub, planned.id)
    await runs.pause(crm.hub, planned.id)
    paused = await crm.work(begun)
    assert paused.state is RunState.PAUSED
    begun = await runs.resume(crm.hub, planned.id)
    await runs.cancel(crm.hub, planned.id)
    cancelled = await crm.work(begun)
    assert cancelled.state is RunState.CANCELLED
    assert {item.outcome for item in (await crm.items(cancelled)).values()} <= {"skipped", "created"}


async def test_only_one_run_is_applied_for_an_account_at_a_time(crm: Scene) -> None:
    from hub_core.errors import NotPossible

    await crm.add(CONTACT, *_people(2))
    first, second = await crm.plan(CONTACT), await crm.plan(CONTACT)
    await runs.apply(crm.hub, first.id)
    with pytest.raises(NotPossible, match=f"Run {first.id}"):
        await runs.apply(crm.hub, second.id)


async def test_failed_records_can_be_retried(crm: Scene) -> None:
    await crm.add(CONTACT, *_people(2))
    await crm.config(required_properties={"contacts": ["city"]})
    run = await crm.export(CONTACT)
    assert (run.state, run.failed) == (RunState.PARTIAL, 2)
    assert all(item.error for item in (await crm.items(run)).values())
    await crm.config(required_properties={})
    again = await crm.work(await runs.retry(crm.hub, run.id))
    assert again.state is RunState.DONE
    await _each_once(crm, again, 2)

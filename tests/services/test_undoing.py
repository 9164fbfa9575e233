"""Runs taken back: the CRM is as it was before, field by field and tie by tie, except what somebody has changed since."""

from __future__ import annotations

from typing import Any

import pytest

from hub_core.engine.store.runs import Run
from hub_core.errors import NotPossible
from hub_core.model.plan import Action, RunState
from hub_core.model.records import AssociationType
from hub_core.services import runs, undo_applying, undoing
from tests.scene import COMPANY, CONTACT, SETUP, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}
KNOWN_ADA = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
BOB = {"firstName": "Bob", "lastName": "Babbage", "companyName": "Difference", "jobTitle": "Baker"}
KNOWN_BOB = {"firstname": "Bob", "lastname": "Babbage", "company": "Difference", "jobtitle": "Owner", "city": "Bonn"}
TYPES = list(AssociationType)
#: What the vendor derives from the time of a write.
_TIMES = {"lastmodifieddate", "hs_lastmodifieddate", "notes_last_updated"}


async def _dump(crm: Scene) -> dict[str, Any]:
    """Everything in the CRM, without the times at which it was written."""
    return {
        f"{kind.value} {crm_id}": {name: value for name, value in record.items() if name not in _TIMES}
        for kind in (CONTACT, COMPANY)
        for crm_id, record in (await crm.crm(kind)).items()
    }


async def _undo(crm: Scene, run: Run, **how: Any) -> Run:
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id, **how))
    assert planned.state is RunState.PLANNED, planned.message
    return await crm.apply(planned)


async def _outcomes(crm: Scene, run: Run) -> dict[int, str]:
    return {record_id: item.outcome for record_id, item in (await crm.items(run)).items()}


async def test_created_records_go_to_the_bin_and_their_links_with_them(crm: Scene) -> None:
    await crm.add(CONTACT, ADA, BOB)
    before = await _dump(crm)
    run = await crm.export(CONTACT)
    undone = await _undo(crm, run)
    assert undone.state is RunState.DONE
    assert await _dump(crm) == before == {}
    assert set((await _outcomes(crm, undone)).values()) == {"archived"}
    assert await crm.rows("SELECT * FROM link") == []
    again = await crm.plan(CONTACT)
    assert {item.decision.action for item in (await crm.items(again)).values()} == {Action.CREATE}


async def test_replaced_filled_and_cleared_values_and_owners_come_back(crm: Scene) -> None:
    clearing = {"source": {"hub": "city"}, "crm": "city", "blank": "clear"}
    fields = SETUP["fields"]
    rows = [*fields["contacts"]["rows"], clearing]
    await crm.save_setup({"fields": {**fields, "contacts": {"rows": rows}}})
    [ada, bob] = await crm.seed(CONTACT, KNOWN_ADA, KNOWN_BOB)
    await crm.add(CONTACT, ADA, BOB)
    before = await _dump(crm)
    owner = (await crm.admin.get("/crm/owners/2026-09", headers={"authorization": "Bearer pat-simulator"})).json()
    run = await crm.export(CONTACT, overwrite=True, owner=owner["results"][0]["id"])
    written = await crm.crm(CONTACT)
    assert written[ada]["email"] == "ada@engines.example"
    assert written[bob]["jobtitle"] == "Baker"
    assert "city" not in written[bob]
    assert written[bob]["hubspot_owner_id"]
    undone = await _undo(crm, run)
    assert await _dump(crm) == before
    assert set((await _outcomes(crm, undone)).values()) == {"restored"}
    assert await crm.rows("SELECT * FROM link") == []


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("tied", ["not", "plainly", "primarily"])
async def test_ties_come_back_as_they_were(crm: Scene, type_: AssociationType, tied: str) -> None:
    old, own = await crm.seed(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "Engines", "domain": "engines.example"}
    )
    [ada] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.tie(ada, old, 1, 36)
    if tied != "not":
        await crm.tie(ada, own, *([1] if tied == "primarily" else []))
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines}, {**BOB, "company": engines})
    before = await _dump(crm)
    run = await crm.export(CONTACT, association=type_)
    assert await _dump(crm) != before
    await _undo(crm, run)
    assert await _dump(crm) == before


async def test_a_contact_tied_to_one_company_only_is_primary_no_more(crm: Scene) -> None:
    [own] = await crm.seed(COMPANY, {"name": "Engines", "domain": "engines.example"})
    [ada] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.tie(ada, own, 36)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    before = await _dump(crm)
    run = await crm.export(CONTACT, association=AssociationType.PRIMARY)
    assert 1 in (await crm.crm(CONTACT))[ada]["ties"][own]
    await _undo(crm, run)
    assert await _dump(crm) == before


async def test_companies_made_for_contacts_go_after_them(crm: Scene) -> None:
    [ada] = await crm.seed(CONTACT, KNOWN_ADA)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines}, {**BOB, "company": engines})
    before = await _dump(crm)
    run = await crm.export(CONTACT, with_associated=True)
    assert len(await crm.crm(COMPANY)) == 1
    assert len((await crm.crm(CONTACT))[ada]["ties"]) == 1
    undone = await _undo(crm, run)
    assert await _dump(crm) == before
    assert sorted((await _outcomes(crm, undone)).values()) == ["archived", "archived", "restored"]


async def test_a_created_company_that_somebody_else_uses_stays(crm: Scene) -> None:
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    run = await crm.export(COMPANY)
    [company] = await crm.crm(COMPANY)
    [other] = await crm.seed(CONTACT, KNOWN_BOB)
    await crm.tie(other, company)
    undone = await _undo(crm, run)
    assert list(await crm.crm(COMPANY)) == [company]
    item = (await crm.items(undone))[engines]
    assert item.outcome == "skipped"
    assert f"contact {other} is tied to it" in item.decision.reason


async def test_what_somebody_changed_since_stays_and_is_said(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, {**KNOWN_ADA, "jobtitle": "Countess"})
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT, overwrite=True)
    [created] = set(await crm.crm(CONTACT)) - {known}
    await crm.change(CONTACT, known, jobtitle="Analyst")
    await crm.change(CONTACT, created, jobtitle="Butcher")
    undone = await _undo(crm, run)
    record = (await crm.crm(CONTACT))[known]
    assert record["jobtitle"] == "Analyst"
    assert "email" not in record
    items = await crm.items(undone)
    assert items[ada].outcome == "restored"
    assert "Job Title was changed since and stays" in items[ada].decision.reason
    assert [change.field for change in items[ada].decision.kept] == ["jobtitle"]
    assert items[bob].outcome == "skipped"
    assert "changed since: Job Title" in items[bob].decision.reason
    assert (await crm.crm(CONTACT))[created]["jobtitle"] == "Butcher"
    assert [row["crm_id"] for row in await crm.rows("SELECT crm_id FROM link")] == [created]


async def test_what_changes_between_plan_and_writing_stays_too(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, {**KNOWN_ADA, "jobtitle": "Countess"})
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT, overwrite=True)
    [created] = set(await crm.crm(CONTACT)) - {known}
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id))
    await crm.change(CONTACT, known, jobtitle="Analyst")
    await crm.change(CONTACT, created, jobtitle="Butcher")
    undone = await crm.apply(planned)
    assert (await crm.crm(CONTACT))[known]["jobtitle"] == "Analyst"
    assert "email" not in (await crm.crm(CONTACT))[known]
    items = await crm.items(undone)
    assert (items[ada].outcome, items[bob].outcome) == ("restored", "skipped")
    assert "Changed since" in items[ada].error
    assert created in await crm.crm(CONTACT)


async def test_records_that_have_gone_since_are_left_alone(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    for crm_id in await crm.crm(CONTACT):
        await crm.delete(CONTACT, crm_id)
    undone = await _undo(crm, run)
    assert undone.state is RunState.DONE
    items = await crm.items(undone)
    assert all("has the record no more" in item.decision.reason for item in items.values())
    assert await crm.rows("SELECT * FROM link") == []
    assert {item.outcome for item in items.values()} == {"unlinked"}
    del known, ada, bob


async def test_a_company_that_has_gone_since_is_not_tied_again(crm: Scene) -> None:
    old, own = await crm.seed(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "Engines", "domain": "engines.example"}
    )
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.tie(known, old, 1)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    [ada] = await crm.add(CONTACT, {**ADA, "company": engines})
    run = await crm.export(CONTACT, association=AssociationType.PRIMARY_REPLACE)
    await crm.delete(COMPANY, old)
    undone = await _undo(crm, run)
    assert (await crm.crm(CONTACT))[known]["ties"] == {}
    assert f"has company {old} no more" in (await crm.items(undone))[ada].decision.reason
    del own


async def test_one_record_of_a_run_can_be_taken_back_alone(crm: Scene) -> None:
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    undone = await _undo(crm, run, record_id=ada)
    assert list(await crm.items(undone)) == [ada]
    assert [record["firstname"] for record in (await crm.crm(CONTACT)).values()] == ["Bob"]
    with pytest.raises(NotPossible, match="changed nothing"):
        await undoing.start_undo(crm.hub, run.id, record_id=10_000)
    del bob


async def test_created_records_can_be_kept(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    await _undo(crm, run, keep_created=True)
    found = await crm.crm(CONTACT)
    assert "email" not in found[known]
    assert len(found) == 2
    assert len(await crm.rows("SELECT * FROM link")) == 1


async def test_a_second_undo_has_nothing_to_do(crm: Scene) -> None:
    await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    await _undo(crm, run)
    await crm.calls()
    again = await _undo(crm, run)
    assert (await crm.calls())["writes"] == 0
    assert (again.state, again.total) == (RunState.DONE, 0)
    assert {item.decision.action for item in (await crm.items(again)).values()} == {Action.UNCHANGED}


async def test_an_undo_can_be_undone_unless_it_has_archived(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    after = await _dump(crm)
    undone = await _undo(crm, run)
    assert "email" not in (await crm.crm(CONTACT))[known]
    await _undo(crm, undone)
    assert await _dump(crm) == after
    await crm.add(CONTACT, BOB)
    emptied = await _undo(crm, await crm.export(CONTACT))
    with pytest.raises(NotPossible, match="bin"):
        await undoing.start_undo(crm.hub, emptied.id)


async def test_only_an_ended_run_can_be_taken_back(crm: Scene) -> None:
    await crm.add(CONTACT, ADA)
    planned = await crm.plan(CONTACT)
    with pytest.raises(NotPossible, match=f"hub runs cancel {planned.id}|planned"):
        await undoing.start_undo(crm.hub, planned.id)


async def test_links_without_a_write_are_undone_too(crm: Scene) -> None:
    await crm.seed(CONTACT, {**KNOWN_BOB, "jobtitle": "Baker"})
    [bob] = await crm.add(CONTACT, BOB)
    run = await crm.export(CONTACT)
    assert (await _outcomes(crm, run))[bob] == "linked"
    undone = await _undo(crm, run)
    assert (await _outcomes(crm, undone))[bob] == "unlinked"
    assert await crm.rows("SELECT * FROM link") == []


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
    before = await _dump(crm)
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
    assert await _dump(crm) == before
    assert await crm.rows("SELECT * FROM link") == []
    outcomes = list((await _outcomes(crm, undone)).values())
    assert (outcomes.count("restored"), outcomes.count("archived")) == (150, 150)
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
    assert await _dump(crm) == before


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
    before = await _dump(crm)
    planned = await crm.plan(CONTACT, overwrite=True, association=type_)

    async def stop(*_: Any) -> None:
        raise _StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(applying, "store_outcomes", stop)
        with pytest.raises(_StoppedError):
            await crm.apply(planned)
    run = await crm.work(await runs.get_run(crm.hub, planned.id))
    assert run.state is RunState.DONE
    assert await _dump(crm) != before
    await _undo(crm, run)
    assert await _dump(crm) == before


async def test_a_stage_that_only_goes_forward_is_cleared_first(crm: Scene) -> None:
    fields = SETUP["fields"]
    stage = {"source": {"fixed": "opportunity"}, "crm": "lifecyclestage"}
    rows = [*fields["contacts"]["rows"], stage]
    await crm.save_setup({"fields": {**fields, "contacts": {"rows": rows}}})
    [known] = await crm.seed(CONTACT, {**KNOWN_BOB, "lifecyclestage": "lead"})
    await crm.add(CONTACT, BOB)
    before = await _dump(crm)
    run = await crm.export(CONTACT, overwrite=True)
    assert (await crm.crm(CONTACT))[known]["lifecyclestage"] == "opportunity"
    await _undo(crm, run)
    assert await _dump(crm) == before


async def test_companies_that_the_crm_ties_by_itself_are_taken_away(crm: Scene) -> None:
    await crm.config(auto_associate=True)
    await crm.seed(COMPANY, {"name": "Mail", "domain": "mail.example"})
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines, "professionalEmail": "ada@mail.example"})
    before = await _dump(crm)
    run = await crm.export(CONTACT, with_associated=True)
    assert len((await crm.crm(CONTACT))[known]["ties"]) == 2
    await _undo(crm, run)
    assert await _dump(crm) == before


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


"""Runs taken back: the CRM is as it was before, field by field and tie by tie, but for what was changed since."""

from __future__ import annotations

import pytest

from hub_core.errors import NotPossible
from hub_core.model.plan import Action, RunState
from hub_core.model.records import AssociationType
from hub_core.services import undoing
from tests.scene import COMPANY, CONTACT, SETUP, Scene
from tests.services.undone import ADA, BOB, KNOWN_ADA, KNOWN_BOB, TYPES, dump, outcomes, undo


async def test_created_records_go_to_the_bin_and_their_links_with_them(crm: Scene) -> None:
    await crm.add(CONTACT, ADA, BOB)
    before = await dump(crm)
    run = await crm.export(CONTACT)
    undone = await undo(crm, run)
    assert undone.state is RunState.DONE
    assert await dump(crm) == before == {}
    assert set((await outcomes(crm, undone)).values()) == {"archived"}
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
    before = await dump(crm)
    owner = (await crm.admin.get("/crm/owners/2026-09", headers={"authorization": "Bearer pat-simulator"})).json()
    run = await crm.export(CONTACT, overwrite=True, owner=owner["results"][0]["id"])
    written = await crm.crm(CONTACT)
    assert written[ada]["email"] == "ada@engines.example"
    assert written[bob]["jobtitle"] == "Baker"
    assert "city" not in written[bob]
    assert written[bob]["hubspot_owner_id"]
    undone = await undo(crm, run)
    assert await dump(crm) == before
    assert set((await outcomes(crm, undone)).values()) == {"restored"}
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
    before = await dump(crm)
    run = await crm.export(CONTACT, association=type_)
    assert await dump(crm) != before
    await undo(crm, run)
    assert await dump(crm) == before


async def test_a_contact_tied_to_one_company_only_is_primary_no_more(crm: Scene) -> None:
    [own] = await crm.seed(COMPANY, {"name": "Engines", "domain": "engines.example"})
    [ada] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.tie(ada, own, 36)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    before = await dump(crm)
    run = await crm.export(CONTACT, association=AssociationType.PRIMARY)
    assert 1 in (await crm.crm(CONTACT))[ada]["ties"][own]
    await undo(crm, run)
    assert await dump(crm) == before


async def test_companies_made_for_contacts_go_after_them(crm: Scene) -> None:
    [ada] = await crm.seed(CONTACT, KNOWN_ADA)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines}, {**BOB, "company": engines})
    before = await dump(crm)
    run = await crm.export(CONTACT, with_associated=True)
    assert len(await crm.crm(COMPANY)) == 1
    assert len((await crm.crm(CONTACT))[ada]["ties"]) == 1
    undone = await undo(crm, run)
    assert await dump(crm) == before
    assert sorted((await outcomes(crm, undone)).values()) == ["archived", "archived", "restored"]


async def test_a_created_company_that_somebody_else_uses_stays(crm: Scene) -> None:
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    run = await crm.export(COMPANY)
    [company] = await crm.crm(COMPANY)
    [other] = await crm.seed(CONTACT, KNOWN_BOB)
    await crm.tie(other, company)
    undone = await undo(crm, run)
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
    undone = await undo(crm, run)
    record = (await crm.crm(CONTACT))[known]
    assert record["jobtitle"] == "Analyst"
    assert "email" not in record
    items = await crm.items(undone)
    assert items[ada].outcome == "restored"
    assert "changed since, and left so: Job Title" in items[ada].decision.reason
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
    undone = await undo(crm, run)
    items = await crm.items(undone)
    assert undone.state is RunState.DONE, items
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
    undone = await undo(crm, run)
    assert (await crm.crm(CONTACT))[known]["ties"] == {}
    assert f"has company {old} no more" in (await crm.items(undone))[ada].decision.reason
    del own


async def test_one_record_of_a_run_can_be_taken_back_alone(crm: Scene) -> None:
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    undone = await undo(crm, run, record_id=ada)
    assert list(await crm.items(undone)) == [ada]
    assert [record["firstname"] for record in (await crm.crm(CONTACT)).values()] == ["Bob"]
    with pytest.raises(NotPossible, match="changed nothing"):
        await undoing.start_undo(crm.hub, run.id, record_id=10_000)
    del bob


async def test_created_records_can_be_kept(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    await undo(crm, run, keep_created=True)
    found = await crm.crm(CONTACT)
    assert "email" not in found[known]
    assert len(found) == 2
    assert len(await crm.rows("SELECT * FROM link")) == 1


async def test_a_second_undo_has_nothing_to_do(crm: Scene) -> None:
    await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    await undo(crm, run)
    await crm.calls()
    again = await undo(crm, run)
    assert (await crm.calls())["writes"] == 0
    assert (again.state, again.total) == (RunState.DONE, 0)
    assert {item.decision.action for item in (await crm.items(again)).values()} == {Action.UNCHANGED}


async def test_an_undo_can_be_undone_unless_it_has_archived(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, KNOWN_ADA)
    await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    after = await dump(crm)
    undone = await undo(crm, run)
    assert "email" not in (await crm.crm(CONTACT))[known]
    await undo(crm, undone)
    assert await dump(crm) == after
    await crm.add(CONTACT, BOB)
    emptied = await undo(crm, await crm.export(CONTACT))
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
    assert (await outcomes(crm, run))[bob] == "linked"
    undone = await undo(crm, run)
    assert (await outcomes(crm, undone))[bob] == "unlinked"
    assert await crm.rows("SELECT * FROM link") == []

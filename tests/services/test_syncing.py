"""Both sides of linked records brought together, against the simulated CRM."""

from __future__ import annotations

from typing import Any

import pytest

from hub_core.model.plan import Action, RunState
from hub_core.services import runs, syncing
from tests.scene import COMPANY, CONTACT, SETUP, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}


async def _sync(crm: Scene, **options: Any) -> runs.Run:
    """Plan and apply one sync of the contacts."""
    await crm.config(search_lag=0.0)
    planned = await crm.work(await syncing.start_sync(crm.hub, CONTACT, **options))
    assert planned.state in (RunState.PLANNED, RunState.DONE), planned.message
    return planned if planned.state is RunState.DONE else await crm.apply(planned)


async def _hub(crm: Scene, record_id: int) -> dict[str, Any]:
    [row] = await crm.rows("SELECT values FROM record WHERE id = %s", record_id)
    return row["values"]


def _mode(mode: str, **row: Any) -> dict[str, Any]:
    """The usual set-up with another mode for the job title."""
    rows = [
        {**each, "mode": mode, **row} if each["crm"] == "jobtitle" else each
        for each in SETUP["fields"]["contacts"]["rows"]
    ]
    return {"fields": {**SETUP["fields"], "contacts": {"rows": rows}}}


@pytest.fixture
async def ada(crm: Scene) -> tuple[int, str]:
    """One contact that both sides have and agree on: (hub id, CRM id)."""
    [record] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    [crm_id] = await crm.crm(CONTACT)
    await _sync(crm)
    return record, crm_id


async def test_a_change_in_the_hub_goes_to_the_crm_and_a_second_sync_has_nothing_to_do(
    crm: Scene, ada: tuple[int, str]
) -> None:
    await crm.edit(ada[0], jobTitle="Countess")
    run = await _sync(crm)
    assert (await crm.items(run))[ada[0]].outcome == "updated"
    assert (await crm.crm(CONTACT))[ada[1]]["jobtitle"] == "Countess"
    await crm.calls()
    again = await _sync(crm)
    assert await crm.items(again) == {}
    assert (await crm.calls())["writes"] == 0


async def test_a_change_in_the_crm_comes_into_the_hub(crm: Scene, ada: tuple[int, str]) -> None:
    await crm.change(CONTACT, ada[1], jobtitle="Countess")
    run = await _sync(crm)
    assert (await crm.items(run))[ada[0]].decision.action is Action.PULL
    assert (await crm.items(run))[ada[0]].outcome == "pulled"
    assert (await _hub(crm, ada[0]))["jobTitle"] == "Countess"
    assert await crm.items(await _sync(crm)) == {}


async def test_changes_of_different_fields_on_both_sides_are_both_kept(crm: Scene, ada: tuple[int, str]) -> None:
    await crm.edit(ada[0], jobTitle="Countess")
    await crm.change(CONTACT, ada[1], mobilephone="+44 20 7946 0000")
    await _sync(crm)
    assert (await crm.crm(CONTACT))[ada[1]]["jobtitle"] == "Countess"
    assert (await _hub(crm, ada[0]))["mobilePhone"] == "+44 20 7946 0000"
    assert await crm.items(await _sync(crm)) == {}


@pytest.mark.parametrize(("policy", "hub", "there"), [("hub", "Hub's", "Hub's"), ("crm", "Theirs", "Theirs")])
async def test_a_conflict_goes_by_the_rows_policy_and_the_losing_value_is_in_the_journal(
    crm: Scene, ada: tuple[int, str], policy: str, hub: str, there: str
) -> None:
    await crm.save_setup(_mode("bidirectional", conflict=policy))
    await crm.edit(ada[0], jobTitle="Hub's")
    await crm.change(CONTACT, ada[1], jobtitle="Theirs")
    await _sync(crm)
    assert (await _hub(crm, ada[0]))["jobTitle"] == hub
    assert (await crm.crm(CONTACT))[ada[1]]["jobtitle"] == there
    [entry] = await crm.rows("SELECT side, changes FROM journal WHERE record_id = %s ORDER BY id DESC LIMIT 1", ada[0])
    assert entry["changes"][0][1] == ("Theirs" if policy == "hub" else "Hub's")


async def test_crm_overwrites_hub_never_writes_to_the_crm(crm: Scene, ada: tuple[int, str]) -> None:
    await crm.save_setup(_mode("crm_overwrites_hub"))
    await crm.edit(ada[0], jobTitle="Countess")
    await _sync(crm)
    assert (await crm.crm(CONTACT))[ada[1]]["jobtitle"] == "Programmer"
    assert (await _hub(crm, ada[0]))["jobTitle"] == "Programmer"


async def test_a_deactivated_row_is_left_alone(crm: Scene, ada: tuple[int, str]) -> None:
    await crm.save_setup(_mode("off"))
    await crm.edit(ada[0], jobTitle="Countess")
    assert await crm.items(await _sync(crm)) == {}


async def test_a_record_deleted_in_the_crm_is_asked_about_and_never_created_again_silently(
    crm: Scene, ada: tuple[int, str]
) -> None:
    await crm.delete(CONTACT, ada[1])
    run = await _sync(crm)
    assert (await crm.items(run))[ada[0]].decision.action is Action.REVIEW
    await crm.edit(ada[0], jobTitle="Countess")
    await _sync(crm)
    assert await crm.crm(CONTACT) == {}


async def test_a_contact_that_changed_company_is_tied_to_the_new_one(crm: Scene) -> None:
    old, new = await crm.add(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "New", "domain": "new.example"}
    )
    [ada] = await crm.add(CONTACT, {**ADA, "company": old})
    await crm.export(COMPANY)
    await crm.export(CONTACT)
    await _sync(crm)
    await crm.rows("UPDATE record SET company_id = %s, updated_at = now() WHERE id = %s RETURNING id", new, ada)
    await _sync(crm)
    companies = {record["name"]: key for key, record in (await crm.crm(COMPANY)).items()}
    [contact] = (await crm.crm(CONTACT)).values()
    assert companies["New"] in contact["ties"]
    assert await crm.items(await _sync(crm)) == {}


async def test_two_who_never_end_to_change_a_field_back_are_told_and_not_fought(
    crm: Scene, ada: tuple[int, str]
) -> None:
    """The hub says Programmer; a workflow of the CRM makes it Robot each time."""
    await crm.save_setup(_mode("hub_overwrites_crm"))
    for _ in range(4):
        await crm.change(CONTACT, ada[1], jobtitle="Robot")
        await _sync(crm)
    await crm.change(CONTACT, ada[1], jobtitle="Robot")
    run = await _sync(crm)
    item = (await crm.items(run))[ada[0]]
    assert item.decision.action is Action.SKIP
    assert "back and forth" in item.decision.problems[0]
    assert (await crm.crm(CONTACT))[ada[1]]["jobtitle"] == "Robot"


async def test_the_first_sync_of_a_schedule_waits_for_a_person(crm: Scene) -> None:
    [record] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    await crm.edit(record, jobTitle="Countess")
    await crm.config(search_lag=0.0)
    first = await crm.work(await syncing.start_sync(crm.hub, CONTACT, automatic=True))
    assert first.state is RunState.PLANNED
    await crm.apply(first)
    await crm.edit(record, jobTitle="Programmer")
    second = await crm.work(await syncing.start_sync(crm.hub, CONTACT, automatic=True))
    assert second.state is RunState.DONE
    [contact] = (await crm.crm(CONTACT)).values()
    assert contact["jobtitle"] == "Programmer"

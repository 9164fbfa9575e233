"""``hub journal`` and ``hub runs undo``."""

from __future__ import annotations

from tests.cli.processes import Commands
from tests.scene import CONTACT, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}
KNOWN = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines", "jobtitle": "Countess"}
BOB = {"firstName": "Bob", "lastName": "Babbage", "companyName": "Difference"}


async def test_the_journal_says_why_a_field_changed(crm: Scene, hub: Commands) -> None:
    [known] = await crm.seed(CONTACT, KNOWN)
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT, overwrite=True)
    for name in (str(ada), "ADA@engines.example"):
        done = await hub("journal", name)
        assert done.code == 0
        assert f"contact {ada} Ada Lovelace" in done.said
        assert f"changed in HubSpot, record {known} run {run.id}, export" in done.said
        assert "Job Title: Countess -> Programmer" in done.said
        assert "Email: (blank) -> ada@engines.example" in done.said
    only = await hub("journal", str(ada), "--field", "job title", "--json")
    [entry] = only.json()["entries"]
    assert (entry["side"], entry["action"], entry["run"], entry["crm_id"]) == ("crm", "update", run.id, known)
    assert entry["changes"] == [
        {"field": "jobtitle", "label": "Job Title", "before": "Countess", "after": "Programmer"}
    ]


async def test_what_the_journal_does_not_know_is_said_with_what_it_does(crm: Scene, hub: Commands) -> None:
    [ada] = await crm.add(CONTACT, ADA)
    assert "has not changed it" in (await hub("journal", str(ada))).said
    nobody = await hub("journal", "eve@engines.example")
    assert (nobody.code, "no record 'eve@engines.example'" in nobody.err) == (2, True)
    field = await hub("journal", str(ada), "--field", "jobTitel")
    assert (field.code, "'jobTitle'" in field.err) == (2, True)


async def test_a_run_is_taken_back_and_the_journal_tells_of_it(crm: Scene, hub: Commands) -> None:
    [known] = await crm.seed(CONTACT, KNOWN)
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT, overwrite=True)
    shown = await hub("runs", "undo", str(run.id), "--dry-run")
    assert shown.code == 0
    assert "Job Title: Programmer -> Countess" in shown.said
    assert "Nothing was changed. To apply this plan: hub runs resume" in shown.said
    done = await hub("runs", "undo", str(run.id))
    assert done.code == 0
    assert "1 as before again" in done.said
    assert (await crm.crm(CONTACT))[known]["jobtitle"] == "Countess"
    told = (await hub("journal", str(ada), "--field", "jobtitle")).said
    assert told.index(f"undo of run {run.id}") < told.index("export")
    again = await hub("runs", "undo", str(run.id), "--json")
    assert (again.code, again.json()["outcomes"]) == (0, {"unchanged": 1})


async def test_records_go_to_the_bin_only_when_that_is_said(crm: Scene, hub: Commands) -> None:
    ada, bob = await crm.add(CONTACT, ADA, BOB)
    run = await crm.export(CONTACT)
    refused = await hub("runs", "undo", str(run.id))
    assert refused.code == 1
    assert "would move 2 records to HubSpot's bin" in refused.said
    assert "--keep-created" in refused.said
    assert len(await crm.crm(CONTACT)) == 2
    kept = await hub("runs", "undo", str(run.id), "--keep-created", "--json")
    assert kept.json()["outcomes"] == {"skipped": 2}
    one = await hub("runs", "undo", str(run.id), "--record", "ada@engines.example", "--yes", "--json")
    assert (one.code, one.json()["outcomes"]) == (0, {"archived": 1})
    assert [record["firstname"] for record in (await crm.crm(CONTACT)).values()] == ["Bob"]
    rest = await hub("runs", "undo", str(run.id), "--yes")
    assert "1 in the CRM's bin" in rest.said
    assert await crm.crm(CONTACT) == {}
    del ada, bob


async def test_what_stays_is_shown_with_the_reason(crm: Scene, hub: Commands) -> None:
    [known] = await crm.seed(CONTACT, KNOWN)
    await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT, overwrite=True)
    await crm.change(CONTACT, known, jobtitle="Analyst")
    done = await hub("runs", "undo", str(run.id))
    assert done.code == 0
    assert "changed since, and left so: Job Title" in done.said
    assert "Job Title: keeps Analyst (before the run Countess)" in done.said


async def test_only_what_has_ended_can_be_taken_back(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, ADA)
    planned = await crm.plan(CONTACT)
    done = await hub("runs", "undo", str(planned.id))
    assert (done.code, f"hub runs cancel {planned.id}" in done.err) == (1, True)
    assert (await hub("runs", "undo", "999")).code == 2

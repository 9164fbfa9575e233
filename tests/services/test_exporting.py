"""Plan and apply against the simulated CRM."""

from __future__ import annotations

from hub_core.model.plan import Action, RunState
from hub_core.model.records import AssociationType
from hub_core.services import reviews
from tests.scene import COMPANY, CONTACT, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}


async def test_a_new_contact_is_created_with_its_mapped_values(crm: Scene) -> None:
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    assert run.state is RunState.DONE
    [record] = (await crm.crm(CONTACT)).values()
    assert record["firstname"] == "Ada"
    assert record["email"] == "ada@engines.example"
    item = (await crm.items(run))[ada]
    assert (item.decision.action, item.outcome) == (Action.CREATE, "created")
    assert item.decision.crm_id in await crm.crm(CONTACT)


async def test_a_second_identical_export_writes_nothing(crm: Scene) -> None:
    [ada] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    await crm.calls()
    run = await crm.export(CONTACT)
    assert (await crm.items(run))[ada].decision.action is Action.UNCHANGED
    assert (await crm.calls())["writes"] == 0


async def test_without_overwrite_a_value_of_the_crm_is_kept_and_blanks_are_filled(crm: Scene) -> None:
    [known] = await crm.seed(
        CONTACT,
        {"firstname": "ADA", "lastname": "Lovelace", "company": "Analytical Engines Ltd", "jobtitle": "Countess"},
    )
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    item = (await crm.items(run))[ada]
    assert item.decision.action is Action.UPDATE
    assert {change.field for change in item.decision.changes} == {"email"}
    assert ("jobtitle", "Countess", "Programmer") in {
        (kept.field, kept.before, kept.after) for kept in item.decision.kept
    }
    record = (await crm.crm(CONTACT))[known]
    assert (record["jobtitle"], record["email"]) == ("Countess", "ada@engines.example")


async def test_with_overwrite_the_hub_wins(crm: Scene) -> None:
    [known] = await crm.seed(
        CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines", "jobtitle": "Countess"}
    )
    await crm.add(CONTACT, ADA)
    await crm.export(CONTACT, overwrite=True)
    assert (await crm.crm(CONTACT))[known]["jobtitle"] == "Programmer"


async def test_a_dry_run_writes_nothing_and_can_be_applied_later(crm: Scene) -> None:
    await crm.add(CONTACT, ADA)
    planned = await crm.plan(CONTACT)
    assert planned.state is RunState.PLANNED
    assert await crm.crm(CONTACT) == {}
    await crm.apply(planned)
    assert len(await crm.crm(CONTACT)) == 1


async def test_two_matches_are_never_picked_from_and_the_answer_is_remembered(crm: Scene) -> None:
    twin = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
    first, second = await crm.seed(CONTACT, twin, {**twin, "jobtitle": "Other"})
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    item = (await crm.items(run))[ada]
    assert (item.decision.action, item.outcome) == (Action.REVIEW, "review")
    assert set(item.decision.candidates) == {first, second}
    [question] = await reviews.questions(crm.hub)
    await reviews.resolve(crm.hub, question.review.id, "link", second)
    run = await crm.export(CONTACT)
    assert (await crm.items(run))[ada].decision.crm_id == second
    assert (await crm.crm(CONTACT))[second]["email"] == "ada@engines.example"
    assert "email" not in (await crm.crm(CONTACT))[first]
    assert await reviews.questions(crm.hub) == []


async def test_twins_in_one_export_become_one_record_with_the_values_of_both(crm: Scene) -> None:
    first, second = await crm.add(
        CONTACT,
        {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Analytical Engines"},
        {
            "firstName": "ADA",
            "lastName": "Lovelace",
            "companyName": "Analytical Engines Ltd.",
            "jobTitle": "Programmer",
        },
    )
    run = await crm.export(CONTACT)
    items = await crm.items(run)
    assert items[first].outcome == "created"
    assert items[second].decision.action is Action.SKIP
    assert str(first) in items[second].decision.reason
    [record] = (await crm.crm(CONTACT)).values()
    assert record["jobtitle"] == "Programmer"
    again = await crm.export(CONTACT)
    assert {item.decision.action for item in (await crm.items(again)).values()} <= {Action.UNCHANGED, Action.SKIP}


async def test_a_contact_that_the_vendor_has_already_is_linked_and_updated(crm: Scene) -> None:
    """Same e-mail, but nothing that the match rule sees: only the vendor's refusal tells."""
    [known] = await crm.seed(CONTACT, {"email": "ada@engines.example", "firstname": "A."})
    [ada] = await crm.add(CONTACT, ADA)
    run = await crm.export(CONTACT)
    item = (await crm.items(run))[ada]
    assert (item.outcome, item.decision.crm_id) == ("updated", known)
    record = (await crm.crm(CONTACT))[known]
    assert (record["firstname"], record["lastname"]) == ("A.", "Lovelace")
    assert len(await crm.crm(CONTACT)) == 1


async def test_one_refused_record_fails_with_the_vendors_reason_and_the_others_go_through(crm: Scene) -> None:
    document = {**__import__("tests.scene", fromlist=["SETUP"]).SETUP}
    good, bad = await crm.add(
        CONTACT, ADA, {"firstName": "Bob", "lastName": "Bad", "companyName": "X", "professionalEmail": "bob@nowhere"}
    )
    await crm.save_setup(document)
    run = await crm.export(CONTACT)
    items = await crm.items(run)
    assert items[good].outcome == "created"
    assert items[bad].outcome in ("failed", "skipped")
    assert (items[bad].error or items[bad].decision.reason).lower().count("email") >= 1


async def test_a_record_changed_since_the_plan_is_planned_again(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    [ada] = await crm.add(CONTACT, ADA)
    planned = await crm.plan(CONTACT)
    await crm.change(CONTACT, known, jobtitle="Countess")
    await crm.apply(planned)
    item = (await crm.items(planned))[ada]
    assert item.outcome == "updated"
    assert (await crm.crm(CONTACT))[known]["jobtitle"] == "Countess"
    assert (await crm.crm(CONTACT))[known]["email"] == "ada@engines.example"


async def test_contacts_are_tied_to_companies_made_in_the_same_run(crm: Scene) -> None:
    [engines] = await crm.add(COMPANY, {"name": "Analytical Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    await crm.export(CONTACT, with_associated=True, association=AssociationType.PRIMARY)
    [company] = await crm.crm(COMPANY)
    [contact] = (await crm.crm(CONTACT)).values()
    assert company in contact["ties"]
    assert 1 in contact["ties"][company]
    again = await crm.export(CONTACT, with_associated=True, association=AssociationType.PRIMARY)
    assert {item.decision.action for item in (await crm.items(again)).values()} == {Action.UNCHANGED}


async def test_a_company_that_the_crm_has_is_found_for_the_tie_without_being_exported(crm: Scene) -> None:
    [company] = await crm.seed(COMPANY, {"name": "Analytical Engines Limited", "domain": "www.engines.example"})
    [engines] = await crm.add(COMPANY, {"name": "AE", "domain": "engines.example", "city": "London"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    await crm.export(CONTACT)
    [contact] = (await crm.crm(CONTACT)).values()
    assert list(contact["ties"]) == [company]
    assert "city" not in (await crm.crm(COMPANY))[company]


async def test_primary_replace_takes_the_other_ties_away(crm: Scene) -> None:
    old, new = await crm.seed(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "Engines", "domain": "engines.example"}
    )
    [contact] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    await crm._admin(
        "POST",
        "records",
        {
            "type": "contacts",
            "records": [],
            "associations": [{"from": contact, "to": old, "toType": "companies", "types": [1]}],
        },
    )
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    await crm.export(CONTACT, association=AssociationType.PRIMARY_REPLACE)
    assert list((await crm.crm(CONTACT))[contact]["ties"]) == [new]
    del old


async def test_a_crm_record_deleted_meanwhile_is_asked_about_and_not_created_silently(crm: Scene) -> None:
    [ada] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    [known] = await crm.crm(CONTACT)
    await crm.delete(CONTACT, known)
    planned = await crm.plan(CONTACT)
    item = (await crm.items(planned))[ada]
    assert item.decision.action in (Action.REVIEW, Action.UNCHANGED)  # unchanged while the mirror is fresh


async def test_the_journal_keeps_fields_and_ties_before_and_after(crm: Scene) -> None:
    old, new = await crm.seed(
        COMPANY, {"name": "Old", "domain": "old.example"}, {"name": "Engines", "domain": "engines.example"}
    )
    [contact] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    await crm.tie(contact, old, 1)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    [ada] = await crm.add(CONTACT, {**ADA, "company": engines})
    run = await crm.export(CONTACT, association=AssociationType.PRIMARY)
    [entry] = await crm.rows("SELECT changes FROM journal WHERE record_id = %s AND run_id = %s", ada, run.id)
    changes = {field: (before, after) for field, before, after in entry["changes"]}
    assert changes["email"] == (None, "ada@engines.example")
    assert changes["@companies"] == ([f"{old} (primary)"], [f"{new} (primary)", old])


async def test_what_the_crm_ties_by_itself_is_in_the_journal_too(crm: Scene) -> None:
    await crm.config(auto_associate=True)
    [own] = await crm.seed(COMPANY, {"name": "Mail", "domain": "mail.example"})
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    [ada] = await crm.add(CONTACT, {**ADA, "company": engines, "professionalEmail": "ada@mail.example"})
    run = await crm.export(CONTACT, with_associated=True)
    entries = await crm.rows("SELECT changes, cause FROM journal WHERE record_id = %s AND run_id = %s", ada, run.id)
    assert len(entries) == 2
    assert own in str(entries[1]["changes"][0][2])

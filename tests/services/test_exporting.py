"""Plan and apply against the simulated CRM."""

from __future__ import annotations

from hub_core.model.plan import Action, RunState
from hub_core.model.records import AssociationType, CrmRecord, RecordKind
from hub_core.services import reviews
from tests.scene import COMPANY, CONTACT, SETUP, Scene

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
    """An administrator of the CRM has made the job title required, which its fields do not tell."""
    await crm.config(required_properties={"contacts": ["jobtitle"]})
    good, bad = await crm.add(CONTACT, ADA, {"firstName": "Bob", "lastName": "Bad", "companyName": "X"})
    run = await crm.export(CONTACT)
    items = await crm.items(run)
    assert (items[good].outcome, items[bad].outcome, run.state) == ("created", "failed", RunState.PARTIAL)
    assert "jobtitle" in items[bad].error.lower().replace(" ", "")


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


async def test_a_contact_that_returns_to_an_earlier_company_is_tied_to_it_again(crm: Scene) -> None:
    a, b = await crm.add(COMPANY, {"name": "A", "domain": "a.example"}, {"name": "B", "domain": "b.example"})
    await crm.export(COMPANY)
    [ada] = await crm.add(CONTACT, {**ADA, "company": a})
    companies = {record["name"]: key for key, record in (await crm.crm(COMPANY)).items()}
    for employer, name in ((a, "A"), (b, "B"), (a, "A")):
        await crm.rows("UPDATE record SET company_id = %s WHERE id = %s RETURNING id", employer, ada)
        await crm.export(CONTACT, association=AssociationType.PRIMARY)
        [contact] = (await crm.crm(CONTACT)).values()
        assert 1 in contact["ties"][companies[name]], name


async def test_a_contact_of_a_company_that_was_folded_into_another_is_tied_to_that_one(crm: Scene) -> None:
    first, second = await crm.add(
        COMPANY, {"name": "Engines", "domain": "engines.example"}, {"name": "Engines 2", "domain": "engines.example"}
    )
    await crm.add(CONTACT, {**ADA, "company": second})
    await crm.export(CONTACT, with_associated=True)
    [company] = await crm.crm(COMPANY)
    [contact] = (await crm.crm(CONTACT)).values()
    assert list(contact["ties"]) in ([company], [])
    await crm.export(COMPANY)
    await crm.export(CONTACT)
    [company] = await crm.crm(COMPANY)
    [contact] = (await crm.crm(CONTACT)).values()
    assert list(contact["ties"]) == [company]
    del first


async def test_a_chain_of_twins_becomes_one_record_with_the_values_of_all(crm: Scene) -> None:
    ids = await crm.add(
        CONTACT,
        {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines"},
        {
            "firstName": "Ada",
            "lastName": "Lovelace",
            "companyName": "Engines",
            "linkedInProfileUrl": "https://www.linkedin.com/in/ada",
        },
        {"linkedInProfileUrl": "https://www.linkedin.com/in/ada", "professionalEmail": "ada@engines.example"},
    )
    run = await crm.export(CONTACT)
    items = await crm.items(run)
    assert [items[each].outcome for each in ids] == ["created", "skipped", "skipped"]
    [record] = (await crm.crm(CONTACT)).values()
    assert record["email"] == "ada@engines.example"


async def test_a_record_found_gone_is_not_planned_again_as_if_it_were_there(crm: Scene) -> None:
    [ada] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    [known] = await crm.crm(CONTACT)
    await crm.edit(ada, jobTitle="Countess")
    planned = await crm.plan(CONTACT, overwrite=True)
    await crm.delete(CONTACT, known)
    run = await crm.apply(planned)
    assert run.failed == 1
    again = await crm.plan(CONTACT)
    assert (await crm.items(again))[ada].decision.action is Action.REVIEW


async def test_primary_replace_leaves_a_tie_that_somebody_made_since_the_plan(crm: Scene) -> None:
    old, new, since = await crm.seed(
        COMPANY,
        {"name": "Old", "domain": "old.example"},
        {"name": "Engines", "domain": "engines.example"},
        {"name": "Since", "domain": "since.example"},
    )
    [contact] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    await crm.tie(contact, old, 1)
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    planned = await crm.plan(CONTACT, association=AssociationType.PRIMARY_REPLACE)
    await crm.tie(contact, since, 279)
    await crm.apply(planned)
    assert set((await crm.crm(CONTACT))[contact]["ties"]) == {new, since}


async def test_an_owner_set_since_the_plan_stays(crm: Scene) -> None:
    [known] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    await crm.add(CONTACT, ADA)
    users = [row for row in await _owners(crm) if row.values["active"] == "true"]
    default, other = users[0].id, users[1].id
    await crm.save_setup({**SETUP, "users": {"default_owner": default}})
    planned = await crm.plan(CONTACT)
    await crm.change(CONTACT, known, hubspot_owner_id=other)
    await crm.apply(planned)
    assert (await crm.crm(CONTACT))[known]["hubspot_owner_id"] == other


async def _owners(crm: Scene) -> list[CrmRecord]:
    async with crm.hub.crm() as open_crm:
        return list((await open_crm.connector.sync(open_crm.connection, RecordKind.USER, None, ())).changes)


async def test_a_value_that_does_not_fit_is_left_out_and_the_run_says_so(crm: Scene) -> None:
    [ada] = await crm.add(CONTACT, {**ADA, "mobilePhone": "call me"})
    run = await crm.export(CONTACT)
    item = (await crm.items(run))[ada]
    assert (item.outcome, run.state) == ("created", RunState.PARTIAL)
    assert "Left out" in item.error

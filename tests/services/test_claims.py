"""A CRM record belongs to one hub record, whatever plans of yesterday say."""

from __future__ import annotations

from hub_core.model.plan import RunState
from tests.scene import CONTACT, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}


async def test_an_old_plan_applied_after_a_newer_one_creates_nothing_twice(crm: Scene) -> None:
    await crm.add(CONTACT, ADA, {**ADA, "firstName": "Byron", "professionalEmail": "byron@engines.example"})
    old = await crm.plan(CONTACT)
    await crm.export(CONTACT)
    before = await crm.rows("SELECT record_id, crm_id FROM link ORDER BY 1")
    run = await crm.apply(old)
    assert run.state is RunState.DONE
    assert len(await crm.crm(CONTACT)) == 2
    assert await crm.rows("SELECT record_id, crm_id FROM link ORDER BY 1") == before


async def test_a_record_made_in_the_crm_since_the_plan_is_found_once_the_mirror_knows_it(crm: Scene) -> None:
    await crm.config(search_lag=0.0)
    [ada] = await crm.add(CONTACT, {key: ADA[key] for key in ("firstName", "lastName", "companyName")})
    old = await crm.plan(CONTACT)
    [made] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"})
    await crm.rows("UPDATE mirror SET read_at = now() - interval '1 day' RETURNING kind")
    await crm.plan(CONTACT)
    run = await crm.apply(old)
    assert (await crm.items(run))[ada].decision.crm_id == made
    assert len(await crm.crm(CONTACT)) == 1


async def test_two_hub_records_that_turn_out_to_be_one_crm_record_do_not_share_it(crm: Scene) -> None:
    """Only the vendor knows the e-mail; both creates are refused in one batch."""
    [known] = await crm.seed(CONTACT, {"email": "x@engines.example", "firstname": "Third", "lastname": "Person"})
    ids = await crm.add(
        CONTACT,
        {"firstName": "Ann", "lastName": "Lee", "companyName": "A", "professionalEmail": "x@engines.example"},
        {"firstName": "Bob", "lastName": "Ray", "companyName": "B", "professionalEmail": "x@engines.example"},
    )
    run = await crm.export(CONTACT, overwrite=True)
    items = await crm.items(run)
    assert sorted(items[each].outcome for each in ids) == ["failed", "updated"]
    [link] = await crm.rows("SELECT record_id FROM link")
    name = {ids[0]: "Ann", ids[1]: "Bob"}[link["record_id"]]
    assert (await crm.crm(CONTACT))[known]["firstname"] == name


async def test_a_second_new_contact_with_the_same_email_does_not_overwrite_the_first(crm: Scene) -> None:
    first, second = await crm.add(
        CONTACT,
        {"firstName": "Ann", "lastName": "Lee", "companyName": "A", "professionalEmail": "x@engines.example"},
        {"firstName": "Bob", "lastName": "Ray", "companyName": "B", "professionalEmail": "x@engines.example"},
    )
    run = await crm.export(CONTACT, overwrite=True)
    items = await crm.items(run)
    assert sorted([items[first].outcome, items[second].outcome]) == ["created", "failed"]
    [record] = (await crm.crm(CONTACT)).values()
    [link] = await crm.rows("SELECT record_id FROM link")
    assert record["firstname"] == {first: "Ann", second: "Bob"}[link["record_id"]]

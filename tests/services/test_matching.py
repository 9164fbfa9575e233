from typing import Any

from hub_core.rules.probing import RouteKind
from hub_core.services.matching import MatchLine, MatchOutcome, Simulation, simulate
from hub_core.services.mirroring import refresh
from tests.scene import COMPANY, CONTACT, SETUP, Scene

ANN = {"firstName": "Ann", "lastName": "Lee", "companyName": "Acme GmbH"}
CRM_ANN = {"firstname": "ann", "lastname": "LEE", "company": "Acme, Inc."}


async def tried(crm: Scene, kind: Any = CONTACT, **options: Any) -> Simulation:
    async with crm.hub.crm() as opened:
        return await simulate(crm.hub, opened, kind, **options)


async def by_record(crm: Scene, kind: Any = CONTACT, **options: Any) -> dict[int, MatchLine]:
    return {line.record.id: line for line in (await tried(crm, kind, **options)).lines}


async def test_each_record_gets_what_was_found_and_on_which_values(crm: Scene) -> None:
    unique, many, none = await crm.add(
        CONTACT,
        ANN,
        {"linkedInProfileUrl": "https://linkedin.com/in/Bob-Ray"},
        {"firstName": "Nobody", "lastName": "Known", "companyName": "Nowhere"},
    )
    (ann, *bobs) = await crm.seed(
        CONTACT,
        CRM_ANN,
        {"firstname": "Bob", "hs_linkedin_url": "https://www.linkedin.com/in/bob-ray"},
        {"firstname": "Robert", "hs_linkedin_url": "http://linkedin.com/in/bob-ray/"},
    )
    await crm.config(search_lag=0)
    lines = await by_record(crm)
    assert (lines[unique].outcome, lines[unique].crm_ids) == (MatchOutcome.UNIQUE, (ann,))
    (hit,) = lines[unique].candidates[0].hits
    assert dict(hit.on) == {"firstName": "ann", "lastName": "lee", "companyName": "acme"}
    assert (lines[many].outcome, set(lines[many].crm_ids)) == (MatchOutcome.MANY, set(bobs))
    assert (lines[none].outcome, lines[none].crm_ids) == (MatchOutcome.NONE, ())


async def test_a_link_comes_before_any_rule(crm: Scene) -> None:
    (record,) = await crm.add(CONTACT, ANN)
    linked, _ = await crm.seed(CONTACT, {"firstname": "Somebody", "lastname": "Else"}, CRM_ANN)
    stored = await crm.hub.stored("hubspot")
    await crm.rows(
        "INSERT INTO link (connection_id, kind, record_id, crm_id) VALUES (%s, 'contact', %s, %s) RETURNING id",
        stored.id,
        record,
        linked,
    )
    lines = await by_record(crm)
    assert (lines[record].outcome, lines[record].crm_ids) == (MatchOutcome.LINKED, (linked,))


async def test_few_records_are_searched_for_and_no_copy_is_made(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.seed(CONTACT, CRM_ANN, *({"firstname": "Bob", "lastname": f"Ray {n}"} for n in range(300)))
    await crm.config(search_lag=0)
    await crm.calls()
    found = await tried(crm)
    assert found.route.kind is RouteKind.PROBES
    assert found.lines[0].outcome is MatchOutcome.UNIQUE
    assert (await crm.calls())["total"] <= found.route.calls + 1  # and the listing of its fields
    assert len(await crm.rows("SELECT FROM crm_record")) == 1


async def test_a_deleted_crm_record_is_not_matched(crm: Scene) -> None:
    (record,) = await crm.add(CONTACT, ANN)
    (ann,) = await crm.seed(CONTACT, CRM_ANN)
    await crm.config(search_lag=0)
    assert (await by_record(crm))[record].outcome is MatchOutcome.UNIQUE
    await crm.delete(CONTACT, ann)
    async with crm.hub.crm() as opened:
        await refresh(crm.hub, opened, CONTACT, needed=(), max_age=0)
    assert (await by_record(crm))[record].outcome is MatchOutcome.NONE


async def test_an_unmapped_identifier_is_named(crm: Scene) -> None:
    rows = [row for row in SETUP["fields"]["contacts"]["rows"] if row["crm"] != "hs_linkedin_url"]
    await crm.save_setup({"fields": {**SETUP["fields"], "contacts": {"rows": rows}}})
    await crm.add(CONTACT, ANN)
    assert (await tried(crm)).unmapped == ("LinkedIn profile URL",)


async def test_companies_match_by_domain_under_any_extension_when_the_box_is_ticked(crm: Scene) -> None:
    (record,) = await crm.add(COMPANY, {"name": "Enginy", "domain": "enginy.ai"})
    await crm.seed(COMPANY, {"name": "Enginy SL", "domain": "enginy.es"})
    await crm.config(search_lag=0)
    assert (await by_record(crm, COMPANY))[record].outcome is MatchOutcome.NONE
    await crm.save_setup({**SETUP, "sync": {"company": {"any_domain_extension": True}}})
    (line,) = (await tried(crm, COMPANY)).lines
    assert line.outcome is MatchOutcome.UNIQUE
    assert line.candidates[0].hits[0].weak


async def test_filters_and_the_limit_choose_the_records(crm: Scene) -> None:
    await crm.add(CONTACT, ANN, {**ANN, "lastName": "Ray"}, {**ANN, "lastName": "Ray"})
    found = await tried(crm, filters=["lastName=ray"], limit=1)
    assert [line.record.values["lastName"] for line in found.lines] == ["Ray"]

"""The CRM's fields: kept for a while, and watched while runs go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hub_core.connection import Connection
from hub_core.engine import discovery
from hub_core.engine.connectors import Connector
from hub_core.engine.store import repairs
from hub_core.engine.store.repairs import Repair
from hub_core.engine.store.runs import Run
from hub_core.errors import MissingScope, SetupInvalid
from hub_core.model.fields import FieldInfo
from hub_core.model.plan import RunState
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Problem
from hub_core.rules.editing import drop_row, put_row
from hub_core.rules.matching import compile_rule
from hub_core.services import connections, syncing
from hub_core.services import setup as setups
from hub_core.services.fields import crm_fields, look_again, usable_mapping
from tests.scene import COMPANY, CONTACT, SETUP, Scene

ANN = {"firstName": "Ann", "lastName": "Lee", "companyName": "Acme", "jobTitle": "CEO", "mobilePhone": "+34612345678"}
BOB = {"firstName": "Bob", "lastName": "Ray", "companyName": "Beta", "jobTitle": "CTO", "mobilePhone": "+34687654321"}
CUSTOM = {"label": "Level", "type": "enumeration", "fieldType": "select", "groupName": "contactinformation"}


def _options(*values: str) -> list[dict[str, str]]:
    return [{"value": value, "label": value.capitalize()} for value in values]


async def redefine(crm: Scene, name: str, kind: str = "contacts", **change: Any) -> None:
    """Change a property of the CRM as its administrator would."""
    await crm._admin("PATCH", f"properties/{kind}/{name}", change)


async def open_items(crm: Scene) -> list[Repair]:
    stored = await crm.hub.stored("hubspot")
    async with crm.hub.db.transaction() as conn:
        return await repairs.open_repairs(conn, stored.id)


async def problems(crm: Scene) -> list[tuple[str, Problem, Status]]:
    return [(item.crm_field, item.problem, item.status) for item in await open_items(crm)]


async def edit(crm: Scene, change: Any) -> None:
    """Save a changed set-up as a person does."""
    async with crm.hub.crm() as opened:
        version, saved = await setups.load(crm.hub, opened)
        await setups.save(crm.hub, opened, change(saved), version)


async def test_fields_are_asked_of_the_crm_once_and_again_when_they_are_old(crm: Scene) -> None:
    async with crm.hub.crm() as opened:
        first = await crm_fields(crm.hub, opened, RecordKind.COMPANY, max_age=0)
        asked = opened.http.calls
        assert await crm_fields(crm.hub, opened, RecordKind.COMPANY) == first
        assert opened.http.calls == asked
        assert await crm_fields(crm.hub, opened, RecordKind.COMPANY, max_age=0) == first
        assert opened.http.calls > asked
    assert first["domain"].id == "domain"


async def test_a_removed_field_pauses_its_row_and_the_others_are_written(crm: Scene) -> None:
    (ann,) = await crm.add(CONTACT, ANN)
    await crm.export(CONTACT)
    await redefine(crm, "jobtitle", archived=True)
    await crm.edit(ann, jobTitle="Chair", mobilePhone="+34600000000")
    (bob,) = await crm.add(CONTACT, BOB)
    run = await crm.export(CONTACT, overwrite=True)
    assert run.state is RunState.DONE
    assert "1 field is paused (jobtitle): see hub doctor" in run.route
    items = await crm.items(run)
    assert [change.field for change in items[ann].decision.changes] == ["mobilephone"]
    assert "jobtitle" not in [change.field for change in items[bob].decision.changes]
    assert await problems(crm) == [("jobtitle", Problem.REMOVED, Status.ERROR)]
    # Back again: the row un-pauses by itself, and what was not written meanwhile is.
    await redefine(crm, "jobtitle", archived=False)
    run = await crm.export(CONTACT, overwrite=True)
    assert "paused" not in run.route
    assert await problems(crm) == []
    people = {each["firstname"]: each["jobtitle"] for each in (await crm.crm(CONTACT)).values()}
    assert people == {"Ann": "Chair", "Bob": "CTO"}


async def test_a_field_that_stays_away_is_told_once_and_stays_paused(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    await redefine(crm, "jobtitle", archived=True)
    for _ in range(3):
        assert "paused" in (await crm.plan(CONTACT)).route
    assert await crm.rows("SELECT count(*) AS n FROM repair") == [{"n": 1}]


async def test_a_field_that_comes_back_with_another_type_stays_paused_for_that_reason(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    await redefine(crm, "jobtitle", archived=True)
    await crm.plan(CONTACT)
    await redefine(crm, "jobtitle", archived=False, type="date", fieldType="date")
    assert "paused" in (await crm.plan(CONTACT)).route
    assert await problems(crm) == [("jobtitle", Problem.TYPE_CHANGED, Status.ERROR)]


async def test_a_read_only_field_is_paused_until_the_row_only_reads(crm: Scene) -> None:
    (ann,) = await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    await redefine(crm, "jobtitle", readOnlyValue=True)
    items = await crm.items(await crm.export(CONTACT))
    assert items[ann].outcome == "created"
    assert await problems(crm) == [("jobtitle", Problem.BECAME_READ_ONLY, Status.ERROR)]
    source = CrmSetup.model_validate(SETUP).fields.contacts.rows[5].source
    await edit(crm, lambda saved: put_row(saved, CONTACT, "jobtitle", source, mode="crm_overwrites_hub"))
    assert await problems(crm) == []
    assert "paused" not in (await crm.plan(CONTACT)).route


async def test_one_row_can_be_mended_while_another_one_is_broken_too(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    for name in ("jobtitle", "mobilephone"):
        await redefine(crm, name, archived=True)
    assert "2 fields are paused (jobtitle, mobilephone)" in (await crm.plan(CONTACT)).route
    await edit(crm, lambda saved: drop_row(saved, CONTACT, "jobtitle"))
    assert await problems(crm) == [("mobilephone", Problem.REMOVED, Status.ERROR)]
    wrong = CrmSetup.model_validate(SETUP).fields.contacts.rows[5].source
    with pytest.raises(SetupInvalid, match="createdate"):
        await edit(crm, lambda saved: put_row(saved, CONTACT, "createdate", wrong))


async def test_an_option_that_is_gone_pauses_the_rows_that_write_it_and_no_value_is_lost(crm: Scene) -> None:
    body = {"objectType": "contacts", "name": "level", **CUSTOM, "options": _options("owner", "chief")}
    await crm._admin("POST", "properties", body)
    mapped = {"source": {"hub": "seniority"}, "crm": "level", "values": {"CEO": "chief", "Boss": "owner"}}
    rows = [*SETUP["fields"]["contacts"]["rows"], mapped]
    await crm.save_setup({"fields": {**SETUP["fields"], "contacts": {"rows": rows}}})
    (ann,) = await crm.add(CONTACT, {**ANN, "seniority": "CEO"})
    await crm.plan(CONTACT)
    await redefine(crm, "level", options=_options("owner", "board"))
    await crm.export(CONTACT)
    assert await problems(crm) == [("level", Problem.OPTION_REMOVED, Status.ERROR)]
    (there,) = (await crm.crm(CONTACT)).values()
    assert (there["jobtitle"], "level" in there) == ("CEO", False)
    source = CrmSetup.model_validate({"fields": {"contacts": {"rows": [mapped]}}}).fields.contacts.rows[0].source
    await edit(crm, lambda saved: put_row(saved, CONTACT, "level", source, values={"CEO": "board"}))
    assert await problems(crm) == []
    run = await crm.export(CONTACT)
    assert [change.field for change in (await crm.items(run))[ann].decision.changes] == ["level"]


async def test_a_run_stops_clearly_when_the_field_that_tells_people_apart_is_gone(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    await redefine(crm, "hs_linkedin_url", archived=True)
    run = await crm.plan(CONTACT)
    assert (run.state, run.exit_code) == (RunState.PAUSED, 5)
    assert "'hs_linkedin_url' is paused" in run.message
    assert "hub doctor" in run.message
    await redefine(crm, "hs_linkedin_url", archived=False)
    assert (await crm.apply(run)).state is RunState.PLANNED


async def test_a_field_removed_between_plan_and_apply_is_left_out_and_the_rest_is_written(crm: Scene) -> None:
    (ann,) = await crm.add(CONTACT, ANN)
    await crm.export(CONTACT)
    await crm.edit(ann, jobTitle="Chair", mobilePhone="+34600000000")
    (bob,) = await crm.add(CONTACT, BOB)
    planned = await crm.plan(CONTACT, overwrite=True)
    await redefine(crm, "jobtitle", archived=True)
    await crm.rows("UPDATE crm_fields SET read_at = now() - interval '1 day' RETURNING kind")
    run = await crm.apply(planned)
    items = await crm.items(run)
    assert (run.state, items[ann].outcome, items[bob].outcome) == (RunState.DONE, "updated", "created")
    people = {each["firstname"]: each["mobilephone"] for each in (await crm.crm(CONTACT)).values()}
    assert people == {"Ann": "+34600000000", "Bob": "+34687654321"}
    journal = await crm.rows("SELECT changes FROM journal WHERE run_id = %s", run.id)
    assert not any("jobtitle" in str(row["changes"]) for row in journal)


async def _synced(crm: Scene) -> Run:
    """A sync of the contacts, planned and applied."""
    await crm.config(search_lag=0.0)
    run = await crm.work(await syncing.start_sync(crm.hub, CONTACT))
    run = run if run.state is RunState.DONE else await crm.apply(run)  # done at once when there is nothing to do
    assert run.state is RunState.DONE, run.message
    return run


async def test_what_is_changed_while_a_row_is_paused_is_synced_when_it_is_back(crm: Scene) -> None:
    ann, bob = await crm.add(CONTACT, ANN, BOB)
    await crm.export(CONTACT)
    await _synced(crm)
    await redefine(crm, "jobtitle", archived=True)
    await crm.edit(ann, jobTitle="Chair", mobilePhone="+34600000000")
    await _synced(crm)
    there = {each["firstname"]: each for each in (await crm.crm(CONTACT)).values()}
    assert there["Ann"]["mobilephone"] == "+34600000000"
    await crm.edit(bob, jobTitle="Board")
    await _synced(crm)
    await redefine(crm, "jobtitle", archived=False)
    await _synced(crm)
    there = {each["firstname"]: each for each in (await crm.crm(CONTACT)).values()}
    assert (there["Ann"]["jobtitle"], there["Bob"]["jobtitle"]) == ("Chair", "Board")
    assert await crm.items(await _synced(crm)) == {}


async def test_a_field_that_was_made_anew_and_is_blank_everywhere_clears_nothing_in_the_hub(crm: Scene) -> None:
    await crm.add(CONTACT, ANN, BOB)
    await crm.export(CONTACT)
    await _synced(crm)
    await redefine(crm, "jobtitle", archived=True)
    await _synced(crm)
    for crm_id in await crm.crm(CONTACT):
        await crm.change(CONTACT, crm_id, jobtitle="")
    await redefine(crm, "jobtitle", archived=False)
    await _synced(crm)
    titles = await crm.rows("SELECT values ->> 'jobTitle' AS title FROM record ORDER BY id")
    assert [row["title"] for row in titles] == ["CEO", "CTO"]
    assert sorted(each["jobtitle"] for each in (await crm.crm(CONTACT)).values()) == ["CEO", "CTO"]


async def test_a_required_rule_of_the_account_fails_the_records_without_it_and_no_others(crm: Scene) -> None:
    ann, bob = await crm.add(CONTACT, ANN, {name: BOB[name] for name in BOB if name != "jobTitle"})
    await crm.plan(CONTACT)
    await crm.config(required_properties={"contacts": ["jobtitle"]})
    run = await crm.export(CONTACT)
    items = await crm.items(run)
    assert (items[ann].outcome, items[bob].outcome) == ("created", "failed")
    assert "jobtitle is required" in items[bob].error


class _Requiring(Connector):
    """HubSpot, if its metadata said what is required."""

    required: frozenset[str] = frozenset()

    async def list_fields(self, connection: Connection, kind: RecordKind) -> Sequence[FieldInfo]:
        found = await super().list_fields(connection, kind)
        return [replace(field, required=field.id in self.required) for field in found]


async def test_a_field_that_became_required_stops_runs_until_it_is_filled(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    connector = _Requiring("hubspot", "crm", discovery.load("crm", "hubspot"))
    async with crm.hub.crm() as opened:
        strict = replace(opened, connector=connector)
        connector.required = frozenset(["city", "jobtitle"])
        await look_again(crm.hub, strict, CONTACT)
        assert await problems(crm) == [
            ("city", Problem.BECAME_REQUIRED, Status.ERROR),
            ("jobtitle", Problem.BECAME_REQUIRED, Status.WARNING),
        ]
        saved = CrmSetup.model_validate(SETUP)
        own = (await setups.judge(crm.hub, opened, saved)).hub_fields[CONTACT]
        rule = compile_rule(saved.sync, CONTACT, own)
        with pytest.raises(SetupInvalid, match="no contact can be created"):
            await usable_mapping(crm.hub, strict, CONTACT, saved, own, rule)
        only_matched = await usable_mapping(crm.hub, strict, CONTACT, saved, own, rule, writes=False)
        assert only_matched.paused == ()
        connector.required = frozenset()
        await look_again(crm.hub, strict, CONTACT)
        assert await problems(crm) == []


async def test_an_empty_listing_is_a_lost_right_and_not_the_removal_of_everything(crm: Scene) -> None:
    async with crm.hub.crm() as opened:
        known = await crm_fields(crm.hub, opened, COMPANY)

        class Blind(Connector):
            async def list_fields(self, connection: Connection, kind: RecordKind) -> Sequence[FieldInfo]:
                return []

        blind = replace(opened, connector=Blind("hubspot", "crm", discovery.load("crm", "hubspot")))
        with pytest.raises(MissingScope, match="companies"):
            await crm_fields(crm.hub, blind, COMPANY, max_age=0)
        assert await crm_fields(crm.hub, opened, COMPANY) == known
    assert await problems(crm) == []


async def test_connecting_again_with_fewer_rights_is_noticed(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    await crm.plan(CONTACT)
    await redefine(crm, "jobtitle", archived=True)
    await connections.connect(crm.hub, "hubspot", {"access_token": "pat-simulator"}, base_url=crm.base_url)
    assert "1 field is paused (jobtitle)" in (await crm.plan(CONTACT)).route

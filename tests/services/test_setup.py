"""The set-up against the simulated CRM's own fields."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub_core.errors import BadInput, NotPossible, SetupInvalid, UnknownName
from hub_core.model.records import AssociationType
from hub_core.model.setup import CrmSetup, FromHub, Mode
from hub_core.rules.compatibility import Status
from hub_core.rules.editing import put_row, set_path
from hub_core.services import setup
from hub_core.services.hub import OpenConnection
from tests.scene import COMPANY, CONTACT, SETUP, Scene, scene


@dataclass
class Opened:
    scene: Scene
    crm: OpenConnection

    @property
    def hub(self) -> Any:
        return self.scene.hub

    async def judge(self, document: CrmSetup) -> setup.Judged:
        return await setup.judge(self.hub, self.crm, document)

    async def save(self, document: CrmSetup, expected: int = 1) -> int:
        return await setup.save(self.hub, self.crm, document, expected)


@pytest.fixture
async def opened(database_url: str, tmp_path: Path) -> AsyncGenerator[Opened]:
    """A connected CRM; version 1 of the set-up is the defaults."""
    async with scene(database_url, str(tmp_path), setup={}) as made, made.hub.crm() as crm:
        yield Opened(made, crm)


def _contact(hub: str, crm: str, **more: Any) -> CrmSetup:
    return put_row(CrmSetup(), CONTACT, crm, FromHub(hub=hub), **more)


# Saving


async def test_a_mapping_that_fits_is_saved_as_the_next_version(opened: Opened) -> None:
    wanted = CrmSetup.model_validate(SETUP)
    assert await opened.save(wanted) == 2
    assert await setup.load(opened.hub, opened.crm) == (2, wanted)


@pytest.mark.parametrize(
    ("hub", "crm", "says"),
    [
        ("jobTitle", "createdate", "read-only"),
        ("jobTitle", "num_employees", "num_employees"),
        ("birthday", "hubspot_owner_id", "that record's id"),
        ("foundedYear", "city", "is a company field"),
        ("noSuchField", "city", "There is no hub field"),
        ("jobTitle", "no_such_property", "There is no CRM field"),
    ],
)
async def test_a_red_row_is_not_saved_unless_it_is_inactive(opened: Opened, hub: str, crm: str, says: str) -> None:
    red = _contact(hub, crm)
    assert (await opened.judge(red)).reports[CONTACT].rows[0].status is Status.ERROR
    with pytest.raises(SetupInvalid, match=says) as caught:
        await opened.save(red)
    assert caught.value.exit_code == 5
    assert (await setup.load(opened.hub, opened.crm))[0] == 1
    assert await opened.save(_contact(hub, crm, active=False)) == 2


async def test_an_identifier_that_is_no_field_is_not_saved(opened: Opened) -> None:
    document = {"sync": {"contact": {"identifier": "custom", "custom": "noSuchField"}}}
    wrong = CrmSetup.model_validate(document)
    with pytest.raises(SetupInvalid, match="noSuchField"):
        await opened.save(wrong)
    judged = await opened.judge(wrong)
    assert CONTACT not in judged.rules
    assert any("noSuchField" in problem.reason for problem in judged.reports[CONTACT].problems)


async def test_who_saves_second_is_told_that_somebody_else_did(opened: Opened) -> None:
    await opened.save(_contact("city", "city"))
    with pytest.raises(NotPossible, match="version 2"):
        await opened.save(_contact("jobTitle", "jobtitle"))


async def test_a_field_made_in_the_crm_just_now_can_be_mapped_at_once(opened: Opened) -> None:
    await opened.judge(CrmSetup())
    field = {"name": "score_hub", "label": "Score", "type": "number", "fieldType": "number"}
    body = {"objectType": "contacts", "groupName": "contactinformation", **field}
    await opened.scene._admin("POST", "properties", body)
    assert (await setup.crm_field(opened.hub, opened.crm, CONTACT, "score_hub")).label == "Score"
    assert await opened.save(_contact("numberOfConnections", "score_hub")) == 2


async def test_an_association_that_the_crm_knows_is_no_problem(opened: Opened) -> None:
    for type_ in AssociationType:
        document = CrmSetup.model_validate({"fields": {"contacts": {"association": type_}}})
        problems = (await opened.judge(document)).reports[CONTACT].problems
        assert not any("tie contacts" in problem.reason for problem in problems)


# Users


async def test_users_given_by_email_are_stored_by_id(opened: Opened) -> None:
    ann = next(user for user in await setup.crm_users(opened.crm) if user.name == "Ann Owner")
    document = set_path(CrmSetup(), "users.default_owner", ann.email.upper(), {})
    document = set_path(document, "users.users.me", ann.id, {})
    await opened.save(document)
    users = (await setup.load(opened.hub, opened.crm))[1].users
    assert (users.default_owner, users.users) == (ann.id, {"me": ann.id})


async def test_an_unknown_user_is_told_with_the_nearest_and_an_inactive_one_is_refused(opened: Opened) -> None:
    with pytest.raises(UnknownName, match="bram@simulator"):
        await opened.save(set_path(CrmSetup(), "users.default_owner", "bran@simulator.example", {}))
    with pytest.raises(BadInput, match="cannot own records"):
        await opened.save(set_path(CrmSetup(), "users.default_owner", "dirk@simulator.example", {}))


async def test_the_crms_users_are_not_asked_for_when_nobody_changes(opened: Opened) -> None:
    document = set_path(CrmSetup(), "users.default_owner", "ann@simulator.example", {})
    await opened.save(document)
    _, saved = await setup.load(opened.hub, opened.crm)
    await opened.scene.calls()
    await opened.save(put_row(saved, CONTACT, "city", FromHub(hub="city")), expected=2)
    assert not any("owners" in route for route in (await opened.scene.calls())["routes"])


# Proposing


async def test_fields_that_records_have_and_that_identify_are_proposed_and_nothing_is_saved(opened: Opened) -> None:
    await opened.scene.add(CONTACT, {"firstName": "Ada", "jobTitle": "CEO"})
    found = await setup.suggest(opened.hub, opened.crm, CrmSetup())
    pairs = {(row.hub_field, row.crm) for row in found.added[CONTACT]}
    assert ("jobTitle", "jobtitle") in pairs
    assert ("linkedInProfileUrl", "hs_linkedin_url") in pairs
    assert "city" not in {hub for hub, _ in pairs}
    assert found.judged.red == 0
    assert found.records[CONTACT] == {"firstName": 1, "jobTitle": 1}
    assert (await setup.load(opened.hub, opened.crm))[0] == 1
    assert await opened.save(found.judged.setup) == 2


async def test_rows_that_are_mapped_stay_as_they_are(opened: Opened) -> None:
    await opened.scene.add(CONTACT, {"firstName": "Ada", "jobTitle": "CEO", "city": "London"})
    mine = put_row(_contact("jobTitle", "city", mode=Mode.OFF), CONTACT, "message", FromHub(hub="city"), active=False)
    found = await setup.suggest(opened.hub, opened.crm, mine)
    rows = found.judged.setup.fields.contacts.rows
    assert rows[:2] == mine.fields.contacts.rows
    assert {row.hub_field for row in found.added[CONTACT]}.isdisjoint({"jobTitle", "city"})
    again = await setup.suggest(opened.hub, opened.crm, found.judged.setup)
    assert again.added == {CONTACT: (), COMPANY: ()}


async def test_a_choice_field_is_proposed_with_the_values_that_records_have(opened: Opened) -> None:
    await opened.scene.add(
        COMPANY,
        {"name": "a", "industry": "Computer Software"},
        {"name": "b", "industry": "accounting"},
        {"name": "c", "industry": "Space mining"},
    )
    found = await setup.suggest(opened.hub, opened.crm, CrmSetup())
    row = next(row for row in found.added[COMPANY] if row.crm == "industry")
    assert row.values == {"Computer Software": "COMPUTER_SOFTWARE", "accounting": "ACCOUNTING"}
    assert found.left[COMPANY] == {"industry": ["Space mining"]}


# Trying


async def test_rows_are_tried_on_real_records(opened: Opened) -> None:
    await opened.scene.add(
        CONTACT,
        *({"firstName": f"A{number}", "mobilePhone": "+34612345678" if number % 4 else "n/a"} for number in range(20)),
    )
    document = put_row(_contact("mobilePhone", "mobilephone"), CONTACT, "firstname", FromHub(hub="firstName"))
    judged = await opened.judge(document)
    count, checks = await setup.try_records(opened.hub, judged, CONTACT, 12)
    assert count == 12
    assert {check.field: (check.failing, check.of) for check in checks} == {
        "mobilephone": (3, 12),
        "firstname": (0, 12),
    }
    assert (await setup.try_records(opened.hub, judged, CONTACT, 500))[0] == 20


async def test_red_and_inactive_rows_are_not_tried(opened: Opened) -> None:
    await opened.scene.add(CONTACT, {"firstName": "Ada", "jobTitle": "CEO"})
    document = put_row(_contact("jobTitle", "createdate"), CONTACT, "jobtitle", FromHub(hub="jobTitle"), active=False)
    judged = await opened.judge(document)
    assert judged.red
    assert await setup.try_records(opened.hub, judged, CONTACT, 500) == (1, ())

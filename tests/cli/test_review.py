"""``hub review``: what only a person can decide."""

from __future__ import annotations

import pytest

from tests.cli.processes import Commands
from tests.scene import CONTACT, Scene

TWIN = {"firstname": "Ada", "lastname": "Lovelace", "company": "Engines"}


async def _asked(crm: Scene) -> list[str]:
    """One question with two candidates; their CRM ids."""
    ids = await crm.seed(CONTACT, TWIN, {**TWIN, "jobtitle": "Countess"})
    await crm.add(CONTACT, {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines"})
    await crm.plan(CONTACT)
    return ids


async def test_a_question_names_the_record_and_what_tells_its_candidates_apart(crm: Scene, hub: Commands) -> None:
    assert (await hub("review", "list")).out == "Nothing waits for a decision.\n"
    first, second = await _asked(crm)
    said = (await hub("review", "list")).said
    assert "contact Ada Lovelace" in said
    assert "2 HubSpot records match by" in said
    assert f"{first} Ada Lovelace" in said
    assert "Job Title: Countess" in said
    assert "hub review resolve 1 link CRM_ID" in said
    [asked] = (await hub("review", "list", "--json")).json()
    assert [one["crm_id"] for one in asked["candidates"]] == [first, second]
    assert asked["candidates"][0]["url"].endswith(first)


async def test_an_answer_is_remembered_and_the_next_export_acts_on_it(crm: Scene, hub: Commands) -> None:
    _, second = await _asked(crm)
    done = await hub("review", "resolve", "1", "link", second)
    assert done.out == f"Review 1: link {second}. The next export acts on it.\n"
    assert f"link {second}" in (await hub("review", "list", "--answered")).out
    assert (await hub("export", "contacts", "--json")).json()["outcomes"] == {"linked": 1}
    assert [row["crm_id"] for row in await crm.rows("SELECT crm_id FROM link")] == [second]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["1", "link", "5"], "5 is not a candidate of review 1. -> One of: "),
        (["1", "link"], "Name the CRM record exactly when the answer is link."),
        (["1", "skip", "5"], "Name the CRM record exactly when the answer is link."),
        (["7", "skip"], "There is no review '7'. -> See 'hub review list'."),
        (["1", "merge"], "merge"),
    ],
)
async def test_a_wrong_answer_is_a_usage_error_and_leaves_the_question_open(
    crm: Scene, hub: Commands, arguments: list[str], said: str
) -> None:
    await _asked(crm)
    done = await hub("review", "resolve", *arguments)
    assert done.code == 2
    assert said in done.said
    assert len((await hub("review", "list", "--json")).json()) == 1


async def test_a_record_that_is_skipped_is_asked_about_no_more(crm: Scene, hub: Commands) -> None:
    await _asked(crm)
    assert (await hub("review", "resolve", "1", "skip", "--json")).json() == {"id": 1, "answer": "skip", "crm_id": None}
    assert (await hub("export", "contacts", "--json")).json()["outcomes"] == {"skipped": 1}

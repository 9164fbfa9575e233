"""``hub runs``: looking at runs, and what cannot be done with one."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cli.processes import Commands
from tests.scene import COMPANY, CONTACT, Scene

ADA = {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines"}


async def test_runs_are_listed_with_what_they_wrote_and_cost(crm: Scene, hub: Commands) -> None:
    assert "No runs yet" in (await hub("runs", "list")).out
    await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    await crm.plan(COMPANY)
    done = await hub("runs", "list")
    newest, oldest = (line.split() for line in done.out.splitlines()[1:])
    assert newest[:4] == ["2", "export", "companies", "planned"]
    assert oldest[:6] == ["1", "export", "contacts", "done", "1", "0"]
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert [run["id"] for run in (await hub("runs", "list", "--json", "--limit", "1")).json()] == [2]


async def test_a_run_is_shown_as_table_json_and_csv(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, ADA, {"firstName": "=1+1", "lastName": "Sum", "companyName": "Engines"})
    await crm.export(CONTACT)
    table = await hub("runs", "show", "1")
    assert "Run 1 done: 2 created." in table.out
    assert "Ada Lovelace" in table.out
    document = (await hub("runs", "show", "1", "--format", "json")).json()
    assert document["outcomes"] == {"created": 2}
    assert document["items"][0]["url"].startswith("https://")
    rows = list(csv.DictReader(io.StringIO((await hub("runs", "show", "1", "--format", "csv")).out)))
    assert [row["outcome"] for row in rows] == ["created", "created"]
    assert rows[1]["name"] == "'=1+1 Sum"  # no spreadsheet takes it for a formula


async def test_only_records_that_ended_so_are_shown_when_asked(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    assert (await hub("runs", "show", "1", "--outcome", "failed", "--json")).json()["items"] == []
    assert len((await hub("runs", "show", "1", "--outcome", "created", "--json")).json()["items"]) == 1


async def test_a_planned_run_is_shown_with_its_plan_and_can_be_applied_or_cancelled(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, ADA)
    await crm.plan(CONTACT)
    await crm.plan(CONTACT)
    shown = await hub("runs", "show", "1")
    assert "Plan of run 1 for HubSpot" in shown.out
    assert "To apply this plan: hub runs resume 1" in shown.out
    assert (await hub("runs", "resume", "1", "--json")).json()["outcomes"] == {"created": 1}
    assert (await hub("runs", "cancel", "2")).out == "Run 2: cancelled.\n"
    assert "Run 2 cancelled: 1 skipped." in (await hub("runs", "show", "2")).out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "7"], 2, "There is no run '7'. -> See 'hub runs list'."),
        (["resume", "7"], 2, "There is no run '7'."),
        (["show", "x"], 2, "valid integer"),
        (["resume", "1"], 1, "Run 1 is done, so there is nothing to resume."),
        (["retry", "1"], 1, "No record of run 1 failed"),
        (["cancel", "1"], 1, "Run 1 has ended (done)."),
    ],
)
async def test_what_cannot_be_done_is_said(
    crm: Scene, hub: Commands, arguments: list[str], code: int, said: str
) -> None:
    await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    done = await hub("runs", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.said

from __future__ import annotations

import asyncio

from tests.cli.processes import Commands, ended
from tests.scene import CONTACT, Scene

PEOPLE = [
    {"firstName": f"Ada{number}", "lastName": "Byron", "professionalEmail": f"a{number}@x.example"}
    for number in range(3)
]


async def killed_while_planning(crm: Scene, hub: Commands, *arguments: str) -> int:
    """Start an export and kill it before it has a plan; returns the run's number."""
    await crm.config(latency=2.0)
    process = await hub.start("export", "contacts", *arguments)
    while not (rows := await crm.rows("SELECT id FROM run WHERE state = 'planning' AND lease > 0")):
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.kill()
    await ended(process)
    await crm.config(latency=0.0)
    return rows[0]["id"]


async def test_an_export_that_was_agreed_to_and_killed_while_planned_goes_on_to_be_applied(
    crm: Scene, hub: Commands
) -> None:
    await crm.add(CONTACT, *PEOPLE)
    number = await killed_while_planning(crm, hub, "--yes")
    resumed = await hub("runs", "resume", str(number))
    assert resumed.code == 0, resumed.err
    assert "done" in resumed.out
    assert len(await crm.crm(CONTACT)) == 3


async def test_a_dry_run_that_was_killed_is_only_planned_when_it_goes_on(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *PEOPLE)
    number = await killed_while_planning(crm, hub, "--dry-run")
    resumed = await hub("runs", "resume", str(number))
    assert resumed.code == 0, resumed.err
    assert f"To apply this plan: hub runs resume {number}" in resumed.out
    assert await crm.crm(CONTACT) == {}


async def test_a_plan_and_its_results_are_one_json_document_each(crm: Scene, hub: Commands) -> None:
    ids = await crm.add(CONTACT, *PEOPLE)
    plan = (await hub("export", "contacts", "--dry-run", "--json")).json()
    assert plan["counts"] == {"contacts": {"create": 3}}
    assert [item["record"] for item in plan["items"]] == ids
    assert (await hub("export", "contacts", "--json")).json()["outcomes"] == {"created": 3}
    shown = (await hub("runs", "show", str(plan["run"]["id"] + 1), "--json")).json()
    assert {item["outcome"] for item in shown["items"]} == {"created"}
    none = (await hub("runs", "show", str(plan["run"]["id"] + 1), "--json", "--outcome", "failed")).json()
    assert none["items"] == []

"""``hub sync`` and ``hub schedule``."""

from __future__ import annotations

from tests.cli.processes import Commands
from tests.scene import CONTACT, Scene

ADA = {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines", "jobTitle": "Programmer"}


async def test_the_first_sync_only_shows_its_plan_and_a_confirmed_one_writes(crm: Scene, hub: Commands) -> None:
    await crm.config(search_lag=0.0)
    [record] = await crm.add(CONTACT, ADA)
    await crm.export(CONTACT)
    await crm.edit(record, jobTitle="Countess")
    first = await hub("sync", "contacts")
    assert "This is the first sync of contacts, so nothing was written." in " ".join(first.out.split())
    [contact] = (await crm.crm(CONTACT)).values()
    assert contact["jobtitle"] == "Programmer"
    done = await hub("sync", "contacts", "--confirm")
    assert "1 updated" in done.out
    [contact] = (await crm.crm(CONTACT)).values()
    assert contact["jobtitle"] == "Countess"


async def test_schedules_are_set_listed_and_ended(crm: Scene, hub: Commands) -> None:
    await hub("schedule", "set", "contacts", "--every", "60")
    assert [each["seconds"] for each in (await hub("schedule", "list", "--json")).json()] == [60]
    await hub("schedule", "remove", "contacts")
    assert "Nothing is synced by itself" in (await hub("schedule", "list")).out

"""The doctor's findings: what is in the way, who must act; and what it mends by itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from hub_core.errors import ExitCode, PluginBroken, Unavailable
from hub_core.rules.compatibility import Status
from hub_core.services import connections, doctor, mirroring
from hub_core.services import setup as setups
from hub_core.services.doctor import Checkup, Finding
from tests.scene import CONTACT, SETUP, Scene
from tests.services.test_fields import ANN, open_items, redefine

TITLE = {"label": "Job Title", "type": "string", "fieldType": "text", "groupName": "contactinformation"}


def found(checkup: Checkup, area: str) -> list[Finding]:
    return [finding for finding in checkup.findings if finding.area == area]


def statuses(checkup: Checkup) -> dict[str, Status]:
    """The worst of each area."""
    order = list(Status)
    worst: dict[str, Status] = {}
    for finding in checkup.findings:
        worst[finding.area] = max(worst.get(finding.area, Status.OK), finding.status, key=order.index)
    return worst


async def look(crm: Scene) -> Checkup:
    return await doctor.examine(crm.hub)


async def drifted(crm: Scene, **change: Any) -> None:
    """An account whose job title has changed since it was looked at."""
    await look(crm)
    await redefine(crm, "jobtitle", **change)


async def test_all_is_well_with_a_set_up_that_fits(crm: Scene) -> None:
    checkup = await look(crm)
    assert set(statuses(checkup).values()) == {Status.OK}
    assert statuses(checkup).keys() >= {"database", "plugins", "connections", "mirror", "runs", "mapping", "CRM fields"}
    assert checkup.exit_code is ExitCode.OK


async def test_without_a_crm_the_set_up_is_not_complete(crm: Scene) -> None:
    await connections.disable(crm.hub, "hubspot")
    checkup = await look(crm)
    assert checkup.exit_code is ExitCode.SETUP_INVALID
    assert found(checkup, "connections")[0].fix == "hub connect KEY, then: hub enable KEY"


async def test_credentials_that_are_refused_come_first(crm: Scene) -> None:
    await drifted(crm, archived=True)
    await crm.config(tokens={"pat-simulator": {"revoked": True}})
    checkup = await look(crm)
    (finding,) = found(checkup, "connections")
    assert (finding.status, finding.who) == (Status.ERROR, "you")
    assert "hub connect hubspot" in finding.fix
    assert checkup.exit_code is ExitCode.SIGN_IN_NEEDED
    assert (await crm.hub.stored("hubspot")).health == "reconnect"


async def test_another_account_behind_the_same_address_is_noticed(crm: Scene) -> None:
    await crm.rows('UPDATE connection SET account = account || \'{"id": "7"}\' RETURNING id')
    (finding,) = found(await look(crm), "connections")
    assert "another account" in finding.text


def test_what_passes_by_itself_is_a_warning_and_a_bug_is_the_authors() -> None:
    away = doctor.finding_of("connections", Unavailable("It is away."))
    assert (away.status, away.who) == (Status.WARNING, "nobody")
    assert Checkup((away,)).exit_code is ExitCode.OK
    broken = doctor.finding_of("plugins", PluginBroken("x", "it is broken.", "Update it."))
    assert (broken.status, broken.who) == (Status.ERROR, "the plugin's author")


async def test_a_used_up_api_budget_is_told_with_the_wait(crm: Scene) -> None:
    await look(crm)
    await crm.rows("UPDATE api_budget SET used[array_length(used, 1)] = requests RETURNING 1")
    await crm.rows("UPDATE api_budget SET slot = floor(extract(epoch FROM now()) * 20 / seconds) RETURNING 1")
    async with crm.hub.crm() as opened:
        stored = opened.stored
        (finding, *_) = await doctor._budgets(crm.hub, stored, opened)
        assert finding.status is Status.WARNING
        await crm.rows(
            "UPDATE api_budget SET blocked_why = 'Its limit', blocked_until = extract(epoch FROM now()) + 100"
            " RETURNING bucket"
        )
        (finding, *_) = await doctor._budgets(crm.hub, stored, opened)
    assert finding.text.endswith("seconds: Its limit")


async def test_an_old_mirror_is_told(crm: Scene) -> None:
    async with crm.hub.crm() as opened:
        await mirroring.refresh(crm.hub, opened, CONTACT, needed=[], max_age=0)
    assert "minutes old" in found(await look(crm), "mirror")[0].text
    await crm.rows("UPDATE mirror SET read_at = now() - interval '3 days' RETURNING kind")
    finding = found(await look(crm), "mirror")[0]
    assert (finding.status, finding.who) == (Status.WARNING, "nobody")
    assert "3 days old" in finding.text


async def test_paused_and_interrupted_runs_are_told_with_the_command(crm: Scene) -> None:
    await crm.add(CONTACT, ANN)
    run = await crm.plan(CONTACT)
    await crm.rows("UPDATE run SET state = 'paused', message = 'Wait for Ann.' RETURNING id")
    (finding,) = found(await look(crm), "runs")
    assert (finding.text, finding.status) == (f"Run {run.id} is paused. Wait for Ann.", Status.WARNING)
    assert finding.fix.startswith(f"hub runs resume {run.id}")


async def test_a_broken_row_is_told_once_with_who_must_act(crm: Scene) -> None:
    await drifted(crm, archived=True)
    checkup = await look(crm)
    (finding,) = found(checkup, "CRM fields")
    assert (finding.status, finding.who) == (Status.ERROR, "you, or the CRM's administrator")
    assert "Its row is paused" in finding.text
    assert statuses(checkup)["mapping"] is Status.OK
    assert checkup.exit_code is ExitCode.SETUP_INVALID


async def test_a_field_under_another_name_is_mended_on_demand(crm: Scene) -> None:
    await drifted(crm, archived=True)
    await crm._admin("POST", "properties", {"objectType": "contacts", "name": "job_title", **TITLE})
    checkup = await look(crm)
    (drift,) = checkup.mendable
    assert await doctor.mend(crm.hub, checkup.mendable) == 1
    assert await open_items(crm) == []
    async with crm.hub.crm() as opened:
        _, saved = await setups.load(crm.hub, opened)
    assert drift.mended in saved.fields.contacts.rows
    assert len(saved.fields.contacts.rows) == len(SETUP["fields"]["contacts"]["rows"])
    (ann,) = await crm.add(CONTACT, ANN)
    run = await crm.export(CONTACT)
    assert "paused" not in run.route
    assert "job_title" in [change.field for change in (await crm.items(run))[ann].decision.changes]


async def test_a_row_that_was_changed_meanwhile_is_not_mended(crm: Scene) -> None:
    await drifted(crm, archived=True)
    await crm._admin("POST", "properties", {"objectType": "contacts", "name": "job_title", **TITLE})
    checkup = await look(crm)
    await crm.save_setup({})
    assert await doctor.mend(crm.hub, checkup.mendable) == 0


async def test_a_warning_can_be_accepted_and_does_not_come_back(crm: Scene) -> None:
    body = {**TITLE, "type": "enumeration", "fieldType": "select", "name": "level", "objectType": "contacts"}
    options = [{"value": value, "label": value} for value in ("a", "b")]
    await crm._admin("POST", "properties", {**body, "options": options})
    rows = [*SETUP["fields"]["contacts"]["rows"], {"source": {"hub": "seniority"}, "crm": "level"}]
    await crm.save_setup({"fields": {**SETUP["fields"], "contacts": {"rows": rows}}})
    await look(crm)
    await redefine(crm, "level", options=options[:1])
    checkup = await look(crm)
    assert [finding.status for finding in found(checkup, "CRM fields")] == [Status.WARNING]
    assert checkup.exit_code is ExitCode.OK
    assert await doctor.accept(crm.hub) == 1
    assert [finding.status for finding in found(await look(crm), "CRM fields")] == [Status.OK]
    assert await open_items(crm) == []


async def test_an_error_is_not_accepted(crm: Scene) -> None:
    await drifted(crm, archived=True)
    await look(crm)
    assert await doctor.accept(crm.hub) == 0
    assert len(await open_items(crm)) == 1


async def test_the_watch_finds_what_changes_while_nobody_works(crm: Scene) -> None:
    await drifted(crm, archived=True)
    watching = asyncio.create_task(doctor.watch(crm.hub, every=0.05))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while not await open_items(crm):
                await asyncio.sleep(0.05)
    watching.cancel()
    assert [item.crm_field for item in await open_items(crm)] == ["jobtitle"]


async def test_the_watch_outlives_a_vendor_that_is_away(crm: Scene) -> None:
    await crm.config(tokens={"pat-simulator": {"revoked": True}})
    watching = asyncio.create_task(doctor.watch(crm.hub, every=0.05))
    await asyncio.sleep(0.5)
    assert not watching.done()
    watching.cancel()

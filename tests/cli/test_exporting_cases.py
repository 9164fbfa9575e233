"""``hub export`` as a script or a person runs it: output, exit codes, and what is said when something is in the way."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from hub_core.engine import embedded
from tests.cli.processes import Commands, ended
from tests.scene import COMPANY, CONTACT, SETUP, Scene, scene

ADA = {"firstName": "Ada", "lastName": "Lovelace", "companyName": "Engines", "jobTitle": "Programmer"}


def people(number: int) -> list[dict[str, Any]]:
    return [{"firstName": "P", "lastName": f"Last{n}", "companyName": f"Company {n}"} for n in range(number)]


async def test_a_dry_run_shows_the_plan_and_writes_nothing(crm: Scene, hub: Commands) -> None:
    await crm.seed(CONTACT, {"firstname": "ADA", "lastname": "Lovelace", "company": "Engines"})
    await crm.add(CONTACT, ADA, {"firstName": "Bob", "lastName": "Bits", "companyName": "Bytes"})
    done = await hub("export", "contacts", "--dry-run")
    assert done.code == 0
    assert "Job Title: (blank) -> Programmer" in done.out
    assert "First Name: keeps ADA (the hub has Ada)" in done.out
    assert "in 1 record HubSpot has another value" in done.said
    assert "hub runs resume 1" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert len(await crm.crm(CONTACT)) == 1


async def test_a_dry_run_as_json_is_one_document_with_every_item(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(3))
    done = await hub("export", "contacts", "--dry-run", "--json")
    document = done.json()
    assert document["run"]["state"] == "planned"
    assert document["counts"] == {"contacts": {"create": 3}}
    assert [item["name"] for item in document["items"]] == ["P Last0", "P Last1", "P Last2"]
    assert document["items"][0]["changes"][0] == {"field": "firstname", "before": None, "after": "P"}


async def test_an_export_says_what_was_done_and_what_it_cost(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(2))
    done = await hub("export", "contacts")
    assert (done.code, done.err) == (0, "")
    assert "Run 1 done: 2 created." in done.out
    assert "to plan, 1 to apply" in done.out
    run = (await hub("export", "contacts", "--json")).json()
    assert (run["run"]["state"], run["outcomes"], run["failures"]) == ("done", {"unchanged": 2}, [])


async def test_a_tie_is_shown_with_the_companys_name_and_what_is_there_now(crm: Scene, hub: Commands) -> None:
    [old] = await crm.seed(COMPANY, {"name": "Old Firm", "domain": "old.example"})
    [known] = await crm.seed(CONTACT, {"firstname": "Ada", "lastname": "Lovelace", "company": "Engines"})
    tie = {"from": known, "to": old, "toType": "companies", "types": [1]}
    await crm._admin("POST", "records", {"type": "contacts", "records": [], "associations": [tie]})
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    done = await hub("export", "contacts", "--dry-run", "--with-associated", "--association", "primary-replace")
    assert "tie to Engines (primary, the others taken away); now tied to" in done.said


async def test_one_refused_record_is_a_partial_failure_with_the_vendors_reason(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(2))
    await crm.config(required_properties={"contacts": ["jobtitle"]})
    await crm.add(CONTACT, ADA)
    done = await hub("export", "contacts")
    assert done.code == 3
    assert "Run 1 partial: 1 created, 2 failed." in done.out
    assert "jobtitle" in done.out
    assert "hub runs retry 1" in done.out
    assert (await hub("runs", "retry", "1")).code == 3
    await crm.config(required_properties={})
    again = await hub("runs", "retry", "1", "--json")
    assert (again.code, again.json()["outcomes"]) == (0, {"created": 3})


async def test_a_token_that_expires_pauses_the_run_and_a_new_one_lets_it_go_on(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(250))
    planned = await crm.plan(CONTACT)
    await crm.config(tokens={"pat-simulator": {"requests": 1}})
    stopped = await hub("runs", "resume", str(planned.id))
    assert stopped.code == 4
    assert "HubSpot refused the token. Sign in again: hub connect hubspot" in stopped.said
    assert f"hub runs resume {planned.id}" in stopped.said
    assert "HubSpot refused the token. -> hub connect hubspot" in (await hub("status")).said
    assert "paused" in (await hub("runs", "list")).said
    await crm.config(tokens={"pat-new": {}})
    connect = ("connect", "hubspot", "--base-url", crm.base_url, "--secret", "access_token=@")
    secret = hub.home / "token"
    secret.write_text("pat-new")
    assert (await hub(*connect[:-1], f"access_token=@{secret}")).code == 0
    done = await hub("runs", "resume", str(planned.id), "--json")
    assert (done.code, done.json()["outcomes"]) == (0, {"created": 250})
    assert len(await crm.crm(CONTACT)) == 250


async def test_an_account_that_is_used_up_for_the_day_is_exit_code_6(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(2))
    planned = await crm.plan(CONTACT)
    await crm.fault(path="batch/create", kind="status", status=429, retry_after="86400", policy="DAILY", times=9)
    done = await hub("runs", "resume", str(planned.id))
    assert done.code == 6
    assert "limit" in done.said
    assert f"hub runs resume {planned.id}" in done.said


async def test_a_vendor_that_cannot_be_reached_is_said_so(database_url: str, tmp_path: Path, hub: Commands) -> None:
    async with scene(database_url, str(tmp_path)) as crm:
        await crm.add(CONTACT, *people(2))
        planned = await crm.plan(CONTACT)
    process = await hub.start("runs", "resume", str(planned.id))
    for _ in range(60):
        if "cannot be reached" in (await hub("runs", "show", str(planned.id), "--json")).json()["run"]["message"]:
            break
        await asyncio.sleep(0.5)
    process.send_signal(signal.SIGINT)
    done = await ended(process)
    assert done.code == 130
    assert f"hub runs resume {planned.id}" in done.said
    shown = await hub("runs", "show", str(planned.id))
    assert "HubSpot cannot be reached." in shown.said


async def test_a_long_wait_is_a_line_in_a_log(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(2))
    planned = await crm.plan(CONTACT)
    await crm.fault(path="batch/create", kind="status", status=429, retry_after="5")
    done = await hub("runs", "resume", str(planned.id))
    assert done.code == 0
    assert re.search(r"^Run 1: waiting for HubSpot until \d\d:\d\d:\d\d \(its limit of requests\)$", done.err, re.M)


async def test_ctrl_c_finishes_the_batch_and_says_how_to_go_on(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(550))
    await crm.config(latency=0.6)
    process = await hub.start("export", "contacts", "--yes")
    while len(await crm.crm(CONTACT)) < 200:
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    done = await ended(process)
    assert done.code == 130
    assert "hub runs resume 1" in done.said
    written = len(await crm.crm(CONTACT))
    assert written < 550
    assert await crm.rows("SELECT state, wanted FROM run") == [{"state": "paused", "wanted": ""}]
    assert len(await crm.rows("SELECT FROM link")) == written
    await crm.config(latency=0)
    assert (await hub("runs", "resume", "1", "--json")).json()["outcomes"] == {"created": 550}
    assert len(await crm.crm(CONTACT)) == 550


async def test_ctrl_c_twice_stops_at_once_and_nothing_is_lost(crm: Scene, hub: Commands) -> None:
    await crm.add(CONTACT, *people(150))
    await crm.fault(path="contacts/batch/create", kind="slow", delay=8)
    process = await hub.start("export", "contacts", "--yes")
    while not await crm.crm(CONTACT):
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.3)
    process.send_signal(signal.SIGINT)
    done = await ended(process, 6)
    assert done.code == 130
    again = await hub("runs", "resume", "1", "--json")
    assert again.json()["outcomes"] == {"created": 150}
    assert len(await crm.crm(CONTACT)) == 150


async def test_a_database_that_goes_away_in_mid_run_is_said_so_and_nothing_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "home" / "postgres"
    url = await asyncio.to_thread(embedded.start, data)
    own = {"HUB_DATABASE_URL": ""}
    try:
        async with scene(url, str(tmp_path / "home")) as crm:
            hub = Commands(url, tmp_path / "home")
            await crm.add(CONTACT, *people(450))
            await crm.config(latency=0.5)
            process = await hub.start("export", "contacts", "--yes", env=own)
            while len(await crm.crm(CONTACT)) < 100:
                await asyncio.sleep(0.05)
            os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)  # as in a crash
            done = await ended(process)
            assert done.code == 1
            assert "The hub's database does not answer." in done.said
            await crm.config(latency=0)
            again = await hub("runs", "resume", "1", "--json", env=own)
            assert (again.code, again.json()["outcomes"]) == (0, {"created": 450}), again.said
            assert len(await crm.crm(CONTACT)) == 450
    finally:
        await asyncio.to_thread(embedded.stop, data)


# What cannot work is refused before anything is planned


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--filter", "jobTitel=x"], 2, "There is no field 'jobTitel'. -> Did you mean 'jobTitle'"),
        (["--filter", "jobTitle"], 2, "is not of the form field=value"),
        (["--set", "lifecyclestag=lead"], 2, "Did you mean 'lifecyclestage'?"),
        (["--set", "lifecyclestage"], 2, "is not of the form FIELD=VALUE"),
        (["--set", "lifecyclestage=nothing"], 2, "It is not one of the options of 'Lifecycle Stage'"),
        (["--association", "secondary"], 2, "secondary"),
    ],
)
async def test_bad_options_are_a_usage_error(
    crm: Scene, hub: Commands, arguments: list[str], code: int, said: str
) -> None:
    rows = [*SETUP["fields"]["contacts"]["rows"], {"source": {"manual": "Stage"}, "crm": "lifecyclestage"}]
    await crm.save_setup({"fields": {**SETUP["fields"], "contacts": {"rows": rows}}})
    await crm.add(CONTACT, ADA)
    done = await hub("export", "contacts", *arguments)
    assert (done.code, await crm.crm(CONTACT)) == (code, {})
    assert said in done.said
    assert not await crm.rows("SELECT id FROM run")


async def test_a_manual_value_is_written(crm: Scene, hub: Commands) -> None:
    rows = [*SETUP["fields"]["contacts"]["rows"], {"source": {"manual": "Stage"}, "crm": "lifecyclestage"}]
    await crm.save_setup({"fields": {**SETUP["fields"], "contacts": {"rows": rows}}})
    await crm.add(CONTACT, ADA)
    assert (await hub("export", "contacts", "--set", "lifecyclestage=lead")).code == 0
    [ada] = (await crm.crm(CONTACT)).values()
    assert ada["lifecyclestage"] == "lead"


async def test_without_a_mapping_the_way_to_one_is_shown(crm: Scene, hub: Commands) -> None:
    await crm.save_setup({})
    await crm.add(CONTACT, ADA)
    done = await hub("export", "contacts")
    assert (done.code, done.out) == (5, "")
    assert "No field of contacts is mapped to HubSpot yet." in done.said
    assert "hub setup" in done.said


async def test_contacts_are_exported_without_ties_when_no_field_of_companies_is_mapped(
    crm: Scene, hub: Commands
) -> None:
    await crm.save_setup({"fields": {"contacts": SETUP["fields"]["contacts"]}})
    [engines] = await crm.add(COMPANY, {"name": "Engines", "domain": "engines.example"})
    await crm.add(CONTACT, {**ADA, "company": engines})
    assert (await hub("export", "contacts")).code == 0
    assert len(await crm.crm(CONTACT)) == 1


async def test_without_a_crm_the_way_to_one_is_shown(hub: Commands) -> None:
    done = await hub("export", "contacts", "--json")
    assert (done.code, done.out) == (1, "")
    assert "No CRM is enabled. -> Connect one and enable it: hub connect KEY, then hub enable KEY." in done.said


async def test_an_export_of_nothing_says_so(crm: Scene, hub: Commands) -> None:
    done = await hub("export", "contacts")
    assert done.code == 0
    assert "no record is selected" in done.said

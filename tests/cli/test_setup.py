"""``hub setup`` and ``hub fields`` as a person or a script runs them."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import orjson
import pytest
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.cli import main
from hub_core.engine.settings import read_settings
from hub_core.engine.simulators import serve
from hub_core.services import connections
from hub_core.services.hub import open_hub
from tests.scene import COMPANY, CONTACT, Scene

PEOPLE = [
    {
        "firstName": f"A{number}",
        "lastName": "B",
        "companyName": "C",
        "jobTitle": "CEO",
        "mobilePhone": "n/a" if number % 2 else "+34612345678",
    }
    for number in range(10)
]
COMPANIES = [{"name": "C", "domain": "c.example", "industry": "Computer Software"}, {"industry": "Space mining"}]


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return orjson.loads(self.out)


@dataclass
class Hub:
    """Runs ``hub ...`` in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *args: str, stdin: str = "") -> Result:
        self.monkeypatch.setattr(sys, "argv", ["hub", *args])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self.capsys.readouterr()
        return Result(cast(int, ended.value.code), printed.out, printed.err)


@pytest.fixture
def hub(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Hub]:
    """A connected CRM without a set-up; ten contacts and two companies in the hub."""
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    with serve(create_app(SimulatorConfig(rate_limit=None, search_limit=None))) as base_url:
        asyncio.run(_prepare(base_url))
        yield Hub(monkeypatch, capsys)


async def _prepare(base_url: str) -> None:
    async with open_hub(read_settings()) as hub, httpx.AsyncClient() as nobody:
        await connections.connect(hub, "hubspot", {"access_token": "pat-simulator"}, base_url=base_url)
        await connections.enable(hub, "hubspot")
        scene = Scene(hub, nobody, base_url)
        await scene.add(CONTACT, *PEOPLE)
        await scene.add(COMPANY, *COMPANIES)


def test_a_new_set_up_says_what_to_do_first(hub: Hub) -> None:
    shown = hub("setup", "show")
    assert shown.code == 0
    assert "hub setup suggest" in shown.out
    assert "LinkedIn profile URL, or First name + Last" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_without_an_active_crm_the_way_to_one_is_shown(hub: Hub) -> None:
    hub("disable", "hubspot")
    shown = hub("setup", "show")
    assert shown.code == 1
    assert "hub enable" in shown.err


def test_a_suggestion_is_saved_only_when_asked_for(hub: Hub) -> None:
    proposed = hub("setup", "suggest")
    assert proposed.code == 0
    assert "jobTitle" in proposed.out
    assert "no option was found for 'Space mining'" in proposed.out
    assert "Nothing was saved" in proposed.err
    assert hub("setup", "show", "--json").data["version"] == 0
    assert "Saved as version 1" in hub("setup", "suggest", "--save").err
    data = hub("setup", "show", "--json").data
    assert (data["version"], data["ok"]) == (1, True)
    assert {row["status"] for row in data["fields"]["contacts"]["rows"]} == {"ok"}
    assert "nothing to add" in hub("setup", "suggest").out


def test_a_suggestion_goes_to_a_file_that_can_be_applied(hub: Hub) -> None:
    hub("setup", "suggest", "-o", "setup.yaml")
    tried = hub("setup", "apply", "setup.yaml", "--dry-run")
    assert "+ fields.contacts.jobtitle: jobTitle, bidirectional" in tried.out
    assert "Nothing was saved" in tried.err
    assert "Saved as version 1" in hub("setup", "apply", "setup.yaml").err
    assert "Nothing changes" in hub("setup", "apply", "setup.yaml").err


def test_an_exported_set_up_can_be_changed_and_applied(hub: Hub) -> None:
    hub("setup", "suggest", "--save")
    exported = hub("setup", "export").out
    assert exported.startswith("# Set-up of HubSpot")
    changed = exported.replace("any_domain_extension: false", "any_domain_extension: true")
    applied = hub("setup", "apply", "-", "--json", stdin=changed).data
    assert applied == {
        "version": 2,
        "saved": True,
        "changes": [{"path": "sync.company.any_domain_extension", "before": "false", "after": "true"}],
    }


def test_a_wrong_file_is_refused_with_the_place(hub: Hub) -> None:
    refused = hub("setup", "apply", "-", stdin="fields: {contacts: {rows: [{source: {hub: a}, crm: b, mode: x}]}}")
    assert refused.code == 2
    assert "fields.contacts.rows[1] (b).mode" in refused.err
    assert "Traceback" not in refused.err
    assert hub("setup", "apply", "missing.yaml").code == 2


def test_settings_are_changed_by_path(hub: Hub) -> None:
    changed = hub("setup", "set", "sync.contact.identifier=name_company", "users.default_owner=ann@simulator.example")
    assert "~ sync.contact.identifier: linkedin_or_name_company -> name_company" in changed.out
    users = hub("setup", "show", "--step", "users").out
    assert "Ann Owner <ann@simulator.example>" in users
    wrong = hub("setup", "set", "sync.contact.identifer=name_company")
    assert wrong.code == 2
    assert "Did you mean 'sync.contact.identifier'" in wrong.err


def test_a_red_row_is_refused_with_reason_and_fix_and_can_be_kept_inactive(hub: Hub) -> None:
    refused = hub("setup", "map", "contacts", "jobTitle=createdate")
    assert refused.code == 5
    assert "read-only" in refused.err
    assert "deactivate" in refused.err
    kept = hub("setup", "map", "contacts", "jobTitle=createdate", "--inactive")
    assert kept.code == 0
    assert "✕ inactive" in hub("setup", "show", "--step", "fields").out


def test_a_company_field_is_refused_in_the_contacts_tab(hub: Hub) -> None:
    refused = hub("setup", "map", "contacts", "foundedYear=city")
    assert refused.code == 5
    assert "Map it in the companies tab" in refused.err


def test_misspelt_fields_and_choices_are_told_with_the_nearest(hub: Hub) -> None:
    for args, near in (
        (("map", "contacts", "jobTitel=jobtitle"), "'jobTitle'"),
        (("map", "contacts", "jobTitle=jobtitel"), "'jobtitle'"),
        (("map", "contacts", "jobTitle=jobtitle", "--mode", "if_emty"), "'if_empty'"),
        (("map", "companies", "industry=industry", "--value", "x=BANKIN"), "'BANKING'"),
        (("unmap", "contacts", "city"), "'city'"),
    ):
        wrong = hub("setup", *args)
        assert wrong.code == 2, args
        assert near in wrong.err


def test_options_may_be_given_by_their_label(hub: Hub) -> None:
    hub("setup", "map", "contacts", "lifecyclestage", "--fixed", "Lead")
    hub("setup", "map", "companies", "industry=industry", "--value", "Money=Banking", "--value", "Foo=")
    fields = hub("setup", "export", "--json").data["fields"]
    assert fields["contacts"]["rows"][0]["source"] == {"fixed": "lead"}
    assert fields["companies"]["rows"][0]["values"] == {"Money": "BANKING", "Foo": None}


def test_a_value_comes_from_one_place(hub: Hub) -> None:
    assert hub("setup", "map", "contacts", "city=city", "--fixed", "Paris").code == 2
    assert hub("setup", "map", "contacts", "city").code == 2


def test_a_row_says_whose_change_stays_in_a_conflict(hub: Hub) -> None:
    mapped = hub("setup", "map", "contacts", "city=city", "--conflict", "review", "--json").data
    assert mapped["changes"] == [
        {"path": "fields.contacts.city", "before": None, "after": "city, bidirectional, conflict: review"}
    ]
    assert hub("setup", "map", "contacts", "city=city", "--conflict", "oldest").code == 2


def test_a_row_is_unmapped(hub: Hub) -> None:
    hub("setup", "map", "contacts", "city=city")
    assert "- fields.contacts.city" in hub("setup", "unmap", "contacts", "city").out
    assert "No field is mapped" in hub("setup", "show", "--step", "fields").out


def test_validating_tries_the_mapping_on_records(hub: Hub) -> None:
    hub("setup", "suggest", "--save")
    tried = hub("setup", "validate", "--records", "8")
    assert tried.code == 0
    assert "4 of 8 would fail: It is not a phone number." in tried.out
    checks = hub("setup", "validate", "--json").data["checks"]["contacts"]
    assert checks["records"] == 10
    assert next(row for row in checks["rows"] if row["field"] == "mobilephone")["failing"] == 5


def test_validating_ends_with_5_when_something_is_red(hub: Hub) -> None:
    hub("setup", "map", "contacts", "city=city")
    assert hub("setup", "validate").code == 5


def test_the_crms_fields_are_listed(hub: Hub) -> None:
    listed = hub("fields", "contacts")
    assert "read-only" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80
    assert "COMPUTER_SOFTWARE" in hub("fields", "companies", "industry").out
    one = hub("fields", "companies", "domain", "--refresh", "--json").data
    assert [field["id"] for field in one] == ["domain"]
    assert hub("fields", "companies", "industri").code == 2

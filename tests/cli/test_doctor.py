"""``hub doctor`` as a person or a script runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.engine.simulators import serve
from tests.cli.test_setup import Hub, _prepare

Admin = Callable[..., Any]


@pytest.fixture
def served(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[Hub, Admin]]:
    """The command line with a mapping, and the back door to its CRM."""
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE_URL", database_url)
    with serve(create_app(SimulatorConfig(rate_limit=None, search_limit=None))) as base_url:
        asyncio.run(_prepare(base_url))
        hub = Hub(monkeypatch, capsys)
        assert hub("setup", "suggest", "--save").code == 0

        def admin(method: str, path: str, **body: Any) -> None:
            httpx.request(method, f"{base_url}/_simulator/{path}", json=body).raise_for_status()

        yield hub, admin


def test_a_healthy_hub_exits_with_nought(served: tuple[Hub, Admin]) -> None:
    hub, _ = served
    told = hub("doctor")
    assert told.code == 0, told.out
    assert "✓ database: PostgreSQL" in told.out
    assert hub("doctor", "--json").data["ok"] is True


def test_a_removed_field_is_told_with_the_commands_that_mend_it(served: tuple[Hub, Admin]) -> None:
    hub, admin = served
    admin("PATCH", "properties/contacts/jobtitle", archived=True)
    told = hub("doctor")
    assert told.code == 5
    assert "✕ CRM fields: contacts: 'Job Title' (jobtitle) is not among the CRM's fields any more" in told.out
    assert "hub setup unmap contacts jobtitle" in told.out
    (drift,) = hub("doctor", "--json").data["drift"]
    assert (drift["field"], drift["problem"], drift["paused"], drift["mendable"]) == (
        "jobtitle",
        "removed",
        True,
        False,
    )
    assert "Nothing was mended" in hub("doctor", "--fix").err
    assert hub("setup", "unmap", "contacts", "jobtitle").code == 0
    assert hub("doctor").code == 0


def test_a_field_under_another_name_is_mended_by_fix(served: tuple[Hub, Admin]) -> None:
    hub, admin = served
    admin("PATCH", "properties/contacts/jobtitle", archived=True)
    definition = {"label": "Job title", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
    admin("POST", "properties", objectType="contacts", name="job_title", **definition)
    told = hub("doctor")
    assert (told.code, "hub doctor --fix" in told.err) == (5, True)
    mended = hub("doctor", "--fix", "--yes")
    assert mended.code == 0
    assert "The new field 'Job title' (job_title) has taken its place" in mended.out
    assert "1 row was mended" in mended.err
    rows = hub("setup", "show", "--json").data["fields"]["contacts"]["rows"]
    assert "job_title" in {row["crm"] for row in rows}


def test_a_warning_is_accepted_on_demand(served: tuple[Hub, Admin]) -> None:
    hub, admin = served
    hub("doctor")
    admin("PATCH", "properties/contacts/jobtitle", type="enumeration", fieldType="select", options=[])
    told = hub("doctor", "--json").data
    accepted = hub("doctor", "--accept", "--json").data["accepted"]
    assert accepted == sum(drift["status"] == "warning" for drift in told["drift"])


def test_a_refused_sign_in_exits_with_four(served: tuple[Hub, Admin]) -> None:
    hub, admin = served
    admin("POST", "config", tokens={"pat-simulator": {"revoked": True}})
    told = hub("doctor")
    assert told.code == 4
    assert "hub connect hubspot" in told.out


def test_a_database_that_is_away_is_a_finding_too(served: tuple[Hub, Admin], monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = served
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql://localhost:1/none")
    told = hub("doctor", "--json")
    assert told.code == 1
    assert [finding["area"] for finding in told.data["findings"]] == ["database"]

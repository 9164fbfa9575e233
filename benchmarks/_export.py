"""The hub's main job in steps, each a process: contacts and the companies they work at, into HubSpot's simulator.

``prepare HOME DATABASE_URL ADDRESS CONTACTS COMPANIES`` imports records and connects; ``export HOME DATABASE_URL``
plans and applies one export of contacts with their companies and ties. HOME is a folder that all steps share.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks._processes import peak_mb
from hub_core.cli._following import carry_on
from hub_core.engine.settings import read_settings
from hub_core.engine.store import setups
from hub_core.model.plan import ExportOptions, RunState
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup
from hub_core.services import connections, export_context, mirroring, runs
from hub_core.services.fields import crm_fields
from hub_core.services.hub import Hub, open_hub
from hub_core.services.importing import import_file

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY

_MAPPED = {
    "contacts": {
        "firstName": "firstname",
        "lastName": "lastname",
        "companyName": "company",
        "linkedInProfileUrl": "hs_linkedin_url",
        "professionalEmail": "email",
        "jobTitle": "jobtitle",
        "mobilePhone": "mobilephone",
        "city": "city",
    },
    "companies": {"name": "name", "domain": "domain", "city": "city"},
}
_CONTACT = ("External ID", "First name", "Last name", "Company", "Company domain", "Email", "Job title", "Mobile phone")
_COMPANY = ("External ID", "Company name", "Domain", "City")


def _contacts(count: int, companies: int) -> Iterable[Sequence[str]]:
    yield (*_CONTACT, "LinkedIn", "City")
    for number in range(count):
        at = number % companies
        yield (
            *(
                f"P{number}",
                f"Ann {number % 997}",
                f"Müller {number % 9_973}",
                f"Company {at} GmbH",
                f"company-{at}.com",
            ),
            *(f"person-{number}@company-{at}.com", "Head of Sales", f"+49 170 {number:07}"),
            *(f"https://www.linkedin.com/in/person-{number}", "Berlin"),
        )


def _companies(count: int) -> Iterable[Sequence[str]]:
    yield _COMPANY
    for number in range(count):
        yield (f"C{number}", f"Company {number} GmbH", f"company-{number}.com", "Berlin")


@asynccontextmanager
async def _hub(home: str, url: str) -> AsyncGenerator[Hub]:
    async with open_hub(read_settings({"HUB_HOME": home, "HUB_DATABASE_URL": url})) as hub:
        yield hub


async def _prepare(home: str, url: str, address: str, contacts: str, companies: str) -> dict[str, Any]:
    """Import, connect, save the set-up, and read the CRM (which is empty) once."""
    async with _hub(home, url) as hub:
        rows = {COMPANY: _companies(int(companies)), CONTACT: _contacts(int(contacts), int(companies))}
        for kind, lines in rows.items():
            path = Path(home) / f"{kind.plural}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(lines)
            await import_file(hub, kind, path)
        await connections.connect(hub, "hubspot", {"access_token": "pat-simulator"}, base_url=address)
        await connections.enable(hub, "hubspot")
        fields = {
            plural: {"rows": [{"source": {"hub": ours}, "crm": theirs} for ours, theirs in mapped.items()]}
            for plural, mapped in _MAPPED.items()
        }
        async with hub.crm() as crm:
            async with hub.db.transaction() as conn:
                await setups.save_setup(conn, crm.stored.id, CrmSetup.model_validate({"fields": fields}), expected=0)
            for kind in (COMPANY, CONTACT):
                known = await crm_fields(hub, crm, kind)
                names = [*_MAPPED[kind.plural].values(), export_context.crm_traits(crm).owner_field]
                await mirroring.refresh(hub, crm, kind, needed=[known[name] for name in names], max_age=0)
    return {}


async def _export(home: str, url: str) -> dict[str, Any]:
    """Seconds for planning and for applying, what became of the records, and the most memory held."""
    async with _hub(home, url) as hub:
        started = time.perf_counter()
        run = await runs.start_export(hub, ExportOptions(kind=CONTACT, with_associated=True))
        run = await carry_on(hub, run, quiet=True)
        assert run.state is RunState.PLANNED, run
        planned = time.perf_counter()
        run = await carry_on(hub, await runs.apply(hub, run.id), quiet=True)
        assert run.state is RunState.DONE, run
        ended = time.perf_counter()
    result = {"plan": planned - started, "apply": ended - planned, "mb": peak_mb()}
    return {**result, "total": run.total, "applied": run.applied, "failed": run.failed, "calls": run.api_calls}


_STEPS = {"prepare": _prepare, "export": _export}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(_STEPS[sys.argv[1]](*sys.argv[2:]))))

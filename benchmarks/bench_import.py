"""Importing contacts from CSV, against the least that stores the same rows: COPY to staging and an upsert.

Ours reads and checks 12 columns, recognises identities and duplicates, merges values, makes match keys and ties
contacts to companies. Theirs is handed finished rows and merges them into a table of the same shape.
"""

from __future__ import annotations

import csv
import random
import tempfile
import time
from pathlib import Path

import orjson
import psycopg

from benchmarks._measure import Measurement
from hub_core.engine.settings import read_settings
from hub_core.engine.store.database import execute
from hub_core.model.records import RecordKind
from hub_core.services.hub import Hub, open_hub
from hub_core.services.importing import import_file

HEADINGS = {
    "External ID": "externalId",
    "First name": "firstName",
    "Last name": "lastName",
    "Job title": "jobTitle",
    "Company": "companyName",
    "Company domain": "domain",
    "Email": "professionalEmail",
    "Mobile phone": "mobilePhone",
    "LinkedIn": "linkedInProfileUrl",
    "City": "city",
    "Country": "contactCountry",
    "Birthday": "birthday",
}
_FIRST = ("Ada", "Grace", "Alan", "Zoë", "José", "Łukasz", "Søren", "Marie", "Chloé", "Ivan", "Mia", "Noah")
_LAST = ("Lovelace", "Hopper", "Turing", "Müller", "Peña", "Żółw", "Kierkegaard", "Curie", "O'Neil", "Petrov")
_TITLES = ("CEO", "Head of Sales", "VP Marketing, EMEA", 'Engineer "R&D"', "Buyer")


def contacts(count: int, seed: int = 7) -> list[list[str]]:
    """Rows of contacts; about five work for each company."""
    chance = random.Random(seed)
    rows: list[list[str]] = []
    for number in range(count):
        first, last, company = chance.choice(_FIRST), chance.choice(_LAST), chance.randrange(count // 5 + 1)
        name = f"Company {company} {chance.choice(('GmbH', 'Inc.', 'Ltd'))}"
        rows.append(
            [
                *(f"C{number:07}", first, f"{last}-{number}", chance.choice(_TITLES), name, f"company{company}.com"),
                *(f"person{number}@company{company}.com", f"+49 170 {number:07}"),
                *(f"https://www.linkedin.com/in/person-{number}", "Berlin", "Germany"),
                f"19{number % 60 + 40}-{number % 12 + 1:02}-{number % 28 + 1:02}",
            ]
        )
    return rows


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        writer.writerows(rows)


async def _bare(url: str, workspace_id: int, rows: list[list[str]]) -> float:
    """Seconds for COPY and upsert of the same rows into a table of the same shape, without anything else."""
    fields = list(HEADINGS.values())
    finished = [(row[0], orjson.dumps(dict(zip(fields[1:], row[1:], strict=True))).decode()) for row in rows]
    async with await psycopg.AsyncConnection.connect(url) as conn:
        await conn.execute(
            "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "workspace_id bigint NOT NULL REFERENCES workspace, "
            "kind text NOT NULL, external_id text NOT NULL, values jsonb NOT NULL, "
            "created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), "
            "UNIQUE (workspace_id, kind, external_id))"
        )
        await conn.commit()
        start = time.perf_counter()
        await conn.execute("CREATE TEMPORARY TABLE given (external_id text, values jsonb) ON COMMIT DROP")
        async with conn.cursor() as cursor, cursor.copy("COPY given FROM STDIN") as copy:
            for row in finished:
                await copy.write_row(row)
        await conn.execute(
            "INSERT INTO bare (workspace_id, kind, external_id, values) "
            "SELECT %s, 'contact', external_id, values FROM given "
            "ON CONFLICT (workspace_id, kind, external_id) DO UPDATE SET values = excluded.values",
            [workspace_id],
        )
        await conn.commit()
        took = time.perf_counter() - start
        await conn.execute("DROP TABLE bare")
    return took


async def _ours(hub: Hub, path: Path) -> float:
    start = time.perf_counter()
    await import_file(hub, RecordKind.CONTACT, path)
    return time.perf_counter() - start


async def measure(database_url: str, scale: float = 1.0) -> list[Measurement]:
    """``scale`` 1 is 100,000 contacts. The database should be empty."""
    count = int(100_000 * scale)
    rows = contacts(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        write_csv(path, rows)
        settings = read_settings({"HUB_DATABASE_URL": database_url, "HUB_HOME": folder, "HUB_WORKSPACE": "bench"})
        async with open_hub(settings) as hub:
            theirs = min([await _bare(database_url, hub.workspace_id, rows) for _ in range(3)])
            first = await _ours(hub, path)
            again = await _ours(hub, path)
            async with hub.db.transaction() as conn:
                await execute(conn, "DELETE FROM record WHERE workspace_id = %s", [hub.workspace_id])
    against = "bare COPY and upsert"
    return [
        Measurement(f"import {count:,} contacts of 12 columns from CSV", against, first, theirs, "s", 3.0),
        Measurement(f"import the same {count:,} contacts again", against, again, theirs, "s", 3.0),
    ]

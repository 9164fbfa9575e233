"""``hub match`` as a person or a script runs it, in a process of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import orjson
import pytest

from tests.scene import CONTACT, Scene, scene


@pytest.fixture
async def crm(database_url: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    async with scene(database_url, str(tmp_path), search_lag=0) as made:
        await made.add(
            CONTACT,
            {"firstName": "Ann", "lastName": "Lee", "companyName": "Acme [GmbH]"},
            {"firstName": "Bob", "lastName": "Ray", "companyName": "Acme"},
        )
        await made.seed(CONTACT, {"firstname": "ANN", "lastname": "lee", "company": "Acme"})
        yield made


async def match(crm: Scene, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HUB_HOME": str(home), "HUB_DATABASE_URL": crm.hub.db.url}
    command = [sys.executable, "-c", "from hub_core.cli import main; main()", "match", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, check=False, timeout=60
    )


async def test_json_tells_each_records_outcome_and_why(crm: Scene, tmp_path: Path) -> None:
    done = await match(crm, tmp_path, "contacts", "--json")
    assert done.returncode == 0, done.stderr
    document = orjson.loads(done.stdout)
    ann, bob = document["records"]
    assert (ann["outcome"], bob["outcome"]) == ("unique", "none")
    (hit,) = ann["candidates"][0]["matches"]
    assert hit["on"] == {"firstName": "ann", "lastName": "lee", "companyName": "acme"}
    assert "call" in document["route"]["reason"]


async def test_the_table_says_it_in_words(crm: Scene, tmp_path: Path) -> None:
    done = await match(crm, tmp_path, "contacts", "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "Ann Lee" in done.stdout
    assert "1 unique" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


async def test_an_unknown_field_in_a_filter_is_a_usage_error(crm: Scene, tmp_path: Path) -> None:
    done = await match(crm, tmp_path, "contacts", "--filter", "shoe=44")
    assert done.returncode == 2
    assert "shoe" in done.stderr

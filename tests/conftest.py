"""Fixtures for all tests: a real PostgreSQL (the embedded one), a fresh database for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from hub_core.engine import embedded
from hub_core.engine.store import migrations
from hub_core.engine.store.database import Database, connect

_TEMPLATE = "hub_test_template"


def _url_of(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that holds a migrated template database. One per test process."""
    given = os.environ.get("HUB_TEST_DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="hub-test-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "postgres"
        server = given or embedded.start(data)
        template = f"{_TEMPLATE}_{os.getpid()}"
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {template}")
            conn.execute(f"CREATE DATABASE {template}")
        migrations._run(_url_of(server, template))
        yield server
        if given:
            with psycopg.connect(server, autocommit=True) as conn:
                conn.execute(f"DROP DATABASE IF EXISTS {template} WITH (FORCE)")
        else:
            embedded.stop(data)


@pytest.fixture
def database_url(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"hub_test_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**12}"
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}_{os.getpid()}")
    yield _url_of(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The hub's database, open."""
    database = await connect(database_url, pool_size=4)
    yield database
    await database.close()

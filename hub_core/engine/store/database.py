"""The hub's database: a pool of connections to PostgreSQL, brought to the present schema when it is opened.

SQL is written out in the modules beside this one; psycopg runs it. Rows come back as dicts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias, cast

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hub_core.engine import embedded
from hub_core.engine.settings import HubSettings
from hub_core.errors import DatabaseUnavailable

Row: TypeAlias = DictRow
Conn: TypeAlias = "AsyncConnection[DictRow]"
Params: TypeAlias = "Mapping[str, Any] | Sequence[Any] | None"

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


_BY_INDEX = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)"
)


class Database:
    """``transaction()`` gives a connection; it commits at the end and rolls back on an error."""

    def __init__(self, url: str, pool: AsyncConnectionPool[Conn]) -> None:
        self.url = url
        self._pool = pool

    @asynccontextmanager
    async def transaction(self, *, batch: bool = False) -> AsyncGenerator[Conn]:
        """``batch``: every statement is about a few hundred rows, to be found by index however large and new the tables
        are; the planner cannot know that of tables that grow faster than their statistics.

        Raises `DatabaseUnavailable` when the server is gone.
        """
        try:
            async with self._pool.connection() as conn:
                if batch:
                    await conn.execute(_BY_INDEX)
                yield conn
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseUnavailable(
                "The hub's database does not answer.", fix="Start it again; what was stored is kept, and runs resume."
            ) from error

    async def close(self) -> None:
        await self._pool.close()


async def open_database(settings: HubSettings, *, pool_size: int = 8) -> Database:
    """Start the embedded server if that is the one to use, migrate, and connect.

    Raises `DatabaseUnavailable`.
    """
    url = settings.database_url or embedded.start(settings.embedded_data)
    return await connect(url, pool_size=pool_size)


async def connect(url: str, *, pool_size: int = 8) -> Database:
    """Connect to the PostgreSQL at ``url``, bringing its schema up to date first."""
    from hub_core.engine.store import migrations

    try:
        await migrations.upgrade(url)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"The hub's database cannot be reached: {str(error).strip().splitlines()[0]}",
            fix="Check HUB_DATABASE_URL, or start the database.",
        ) from error
    pool: AsyncConnectionPool[Conn] = AsyncConnectionPool(
        url,
        connection_class=cast("type[Conn]", AsyncConnection),
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=pool_size,
        timeout=10,
        open=False,
        check=cast(Any, AsyncConnectionPool.check_connection),
    )
    await pool.open()
    return Database(url, pool)


async def all_rows(conn: Conn, sql: str, params: Params = None) -> list[Row]:
    """Every row of a query."""
    return await (await conn.execute(cast(LiteralString, sql), params)).fetchall()


async def one_row(conn: Conn, sql: str, params: Params = None) -> Row | None:
    """The first row of a query, None when there is none."""
    return await (await conn.execute(cast(LiteralString, sql), params)).fetchone()


async def value(conn: Conn, sql: str, params: Params = None) -> Any:
    """The first column of the first row, None when there is none."""
    row = await one_row(conn, sql, params)
    return None if row is None else next(iter(row.values()))


async def refresh_statistics(conn: Conn, tables: Sequence[str]) -> None:
    """Tell PostgreSQL's planner about tables of which half or more is new since it last looked."""
    grown = await all_rows(
        conn,
        "SELECT oid::regclass::text AS name FROM pg_class WHERE oid = ANY(%s::regclass[])"
        " AND (reltuples < 0 OR pg_relation_size(oid) / 8192 > 1.5 * greatest(relpages, 4)"
        " OR pg_stat_get_mod_since_analyze(oid) > 0.5 * greatest(reltuples, 100))",
        [list(tables)],
    )
    for table in grown:
        await execute(conn, f"ANALYZE {table['name']}")


async def server_version(conn: Conn) -> str:
    """The PostgreSQL server's version, like "16.4"."""
    version: str = await value(conn, "SHOW server_version")
    return version.split(maxsplit=1)[0]


async def execute(conn: Conn, sql: str, params: Params = None) -> int:
    """Run a statement; returns how many rows it touched."""
    return (await conn.execute(cast(LiteralString, sql), params)).rowcount

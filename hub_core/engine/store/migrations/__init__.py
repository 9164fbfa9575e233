"""The schema's versions, carried out by Alembic; each version is a file of SQL in ``versions/``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
#: The newest version. A database that has it is opened without loading Alembic.
HEAD = "0001"


async def upgrade(url: str) -> None:
    """Bring the database at ``url`` to `HEAD`; several processes may call this at the same moment."""
    async with await psycopg.AsyncConnection.connect(url) as conn:
        known = await (await conn.execute("SELECT to_regclass('alembic_version') IS NOT NULL")).fetchone()
        if known and known[0]:
            version = await (await conn.execute("SELECT version_num FROM alembic_version")).fetchone()
            if version and version[0] == HEAD:
                return
    await asyncio.to_thread(_run, url)


def _run(url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    command.upgrade(config, "head")

"""The set-up documents: every saved version is kept, the newest one counts."""

from __future__ import annotations

from hub_core.engine.store.database import Conn, execute, one_row
from hub_core.errors import NotPossible
from hub_core.model.setup import CrmSetup


async def load_setup(conn: Conn, connection_id: int) -> tuple[int, CrmSetup]:
    """The newest version and its number; version 0 with the defaults when nothing has been saved."""
    row = await one_row(
        conn,
        "SELECT version, document FROM setup WHERE connection_id = %s ORDER BY version DESC LIMIT 1",
        [connection_id],
    )
    return (0, CrmSetup()) if row is None else (row["version"], CrmSetup.model_validate(row["document"]))


async def setup_at(conn: Conn, connection_id: int, version: int) -> CrmSetup:
    """The set-up as it was saved as ``version``."""
    row = await one_row(
        conn, "SELECT document FROM setup WHERE connection_id = %s AND version = %s", [connection_id, version]
    )
    return CrmSetup() if row is None else CrmSetup.model_validate(row["document"])


async def save_setup(conn: Conn, connection_id: int, setup: CrmSetup, *, expected: int) -> int:
    """Save as the version after ``expected``. Raises `NotPossible` when somebody else saved meanwhile."""
    saved = await execute(
        conn,
        "INSERT INTO setup (connection_id, version, document) VALUES (%s, %s, %s::jsonb) ON CONFLICT DO NOTHING",
        [connection_id, expected + 1, setup.model_dump_json()],
    )
    if not saved:
        raise NotPossible("Somebody else saved the set-up meanwhile.", fix="Look at it again, then repeat your change.")
    return expected + 1

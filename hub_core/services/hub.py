"""The hub opened for one workspace, and its connections opened for use."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from hub_core.connection import Connection
from hub_core.engine.connectors import Connector, connector
from hub_core.engine.http import VendorHttp, open_http
from hub_core.engine.settings import HubSettings
from hub_core.engine.store import connections, workspaces
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.database import Database, open_database
from hub_core.engine.vault import Vault, open_vault
from hub_core.errors import CredentialsRejected, NotPossible, SetupInvalid
from hub_core.manifest import Settings


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A connection in use: what is stored, the plugin, what its hooks receive, the HTTP client with its counters."""

    stored: StoredConnection
    connector: Connector
    connection: Connection
    http: VendorHttp


class Hub:
    """The hub's database and secrets, and the workspace that is worked in."""

    def __init__(self, settings: HubSettings, db: Database, workspace_id: int, workspace: str, vault: Vault) -> None:
        self.settings = settings
        self.db = db
        self.workspace_id = workspace_id
        self.workspace = workspace
        self.vault = vault

    @asynccontextmanager
    async def crm(self) -> AsyncGenerator[OpenConnection]:
        """The active CRM, open. Raises `NotPossible` when none is enabled, and what `open` raises."""
        async with self.db.transaction() as conn:
            stored = await workspaces.active_crm(conn, self.workspace_id)
        if stored is None:
            raise NotPossible(
                "No CRM is enabled.", fix="Connect one and enable it: hub connect KEY, then hub enable KEY."
            )
        async with self.open(stored) as opened:
            yield opened

    @asynccontextmanager
    async def connection(self, key: str) -> AsyncGenerator[OpenConnection]:
        """The workspace's connection to ``key``, open, whether it is enabled or not."""
        async with self.open(await self.stored(key)) as opened:
            yield opened

    async def stored(self, key: str) -> StoredConnection:
        """The workspace's connection to ``key``; raises `NotPossible` when there is none."""
        async with self.db.transaction() as conn:
            stored = await connections.find_connection(conn, self.workspace_id, key)
        if stored is None:
            raise NotPossible(f"{key} is not connected.", fix=f"Connect it first: hub connect {key}")
        return stored

    @asynccontextmanager
    async def open(self, stored: StoredConnection) -> AsyncGenerator[OpenConnection]:
        """Open a stored connection for the length of the block.

        Raises `PluginBroken`, `SetupInvalid` (the plugin does not accept the stored settings any more). When the block
        ends with `CredentialsRejected`, the connection is marked "reconnect".
        """
        loaded = connector(stored.key, stored.kind)
        async with self.db.transaction() as conn:
            sealed = await connections.load_secrets(conn, stored.id)
        secrets = {each.name: self.vault.open(stored.workspace_id, stored.id, each) for each in sealed}
        try:
            settings = loaded.manifest.settings.model_validate({**stored.settings, **secrets})
        except ValidationError as error:
            names = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}))
            raise SetupInvalid(
                f"The installed version of {loaded.manifest.name} needs other settings than those stored: {names}.",
                fix=f"Connect it again: hub connect {stored.key}",
            ) from None  # its text repeats what was stored
        async with open_vendor(loaded, stored.base_url, settings, stored.account.id, self.db) as http:
            ready = Connection(stored.workspace, stored.key, settings, stored.base_url, http)
            try:
                yield OpenConnection(stored, loaded, ready, http)
            except CredentialsRejected as error:
                await self.mark_reconnect(stored, error.message)
                raise

    async def mark_reconnect(self, stored: StoredConnection, reason: str) -> None:
        """Remember that the vendor does not accept the connection's credentials any more."""
        async with self.db.transaction() as conn:
            await connections.set_health(conn, stored.id, connections.RECONNECT, reason)


@asynccontextmanager
async def open_hub(settings: HubSettings, *, pool_size: int = 8) -> AsyncGenerator[Hub]:
    """The hub for the settings' workspace, which is made if there is none. Raises `DatabaseUnavailable`."""
    db = await open_database(settings, pool_size=pool_size)
    try:
        async with db.transaction() as conn:
            number = await workspaces.workspace_id(conn, settings.workspace)
        yield Hub(settings, db, number, settings.workspace, open_vault(settings))
    finally:
        await db.close()


def open_vendor(
    loaded: Connector, base_url: str, settings: Settings, account: str, db: Database | None
) -> AbstractAsyncContextManager[VendorHttp]:
    """The HTTP client of a plugin, with the limits of its manifest. ``db`` None keeps the API budget in memory."""
    manifest = loaded.manifest
    return open_http(
        key=loaded.key,
        name=manifest.name,
        base_url=base_url,
        auth=manifest.auth,
        settings=settings,
        limits=manifest.limits,
        limit_headers=manifest.limit_headers,
        share=manifest.share,
        account=f"{loaded.key}:{account}",
        db=db,
    )

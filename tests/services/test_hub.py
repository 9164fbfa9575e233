from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.engine.settings import HubSettings, read_settings
from hub_core.engine.simulators import serve
from hub_core.engine.store.database import all_rows, execute
from hub_core.errors import CredentialsRejected, NotPossible, SetupInvalid
from hub_core.model.records import RecordKind
from hub_core.services import connections
from hub_core.services.hub import Hub, open_hub

GOOD, REVOKED = "pat-good", "pat-revoked"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> HubSettings:
    return read_settings({"HUB_DATABASE_URL": database_url, "HUB_HOME": str(tmp_path / "home")})


@pytest.fixture
def hubspot() -> Generator[str]:
    """An account that accepts one token for good and another one for two requests."""
    config = SimulatorConfig(access_tokens=frozenset({GOOD, REVOKED}), token_requests={REVOKED: 2})
    with serve(create_app(config)) as base_url:
        yield base_url


@pytest.fixture
async def hub(settings: HubSettings, hubspot: str) -> AsyncGenerator[Hub]:
    async with open_hub(settings) as opened:
        await connections.connect(opened, "hubspot", {"access_token": GOOD}, base_url=hubspot)
        await connections.enable(opened, "hubspot")
        yield opened


async def test_without_an_active_crm_the_hub_says_what_to_do(settings: HubSettings) -> None:
    async with open_hub(settings) as hub:
        with pytest.raises(NotPossible, match="hub enable KEY"):
            async with hub.crm():
                pass


async def test_the_active_crm_is_opened_ready_to_be_asked(hub: Hub) -> None:
    async with hub.crm() as crm:
        fields = await crm.connector.list_fields(crm.connection, RecordKind.CONTACT)
        assert crm.http.calls > 0
    assert any(field.id == "email" for field in fields)


async def test_the_api_budget_is_kept_by_plugin_and_account(hub: Hub) -> None:
    async with hub.crm() as crm:
        await crm.connector.list_fields(crm.connection, RecordKind.CONTACT)
        account = f"hubspot:{crm.stored.account.id}"
    async with hub.db.transaction() as conn:
        assert {row["account"] for row in await all_rows(conn, "SELECT account FROM api_budget")} == {account}


async def test_a_refused_token_marks_the_connection_until_it_is_connected_again(hub: Hub, hubspot: str) -> None:
    await connections.connect(hub, "hubspot", {"access_token": REVOKED})
    with pytest.raises(CredentialsRejected):
        async with hub.crm() as crm:
            for _ in range(5):
                await crm.connector.authenticate(crm.connection)
    (card,) = await connections.status(hub)
    assert (card.connection.health, card.state, card.fix) == ("reconnect", "action needed", "hub connect hubspot")
    assert card.why
    await connections.connect(hub, "hubspot", {"access_token": GOOD})
    (card,) = await connections.status(hub)
    assert (card.connection.health, card.state, card.connection.enabled) == ("connected", "connected", True)


async def test_another_master_key_is_refused_when_a_connection_is_opened(
    hub: Hub, settings: HubSettings, tmp_path: Path
) -> None:
    async with open_hub(replace(settings, secret_key_file=tmp_path / "other.key")) as stranger:
        with pytest.raises(SetupInvalid, match="another key"):
            async with stranger.crm():
                pass
        await connections.connect(stranger, "hubspot", {"access_token": GOOD})  # connecting again mends it
        async with stranger.crm() as crm:
            assert crm.stored.account.id


async def test_stored_settings_that_the_plugin_has_dropped_are_named_and_not_repeated(hub: Hub) -> None:
    async with hub.db.transaction() as conn:
        await execute(conn, """UPDATE connection SET settings = '{"old_option": "canary"}'""")
    with pytest.raises(SetupInvalid, match="old_option") as caught:
        async with hub.crm():
            pass
    assert "canary" not in str(caught.value)


async def test_workspaces_do_not_see_each_others_connections(hub: Hub, settings: HubSettings) -> None:
    async with open_hub(replace(settings, workspace="elsewhere")) as other:
        assert await connections.status(other) == []
        with pytest.raises(NotPossible):
            await other.stored("hubspot")

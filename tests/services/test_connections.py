from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from hub_hubspot.simulator import SimulatorConfig, create_app

from hub_core.engine.settings import HubSettings, read_settings
from hub_core.engine.simulators import serve
from hub_core.engine.store.database import all_rows, value
from hub_core.errors import BadInput, CredentialsRejected, NotPossible, OneActiveCrm, UnknownName
from hub_core.services import connections
from hub_core.services.hub import Hub, open_hub
from tests.packages import Packages, packages

TOKEN = "pat-canary-7f3a9"
OTHER_CRM = """
from hub_core.plugin import *
from pydantic import Field, SecretStr

class Its(Settings):
    token: SecretStr = Field(description="The API token")
    depth: int = Field(1, ge=1, description="How deep")
    region: str

class Crm:
    manifest = Manifest(name="Other CRM", base_url="https://other.example", settings=Its, crm=CrmTraits())

    @hookimpl
    async def authenticate(self, connection):
        if connection.settings.token.get_secret_value() == "wrong":
            raise CredentialsRejected("Other CRM refused the token.")
        return Account(connection.settings.region, "Account " + connection.settings.region)

    @hookimpl
    async def list_fields(self): ...
    @hookimpl
    async def match(self): ...
    @hookimpl
    async def export(self): ...
    @hookimpl
    async def sync(self): ...

plugin = Crm()
"""
GIVEN = {"token": TOKEN, "region": "eu"}


@pytest.fixture
def site(tmp_path: Path) -> Generator[Packages]:
    with packages(tmp_path / "site") as made:
        made.add("hub-other", "other", OTHER_CRM, kind="crm")
        yield made


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> HubSettings:
    return read_settings({"HUB_DATABASE_URL": database_url, "HUB_HOME": str(tmp_path / "home")})


@pytest.fixture
async def hub(settings: HubSettings, site: Packages) -> AsyncGenerator[Hub]:
    async with open_hub(settings) as opened:
        yield opened


@pytest.fixture
def hubspot() -> Generator[str]:
    with serve(create_app(SimulatorConfig(access_tokens=frozenset({TOKEN})))) as base_url:
        yield base_url


async def test_connecting_asks_the_vendor_and_stores_the_account(hub: Hub, hubspot: str) -> None:
    stored = await connections.connect(hub, "hubspot", {"access_token": TOKEN}, base_url=hubspot + "/")
    assert (stored.key, stored.kind, stored.base_url) == ("hubspot", "crm", hubspot)
    assert stored.account.id
    assert stored.settings == {}
    assert not stored.enabled


async def test_refused_credentials_store_nothing(hub: Hub, hubspot: str) -> None:
    with pytest.raises(CredentialsRejected) as caught:
        await connections.connect(hub, "hubspot", {"access_token": "pat-wrong-key"}, base_url=hubspot)
    assert "pat-wrong-key" not in str(caught.value)
    assert await connections.status(hub) == []


async def test_settings_and_secrets_are_kept_apart_and_come_back_together(hub: Hub) -> None:
    stored = await connections.connect(hub, "other", {**GIVEN, "depth": "2"})
    assert stored.settings == {"depth": 2, "region": "eu"}
    async with hub.connection("other") as opened:
        held: Any = opened.connection.settings
    assert (held.token.get_secret_value(), held.depth, held.region) == (TOKEN, 2, "eu")


async def test_a_secret_is_nowhere_in_a_dump_of_the_database(hub: Hub, database_url: str) -> None:
    stored = await connections.connect(hub, "other", GIVEN)
    async with hub.db.transaction() as conn:
        tables = await all_rows(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            rows = await all_rows(conn, f"SELECT to_jsonb(t)::text AS row FROM {table['tablename']} t")
            assert not any(TOKEN in row["row"] for row in rows)
        sealed = await value(conn, "SELECT ciphertext FROM secret")
    assert TOKEN.encode() not in bytes(sealed)
    assert TOKEN not in repr(stored)


async def test_connecting_again_keeps_what_is_not_given(hub: Hub) -> None:
    await connections.connect(hub, "other", {**GIVEN, "depth": 4})
    stored = await connections.connect(hub, "other", {"token": "another"})
    assert stored.settings == {"depth": 4, "region": "eu"}
    await connections.connect(hub, "other", {"depth": 5})
    async with hub.connection("other") as opened:
        assert opened.connection.settings.token.get_secret_value() == "another"  # type: ignore[attr-defined]


async def test_a_secret_is_not_sent_to_another_address_unless_given_again(hub: Hub) -> None:
    await connections.connect(hub, "other", GIVEN)
    with pytest.raises(BadInput, match="token: is missing"):
        await connections.connect(hub, "other", {}, base_url="https://elsewhere.example")


async def test_a_connection_does_not_change_over_to_another_account(hub: Hub) -> None:
    await connections.connect(hub, "other", GIVEN)
    with pytest.raises(NotPossible, match=r"another Other CRM account \(Account us\)"):
        await connections.connect(hub, "other", {"region": "us"})
    assert (await hub.stored("other")).account.id == "eu"


async def test_all_settings_at_fault_are_named_in_one_message_without_their_values(hub: Hub) -> None:
    with pytest.raises(BadInput) as caught:
        await connections.connect(hub, "other", {"token": 12345678, "depth": "-987"})
    message = str(caught.value)
    assert "token: is not acceptable" in message
    assert "depth: input should be greater than or equal to 1" in message
    assert "region: is missing" in message
    assert "12345678" not in message
    assert "987" not in message


async def test_an_unknown_setting_names_the_nearest(hub: Hub) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'region'"):
        await connections.connect(hub, "other", {**GIVEN, "regoin": "eu"})


@pytest.mark.parametrize(
    "base_url",
    ["api.example.com", "ftp://x.example", "https://", "https://u:p@x.example", "https://x.example?a=b", "http://x:y"],
)
async def test_a_base_url_has_to_be_a_whole_http_address(hub: Hub, base_url: str) -> None:
    with pytest.raises(BadInput, match="base URL"):
        await connections.connect(hub, "other", GIVEN, base_url=base_url)


async def test_a_second_crm_cannot_be_enabled_beside_the_active_one(hub: Hub, hubspot: str) -> None:
    await connections.connect(hub, "hubspot", {"access_token": TOKEN}, base_url=hubspot)
    await connections.connect(hub, "other", GIVEN)
    assert (await connections.enable(hub, "hubspot")).enabled
    assert (await connections.enable(hub, "hubspot")).enabled
    with pytest.raises(OneActiveCrm) as caught:
        await connections.enable(hub, "other")
    assert caught.value.active == "hubspot"
    assert not (await connections.disable(hub, "other")).enabled  # takes nothing from the active one
    async with hub.crm() as crm:
        assert crm.stored.key == "hubspot"
    await connections.disable(hub, "hubspot")
    assert (await connections.enable(hub, "other")).enabled


async def test_of_two_that_enable_at_the_same_moment_exactly_one_wins(
    hub: Hub, settings: HubSettings, hubspot: str
) -> None:
    await connections.connect(hub, "hubspot", {"access_token": TOKEN}, base_url=hubspot)
    await connections.connect(hub, "other", GIVEN)
    async with open_hub(settings) as second:
        for _ in range(10):
            results = await asyncio.gather(
                connections.enable(hub, "hubspot"), connections.enable(second, "other"), return_exceptions=True
            )
            winners = [result.key for result in results if not isinstance(result, BaseException)]
            assert len(winners) == 1
            assert sum(isinstance(result, OneActiveCrm) for result in results) == 1
            async with hub.db.transaction() as conn:
                active = await value(conn, "SELECT c.key FROM workspace w JOIN connection c ON c.id = w.active_crm")
            assert [active] == winners
            await connections.disable(hub, winners[0])


async def test_what_is_not_connected_cannot_be_enabled(hub: Hub) -> None:
    with pytest.raises(NotPossible, match="other is not connected"):
        await connections.enable(hub, "other")


async def test_a_connection_without_its_plugin_is_a_card_that_says_so(hub: Hub, site: Packages) -> None:
    await connections.connect(hub, "other", GIVEN)
    (site.folder / "hub_other-1.2.dist-info" / "entry_points.txt").write_text("")
    connections.discovery.rescan()
    (card,) = await connections.status(hub)
    assert (card.state, card.why) == ("action needed", "Its plugin is not installed.")


def test_the_settings_of_a_plugin_are_asked_for_in_its_own_words(site: Packages) -> None:
    from hub_core.engine.connectors import connector

    asked = connections.settings_of(connector("other").manifest)
    assert [(one.name, one.description, one.secret, one.required, one.default) for one in asked] == [
        ("token", "The API token", True, True, ""),
        ("depth", "How deep", False, False, "1"),
        ("region", "region", False, True, ""),
    ]

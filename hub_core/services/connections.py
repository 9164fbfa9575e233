"""Connecting integrations, switching them on and off, and how they fare."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from hub_core.connection import Connection
from hub_core.engine import discovery
from hub_core.engine.connectors import Connector, connector
from hub_core.engine.store import connections, workspaces
from hub_core.engine.store.connections import StoredConnection
from hub_core.engine.store.crm_fields import forget_fields
from hub_core.errors import BadInput, HubError, NotPossible, OneActiveCrm, SetupInvalid, UnknownName
from hub_core.manifest import Manifest, Settings
from hub_core.model.records import Account
from hub_core.services.hub import Hub, open_vendor


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a plugin, as a person is asked for it. ``default`` is text, "" when there is none."""

    name: str
    description: str
    secret: bool
    required: bool
    default: str = ""


def settings_of(manifest: Manifest) -> list[Setting]:
    """What a plugin has to be told, in the order in which its settings class says it."""
    return [
        Setting(
            name,
            field.description or field.title or name.replace("_", " "),
            _is_secret(field.annotation),
            field.is_required(),
            "" if field.is_required() or field.default is None else str(field.default),
        )
        for name, field in manifest.settings.model_fields.items()
    ]


async def kept_settings(hub: Hub, key: str, base_url: str | None = None) -> dict[str, Any]:
    """What connecting ``key`` again takes over from the stored connection, secrets included: those that the present
    master key opens, and none for another ``base_url``. Empty when nothing is stored."""
    stored = await _find(hub, key)
    if stored is None:
        return {}
    known = connector(key).manifest.settings.model_fields  # an upgraded plugin may have dropped one
    kept = dict(stored.settings)
    if base_url is None or base_url.rstrip("/") == stored.base_url:
        async with hub.db.transaction() as conn:
            sealed = await connections.load_secrets(conn, stored.id)
        for each in sealed:
            with contextlib.suppress(SetupInvalid):
                kept[each.name] = hub.vault.open(hub.workspace_id, stored.id, each)
    return {name: value for name, value in kept.items() if name in known}


async def connect(hub: Hub, key: str, given: Mapping[str, Any], *, base_url: str | None = None) -> StoredConnection:
    """Connect the integration ``key``, or connect it again; ``given`` holds settings and secrets by name.

    Connecting again keeps the stored settings that are not given, the secrets only for the same ``base_url``. Nothing
    is stored before the vendor has said who we are. Raises `UnknownName`, `PluginBroken`, `BadInput` (naming the
    settings at fault), `NotPossible` (another account at the vendor), and what `authenticate` raises.
    """
    loaded = connector(key)
    before = await _find(hub, key)
    address = _address(loaded, base_url or (before.base_url if before else loaded.manifest.base_url))
    settings = _validated(loaded, {**await kept_settings(hub, key, base_url), **given})
    account = await _authenticated(loaded, hub.workspace, address, settings)
    if before and before.account.id != account.id:
        raise NotPossible(
            f"These credentials are for another {loaded.manifest.name} account ({account.label}); this workspace is "
            f"connected to {before.account.label}, and its links belong there.",
            fix=f"Use a workspace of its own for it: HUB_WORKSPACE=name hub connect {key}",
        )
    return await _saved(hub, loaded, settings, address, account)


async def enable(hub: Hub, key: str) -> StoredConnection:
    """Make the connected CRM ``key`` the active one, or switch an integration of another kind on.

    Raises `NotPossible` when it is not connected, `OneActiveCrm` while another CRM is active, `PluginBroken`.
    """
    stored = await hub.stored(key)
    connector(key, stored.kind)
    async with hub.db.transaction() as conn:
        if stored.kind != "crm":
            await connections.set_enabled(conn, stored.id, True)
        elif not await workspaces.switch_crm(conn, hub.workspace_id, expected=None, to=stored.id):
            active = await workspaces.active_crm(conn, hub.workspace_id)
            if active is None or active.id != stored.id:
                raise OneActiveCrm(active.key if active else "Another CRM", key)
    return await hub.stored(key)


async def disable(hub: Hub, key: str) -> StoredConnection:
    """Take ``key`` out of use; it stays connected, and a run that has started with it goes on.

    Raises `NotPossible` when it is not connected.
    """
    stored = await hub.stored(key)
    async with hub.db.transaction() as conn:
        if stored.kind == "crm":
            await workspaces.switch_crm(conn, hub.workspace_id, expected=stored.id, to=None)
        else:
            await connections.set_enabled(conn, stored.id, False)
    return await hub.stored(key)


@dataclass(frozen=True, slots=True)
class Card:
    """One connection and what a person should know of it. ``state``: "connected", or "action needed" with why and the
    mend."""

    connection: StoredConnection
    state: str
    why: str = ""
    fix: str = ""


async def status(hub: Hub) -> list[Card]:
    """Every connection of the workspace, the active CRM first. Asks no vendor and imports no plugin."""
    async with hub.db.transaction() as conn:
        stored = await connections.list_connections(conn, hub.workspace_id)
    installed = {plugin.key: plugin for plugin in discovery.installed()}
    return [_card(each, installed.get(each.key)) for each in stored]


async def _find(hub: Hub, key: str) -> StoredConnection | None:
    async with hub.db.transaction() as conn:
        return await connections.find_connection(conn, hub.workspace_id, key)


def _card(stored: StoredConnection, plugin: discovery.Installed | None) -> Card:
    if plugin is None:
        return Card(stored, "action needed", "Its plugin is not installed.", f"pip install hub-plugin-{stored.key}")
    if plugin.why:
        return Card(stored, "action needed", plugin.why, plugin.fix)
    if stored.health == connections.RECONNECT:
        return Card(stored, "action needed", stored.health_reason, f"hub connect {stored.key}")
    return Card(stored, "connected")


def _address(loaded: Connector, base_url: str) -> str:
    """The base URL without a slash at its end. Raises `BadInput` unless it is an absolute http(s) URL of nothing but
    scheme, host, port and path."""
    name = loaded.manifest.name
    if not base_url:
        raise BadInput(f"{name} needs an address.", fix="Give it: --base-url https://...")
    try:
        parts = urlsplit(base_url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise BadInput("The base URL is not an address.", fix="Give it like this: https://api.example.com") from None
    if not whole or parts.query or parts.fragment:
        raise BadInput("The base URL is not a whole http(s) address.", fix="Give it like this: https://api.example.com")
    if parts.username or parts.password:
        raise BadInput("The base URL holds a user name or password.", fix="Give credentials as settings instead.")
    return base_url.rstrip("/")


def _validated(loaded: Connector, given: Mapping[str, Any]) -> Settings:
    """The plugin's settings; raises one `BadInput` that names every setting at fault and repeats none of the values."""
    model = loaded.manifest.settings
    unknown = next((name for name in given if name not in model.model_fields), None)
    if unknown is not None:
        raise UnknownName(f"setting of {loaded.manifest.name}", unknown, model.model_fields)
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        secrets = {setting.name for setting in settings_of(loaded.manifest) if setting.secret}
        problems: dict[str, str] = {}
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            name = str(problem["loc"][0]) if problem["loc"] else "settings"
            if problem["type"] == "missing":
                text = "is missing"
            else:
                text = "is not acceptable" if name in secrets else problem["msg"][:1].lower() + problem["msg"][1:]
            problems.setdefault(name, text)
        raise BadInput(
            f"{loaded.manifest.name}: " + "; ".join(f"{name}: {text}" for name, text in problems.items()) + ".",
            fix="Give it with --secret NAME=- or --set NAME=VALUE.",
        ) from None  # its text repeats the values


async def _authenticated(loaded: Connector, workspace: str, base_url: str, settings: Settings) -> Account:
    """Who we are at the vendor. The API budget is kept in memory: there is no account yet to keep it for."""
    async with open_vendor(loaded, base_url, settings, "", None) as http:
        return await loaded.authenticate(Connection(workspace, loaded.key, settings, base_url, http))


async def _saved(hub: Hub, loaded: Connector, settings: Settings, base_url: str, account: Account) -> StoredConnection:
    held = {name: getattr(settings, name) for name in type(settings).model_fields}
    secrets = {name: value.get_secret_value() for name, value in held.items() if isinstance(value, SecretStr)}
    plain = settings.model_dump(mode="json", exclude=set(secrets))
    async with hub.db.transaction() as conn:
        number = await connections.save_connection(
            conn, hub.workspace_id, kind=loaded.kind, key=loaded.key, settings=plain, base_url=base_url, account=account
        )
        sealed = [hub.vault.seal(hub.workspace_id, number, name, value) for name, value in secrets.items()]
        await connections.replace_secrets(conn, number, sealed)
        await forget_fields(conn, number)
        stored = await connections.get_connection(conn, number)
    if stored is None:
        raise HubError("The connection was removed while it was being made.", fix="Connect again.")
    return stored


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))

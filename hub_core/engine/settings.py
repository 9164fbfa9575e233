"""What an operator can set, by environment variable (``HUB_...``)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HubSettings:
    """``home``: the folder for the hub's own data. ``database_url``: a PostgreSQL 15 or newer; None means the embedded
    one under ``home``. ``workspace``: the workspace that the command line works in. ``disabled``: keys of plugins that
    must not be loaded. ``secret_key_file``: the master key of the secrets at rest."""

    home: Path
    database_url: str | None
    workspace: str
    disabled: frozenset[str]
    secret_key_file: Path

    @property
    def embedded_data(self) -> Path:
        return self.home / "postgres"


def default_home() -> Path:
    """The platform's folder for an application's data."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "hub"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "hub"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "hub"


def read_settings(environ: dict[str, str] | None = None) -> HubSettings:
    """The settings as the environment gives them."""
    env = dict(os.environ) if environ is None else environ
    home = Path(env.get("HUB_HOME") or default_home()).expanduser()
    return HubSettings(
        home=home,
        database_url=env.get("HUB_DATABASE_URL") or None,
        workspace=env.get("HUB_WORKSPACE") or "default",
        disabled=frozenset(filter(None, (key.strip() for key in env.get("HUB_DISABLED_CONNECTORS", "").split(",")))),
        secret_key_file=Path(env.get("HUB_SECRET_KEY_FILE") or home / "secret.key"),
    )

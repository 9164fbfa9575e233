"""A connected hub, and the command line on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.cli.processes import Commands
from tests.scene import Scene, scene


@pytest.fixture
async def crm(database_url: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    """A hub with an active CRM, both empty."""
    async with scene(database_url, str(tmp_path)) as made:
        yield made


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Commands:
    """The command line, with the hub of ``crm`` where a test has that too."""
    return Commands(database_url, tmp_path)

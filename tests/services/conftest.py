"""A connected hub for the tests of services."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.scene import Scene, scene


@pytest.fixture
async def crm(database_url: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    """A hub with an active CRM, both empty."""
    async with scene(database_url, str(tmp_path)) as made:
        yield made

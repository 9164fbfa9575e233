"""A connected hub for the tests of services."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hub_core.services import settling
from tests.scene import Scene, scene


@pytest.fixture(autouse=True)
def quick_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated CRM has carried a request out when it breaks the answer off: nobody needs to wait for it."""
    monkeypatch.setattr(settling, "IN_FLIGHT", 0.0)


@pytest.fixture
async def crm(database_url: str, tmp_path: Path) -> AsyncGenerator[Scene]:
    """A hub with an active CRM, both empty."""
    async with scene(database_url, str(tmp_path)) as made:
        yield made

from __future__ import annotations

from hub_core.model.records import RecordKind
from hub_core.services.fields import crm_fields
from tests.scene import Scene


async def test_fields_are_asked_of_the_crm_once_and_again_when_they_are_old(crm: Scene) -> None:
    async with crm.hub.crm() as opened:
        first = await crm_fields(crm.hub, opened, RecordKind.COMPANY, max_age=0)
        asked = opened.http.calls
        assert await crm_fields(crm.hub, opened, RecordKind.COMPANY) == first
        assert opened.http.calls == asked
        assert await crm_fields(crm.hub, opened, RecordKind.COMPANY, max_age=0) == first
        assert opened.http.calls > asked
    assert first["domain"].id == "domain"

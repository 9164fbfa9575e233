"""Which campaign properties the CRM lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub_core.engine.store import links
from hub_core.engine.store.links import Link
from hub_core.errors import UnknownName
from hub_core.model.plan import Change
from hub_core.model.setup import CrmSetup
from hub_core.rules.campaign_columns import EventFile
from hub_core.rules.campaign_mapping import compile_campaign
from hub_core.services.campaign_imports import import_events
from hub_core.services.campaigns import changes_of, find_contact, properties_of
from hub_core.services.fields import crm_fields
from tests.scene import CONTACT, Scene

STEP = {"campaign": {"rows": [{"property": "sequenceStatus", "crm": "message"}]}}


async def told(crm: Scene, tmp_path: Path, *rows: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text("\n".join(["email,campaign,type,at", *rows]), encoding="utf-8")
    await import_events(crm.hub, EventFile.ACTIVITIES, path)


async def changes(crm: Scene, *contacts: int) -> dict[int, tuple[Change, ...]]:
    async with crm.hub.crm() as opened:
        compiled = compile_campaign(CrmSetup.model_validate(STEP), await crm_fields(crm.hub, opened, CONTACT))
        async with crm.hub.db.transaction() as conn:
            found = await changes_of(conn, crm.hub.workspace_id, opened.stored.id, compiled, contacts)
    return {contact: each.changes for contact, each in found.items()}


async def agree(crm: Scene, contact: int, **agreed: str) -> None:
    stored = await crm.hub.stored("hubspot")
    async with crm.hub.db.transaction() as conn:
        await links.save_links(conn, stored.id, CONTACT, 1, [Link(contact, f"crm{contact}", agreed)])


async def test_only_what_the_crm_does_not_have_is_to_be_written(crm: Scene, tmp_path: Path) -> None:
    ann, bea, cyd = await crm.add(CONTACT, *({"professionalEmail": f"{name}@x.example"} for name in "abc"))
    await told(crm, tmp_path, "a@x.example,UK,email sent,2026-11-01", "b@x.example,UK,email sent,2026-11-01")
    assert await changes(crm, ann, bea, cyd) == {}  # nobody is linked
    for contact in (ann, bea, cyd):
        await agree(crm, contact)
    written = (Change("message", None, "Ongoing"),)
    assert await changes(crm, ann, bea, cyd) == {ann: written, bea: written}
    await agree(crm, ann, message="Ongoing")
    assert await changes(crm, ann, cyd) == {}
    await told(crm, tmp_path, "a@x.example,UK,email replied,2026-11-02")
    assert await changes(crm, ann) == {ann: (Change("message", "Ongoing", "Replied"),)}


async def test_properties_of_many_contacts_come_at_once(crm: Scene, tmp_path: Path) -> None:
    ids = await crm.add(CONTACT, *({"professionalEmail": f"p{number}@x.example"} for number in range(30)))
    await told(crm, tmp_path, *(f"p{number}@x.example,UK,email sent,2026-11-01" for number in range(0, 30, 2)))
    found = await properties_of(crm.hub, ids)
    assert sorted(found) == ids[::2]
    assert {values["campaign"] for values in found.values()} == {"UK"}


async def test_a_contact_is_found_by_whatever_names_it(crm: Scene) -> None:
    (ann,) = await crm.add(
        CONTACT, {"personalEmails": ["ann@home.example"], "linkedInProfileUrl": "https://linkedin.com/in/ann-lee"}
    )
    for text in (str(ann), "r0", "ANN@home.example", "https://www.linkedin.com/in/Ann-Lee/"):
        assert await find_contact(crm.hub, text) == ann
    with pytest.raises(UnknownName):
        await find_contact(crm.hub, "bea@home.example")

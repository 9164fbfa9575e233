"""Step 3 of ``hub setup``: campaign properties, mapped and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from hub_core.cli import _setup_tables as tables
from hub_core.errors import BadInput
from hub_core.model.records import RecordKind
from hub_core.model.setup import CampaignRow
from hub_core.rules.campaign_mapping import put_campaign_row
from hub_core.rules.campaign_properties import PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub_core.model.setup import CrmSetup
    from hub_core.services.hub import Hub, OpenConnection
    from hub_core.services.setup import Judged


async def put(
    hub: Hub,
    crm: OpenConnection,
    setup: CrmSetup,
    pair: str,
    *,
    others: Iterable[object],
    value: list[str],
    active: bool,
) -> CrmSetup:
    """The set-up with ``pair`` (PROPERTY=CRMFIELD) mapped. ``others``: options that only fields have.

    Raises `BadInput`, `UnknownName`.
    """
    from hub_core.cli._setup_rows import values_of
    from hub_core.services.setup import crm_field

    name, equals, field = (part.strip() for part in pair.partition("="))
    if not (name and equals and field):
        raise BadInput(f"{pair!r} is not of the form PROPERTY=CRMFIELD.", fix="For example: sequenceStatus=hs_status")
    if any(each is not None for each in others):
        raise BadInput(
            "A campaign property is always written from the hub to the CRM.",
            fix="Leave --mode, --blank, --conflict, --fixed, --manual and --engagement out.",
        )
    info = await crm_field(hub, crm, RecordKind.CONTACT, field)
    row = CampaignRow(property=name, crm=field, active=active, values=values_of(value, info))
    return put_campaign_row(setup, row)


def view(judged: Judged, *, everything: bool) -> RenderableType:
    """The mapped properties; with ``everything`` also those that are not mapped."""
    rows = judged.setup.campaign.rows
    parts: list[RenderableType] = [tables.heading("Step 3: Campaigns")]
    table = tables.plain_table("", "Property", "CRM field of contacts", "Values")
    for row, status in zip(rows, judged.campaign, strict=True):
        label = PROPERTIES[row.property].label if row.property in PROPERTIES else row.property
        count = f"{len(row.values)} mapped" if row.values else ""
        table.add_row(tables.sign(status, active=row.active), Text(label), Text(row.crm), Text(count))
    if rows:
        parts += [table, *notes(judged)]
    else:
        parts.append(Text("No campaign property is mapped, which is fine."))
    if everything:
        parts.append(_properties({row.property for row in rows}))
    return Group(*parts)


def _properties(mapped: set[str]) -> RenderableType:
    table = tables.plain_table("Not mapped", "Called", "Type")
    for each in PROPERTIES.values():
        if each.id not in mapped:
            table.add_row(each.id, each.label, each.type.value)
    return Group(table, Text("-> Map one: hub setup map campaign PROPERTY=CRMFIELD"))


def notes(judged: Judged, changed: Iterable[str] | None = None) -> list[RenderableType]:
    """Why rows are not ok and what to do; with ``changed``, paths of a difference, of the rows that differ."""
    names = None if changed is None else {path.split(".")[1] for path in changed if path.startswith("campaign.")}
    rows = zip(judged.setup.campaign.rows, judged.campaign, strict=True)
    return tables.row_notes((row.crm, status) for row, status in rows if names is None or row.crm in names)


def data(judged: Judged) -> dict[str, Any]:
    """Step 3 as plain data."""
    rows = zip(judged.setup.campaign.rows, judged.campaign, strict=True)
    return {"rows": [{**row.model_dump(mode="json"), **tables.status_data(status)} for row, status in rows]}

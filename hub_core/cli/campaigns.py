"""``hub campaigns``: what campaigns say about a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub_core.cli._output import Json, emit, run

if TYPE_CHECKING:
    from hub_core.model.records import HubValue


def campaigns(
    contact: Annotated[str, typer.Argument(help="A contact: its id, e-mail address or LinkedIn profile.")],
    as_json: Json = False,
) -> None:
    """Show the campaign properties of a contact, as set-up step 3 writes them into the CRM."""
    number, found = run(_properties(contact))
    emit({"record": number, "properties": found}, as_json, lambda: _table(found))


async def _properties(contact: str) -> tuple[int, dict[str, HubValue]]:
    from hub_core.engine.settings import read_settings
    from hub_core.services.campaigns import find_contact, properties_of
    from hub_core.services.hub import open_hub

    async with open_hub(read_settings(), pool_size=2) as hub:
        number = await find_contact(hub, contact)
        return number, (await properties_of(hub, [number])).get(number, {})


def _table(found: dict[str, HubValue]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from hub_core.rules.campaign_properties import PROPERTIES

    if not found:
        return "No campaign has anything about this contact."
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in PROPERTIES.values():
        if each.id in found:
            table.add_row(each.label, Text(str(found[each.id])))
    return table

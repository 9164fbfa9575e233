"""``hub fields``: what the active CRM can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hub_core.cli._output import Json, emit, run
from hub_core.cli.setup import Kind, active_crm, kind_of

if TYPE_CHECKING:
    from hub_core.model.fields import FieldInfo
    from hub_core.model.records import RecordKind


def fields(
    kind: Annotated[Kind, typer.Argument(help="Whose fields.")],
    name: Annotated[str | None, typer.Argument(metavar="FIELD", help="Only this one, with its options.")] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the CRM now, not what it said lately.")] = False,
    as_json: Json = False,
) -> None:
    """List the fields of the active CRM: type, required, read-only, options."""
    from hub_core.cli import _setup_tables as tables

    found = run(_fields(kind_of(kind), name, refresh))
    emit(found, as_json, lambda: tables.crm_field_view(found[0]) if name else tables.crm_fields_table(found))


async def _fields(kind: RecordKind, name: str | None, refresh: bool) -> list[FieldInfo]:
    from hub_core.services import setup
    from hub_core.services.fields import crm_fields

    async with active_crm() as (hub, crm):
        known = await crm_fields(hub, crm, kind, **({"max_age": 0.0} if refresh else {}))
        return list(known.values()) if name is None else [await setup.crm_field(hub, crm, kind, name)]

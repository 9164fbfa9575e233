"""What the demo needs beside the hub's own services: a workspace of its own, and a CRM that holds some of it."""

from __future__ import annotations

import random
from dataclasses import replace

from hub_core.engine.settings import HubSettings
from hub_core.engine.store import selection, workspaces
from hub_core.engine.store.database import open_database
from hub_core.engine.store.records import hub_fields
from hub_core.engine.store.selection import Selection
from hub_core.model.fields import CrmType
from hub_core.model.records import Create, CrmValue, Record, RecordKind, Written
from hub_core.model.setup import CrmSetup
from hub_core.rules.mapping import CompiledMapping, compile_mapping, desired
from hub_core.rules.matching import compared_fields, compile_rule
from hub_core.services.export_context import crm_traits
from hub_core.services.fields import crm_fields
from hub_core.services.hub import Hub, OpenConnection

WORKSPACE = "demo"
#: Which part of the records the CRM is given beforehand, and how many at most.
SHARE, MOST = 0.3, 2000


async def fresh_workspace(settings: HubSettings) -> HubSettings:
    """The settings for the demo's own workspace, which is emptied first."""
    db = await open_database(settings, pool_size=1)
    try:
        async with db.transaction() as conn:
            await workspaces.remove_workspace(conn, WORKSPACE)
    finally:
        await db.close()
    return replace(settings, workspace=WORKSPACE)


async def fill_crm(hub: Hub, crm: OpenConnection, setup: CrmSetup, kind: RecordKind) -> int:
    """Put about a third of the hub's records into the CRM the way a CRM has them: written in capitals, with blanks and
    values of its own, and now and then twice. The same ones each time. Returns how many."""
    async with hub.db.transaction() as conn:
        fields = await hub_fields(conn, hub.workspace_id, kind)
        records = await selection.selected_after(conn, Selection(hub.workspace_id, kind), 0, int(MOST / SHARE))
    known = await crm_fields(hub, crm, kind)
    mapping = setup.fields.of(kind)
    compiled = compile_mapping(mapping, fields, known)
    compared = compared_fields(mapping)
    rule = compile_rule(setup.sync, kind, fields)
    identifying = frozenset(rule.crm_fields(compared))
    chance = random.Random(4)  # noqa: S311 - a demonstration, always the same one
    chosen = [record for record in records if chance.random() < SHARE]
    creates: list[Create] = []
    for record in chosen:
        values = _as_the_crm_has_it(record, compiled, identifying, chance)
        creates.append(Create(f"demo-{len(creates)}", values))
        if len(creates) % 60 == 59:
            creates.append(Create(f"demo-{len(creates)}", dict(values)))
    written = 0
    batch = crm_traits(crm).batch
    for start in range(0, len(creates), batch):
        outcomes = await crm.connector.export(crm.connection, kind, creates[start : start + batch])
        written += sum(isinstance(outcome, Written) for outcome in outcomes)
    return written


def _as_the_crm_has_it(
    record: Record, compiled: CompiledMapping, identifying: frozenset[str], chance: random.Random
) -> dict[str, CrmValue]:
    values, _ = desired(compiled, record.values, manual={})
    found: dict[str, CrmValue] = {}
    for field, value in values.items():
        if value is None:
            continue
        plain_text = isinstance(value, str) and compiled.fields[field].type is CrmType.TEXT
        if field in identifying:
            found[field] = value.upper() if isinstance(value, str) and plain_text and chance.random() < 0.5 else value
        elif chance.random() < 0.7:
            found[field] = f"{value} (old)" if plain_text and chance.random() < 0.1 else value
    return found

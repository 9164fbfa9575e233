"""The active CRM's fields, kept for a while, and watched: listing them costs calls, and what changes breaks mappings.

Every listing is compared with the one before (`hub_core.rules.drift`). What concerns the mapping opens a repair item,
which keeps the field as it was when all was well, and closes when the field is back or the set-up fits again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub_core.engine.store import crm_fields as listings
from hub_core.engine.store import repairs, setups
from hub_core.engine.store.database import Conn
from hub_core.engine.store.records import hub_fields
from hub_core.errors import MissingScope, SetupInvalid
from hub_core.model.fields import FieldInfo, HubField
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup, ObjectMapping, Row
from hub_core.rules.checking import check, refuse_red
from hub_core.rules.compatibility import Status
from hub_core.rules.drift import Drift, Problem, compare_fields
from hub_core.rules.matching import MatchRule, compared_fields
from hub_core.rules.pausing import refuse_blind, set_apart
from hub_core.services.hub import Hub, OpenConnection

#: Seconds for which a listing is taken for the present state.
MAX_AGE = 900.0


async def crm_fields(
    hub: Hub, crm: OpenConnection, kind: RecordKind, *, max_age: float = MAX_AGE
) -> dict[str, FieldInfo]:
    """Every field of ``kind`` by id, in the CRM's order; asked of the CRM when last listed over ``max_age`` seconds ago
    (0: always). Raises what `Connector.list_fields` raises, and `MissingScope` when the CRM shows no fields any more.
    """
    async with hub.db.transaction() as conn:
        fields = await listings.load_fields(conn, crm.stored.id, kind, max_age=max_age)
    if fields is None:
        fields, _ = await _listed(hub, crm, kind)
    return {field.id: field for field in fields}


async def look_again(hub: Hub, crm: OpenConnection, kind: RecordKind) -> tuple[Drift, ...]:
    """List the fields now; returns what has changed and still concerns the mapping. Raises as `crm_fields`."""
    _, drift = await _listed(hub, crm, kind)
    return drift


async def settle_repairs(hub: Hub, crm: OpenConnection) -> None:
    """Judge the repair items again after the set-up was changed. Asks the CRM nothing."""
    async with hub.db.transaction() as conn:
        for kind in (RecordKind.CONTACT, RecordKind.COMPANY):
            if await repairs.open_repairs(conn, crm.stored.id, kind):
                last = {field.id: field for field in await listings.last_fields(conn, crm.stored.id, kind)}
                await _compared(conn, crm, kind, last, last)


async def _listed(hub: Hub, crm: OpenConnection, kind: RecordKind) -> tuple[list[FieldInfo], tuple[Drift, ...]]:
    fields = list(await crm.connector.list_fields(crm.connection, kind))
    async with hub.db.transaction() as conn:
        before = {field.id: field for field in await listings.last_fields(conn, crm.stored.id, kind)}
        if before and not fields:  # never taken for the removal of them all
            raise MissingScope(
                f"{crm.connector.manifest.name} does not show the hub any fields of {kind.plural}.",
                fix=f"Give the hub's user the right to see them, then: hub connect {crm.stored.key}",
            )
        await listings.save_fields(conn, crm.stored.id, kind, fields)
        return fields, await _compared(conn, crm, kind, before, {field.id: field for field in fields})


async def _compared(
    conn: Conn,
    crm: OpenConnection,
    kind: RecordKind,
    before: Mapping[str, FieldInfo],
    now: Mapping[str, FieldInfo],
) -> tuple[Drift, ...]:
    """Open and close repair items. What has an open one is compared with what it was when that was opened."""
    present = await repairs.open_repairs(conn, crm.stored.id, kind)
    if before == now and not present:
        return ()
    well: dict[str, FieldInfo | None] = dict(before)
    for item in sorted(present, key=lambda item: item.id, reverse=True):  # the oldest last: it saw the field well
        well[item.crm_field] = item.before
    baseline = {name: field for name, field in well.items() if field is not None}
    _, setup = await setups.load_setup(conn, crm.stored.id)
    own = await hub_fields(conn, crm.stored.workspace_id, kind)
    since = {item.crm_field: item.arrived for item in present if item.problem is Problem.REMOVED}
    drift = compare_fields(kind, setup, own, baseline, now, since)
    arrived = sorted(now.keys() - before.keys())
    await repairs.keep_open(conn, crm.stored.id, kind, drift, before=baseline, arrived=arrived)
    return drift


# What a run may use


@dataclass(frozen=True, slots=True)
class Usable:
    """The mapping of one kind without its paused rows, and the CRM's fields by id."""

    mapping: ObjectMapping
    fields: Mapping[str, FieldInfo]
    paused: tuple[Row, ...]

    @property
    def note(self) -> str:
        """What to tell about the rows that are left out; "" when there are none."""
        if not self.paused:
            return ""
        count, names = len(self.paused), ", ".join(row.crm for row in self.paused[:5])
        more = ", ..." if count > 5 else ""
        return f"{count} field{' is' if count == 1 else 's are'} paused ({names}{more}): see hub doctor"


async def drifted(conn: Conn, connection_id: int, kind: RecordKind) -> frozenset[str]:
    """The CRM fields whose rows a change in the CRM has broken, as far as it is known."""
    present = await repairs.open_repairs(conn, connection_id, kind)
    return frozenset(item.crm_field for item in present if item.status is Status.ERROR)


async def usable_mapping(
    hub: Hub,
    crm: OpenConnection,
    kind: RecordKind,
    setup: CrmSetup,
    own: Mapping[str, HubField],
    rule: MatchRule,
    *,
    max_age: float = MAX_AGE,
    writes: bool = True,
) -> Usable:
    """What of the mapping a run can work with now. ``own``: the hub's fields of ``kind``. ``writes`` False: the run
    only recognises records of this kind.

    Raises `SetupInvalid` when a row cannot work and it is not the CRM that has changed, when records would not be
    recognised without a paused row, and when no record could be created any more; and as `crm_fields`.
    """
    fields = await crm_fields(hub, crm, kind, max_age=max_age)
    async with hub.db.transaction() as conn:
        present = await repairs.open_repairs(conn, crm.stored.id, kind)
    mapping = setup.fields.of(kind)
    report = check(setup, kind, own, fields, identifying=rule.identifying)
    errors = [item for item in present if item.status is Status.ERROR]
    usable, paused = set_apart(mapping, report, {item.crm_field for item in errors})
    refuse_red(setup, {kind: report}, paused={kind: {row.crm for row in paused}})
    refuse_blind(kind, paused, compared_fields(mapping), rule.identifying, fields if writes else {})
    mapped = {row.crm for row in mapping.rows if row.active}
    for item in errors if writes else ():
        if item.crm_field not in mapped and item.crm_field in fields and fields[item.crm_field].required:
            raise SetupInvalid(item.text, fix=item.fix)
    return Usable(usable, fields, paused)

"""Finding which CRM records the hub's records are: the cheapest way to know, and what comes of it.

The candidates always come from the mirror's keys. It is brought up to date first: by reading what has changed, or,
where that takes fewer calls, by searching the CRM for the records in question and keeping the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub_core.engine.store import candidates as known
from hub_core.engine.store import links, mirror, selection, setups
from hub_core.engine.store.keys import ensure_crm_keys, ensure_hub_keys
from hub_core.engine.store.links import Link
from hub_core.engine.store.matching import join_into
from hub_core.engine.store.mirror import Mirror
from hub_core.engine.store.records import hub_fields
from hub_core.engine.store.selection import Selection
from hub_core.model.fields import FieldInfo
from hub_core.model.records import ByIds, Probe, Record, RecordKind
from hub_core.rules.matching import (
    Ambiguous,
    Candidate,
    FieldMap,
    Matched,
    MatchRule,
    compared_fields,
    compile_rule,
    decide,
    explain,
)
from hub_core.rules.probing import Route, RouteKind, choose_route, probe_groups
from hub_core.rules.selecting import parse_filters
from hub_core.services import mirroring
from hub_core.services.export_context import crm_traits
from hub_core.services.fields import crm_fields
from hub_core.services.hub import Hub, OpenConnection

__all__ = [
    "MatchLine",
    "MatchOutcome",
    "Simulation",
    "bring_up_to_date",
    "ensure_crm_keys",
    "ensure_hub_keys",
    "join_into",
    "probe_into_mirror",
    "simulate",
]

#: Seconds for which the mirror counts as up to date.
FRESH = 300.0
#: Records per probe: enough to fill the vendor's searches, few enough to be stored often.
PAGE = 500


class MatchOutcome(StrEnum):
    """What is found for one hub record."""

    LINKED = "linked"
    UNIQUE = "unique"
    NONE = "none"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class MatchLine:
    """One hub record, its CRM records, and by which clause on which normalised values each of them matches."""

    record: Record
    outcome: MatchOutcome
    candidates: tuple[Candidate, ...] = ()

    @property
    def crm_ids(self) -> tuple[str, ...]:
        return tuple(candidate.crm_id for candidate in self.candidates)


@dataclass(frozen=True, slots=True)
class Simulation:
    """``unmapped`` names the clauses of the rule that cannot match, because a field has no CRM field in step 2."""

    route: Route
    clauses: tuple[str, ...]
    unmapped: tuple[str, ...]
    lines: tuple[MatchLine, ...]


async def bring_up_to_date(
    hub: Hub,
    crm: OpenConnection,
    kind: RecordKind,
    *,
    rule: MatchRule,
    mapping: FieldMap,
    needed: Sequence[FieldInfo],
    selected: Selection,
    count: int,
    linked: int,
    first_only: bool = False,
    on_progress: mirroring.OnProgress | None = None,
) -> Route:
    """Have the mirror hold, with the ``needed`` fields, whatever the selected records match or are linked to.

    ``count`` and ``linked`` say how many records are selected, and how many of them are linked; ``first_only`` that
    the first ``count`` of the selection are meant. Returns how it was done and why. Raises what the connector raises.
    """
    where = Mirror(hub.workspace_id, crm.stored.id, kind, rule, mapping)
    whole, route = await _route(hub, crm, where, needed, count, linked, crm_size=None)
    if not whole and route.kind is not RouteKind.LINKS and route.calls > 1:
        # How many records the CRM has is not known; the first page says it, and is no loss if all of them are read.
        crm_size = await mirroring.read_first_page(hub, crm, kind, needed=needed, mirror=where)
        _, route = await _route(hub, crm, where, needed, count, linked, crm_size=crm_size)
    if route.kind is RouteKind.MIRROR:
        await mirroring.refresh(hub, crm, kind, needed=needed, max_age=FRESH, mirror=where, on_progress=on_progress)
        return route
    after, left = 0, count
    while True:
        async with hub.db.transaction() as conn:
            records = await selection.selected_after(conn, selected, after, min(PAGE, left) if first_only else PAGE)
            ties = await links.links_of(conn, crm.stored.id, [record.id for record in records])
        if not records:
            return route
        after, left = records[-1].id, left - len(records)
        await read_into_mirror(hub, crm, where, [link.crm_id for link in ties.values()], needed)
        unlinked = [record for record in records if record.id not in ties]
        await probe_into_mirror(hub, crm, kind, rule=rule, mapping=mapping, records=unlinked, needed=needed)


async def _route(
    hub: Hub,
    crm: OpenConnection,
    where: Mirror,
    needed: Sequence[FieldInfo],
    count: int,
    linked: int,
    *,
    crm_size: int | None,
) -> tuple[bool, Route]:
    """Whether the mirror holds everything, and the way to match."""
    async with hub.db.transaction() as conn:
        state = await mirror.mirror_state(conn, crm.stored.id, where.kind)
        size = await mirror.mirror_size(conn, crm.stored.id, where.kind)
    whole = state.complete and {field.id for field in needed} <= state.fields
    return whole, choose_route(
        count,
        linked,
        mirror_size=size if whole else None,
        mirror_fresh=state.age is not None and state.age < FRESH,
        traits=crm_traits(crm),
        rule=where.rule,
        mapping=where.mapping,
        crm_size=crm_size,
    )


async def probe_into_mirror(
    hub: Hub,
    crm: OpenConnection,
    kind: RecordKind,
    *,
    rule: MatchRule,
    mapping: FieldMap,
    records: Iterable[Record],
    needed: Sequence[FieldInfo],
) -> int:
    """Search the CRM for what ``records`` match, and keep the answers in the mirror; returns how many there were."""
    groups = probe_groups(rule, mapping, (record.values for record in records), crm_traits(crm).comparisons)
    if not groups:
        return 0
    found = await crm.connector.match(crm.connection, kind, Probe(groups, tuple(needed)))
    where = Mirror(hub.workspace_id, crm.stored.id, kind, rule, mapping)
    async with hub.db.transaction() as conn:
        await mirroring.store_seen(conn, where, found, [field.id for field in needed])
    return len(found)


async def read_into_mirror(
    hub: Hub, crm: OpenConnection, where: Mirror, crm_ids: Sequence[str], needed: Sequence[FieldInfo]
) -> None:
    """Read CRM records by id into the mirror; those that the CRM does not have any more are marked so."""
    if not crm_ids:
        return
    found = await crm.connector.match(crm.connection, where.kind, ByIds(tuple(crm_ids), tuple(needed)))
    present = {record.id for record in found}
    async with hub.db.transaction() as conn:
        await mirroring.store_seen(conn, where, found, [field.id for field in needed])
        await mirror.store_gone(conn, where, [crm_id for crm_id in crm_ids if crm_id not in present])


async def simulate(
    hub: Hub,
    crm: OpenConnection,
    kind: RecordKind,
    *,
    limit: int = 20,
    filters: Sequence[str] = (),
    on_progress: mirroring.OnProgress | None = None,
) -> Simulation:
    """What the first ``limit`` records (of those that ``filters`` leave) match under the saved set-up, and why.

    Nothing is linked or written. Raises `BadInput` for filters, `SetupInvalid` for a rule, what the connector raises.
    """
    async with hub.db.transaction() as conn:
        _, setup = await setups.load_setup(conn, crm.stored.id)
        fields = await hub_fields(conn, hub.workspace_id, kind)
        selected = Selection(hub.workspace_id, kind, parse_filters(filters, fields))
        some = await selection.selected_after(conn, selected, 0, limit)
        ties = await links.links_of(conn, crm.stored.id, [record.id for record in some])
    rule, mapping = compile_rule(setup.sync, kind, fields), compared_fields(setup.fields.of(kind))
    present = await crm_fields(hub, crm, kind)
    rows = (row.crm for row in setup.fields.of(kind).rows if row.active)
    owner = crm_traits(crm).owner_field  # what an export reads too, so that nothing has to be read again for it
    needed = [present[name] for name in dict.fromkeys([*rule.crm_fields(mapping), *rows, owner]) if name in present]
    route = await bring_up_to_date(
        hub,
        crm,
        kind,
        rule=rule,
        mapping=mapping,
        needed=needed,
        selected=selected,
        count=len(some),
        linked=len(ties),
        first_only=True,
        on_progress=on_progress,
    )
    found = await _candidates(hub, Mirror(hub.workspace_id, crm.stored.id, kind, rule, mapping), some)
    usable = {hub_field: crm_field for hub_field, crm_field in mapping.items() if crm_field in present}
    return Simulation(
        route=route,
        clauses=tuple(clause.name for clause in rule.clauses),
        unmapped=rule.unmapped(usable),
        lines=tuple(_line(record, ties.get(record.id), found.get(record.id, ())) for record in some),
    )


async def _candidates(hub: Hub, where: Mirror, records: Sequence[Record]) -> dict[int, list[Candidate]]:
    """The CRM records that share a key with each record and match on their values too."""
    async with hub.db.transaction() as conn:
        hub_scope = await ensure_hub_keys(conn, where.workspace_id, where.kind, where.rule)
        crm_scope = await ensure_crm_keys(
            conn, where.workspace_id, where.connection_id, where.kind, rule=where.rule, mapping=where.mapping
        )
        ids = [record.id for record in records]
        found = await known.key_candidates(conn, ids, hub_scope=hub_scope, crm_scope=crm_scope)
    confirmed: dict[int, list[Candidate]] = {}
    for record in records:
        for held in found.get(record.id, ()):
            hits = explain(where.rule, record.values, held.values, where.mapping)
            if hits:
                confirmed.setdefault(record.id, []).append(Candidate(held.crm_id, hits))
    return confirmed


def _line(record: Record, link: Link | None, found: Sequence[Candidate]) -> MatchLine:
    """A link decides by itself; otherwise what the rule finds."""
    if link is not None:
        return MatchLine(record, MatchOutcome.LINKED, (Candidate(link.crm_id),))
    match decide(found):
        case Matched(only):
            return MatchLine(record, MatchOutcome.UNIQUE, (only,))
        case Ambiguous(several):
            return MatchLine(record, MatchOutcome.MANY, several)
        case _:
            return MatchLine(record, MatchOutcome.NONE)

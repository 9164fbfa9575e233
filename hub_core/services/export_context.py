"""What an export run needs to know, gathered once per chunk: set-up, fields, rule, owner, and the parts of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hub_core.engine.store import setups
from hub_core.engine.store.database import Conn
from hub_core.engine.store.records import hub_fields
from hub_core.engine.store.runs import Run
from hub_core.engine.store.selection import Selection, Via
from hub_core.errors import SetupInvalid
from hub_core.manifest import CrmTraits
from hub_core.model.fields import FieldInfo, HubField
from hub_core.model.plan import ExportOptions, RunState, UndoOptions
from hub_core.model.records import AssociationType, RecordKind
from hub_core.model.setup import CrmSetup, ObjectMapping
from hub_core.rules.exporting import Exporting
from hub_core.rules.identity import owner_of_export
from hub_core.rules.mapping import compile_mapping
from hub_core.rules.matching import MatchRule, compared_fields, compile_rule
from hub_core.rules.selecting import parse_filters
from hub_core.services.fields import MAX_AGE, usable_mapping
from hub_core.services.hub import Hub, OpenConnection

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a run: records of one kind, companies before contacts.

    ``only_link``: the records are matched and linked so that others can be tied to them, but not written themselves.
    ``ties``: contacts of this part are tied to their companies.
    """

    selection: Selection
    only_link: bool = False
    ties: bool = False

    @property
    def kind(self) -> RecordKind:
        return self.selection.kind


@dataclass(frozen=True, slots=True)
class KindContext:
    """All that is the same for every record of one part. ``paused`` says which rows of the mapping are left out."""

    part: Part
    rule: MatchRule
    compared: Mapping[str, str]
    exporting: Exporting
    fields: tuple[FieldInfo, ...]
    association: AssociationType
    paused: str = ""


@dataclass(frozen=True, slots=True)
class ExportContext:
    """A run in hand."""

    hub: Hub
    crm: OpenConnection
    run: Run
    setup: CrmSetup
    parts: tuple[Part, ...]
    kinds: Mapping[RecordKind, KindContext]

    @property
    def traits(self) -> CrmTraits:
        return crm_traits(self.crm)

    @property
    def crm_name(self) -> str:
        return self.crm.connector.manifest.name

    @property
    def connection_id(self) -> int:
        return self.crm.stored.id


def crm_traits(crm: OpenConnection) -> CrmTraits:
    """The traits of a CRM connector (its loading has checked that it declares them)."""
    traits = crm.connector.manifest.crm
    assert traits is not None
    return traits


def export_options(run: Run) -> ExportOptions:
    """What an export was asked for; a sync writes as an export without any wishes."""
    return run.options if isinstance(run.options, ExportOptions) else ExportOptions(run.options.kind)


_Fields: TypeAlias = Mapping[RecordKind, Mapping[str, HubField]]


async def known_fields(conn: Conn, workspace_id: int) -> _Fields:
    """The hub's fields of contacts and companies."""
    return {kind: await hub_fields(conn, workspace_id, kind) for kind in (CONTACT, COMPANY)}


def parts_of(options: ExportOptions, setup: CrmSetup, workspace_id: int, fields: _Fields) -> tuple[Part, ...]:
    """The parts of a run, companies first so that contacts can be tied to them. Records of a kind that is not mapped
    cannot be recognised in the CRM, so nothing is tied to them."""
    filters = parse_filters(options.filters, fields[options.kind])
    sync, mapped = setup.sync, setup.fields
    if options.kind is CONTACT:
        ties = sync.associate_contacts_with_companies and bool(mapped.companies.rows)
        contacts = Part(Selection(workspace_id, CONTACT, filters), ties=ties)
        if not (ties or options.with_associated):
            return (contacts,)
        employers = Selection(workspace_id, COMPANY, filters, Via.EMPLOYERS)
        return Part(employers, only_link=not options.with_associated), contacts
    companies = Part(Selection(workspace_id, COMPANY, filters))
    ties = sync.associate_companies_with_contacts and bool(mapped.contacts.rows)
    if not (ties or options.with_associated):
        return (companies,)
    employees = Selection(workspace_id, CONTACT, filters, Via.EMPLOYEES)
    return companies, Part(employees, only_link=not options.with_associated, ties=ties)


async def gather_context(hub: Hub, crm: OpenConnection, run: Run) -> ExportContext:
    """Everything that the chunk of a run works with.

    Raises `SetupInvalid` when the mapping does not fit the CRM's fields, `BadInput` for filters that cannot be read.
    """
    async with hub.db.transaction() as conn:
        setup = await setups.setup_at(conn, run.connection_id, run.setup_version)
        fields = await known_fields(conn, hub.workspace_id)
    if isinstance(run.options, UndoOptions):  # it goes by the journal alone
        return ExportContext(hub, crm, run, setup, (), {})
    parts = parts_of(export_options(run), setup, hub.workspace_id, fields)
    kinds = {part.kind: await _kind_context(hub, crm, run, setup, part, fields) for part in parts}
    return ExportContext(hub, crm, run, setup, parts, kinds)


def not_mapped(crm: OpenConnection, kind: RecordKind) -> SetupInvalid:
    """The error of an export whose fields nobody has mapped."""
    return SetupInvalid(
        f"No field of {kind.plural} is mapped to {crm.connector.manifest.name} yet.",
        fix="See what fits, and save it: hub setup suggest --save",
    )


async def _kind_context(
    hub: Hub, crm: OpenConnection, run: Run, setup: CrmSetup, part: Part, fields: _Fields
) -> KindContext:
    kind, options, traits = part.kind, export_options(run), crm_traits(crm)
    mapping = setup.fields.of(kind)
    rule = compile_rule(setup.sync, kind, fields[kind])
    compared = compared_fields(mapping)
    if not mapping.rows:
        raise not_mapped(crm, kind)
    begins = run.state is RunState.PLANNING and not run.cursor
    usable = await usable_mapping(
        *(hub, crm, kind, setup, fields[kind], rule),
        max_age=0.0 if begins else MAX_AGE,
        writes=not part.only_link,
    )
    known = usable.fields
    compiled = compile_mapping(ObjectMapping() if part.only_link else usable.mapping, fields[kind], known)
    owner = None if part.only_link else owner_of_export(setup.users, options)
    owner_field = traits.owner_field if traits.owner_field in known else ""
    needed = dict.fromkeys([*compiled.fields, *rule.crm_fields(compared), *filter(None, [owner_field])])
    exporting = Exporting(
        mapping=compiled,
        overwrite=options.overwrite,
        manual=options.manual or {} if kind is options.kind else {},
        owner=owner,
        owner_field=owner_field,
        crm_name=crm.connector.manifest.name,
    )
    return KindContext(
        part=part,
        rule=rule,
        compared=compared,
        exporting=exporting,
        fields=tuple(known[name] for name in needed if name in known),
        association=options.association or setup.fields.contacts.association,
        paused="" if part.only_link else usable.note,
    )

"""The set-up of a CRM connection: the four steps as one versioned document.

It is stored as JSON, exchanged as YAML and holds no secret. Validity here is a matter of form only; whether a row can
work with the CRM's own fields is decided by `hub_core.rules.compatibility` and `hub_core.rules.checking`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub_core.model.records import AssociationType, RecordKind


class Part(BaseModel):
    """Base of all parts of the document: frozen, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# Step 1: sync configuration


class AllOf(Part):
    """Every condition holds."""

    all: Annotated[tuple[Tree, ...], Field(min_length=1)]


class AnyOf(Part):
    """At least one condition holds."""

    any: Annotated[tuple[Tree, ...], Field(min_length=1)]


#: A leaf is the id of an identifying hub field: its values on both sides are equal after normalisation.
Tree: TypeAlias = AllOf | AnyOf | str


class ContactIdentifier(StrEnum):
    NAME_COMPANY = "name_company"
    LINKEDIN_OR_NAME_COMPANY = "linkedin_or_name_company"
    CUSTOM = "custom"


class CompanyIdentifier(StrEnum):
    DOMAIN = "domain"
    DOMAIN_OR_NAME = "domain_or_name"
    CUSTOM = "custom"


class ContactMatch(Part):
    """When a hub contact and a CRM contact are the same person."""

    identifier: ContactIdentifier = ContactIdentifier.LINKEDIN_OR_NAME_COMPANY
    custom: Tree | None = None

    @model_validator(mode="after")
    def _custom_needs_a_tree(self) -> ContactMatch:
        if (self.identifier is ContactIdentifier.CUSTOM) != (self.custom is not None):
            raise ValueError("'custom' holds the conditions exactly when identifier is 'custom'")
        return self


class CompanyMatch(Part):
    """When a hub company and a CRM company are the same company."""

    identifier: CompanyIdentifier = CompanyIdentifier.DOMAIN
    any_domain_extension: bool = False
    custom: Tree | None = None

    @model_validator(mode="after")
    def _custom_needs_a_tree(self) -> CompanyMatch:
        if (self.identifier is CompanyIdentifier.CUSTOM) != (self.custom is not None):
            raise ValueError("'custom' holds the conditions exactly when identifier is 'custom'")
        return self


class SyncStep(Part):
    contact: ContactMatch = ContactMatch()
    company: CompanyMatch = CompanyMatch()
    associate_contacts_with_companies: bool = True
    associate_companies_with_contacts: bool = False


# Step 2: field mapping


class Mode(StrEnum):
    """The five mapping options of the product page, per row."""

    BIDIRECTIONAL = "bidirectional"
    CRM_OVERWRITES_HUB = "crm_overwrites_hub"
    HUB_OVERWRITES_CRM = "hub_overwrites_crm"
    IF_EMPTY = "if_empty"
    OFF = "off"


class FromHub(Part):
    """The value of a hub field."""

    hub: str


class Fixed(Part):
    """The same value for every exported record."""

    fixed: str


class ManualAtExport(Part):
    """The value is given when exporting; ``manual`` is what the person is asked."""

    manual: str


class Engagement(Part):
    """Written when an activity is created in the CRM. Only one row per object may have it."""

    engagement: str


Source: TypeAlias = FromHub | Fixed | ManualAtExport | Engagement


class Blank(StrEnum):
    """What a blank does to the other side's value: nothing, or clear it.

    An export clears whatever the CRM has. A sync clears only a value that both sides had agreed on, and only in a
    direction in which the row's mode writes.
    """

    KEEP = "keep"
    CLEAR = "clear"


class ConflictPolicy(StrEnum):
    """Whose value stays when both sides of a bidirectional row have changed, or differ without ever having agreed.

    The other one's value is kept in the journal; ``review`` leaves both until a person has decided.
    """

    HUB = "hub"
    CRM = "crm"
    NEWEST = "newest"
    REVIEW = "review"


class Row(Part):
    """One mapped CRM field.

    ``values`` maps a hub value to an option's internal name, None drops the value. ``conflict`` matters to
    bidirectional rows. An inactive row is kept but not used; only inactive rows may be red.
    """

    source: Source
    crm: str
    mode: Mode = Mode.BIDIRECTIONAL
    active: bool = True
    blank: Blank = Blank.KEEP
    conflict: ConflictPolicy = ConflictPolicy.NEWEST
    values: dict[str, str | None] = {}

    @property
    def hub_field(self) -> str | None:
        """The hub field's id, None for rows whose value does not come from a record."""
        return self.source.hub if isinstance(self.source, FromHub) else None


class ObjectMapping(Part):
    rows: tuple[Row, ...] = ()
    association: AssociationType = AssociationType.ADDITIONAL

    @model_validator(mode="after")
    def _each_crm_field_once(self) -> ObjectMapping:
        active = [row.crm for row in self.rows if row.active]
        twice = sorted({crm for crm in active if active.count(crm) > 1})
        if twice:
            raise ValueError(f"mapped more than once: {', '.join(twice)}")
        engagement = [row for row in self.rows if isinstance(row.source, Engagement) and row.active]
        if len(engagement) > 1:
            raise ValueError("only one engagement field can be set")
        return self


class FieldStep(Part):
    contacts: ObjectMapping = ObjectMapping()
    companies: ObjectMapping = ObjectMapping()

    def of(self, kind: RecordKind) -> ObjectMapping:
        return self.contacts if kind is RecordKind.CONTACT else self.companies


# Step 3: campaign mapping


class CampaignRow(Part):
    """A campaign property (`hub_core.rules.campaign_properties`) that is written to a field of the CRM's contacts.

    ``values`` maps a value to an option's internal name, None drops it. An inactive row is kept but not used.
    """

    property: str
    crm: str
    active: bool = True
    values: dict[str, str | None] = {}


class CampaignStep(Part):
    rows: tuple[CampaignRow, ...] = ()

    @model_validator(mode="after")
    def _each_crm_field_once(self) -> CampaignStep:
        active = [row.crm for row in self.rows if row.active]
        twice = sorted({crm for crm in active if active.count(crm) > 1})
        if twice:
            raise ValueError(f"mapped more than once: {', '.join(twice)}")
        return self


# Step 4: user mapping


class UserStep(Part):
    """Who is who among the CRM's users: hub users and identities by name or e-mail -> CRM user id."""

    identities: dict[str, str] = {}
    users: dict[str, str] = {}
    default_owner: str | None = None


class CrmSetup(Part):
    """The whole document. ``format`` is the version of its shape, not of its content."""

    format: Literal[1] = 1
    sync: SyncStep = SyncStep()
    fields: FieldStep = FieldStep()
    campaign: CampaignStep = CampaignStep()
    users: UserStep = UserStep()

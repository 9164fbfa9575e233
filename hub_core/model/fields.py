"""Fields: what a value is, on the hub's side (`FieldType`, `HubField`) and on a CRM's side (`CrmType`, `FieldInfo`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub_core.model.records import RecordKind


class FieldType(StrEnum):
    """Types of hub fields. How each is held: see `HubValue` in `hub_core.model.records`."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    INTEGER = "integer"
    DECIMAL = "decimal"
    PERCENT = "percent"
    CURRENCY = "currency"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    SINGLE_CHOICE = "single_choice"
    MULTI_CHOICE = "multi_choice"
    LIST = "list"
    USER = "user"
    OBJECT = "object"


class CrmType(StrEnum):
    """The classes into which every CRM's own types fall."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    REFERENCE = "reference"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a CRM field: ``value`` is its internal name (what is written), ``label`` what people see."""

    value: str
    label: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a CRM object, as its metadata describes it.

    ``read_only`` covers computed fields and fields hidden by permission. ``required`` means: a record cannot be
    created without it. ``max_length`` counts characters. ``refers_to`` names what a reference points to ("user").
    """

    id: str
    label: str
    type: CrmType
    required: bool = False
    read_only: bool = False
    custom: bool = False
    unique: bool = False
    max_length: int | None = None
    options: tuple[Option, ...] = ()
    refers_to: str | None = None


@dataclass(frozen=True, slots=True)
class HubField:
    """One field of the hub's own records. ``read_only`` fields are filled by the hub itself."""

    id: str
    label: str
    type: FieldType
    kind: RecordKind
    read_only: bool = False
    custom: bool = False
    options: tuple[str, ...] = ()


_C = RecordKind.CONTACT
_T = FieldType

CONTACT_FIELDS: tuple[HubField, ...] = (
    HubField("firstName", "First name", _T.TEXT, _C),
    HubField("lastName", "Last name", _T.TEXT, _C),
    HubField("fullName", "Full name", _T.TEXT, _C),
    HubField("jobTitle", "Job title", _T.TEXT, _C),
    HubField("companyName", "Company name", _T.TEXT, _C),
    HubField("companyExternalId", "Company id at the source", _T.TEXT, _C),
    HubField("professionalEmail", "Professional email", _T.EMAIL, _C),
    HubField("personalEmails", "Personal emails", _T.LIST, _C),
    HubField(
        "emailVerificationStatus",
        "Email verification status",
        _T.SINGLE_CHOICE,
        _C,
        options=("valid", "risky", "catch_all", "invalid", "unknown"),
    ),
    HubField("mobilePhone", "Mobile phone", _T.PHONE, _C),
    HubField("directPhone", "Direct phone", _T.PHONE, _C),
    HubField("phones", "Other phones", _T.LIST, _C),
    HubField("phoneVerified", "Phone verified", _T.BOOLEAN, _C),
    HubField("linkedInProfileUrl", "LinkedIn profile URL", _T.URL, _C),
    HubField("linkedInHeadline", "LinkedIn headline", _T.TEXT, _C),
    HubField("lastLinkedInPost", "Last LinkedIn post", _T.LONG_TEXT, _C),
    HubField("numberOfConnections", "Number of connections", _T.INTEGER, _C),
    HubField("imageUrl", "Picture", _T.URL, _C),
    HubField("location", "Location", _T.TEXT, _C),
    HubField("streetAddress", "Street address", _T.TEXT, _C),
    HubField("postalCode", "Postal code", _T.TEXT, _C),
    HubField("city", "City", _T.TEXT, _C),
    HubField("region", "State or region", _T.TEXT, _C),
    HubField("contactCountry", "Country", _T.TEXT, _C),
    HubField("timezone", "Time zone", _T.TEXT, _C),
    HubField("industry", "Industry", _T.TEXT, _C),
    HubField("subIndustries", "Sub-industries", _T.LIST, _C),
    HubField("languages", "Languages", _T.MULTI_CHOICE, _C),
    HubField("seniority", "Seniority", _T.SINGLE_CHOICE, _C),
    HubField("department", "Department", _T.SINGLE_CHOICE, _C),
    HubField("yearsInRole", "Years in role", _T.DECIMAL, _C),
    HubField("companySize", "Company size", _T.TEXT, _C),
    HubField("domain", "Company domain", _T.TEXT, _C),
    HubField("website", "Website", _T.URL, _C),
    HubField("description", "Description", _T.LONG_TEXT, _C),
    HubField("icebreaker", "Icebreaker", _T.LONG_TEXT, _C),
    HubField("isUnsubscribed", "Unsubscribed", _T.BOOLEAN, _C),
    HubField("birthday", "Birthday", _T.DATE, _C),
    HubField("owner", "Owner", _T.USER, _C),
    HubField("tags", "Tags", _T.MULTI_CHOICE, _C),
    HubField("source", "Source", _T.TEXT, _C),
    HubField("notes", "Notes", _T.LONG_TEXT, _C),
    HubField("contactCRMId", "CRM id", _T.TEXT, _C, read_only=True),
    HubField("isInCRM", "In the CRM", _T.BOOLEAN, _C, read_only=True),
    HubField("createdAt", "Created", _T.DATETIME, _C, read_only=True),
    HubField("updatedAt", "Updated", _T.DATETIME, _C, read_only=True),
)

_O = RecordKind.COMPANY

COMPANY_FIELDS: tuple[HubField, ...] = (
    HubField("name", "Company name", _T.TEXT, _O),
    HubField("domain", "Domain", _T.TEXT, _O),
    HubField("website", "Website", _T.URL, _O),
    HubField("companyLinkedInUrl", "Company LinkedIn URL", _T.URL, _O),
    HubField("industry", "Industry", _T.TEXT, _O),
    HubField("subIndustries", "Sub-industries", _T.LIST, _O),
    HubField("numberOfEmployees", "Number of employees", _T.INTEGER, _O),
    HubField("companySize", "Company size", _T.TEXT, _O),
    HubField("revenue", "Revenue range", _T.TEXT, _O),
    HubField("annualRevenue", "Annual revenue", _T.CURRENCY, _O),
    HubField("growthPercent", "Growth %", _T.PERCENT, _O),
    HubField("foundedYear", "Founded", _T.INTEGER, _O),
    HubField("companyType", "Company type", _T.SINGLE_CHOICE, _O),
    HubField("description", "Description", _T.LONG_TEXT, _O),
    HubField("location", "Location", _T.TEXT, _O),
    HubField("streetAddress", "Street address", _T.TEXT, _O),
    HubField("postalCode", "Postal code", _T.TEXT, _O),
    HubField("city", "City", _T.TEXT, _O),
    HubField("region", "State or region", _T.TEXT, _O),
    HubField("country", "Country", _T.TEXT, _O),
    HubField("phone", "Phone", _T.PHONE, _O),
    HubField("email", "Email", _T.EMAIL, _O),
    HubField("technologiesUsed", "Technologies used", _T.LIST, _O),
    HubField("sic", "SIC code", _T.TEXT, _O),
    HubField("naics", "NAICS code", _T.TEXT, _O),
    HubField("funding", "Funding", _T.CURRENCY, _O),
    HubField("ticker", "Ticker", _T.TEXT, _O),
    HubField("owner", "Owner", _T.USER, _O),
    HubField("tags", "Tags", _T.MULTI_CHOICE, _O),
    HubField("source", "Source", _T.TEXT, _O),
    HubField("notes", "Notes", _T.LONG_TEXT, _O),
    HubField("companyCRMId", "CRM id", _T.TEXT, _O, read_only=True),
    HubField("isInCRM", "In the CRM", _T.BOOLEAN, _O, read_only=True),
    HubField("createdAt", "Created", _T.DATETIME, _O, read_only=True),
    HubField("updatedAt", "Updated", _T.DATETIME, _O, read_only=True),
)

STANDARD_FIELDS: dict[RecordKind, dict[str, HubField]] = {
    RecordKind.CONTACT: {field.id: field for field in CONTACT_FIELDS},
    RecordKind.COMPANY: {field.id: field for field in COMPANY_FIELDS},
}

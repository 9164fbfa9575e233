"""Records on both sides, and what is asked of and answered by a CRM.

Values. A hub value (`HubValue`) is held in JSON form by its field's type: text-like, date (YYYY-MM-DD), datetime
(ISO 8601, UTC, "Z") and choices as text; integer as int; decimal, percent and currency as text in plain decimal
notation ("12.50"); boolean as bool; multi_choice and list as a list of text; object as a dict. A blank is absent, never
"" or null.

A CRM value (`CrmValue`) is text, or a list of text for a multiple choice, for every CRM alike: numbers in plain decimal
notation, "true"/"false", dates as YYYY-MM-DD, datetimes as ISO 8601 with "Z", choices by their internal name,
references by id. Blank is absent or None. A plugin's `wire.py` turns this into the vendor's JSON and back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from hub_core.model.fields import FieldInfo

HubValue: TypeAlias = "str | int | bool | list[str] | dict[str, object]"
CrmValue: TypeAlias = "str | list[str]"


class RecordKind(StrEnum):
    """What a record is. ``user`` only occurs when a CRM's users (owners) are read, with the values ``name``, ``email``
    and ``active`` ("false" for archived, queue and unlicensed ones)."""

    CONTACT = "contact"
    COMPANY = "company"
    USER = "user"

    @property
    def plural(self) -> str:
        return {"contact": "contacts", "company": "companies", "user": "users"}[self.value]


class AssociationType(StrEnum):
    """How a contact is tied to a company in the CRM."""

    ADDITIONAL = "additional"
    PRIMARY = "primary"
    PRIMARY_REPLACE = "primary-replace"


@dataclass(frozen=True, slots=True)
class Associated:
    """One present tie of a CRM contact to a CRM company (or the reverse).

    ``labels`` are those the customer has given it, in the vendor's notation and a fixed order.
    """

    crm_id: str
    primary: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """One record as the CRM holds it.

    ``values`` holds only the fields asked for, blanks left out. ``modified_at`` is the vendor's text, comparable as
    text within one vendor (ISO 8601 UTC). ``associated`` is None when associations were not asked for.
    """

    id: str
    values: Mapping[str, CrmValue]
    modified_at: str = ""
    associated: tuple[Associated, ...] | None = None


# What `match` is asked


class Comparison(StrEnum):
    """How a probe's value is compared; a manifest says which of these its vendor can search."""

    EQUALS = "equals"
    TOKEN = "token"  # noqa: S105 - the field contains this word; "*" stands for any ending


@dataclass(frozen=True, slots=True)
class Condition:
    """``field`` (a CRM field id) compares with any one of ``values``."""

    field: str
    values: tuple[str, ...]
    comparison: Comparison = Comparison.EQUALS


@dataclass(frozen=True, slots=True)
class Probe:
    """Find every record that fulfils any group; a group holds when all its conditions do.

    The number of groups and values is not bound by the vendor's limits: the plugin cuts them into requests.
    """

    any_of: tuple[tuple[Condition, ...], ...]
    fields: tuple[FieldInfo, ...]


@dataclass(frozen=True, slots=True)
class ByIds:
    """Read these records by id, read-after-write consistent (never through a lagging search). Unknown ids are left out.

    A merged record is answered under the id that survives. With ``associated`` and no ``fields`` only ties are wanted:
    the ids are known to be there, and none is left out.
    """

    ids: tuple[str, ...]
    fields: tuple[FieldInfo, ...]
    associated: RecordKind | None = None


Query: TypeAlias = Probe | ByIds


# What `export` is asked and answers


@dataclass(frozen=True, slots=True)
class Associate:
    """Tie the written record to ``crm_id``, a record of ``kind``, as ``type``.

    ``labels`` (`Associated.labels`) are given to the tie beside those it has.
    """

    kind: RecordKind
    crm_id: str
    type: AssociationType
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dissociate:
    """Take the tie of the written record to ``crm_id``, a record of ``kind``, away.

    ``only_primary``: the tie stays, it only is not the primary one any more.
    """

    kind: RecordKind
    crm_id: str
    only_primary: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Create one record. ``ref`` names the write in its outcome and is unique within the call and across retries.

    ``owner`` is a CRM user's id. Blank values do not occur.
    """

    ref: str
    values: Mapping[str, CrmValue]
    owner: str | None = None
    associate: tuple[Associate, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Change fields of one record; None clears a field. ``values`` may be empty when only ties change.

    Ties are made first and taken away then, so that a record is never without the one that stays.
    """

    ref: str
    crm_id: str
    values: Mapping[str, CrmValue | None]
    owner: str | None = None
    associate: tuple[Associate, ...] = ()
    dissociate: tuple[Dissociate, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """Move one record to the CRM's bin, from where it can be restored there."""

    ref: str
    crm_id: str


Write: TypeAlias = Create | Update | Archive


@dataclass(frozen=True, slots=True)
class Written:
    """The write was carried out. ``modified_at`` as in `CrmRecord`; ``warning`` says what of it was not possible."""

    ref: str
    crm_id: str
    modified_at: str = ""
    url: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The vendor refused this one record; the others are not affected.

    ``existing_id``: the vendor says that this record is there already, under this id. ``gone``: the record to be
    updated does not exist any more. ``field`` names the CRM field at fault, when the vendor says so.
    """

    ref: str
    reason: str
    field: str = ""
    existing_id: str = ""
    gone: bool = False


Outcome: TypeAlias = Written | Rejected


# What `sync` answers


@dataclass(frozen=True, slots=True)
class Merge:
    """The CRM has merged ``loser`` into ``winner``."""

    loser: str
    winner: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of changes.

    ``next_cursor`` is the plugin's own text: handed back, it reads on from there. ``done`` means that nothing more is
    to be read now; the cursor then is the one for the next reading, some time later (it includes the overlap that the
    vendor's lag asks for). ``total`` is how many records the whole reading has, if the vendor says so.
    """

    changes: Sequence[CrmRecord]
    next_cursor: str
    done: bool
    deletions: Sequence[str] = ()
    merges: Sequence[Merge] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at the vendor.

    ``user_email`` is the integration user. ``record_url`` is a template with {kind} and {id}, "" when there is none.
    """

    id: str
    label: str
    user_email: str = ""
    record_url: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A contact or company of the hub."""

    id: int
    kind: RecordKind
    values: Mapping[str, HubValue]
    external_id: str = ""
    company_id: int | None = None

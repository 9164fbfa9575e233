"""A plan: what a run would do, record by record and field by field, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from hub_core.model.records import AssociationType, CrmValue, HubValue, RecordKind


class Action(StrEnum):
    """What happens to one record. ``pull``: only the hub's record changes, after the CRM's. ``archive`` and ``unlink``
    take back what a run has created or linked."""

    CREATE = "create"
    UPDATE = "update"
    PULL = "pull"
    LINK = "link"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    REVIEW = "review"
    ARCHIVE = "archive"
    UNLINK = "unlink"

    @property
    def writes(self) -> bool:
        """Whether it changes anything in the CRM."""
        return self in (Action.CREATE, Action.UPDATE)


class ItemState(StrEnum):
    """Where a plan item stands.

    ``sending``: handed to the vendor, answer not stored yet; found after a crash it is looked up, never sent blindly.
    """

    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunState(StrEnum):
    PLANNING = "planning"
    PLANNED = "planned"
    APPLYING = "applying"
    PAUSED = "paused"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (RunState.DONE, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Change:
    """One CRM field, before -> after; None is blank."""

    field: str
    before: CrmValue | None
    after: CrmValue | None


@dataclass(frozen=True, slots=True)
class HubChange:
    """One hub field, before -> after; None is blank."""

    field: str
    before: HubValue | None
    after: HubValue | None


@dataclass(frozen=True, slots=True)
class AssociationStep:
    """Tie the contact of this item to a company (or the reverse).

    ``record_id`` is the hub record at the other end, resolved to its CRM id through its link when applied, so that it
    may be created in the same run. ``before`` lists the CRM ids it is tied to now, as far as known, the primary
    one first.
    """

    kind: RecordKind
    record_id: int
    type: AssociationType
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with one hub record.

    ``reason`` is a sentence for people. ``tied``: the ties it had when it was first sent, as the journal writes them.
    """

    record_id: int
    action: Action
    reason: str
    crm_id: str | None = None
    changes: tuple[Change, ...] = ()
    kept: tuple[Change, ...] = ()
    owner: str | None = None
    associations: tuple[AssociationStep, ...] = ()
    candidates: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    hub_changes: tuple[HubChange, ...] = ()
    tied: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the person chose for one export.

    ``overwrite`` False keeps every CRM value that is there and fills blanks only; True leaves it to the rows' modes.
    ``manual`` holds the values of the manual-at-export rows by CRM field. ``user`` is the hub user who exports.
    ``apply``: the plan was accepted beforehand, so a run that was stopped while it was planned goes on to apply it.
    """

    kind: RecordKind
    overwrite: bool = False
    owner: str | None = None
    association: AssociationType | None = None
    manual: Mapping[str, str] | None = None
    with_associated: bool = False
    filters: tuple[str, ...] = ()
    user: str | None = None
    apply: bool = False
    job: Literal["export"] = "export"


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """One sync of the linked records of ``kind``. ``automatic``: started by a schedule, applied without asking."""

    kind: RecordKind
    automatic: bool = False
    job: Literal["sync"] = "sync"


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """Take back what the run ``undo_of`` did, or what it did to one hub record.

    ``keep_created``: CRM records that it created stay where they are.
    """

    kind: RecordKind
    undo_of: int
    record_id: int | None = None
    keep_created: bool = False
    job: Literal["undo"] = "undo"


#: What a run was asked to do; ``job`` says which it is.
RunOptions: TypeAlias = ExportOptions | SyncOptions | UndoOptions

"""The five modes of a mapped field: what a sync does, decided from the last agreed value, the hub's and the CRM's.

Per field (∅ is a blank; "changed" is measured against the last value that both sides agreed on):

==================  ========  ========  ===========  ===========  ================
mode                H, C = ∅  H = ∅, C  hub changed  CRM changed  both, or unknown
==================  ========  ========  ===========  ===========  ================
bidirectional       to CRM    to hub    to CRM       to hub       conflict policy
CRM overwrites hub  kept      to hub    to hub       to hub       to hub
hub overwrites CRM  to CRM    kept      to CRM       to CRM       to CRM
sync if empty       to CRM    to hub    kept         kept         kept
off                 kept      kept      kept         kept         kept
==================  ========  ========  ===========  ===========  ================

A blank clears nothing, unless its row says so: then a side that is blank now, and was not when both agreed, has changed
like any other, and the columns on the right decide. *Sync if empty* fills blanks, so it never clears.

Values are compared as `canonical` has them, so what a CRM only writes differently is no change, and our own write
coming back is what was agreed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias

from hub_core.model.fields import CrmType
from hub_core.model.records import CrmValue
from hub_core.model.setup import ConflictPolicy, Mode
from hub_core.rules.values import Comparable, canonical


class History(Enum):
    NONE = "none"


#: In the place of the last agreed value: both sides have never agreed on one.
NO_HISTORY: Final = History.NONE

Agreed: TypeAlias = CrmValue | Literal[History.NONE] | None


class Verdict(StrEnum):
    """What becomes of one field. ``keep``: the sides differ and are left as they are."""

    IN_STEP = "in_step"
    KEEP = "keep"
    TO_CRM = "to_crm"
    TO_HUB = "to_hub"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """``after`` is what is written, in the CRM's form; None clears. ``reason`` is a sentence without the values.

    ``lost``: the value that is overwritten although both sides had never agreed on it, so that it is nowhere else than
    in the journal. ``known``: whether there was a last agreed value.
    """

    verdict: Verdict
    reason: str
    known: bool
    after: CrmValue | None = None
    lost: CrmValue | None = None


class _Case(Enum):
    CRM_BLANK = 0
    HUB_BLANK = 1
    HUB_CHANGED = 2
    CRM_CHANGED = 3
    BOTH_CHANGED = 4


_Cell: TypeAlias = "tuple[Verdict, str]"

_FILL_CRM = Verdict.TO_CRM, "It was blank in the CRM"
_FILL_HUB = Verdict.TO_HUB, "It was blank in the hub"
_HUB_ONLY = Verdict.TO_CRM, "Changed in the hub only"
_CRM_ONLY = Verdict.TO_HUB, "Changed in the CRM only"
_CRM_RULES = Verdict.TO_HUB, "The CRM overwrites the hub"
_HUB_RULES = Verdict.TO_CRM, "The hub overwrites the CRM"
_CRM_BLANK = Verdict.KEEP, "A blank in the CRM clears nothing in the hub"
_HUB_BLANK = Verdict.KEEP, "A blank in the hub clears nothing in the CRM"
_BOTH_FULL = Verdict.KEEP, "Both sides have a value, and only blanks are filled"
_SWITCHED_OFF = Verdict.KEEP, "Its sync is off"
_CONFLICT = Verdict.REVIEW, ""

#: The table at the top of this module, its columns in the order of `_Case`.
_TABLE: dict[Mode, tuple[_Cell, _Cell, _Cell, _Cell, _Cell]] = {
    Mode.BIDIRECTIONAL: (_FILL_CRM, _FILL_HUB, _HUB_ONLY, _CRM_ONLY, _CONFLICT),
    Mode.CRM_OVERWRITES_HUB: (_CRM_BLANK, _FILL_HUB, _CRM_RULES, _CRM_RULES, _CRM_RULES),
    Mode.HUB_OVERWRITES_CRM: (_FILL_CRM, _HUB_BLANK, _HUB_RULES, _HUB_RULES, _HUB_RULES),
    Mode.IF_EMPTY: (_FILL_CRM, _FILL_HUB, _BOTH_FULL, _BOTH_FULL, _BOTH_FULL),
    Mode.OFF: (_SWITCHED_OFF, _SWITCHED_OFF, _SWITCHED_OFF, _SWITCHED_OFF, _SWITCHED_OFF),
}
_IN_STEP = "Both sides have the same"


def merge_field(
    mode: Mode,
    *,
    agreed: Agreed,
    hub: CrmValue | None,
    crm: CrmValue | None,
    kind: CrmType,
    policy: ConflictPolicy = ConflictPolicy.NEWEST,
    hub_changed_at: datetime | None = None,
    crm_changed_at: datetime | None = None,
    clear: bool = False,
) -> FieldDecision:
    """Decide on one field by the table at the top of this module.

    All three values are in the CRM's form, None is blank; ``kind`` is the CRM field's type. The times (both aware)
    matter to the policy *newest* alone: where one is not known, or they are equal, the CRM's value stays. ``clear``:
    the row lets blanks clear.
    """
    known = agreed is not NO_HISTORY
    was = None if agreed is NO_HISTORY else canonical(agreed, kind)
    ours, theirs = canonical(hub, kind), canonical(crm, kind)
    if ours == theirs:
        return FieldDecision(Verdict.IN_STEP, _IN_STEP, known)
    case = _case(was, ours, theirs, clears=clear and mode is not Mode.IF_EMPTY)
    verdict, reason = _TABLE[mode][case.value]
    if verdict is Verdict.REVIEW:
        verdict, reason = _settle(policy, hub_changed_at, crm_changed_at)
        reason = f"{'Changed on both sides' if known else 'Different from the start'}: {reason}"
    if verdict is Verdict.TO_CRM:
        return FieldDecision(verdict, reason, known, after=hub, lost=crm if theirs != was else None)
    if verdict is Verdict.TO_HUB:
        return FieldDecision(verdict, reason, known, after=crm, lost=hub if ours != was else None)
    return FieldDecision(verdict, reason, known)


def _case(was: Comparable, ours: Comparable, theirs: Comparable, *, clears: bool) -> _Case:
    """The column of the table. Values never agreed on (``was`` is blank) have changed on every side that has one."""
    if was is None or not clears:
        if theirs is None:
            return _Case.CRM_BLANK
        if ours is None:
            return _Case.HUB_BLANK
    if theirs == was:
        return _Case.HUB_CHANGED
    return _Case.CRM_CHANGED if ours == was else _Case.BOTH_CHANGED


def _settle(policy: ConflictPolicy, hub_at: datetime | None, crm_at: datetime | None) -> _Cell:
    match policy:
        case ConflictPolicy.HUB:
            return Verdict.TO_CRM, "the hub's value stays"
        case ConflictPolicy.CRM:
            return Verdict.TO_HUB, "the CRM's value stays"
        case ConflictPolicy.REVIEW:
            return Verdict.REVIEW, "which value is right?"
        case ConflictPolicy.NEWEST:
            if hub_at is None or crm_at is None or hub_at == crm_at:
                return Verdict.TO_HUB, "it is not known which is newer, so the CRM's value stays"
            if hub_at > crm_at:
                return Verdict.TO_CRM, "the hub's value is newer"
            return Verdict.TO_HUB, "the CRM's value is newer"

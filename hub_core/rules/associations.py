"""Ties between contacts and companies: what each association type asks for, and whether it is there."""

from __future__ import annotations

from collections.abc import Sequence

from hub_core.model.records import Associate, Associated, AssociationType, Dissociate, RecordKind


def is_tied(present: Sequence[Associated], target: str, type_: AssociationType) -> bool:
    """Whether the present ties of a contact are what ``type_`` to ``target`` asks for.

    Additional: tied at all. Primary: tied as the primary one. Primary and others removed: that one tie and no other.
    """
    ties = {tie.crm_id: tie.primary for tie in present}
    if target not in ties:
        return False
    if type_ is AssociationType.ADDITIONAL:
        return True
    return ties[target] and (type_ is AssociationType.PRIMARY or len(ties) == 1)


def steps_to(
    present: Sequence[Associated], kind: RecordKind, target: str, type_: AssociationType
) -> tuple[Associate, tuple[Dissociate, ...]]:
    """What makes it so; only "primary, remove previous" takes ties away, and only those known now."""
    others: tuple[Dissociate, ...] = ()
    if type_ is AssociationType.PRIMARY_REPLACE:
        others = tuple(Dissociate(kind, tie.crm_id) for tie in present if tie.crm_id != target)
    return Associate(kind, target, type_), others


def in_order(present: Sequence[Associated]) -> tuple[str, ...]:
    """The ids of the present ties, the primary one first."""
    return tuple(tie.crm_id for tie in sorted(present, key=lambda tie: not tie.primary))

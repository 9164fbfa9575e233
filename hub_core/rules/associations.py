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


def after(
    present: Sequence[Associated], made: Sequence[Associate], taken: Sequence[Dissociate]
) -> tuple[Associated, ...]:
    """The ties once these steps are done: a new primary one makes the others ordinary."""
    ties = {tie.crm_id: tie.primary for tie in present}
    for step in made:
        if step.type is AssociationType.ADDITIONAL:
            ties.setdefault(step.crm_id, False)
        else:
            ties = dict.fromkeys(ties, False) | {step.crm_id: True}
    for step in taken:
        ties.pop(step.crm_id, None)
    return tuple(Associated(crm_id, primary) for crm_id, primary in ties.items())


def between(
    kind: RecordKind, present: Sequence[Associated], wanted: Sequence[Associated]
) -> tuple[tuple[Associate, ...], tuple[Dissociate, ...]]:
    """The steps from the present ties to the wanted ones; what is as wanted is not touched."""
    now = {tie.crm_id: tie.primary for tie in present}
    made = [
        Associate(kind, tie.crm_id, AssociationType.PRIMARY if tie.primary else AssociationType.ADDITIONAL)
        for tie in sorted(wanted, key=lambda tie: tie.primary)
        if tie.crm_id not in now or (tie.primary and not now[tie.crm_id])
    ]
    kept = {tie.crm_id for tie in wanted}
    return tuple(made), tuple(Dissociate(kind, crm_id) for crm_id in now if crm_id not in kept)


#: Under which name the journal keeps a contact's ties, beside its fields.
TIES = "@companies"
_PRIMARY = " (primary)"


def as_texts(ties: Sequence[Associated]) -> list[str]:
    """Ties as the journal keeps them: the primary one first, and marked."""
    ordered = sorted(ties, key=lambda tie: (not tie.primary, tie.crm_id))
    return [tie.crm_id + (_PRIMARY if tie.primary else "") for tie in ordered]


def from_texts(texts: Sequence[str]) -> tuple[Associated, ...]:
    """The ties that `as_texts` wrote."""
    return tuple(Associated(text.removesuffix(_PRIMARY), text.endswith(_PRIMARY)) for text in texts)

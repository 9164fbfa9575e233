"""Ties between contacts and companies: what each association type asks for, and whether it is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hub_core.model.plan import AssociationStep
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


def planned_ties(present: Sequence[Associated], step: AssociationStep, target: str) -> tuple[Associated, ...]:
    """The ties a step may touch: its target and those the plan has shown. What somebody tied since stays."""
    shown = {*step.before, target}
    return tuple(tie for tie in present if tie.crm_id in shown)


def after(
    present: Sequence[Associated], made: Sequence[Associate], taken: Sequence[Dissociate]
) -> tuple[Associated, ...]:
    """The ties once these steps are done: a new primary one makes the others ordinary."""
    ties = {tie.crm_id: tie for tie in present}
    for step in made:
        old = ties.get(step.crm_id, Associated(step.crm_id))
        new = replace(old, labels=tuple(sorted({*old.labels, *step.labels})))
        if step.type is not AssociationType.ADDITIONAL:
            ties = {crm_id: replace(tie, primary=False) for crm_id, tie in ties.items()}
            new = replace(new, primary=True)
        ties[step.crm_id] = new
    for step in taken:
        if not step.only_primary:
            ties.pop(step.crm_id, None)
        elif step.crm_id in ties:
            ties[step.crm_id] = replace(ties[step.crm_id], primary=False)
    return tuple(ties.values())


def between(
    kind: RecordKind, present: Sequence[Associated], wanted: Sequence[Associated]
) -> tuple[tuple[Associate, ...], tuple[Dissociate, ...]]:
    """The steps from the present ties to the wanted ones; what is as wanted is not touched."""
    now = {tie.crm_id: tie.primary for tie in present}
    made = [
        Associate(kind, tie.crm_id, AssociationType.PRIMARY if tie.primary else AssociationType.ADDITIONAL, tie.labels)
        for tie in sorted(wanted, key=lambda tie: tie.primary)
        if tie.crm_id not in now or (tie.primary and not now[tie.crm_id])
    ]
    kept = {tie.crm_id for tie in wanted}
    taken = [Dissociate(kind, crm_id) for crm_id in now if crm_id not in kept]
    if not any(tie.primary for tie in wanted):  # else the one that becomes primary takes the other's place
        taken += [Dissociate(kind, tie.crm_id, only_primary=True) for tie in wanted if now.get(tie.crm_id)]
    return tuple(made), tuple(taken)


#: Under which name the journal keeps a contact's ties, beside its fields.
TIES = "@companies"
_TIE = re.compile(r"(.*?)( \(primary\))?(?: \[(.*)\])?")


def as_texts(ties: Sequence[Associated]) -> list[str]:
    """Ties as the journal keeps them: "1", "2 (primary)", "3 [label, label]"; the primary one first."""
    ordered = sorted(ties, key=lambda tie: (not tie.primary, tie.crm_id))
    return [
        tie.crm_id + (" (primary)" if tie.primary else "") + (f" [{', '.join(tie.labels)}]" if tie.labels else "")
        for tie in ordered
    ]


def from_texts(texts: Sequence[str]) -> tuple[Associated, ...]:
    """The ties that `as_texts` wrote."""
    found = [_TIE.fullmatch(text) for text in texts]
    return tuple(
        Associated(tie[1], tie[2] is not None, tuple(tie[3].split(", ")) if tie[3] else ()) for tie in found if tie
    )

"""What an export does with one hub record: decided from what is known of it, without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub_core.model.plan import Action, AssociationStep, Decision
from hub_core.model.records import CrmValue, Record
from hub_core.rules.identity import Owner
from hub_core.rules.mapping import CompiledMapping, desired, diff
from hub_core.rules.matching import Ambiguous, Candidate, Matched
from hub_core.rules.matching import decide as decide_match


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person decided in the review queue: "link" (to ``crm_id``), "create" or "skip"."""

    choice: str
    crm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything known of one hub record.

    ``linked``: the CRM id of its link. ``current``: the values of each CRM record in question, by CRM id; a linked one
    that is not in it has gone from the CRM. ``taken``: which hub records CRM records are linked to. ``twin_of``: an
    earlier record of this export that is the same one. ``associations``: ties to companies that are wanted, not known
    to be there.
    """

    record: Record
    current: Mapping[str, Mapping[str, CrmValue]]
    linked: str | None = None
    candidates: Sequence[Candidate] = ()
    taken: Mapping[str, int] = field(default_factory=dict[str, int])
    answer: Answer | None = None
    twin_of: int | None = None
    associations: tuple[AssociationStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Exporting:
    """What is the same for every record of one export."""

    mapping: CompiledMapping
    overwrite: bool
    manual: Mapping[str, str]
    owner: Owner | None
    owner_field: str
    crm_name: str


def decide(situation: Situation, exporting: Exporting) -> Decision:
    """Create, update, link, leave, skip, or ask a person; always with the reason."""
    record, crm_name = situation.record, exporting.crm_name
    if situation.linked is not None:
        if situation.linked not in situation.current:
            if situation.answer is not None and situation.answer.choice == "skip":
                return Decision(record.id, Action.SKIP, "You chose to skip it")
            reason = f"Linked to {crm_name} record {situation.linked}, which is gone: create it again or skip?"
            return Decision(record.id, Action.REVIEW, reason, candidates=())
        return _write(situation, exporting, situation.linked, "linked before", new_link=False)
    answer = situation.answer
    if answer is not None and answer.choice == "skip":
        return Decision(record.id, Action.SKIP, "You chose to skip it")
    if answer is not None and answer.crm_id is not None and answer.crm_id in situation.current:
        if answer.crm_id in situation.taken:
            return _taken(situation, crm_name, answer.crm_id)
        return _write(situation, exporting, answer.crm_id, "you chose this record", new_link=True)
    if situation.twin_of is not None:
        return Decision(
            record.id, Action.SKIP, f"Same as hub record {situation.twin_of} in this export; folded into it"
        )
    if answer is None or answer.choice != "create":
        match decide_match(situation.candidates):
            case Ambiguous(several):
                by = ", ".join(sorted({hit.clause for candidate in several for hit in candidate.hits}))
                reason = f"{len(several)} {crm_name} records match by {by}: which one is it?"
                return Decision(record.id, Action.REVIEW, reason, candidates=tuple(each.crm_id for each in several))
            case Matched(only):
                if only.crm_id in situation.taken:
                    return _taken(situation, crm_name, only.crm_id)
                by = " and ".join(hit.clause for hit in only.hits)
                return _write(situation, exporting, only.crm_id, f"same {by}", new_link=True)
            case _:
                pass
    return _create(situation, exporting)


def replan(
    record: Record, crm_id: str, current: Mapping[str, CrmValue], exporting: Exporting, earlier: Decision
) -> Decision:
    """Decide again on a record whose CRM values are not the ones that were planned with."""
    situation = Situation(record, {crm_id: current}, linked=crm_id, associations=earlier.associations)
    again = _write(situation, exporting, crm_id, "changed since the plan, planned again", new_link=True)
    if again.action is Action.LINK:
        return Decision(record.id, Action.LINK, again.reason, crm_id, kept=again.kept, problems=again.problems)
    return again


def _taken(situation: Situation, crm_name: str, crm_id: str) -> Decision:
    reason = f"Matches {crm_name} record {crm_id}, which is hub record {situation.taken[crm_id]} already"
    return Decision(situation.record.id, Action.SKIP, reason, crm_id=crm_id)


def _create(situation: Situation, exporting: Exporting) -> Decision:
    record = situation.record
    wanted, problems = desired(exporting.mapping, record.values, manual=exporting.manual)
    changes, _ = diff(exporting.mapping, wanted, None, overwrite=True)
    missing = [field.label for field in exporting.mapping.fields.values() if field.required and field.id not in wanted]
    if not changes or (problems and missing):
        return Decision(
            record.id,
            Action.SKIP,
            problems[0] if problems else "None of its mapped fields has a value",
            problems=tuple(problems),
        )
    owner = exporting.owner.crm_user if exporting.owner else None
    if owner is not None and any(change.field == exporting.owner_field for change in changes):
        owner = None  # the mapping says it already
    return Decision(
        record.id,
        Action.CREATE,
        f"Not in {exporting.crm_name} yet",
        changes=changes,
        owner=owner,
        associations=situation.associations,
        problems=tuple(problems),
    )


def _write(situation: Situation, exporting: Exporting, crm_id: str, why: str, *, new_link: bool) -> Decision:
    """Values that cannot be written are left out and told; the others go."""
    record = situation.record
    wanted, problems = desired(exporting.mapping, record.values, manual=exporting.manual)
    current = situation.current[crm_id]
    changes, kept = diff(exporting.mapping, wanted, current, overwrite=exporting.overwrite)
    owner = owner_of_existing(exporting, current)
    if changes or owner or situation.associations:
        action = Action.UPDATE
    else:
        action = Action.LINK if new_link else Action.UNCHANGED
    return Decision(
        record_id=record.id,
        action=action,
        reason=why[0].upper() + why[1:],
        crm_id=crm_id,
        changes=changes,
        kept=kept,
        owner=owner,
        associations=situation.associations,
        problems=tuple(problems),
    )


def owner_of_existing(exporting: Exporting, current: Mapping[str, CrmValue]) -> str | None:
    """An owner who is there stays, unless the person asked for another one."""
    owner = exporting.owner
    if owner is None:
        return None
    present = current.get(exporting.owner_field)
    if present == owner.crm_user or (present and not owner.forced):
        return None
    return owner.crm_user

"""Taking a run back: what it did to one record in all, and what of that can be undone without harm to anybody.

A value is only restored where it is still the one that the run left. What somebody has changed since stays, and is
said; so does a record that the run has created and that is in use by now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from hub_core.model.fields import CrmType, FieldInfo
from hub_core.model.plan import Action, Change, Decision, HubChange
from hub_core.model.records import Associated, CrmRecord, CrmValue, HubValue, RecordKind
from hub_core.rules.associations import TIES, as_texts, from_texts
from hub_core.rules.values import canonical


@dataclass(frozen=True, slots=True)
class Noted:
    """One row of the journal: what a run did to one record on one ``side`` ("crm" or "hub").

    ``changes`` of the hub's side hold hub values.
    """

    id: int
    run_id: int
    kind: RecordKind
    record_id: int
    crm_id: str
    side: str
    action: str
    changes: tuple[Change, ...]
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """What a run did to one record in all. ``crm``: by CRM field (and `TIES`) first before -> last after."""

    record_id: int
    crm_id: str
    created: bool
    crm: tuple[Change, ...]
    hub: tuple[HubChange, ...]


def effect_of(noted: Sequence[Noted]) -> Effect:
    """The net effect of the journal's rows about one record, the oldest first; what ended as it began is left out."""
    crm = _net([change for each in noted if each.side == "crm" for change in each.changes])
    hub = _net([change for each in noted if each.side == "hub" for change in each.changes])
    ours = [each for each in noted if each.side == "crm"] or noted
    return Effect(
        record_id=noted[0].record_id,
        crm_id=ours[-1].crm_id,
        created=any(each.side == "crm" and each.action == "create" for each in noted),
        crm=crm,
        hub=tuple(HubChange(change.field, change.before, change.after) for change in hub),
    )


def _net(changes: Sequence[Change]) -> tuple[Change, ...]:
    net: dict[str, Change] = {}
    for change in changes:
        first = net.get(change.field, change)
        net[change.field] = Change(change.field, first.before, change.after)
    return tuple(change for change in net.values() if (change.before or None) != (change.after or None))


@dataclass(frozen=True, slots=True)
class Now:
    """How a record is at present. ``crm`` is None when the CRM has it no more, ``hub`` None when the hub has.

    ``linked``: the run has made the record's link, and it still leads to that CRM record. ``users``: the CRM ids of
    contacts that are tied to a company and will stay so.
    """

    crm: CrmRecord | None
    hub: Mapping[str, HubValue] | None
    linked: bool = False
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undoing:
    """What is the same for every record of one undo. ``fields``: the CRM's, by id."""

    run_id: int
    crm_name: str
    fields: Mapping[str, FieldInfo]
    keep_created: bool = False


@dataclass(slots=True)
class _Found:
    """What is found out field by field: to be restored, and to be kept because it was changed since.

    ``problems``: sentences about what cannot be restored. ``notes``: about a record that is not there to be restored.
    """

    changes: list[Change] = field(default_factory=list[Change])
    kept: list[Change] = field(default_factory=list[Change])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def decide(effect: Effect, now: Now, undoing: Undoing) -> Decision:
    """How to take an effect back: restore, archive, unlink, or leave it, always with the reason.

    ``changes`` go from the present values to those before the run; ``kept`` likewise, of what stays.
    """
    if effect.created:
        return _decide_created(effect, now, undoing)
    found = _compare(effect.crm, now.crm, undoing)
    hub, kept_hub = _compare_hub(effect.hub, now.hub)
    stays = [_label(change.field, undoing) for change in found.kept] + kept_hub
    if now.hub is None and effect.hub:
        found.notes.append("the hub's record was deleted since")
    notes = [*found.notes, *found.problems, *([_stays(stays)] if stays else [])]
    if found.changes:
        action = Action.UPDATE
    elif hub:
        action = Action.PULL
    elif now.linked:
        action = Action.UNLINK
    else:
        action = Action.SKIP if notes else Action.UNCHANGED
    if action is Action.UNCHANGED:
        notes = [f"It is as it was before run {undoing.run_id}"]
    elif action is not Action.SKIP:
        what = "Its link was made" if action is Action.UNLINK else "It was changed"
        notes = [f"{what} by run {undoing.run_id}", *notes]
    return Decision(
        record_id=effect.record_id,
        action=action,
        reason=_sentence(notes),
        crm_id=effect.crm_id,
        changes=tuple(found.changes),
        kept=tuple(found.kept),
        problems=tuple(found.problems),
        hub_changes=hub,
    )


def _decide_created(effect: Effect, now: Now, undoing: Undoing) -> Decision:
    def decided(action: Action, reason: str, found: _Found | None = None) -> Decision:
        lists = found or _Found()
        return Decision(
            effect.record_id, action, reason, effect.crm_id, tuple(lists.changes), tuple(lists.kept), problems=()
        )

    if undoing.keep_created:
        return decided(Action.SKIP, f"Created by run {undoing.run_id}; it stays, as you chose")
    if now.crm is None:
        reason = f"{undoing.crm_name} has the record no more"
        return decided(Action.UNLINK if now.linked else Action.UNCHANGED, reason)
    found = _compare(_with_ties(effect.crm, now.crm), now.crm, undoing)
    changed = [_label(change.field, undoing) for change in found.kept]
    if changed:
        return decided(Action.SKIP, f"Created by run {undoing.run_id}, but changed since: {_listed(changed)}", found)
    if now.users:
        reason = f"Created by run {undoing.run_id}, but in use: contact {_listed(list(now.users))} is tied to it"
        return decided(Action.SKIP, reason)
    return decided(Action.ARCHIVE, f"Created by run {undoing.run_id}, and nobody has changed it since", found)


def _with_ties(changes: tuple[Change, ...], record: CrmRecord) -> tuple[Change, ...]:
    """With the ties of a created record: where the journal says nothing of them, it had none."""
    if record.associated is None or any(change.field == TIES for change in changes):
        return changes
    return (*changes, Change(TIES, None, None))


def _compare(changes: Sequence[Change], record: CrmRecord | None, undoing: Undoing) -> _Found:
    found = _Found()
    if record is None:
        if changes:
            found.notes.append(f"{undoing.crm_name} has the record no more")
        return found
    for change in changes:
        now = value_of(record, change.field)
        back = Change(change.field, now, change.before)
        info = undoing.fields.get(change.field)
        if change.field != TIES and (info is None or info.read_only):
            can = "has no field" if info is None else "does not let anybody write"
            found.problems.append(f"{undoing.crm_name} {can} {_label(change.field, undoing)} any more")
            found.kept.append(back)
        elif (now or None) == (change.before or None):
            pass
        elif same(change.field, now, change.after, undoing.fields):
            # Only its form was changed by the run, and the CRM gives it another one still: that is as good as before.
            if now == change.after or not same(change.field, now, change.before, undoing.fields):
                found.changes.append(back)
        elif not same(change.field, now, change.before, undoing.fields):
            found.kept.append(back)
    return found


def _compare_hub(
    changes: Sequence[HubChange], values: Mapping[str, HubValue] | None
) -> tuple[tuple[HubChange, ...], list[str]]:
    """What to restore in the hub, and the names of the fields that were changed since."""
    back: list[HubChange] = []
    stays: list[str] = []
    for change in changes if values is not None else ():
        now = (values or {}).get(change.field)
        if now == change.after:
            back.append(HubChange(change.field, now, change.before))
        elif now != change.before:
            stays.append(f"{change.field} in the hub")
    return tuple(back), stays


def value_of(record: CrmRecord, name: str) -> CrmValue | None:
    """A record's value of a field, or its ties in the journal's form."""
    return as_texts(record.associated or ()) or None if name == TIES else record.values.get(name)


def same(name: str, one: CrmValue | None, other: CrmValue | None, fields: Mapping[str, FieldInfo]) -> bool:
    """Whether two values of a field (or two sets of ties) say the same."""
    if name == TIES:
        return ties_of(one) == ties_of(other)
    type_ = fields[name].type if name in fields else CrmType.UNKNOWN
    return canonical(one, type_) == canonical(other, type_)


def ties_of(texts: CrmValue | None) -> frozenset[Associated]:
    """Ties as the journal holds them, in no order."""
    return frozenset(from_texts(cast("Sequence[str]", texts or ())))


def without_gone(decision: Decision, gone: Collection[str], crm_name: str) -> Decision:
    """The decision without ties to companies that the CRM has no more."""
    ties = next((change for change in decision.changes if change.field == TIES), None)
    if ties is None or decision.action is not Action.UPDATE:
        return decision
    wanted = ties_of(ties.after)
    lost = sorted(tie.crm_id for tie in wanted if tie.crm_id in gone)
    if not lost:
        return decision
    after = as_texts([tie for tie in wanted if tie.crm_id not in gone]) or None
    problem = f"{crm_name} has company {_listed(lost)} no more"
    changes = [replace(change, after=after) if change is ties else change for change in decision.changes]
    left = tuple(change for change in changes if (change.before or None) != (change.after or None))
    action = decision.action if left else Action.PULL if decision.hub_changes else Action.SKIP
    return replace(
        decision,
        action=action,
        changes=left,
        reason=f"{decision.reason}; {problem}",
        problems=(*decision.problems, problem),
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """A decision looked at again just before it is carried out. ``done``: an earlier try has written these already."""

    decision: Decision
    done: tuple[Change, ...] = ()


def recheck(
    decision: Decision, record: CrmRecord | None, fields: Mapping[str, FieldInfo], *, sent: bool, users: bool = False
) -> Checked:
    """What of a restoration or an archiving still holds. Changes that do not are moved to ``kept``.

    ``sent``: it was on its way before, and nobody knows whether it arrived. ``users``: others are tied to it.
    """
    if record is None:
        return Checked(replace(decision, changes=()))
    left: list[Change] = []
    done: list[Change] = []
    kept = list(decision.kept)
    for change in decision.changes:
        now = value_of(record, change.field)
        if same(change.field, now, change.before, fields):
            left.append(change)
        elif sent and same(change.field, now, change.after, fields):
            done.append(change)
        elif sent and now is None:  # cleared so that it could be set: see `services.undoing`
            left.append(change)
        elif not same(change.field, now, change.after, fields):
            kept.append(replace(change, before=now))
    if decision.action is Action.ARCHIVE and (users or len(left) < len(decision.changes)):
        return Checked(
            replace(
                decision, action=Action.SKIP, reason="Changed since the plan was made, so it stays", kept=tuple(kept)
            )
        )
    return Checked(replace(decision, changes=tuple(left), kept=tuple(kept)), tuple(done))


def _label(name: str, undoing: Undoing) -> str:
    if name == TIES:
        return "its companies"
    return undoing.fields[name].label if name in undoing.fields else name


def _sentence(notes: Sequence[str]) -> str:
    text = "; ".join(notes)
    return text[:1].upper() + text[1:]


def _stays(names: Sequence[str]) -> str:
    return f"changed since, and left so: {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

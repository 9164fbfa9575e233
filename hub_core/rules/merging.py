"""What a sync does with one linked record: every row merged by its mode (`hub_core.rules.modes`).

Values are compared in the CRM's form. A conversion may lose something (a CRM's point in time becomes the hub's date): a
hub value that is what reading the CRM's value gives is the same one. Hence a second sync has nothing left to write.

Where several rows have the same hub field, the first that may changes the hub (`CompiledRow.feeds`) and is merged
before the others, which are merged with the value it leaves. What cannot change the hub (those others, fixed values)
keeps a value that has changed in the CRM, unless its mode or its conflict policy says that the hub's stays. Values
given when exporting and engagements are no part of a sync.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub_core.model.fields import CrmType
from hub_core.model.plan import Change, HubChange
from hub_core.model.records import CrmValue, HubValue
from hub_core.model.setup import ConflictPolicy, Mode
from hub_core.rules.mapping import CompiledMapping, CompiledRow
from hub_core.rules.modes import NO_HISTORY, FieldDecision, Verdict, merge_field
from hub_core.rules.values import ValueProblem, canonical


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A person has to say whose value stays. ``field`` is the CRM's, ``hub`` the value in the hub's form."""

    field: str
    hub_field: str
    hub: HubValue | None
    crm: CrmValue | None
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that is overwritten although both sides had never agreed on it, in the form of its ``side``."""

    field: str
    side: Literal["hub", "crm"]
    value: HubValue


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """What a sync does with one linked record.

    ``agreed_after``: of the last agreed values, by CRM field, those that are new once all of this is done (None: both
    are blank now). ``reasons``: by CRM field, why it is written or a conflict. ``problems``: sentences about values
    that cannot be converted; their fields are left as they are.
    """

    to_crm: tuple[Change, ...]
    to_hub: tuple[HubChange, ...]
    conflicts: tuple[FieldConflict, ...]
    lost: tuple[Lost, ...]
    agreed_after: Mapping[str, CrmValue | None]
    reasons: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def writes(self) -> bool:
        """Whether either side changes."""
        return bool(self.to_crm or self.to_hub)


def merge_record(
    compiled: CompiledMapping,
    *,
    hub_values: Mapping[str, HubValue],
    crm_values: Mapping[str, CrmValue],
    agreed: Mapping[str, CrmValue | None],
    hub_changed_at: datetime | None,
    crm_changed_at: datetime | None,
    answers: Mapping[str, ConflictPolicy] | None = None,
) -> RecordDecision:
    """Merge every row of a mapping for one linked record; see the top of this module.

    ``crm_values`` must have been read for all mapped fields: what is not in it is blank. ``agreed`` holds, by CRM
    field, the last agreed values in the CRM's form; a field that is not in it has no history. ``hub_changed_at`` and
    ``crm_changed_at`` are the last changes that were not the sync's own. ``answers``: what people decided on
    conflicts, by CRM field, in the place of the rows' policies.
    """
    merge = _Merge(compiled, hub_values, crm_values, agreed, (hub_changed_at, crm_changed_at), answers or {})
    get_hub, get_crm, fed = hub_values.get, crm_values.get, merge.fed
    for row in compiled.merged:
        name, crm = row.hub.id, get_crm(row.field.id)
        hub = fed[name] if name in fed else get_hub(name)
        problem = written = None
        if hub is not None:
            try:
                written = row.write(hub)
            except ValueProblem as refused:
                problem = refused
        # nearly every field of nearly every record is as it was; its last agreed value then is, too
        if problem is None and (written == crm or canonical(written, row.field.type) == canonical(crm, row.field.type)):
            merge.in_step(row.field.id, crm, row.field.type)
        else:
            merge.row(row, hub, written, problem)
    for name, value in compiled.fixed.items():
        merge.fixed_value(name, value)
    return merge.decision()


@dataclass(slots=True)
class _Merge:
    """One record on its way to a decision. ``fed``: its hub fields that the rows so far have changed."""

    compiled: CompiledMapping
    hub_values: Mapping[str, HubValue]
    crm_values: Mapping[str, CrmValue]
    agreed: Mapping[str, CrmValue | None]
    times: tuple[datetime | None, datetime | None]
    answers: Mapping[str, ConflictPolicy]
    fed: dict[str, HubValue | None] = field(default_factory=dict[str, "HubValue | None"])
    to_crm: list[Change] = field(default_factory=list[Change])
    to_hub: list[HubChange] = field(default_factory=list[HubChange])
    conflicts: list[FieldConflict] = field(default_factory=list[FieldConflict])
    lost: list[Lost] = field(default_factory=list[Lost])
    agreed_after: dict[str, CrmValue | None] = field(default_factory=dict[str, "CrmValue | None"])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[str] = field(default_factory=list[str])

    def decision(self) -> RecordDecision:
        return RecordDecision(
            to_crm=tuple(self.to_crm),
            to_hub=tuple(self.to_hub),
            conflicts=tuple(self.conflicts),
            lost=tuple(self.lost),
            agreed_after=self.agreed_after,
            reasons=self.reasons,
            problems=tuple(self.problems),
        )

    def in_step(self, name: str, crm: CrmValue | None, kind: CrmType) -> None:
        """Both sides have the same: that is the agreed value from now on. Never agreed and blank needs no note."""
        was = self.agreed.get(name)
        if was != crm and canonical(was, kind) != canonical(crm, kind):
            self.agreed_after[name] = crm

    def row(
        self, row: CompiledRow, hub: HubValue | None, written: CrmValue | None, problem: ValueProblem | None
    ) -> None:
        """Merge a row whose sides are not the same at first sight. ``written`` is the hub's value in the CRM's form."""
        name, kind = row.field.id, row.field.type
        crm = self.crm_values.get(name)
        if hub is not None:
            written = self._same_as(row, hub, written)
            if written is None:
                if row.sync is not Mode.CRM_OVERWRITES_HUB:
                    self._unwritable(row, crm, problem)
                    return
                written = _plain(hub)  # only compared: the hub is the one to be written
        decided = self._merged(row.sync, name, row.conflict, written, clear=row.clear, feeds=row.feeds)
        match decided.verdict:
            case Verdict.IN_STEP:
                self.in_step(name, crm, kind)
            case Verdict.TO_CRM if not row.field.read_only:
                self._write_crm(name, crm, decided)
            case Verdict.TO_HUB if row.feeds:
                self._write_hub(row, hub, decided)
            case Verdict.REVIEW:
                self.conflicts.append(FieldConflict(name, row.hub.id, hub, crm, decided.reason))
                self.reasons[name] = decided.reason
            case _:
                pass

    def fixed_value(self, name: str, value: CrmValue) -> None:
        """Merge a fixed value, which is the hub's for every record and cannot be changed from the CRM."""
        row, crm, kind = self.compiled.fixed_rows[name], self.crm_values.get(name), self.compiled.fields[name].type
        decided = self._merged(row.mode, name, row.conflict, value, clear=False, feeds=False)
        if decided.verdict is Verdict.IN_STEP:
            self.in_step(name, crm, kind)
        elif decided.verdict is Verdict.TO_CRM:
            self._write_crm(name, crm, decided)

    def _merged(
        self, mode: Mode, name: str, policy: ConflictPolicy, hub: CrmValue | None, *, clear: bool, feeds: bool
    ) -> FieldDecision:
        policy = self.answers.get(name, policy)
        if not feeds and policy is not ConflictPolicy.HUB:
            policy = ConflictPolicy.CRM  # its value cannot come into the hub, so both stay
        return merge_field(
            mode,
            agreed=self.agreed.get(name, NO_HISTORY),
            hub=hub,
            crm=self.crm_values.get(name),
            kind=self.compiled.fields[name].type,
            policy=policy,
            hub_changed_at=self.times[0],
            crm_changed_at=self.times[1],
            clear=clear,
        )

    def _same_as(self, row: CompiledRow, hub: HubValue, written: CrmValue | None) -> CrmValue | None:
        """The hub's value as the CRM has it, or as it was agreed on, if reading that gives the hub's value.

        Where the hub overwrites the CRM, how it writes its value is what counts.
        """
        if row.sync is Mode.HUB_OVERWRITES_CRM:
            return written
        for value in (self.crm_values.get(row.field.id), self.agreed.get(row.field.id)):
            if value is not None:
                try:
                    if row.read(value) == hub:
                        return value
                except ValueProblem:
                    continue
        return written

    def _unwritable(self, row: CompiledRow, crm: CrmValue | None, problem: ValueProblem | None) -> None:
        """A hub value that the CRM field cannot take, or that the value map drops, stays, and so does the CRM's."""
        waits = row.sync is Mode.OFF or (row.sync is Mode.IF_EMPTY and (crm is not None or row.field.read_only))
        if problem is not None and not waits:
            self.problems.append(f"{row.field.label}: {problem}")

    def _write_crm(self, name: str, crm: CrmValue | None, decided: FieldDecision) -> None:
        self.to_crm.append(Change(name, crm, decided.after))
        self.agreed_after[name] = decided.after
        self.reasons[name] = decided.reason
        if decided.lost is not None:
            self.lost.append(Lost(name, "crm", decided.lost))

    def _write_hub(self, row: CompiledRow, hub: HubValue | None, decided: FieldDecision) -> None:
        name, after = row.field.id, None
        if decided.after is not None:
            try:
                after = row.read(decided.after)
            except ValueProblem as problem:
                self.problems.append(f"{row.field.label}: {problem}")
                return
            if after is None:  # nothing that the hub could hold ("(blank)"), and a blank clears nothing
                return
        self.to_hub.append(HubChange(row.hub.id, hub, after))
        self.fed[row.hub.id] = after
        self.agreed_after[name] = decided.after
        self.reasons[name] = decided.reason
        if decided.lost is not None and hub is not None:
            self.lost.append(Lost(name, "hub", hub))


def _plain(value: HubValue) -> CrmValue:
    """A hub value that the CRM field cannot take, for comparing."""
    return value if isinstance(value, (str, list)) else json.dumps(value, sort_keys=True)

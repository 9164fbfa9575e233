"""The five modes, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_core.model.fields import CrmType
from hub_core.model.setup import ConflictPolicy, Mode
from hub_core.rules.modes import NO_HISTORY, FieldDecision, Verdict, merge_field

IN_STEP, KEEP, TO_CRM, TO_HUB, REVIEW = Verdict
BOTH, CRM, HUB, EMPTY, OFF = Mode
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)


def merged(mode: Mode, agreed: Any, hub: Any, crm: Any, **more: Any) -> FieldDecision:
    return merge_field(mode, agreed=agreed, hub=hub, crm=crm, **{"kind": CrmType.TEXT, **more})


def column(*verdicts: Verdict) -> pytest.MarkDecorator:
    """One column of the table: a verdict for each mode, in the order of `Mode`."""
    return pytest.mark.parametrize(("mode", "verdict"), list(zip(Mode, verdicts, strict=True)))


# The columns of the table

HUB_HAS_ONE = [(NO_HISTORY, "a", None), (None, "a", None), ("a", "a", None), ("b", "a", None)]
CRM_HAS_ONE = [(agreed, None, hub) for agreed, hub, _ in HUB_HAS_ONE]
HUB_CHANGED, CRM_CHANGED = ("a", "b", "a"), ("a", "a", "b")
BOTH_CHANGED = [("a", "b", "c"), (None, "b", "c"), (NO_HISTORY, "b", "c")]


@pytest.mark.parametrize("values", HUB_HAS_ONE)
@column(TO_CRM, KEEP, TO_CRM, TO_CRM, KEEP)
def test_a_blank_in_the_crm_is_filled_but_where_the_crm_overwrites(mode: Mode, verdict: Verdict, values: Any) -> None:
    decided = merged(mode, *values)
    assert (decided.verdict, decided.after, decided.lost) == (verdict, "a" if verdict is TO_CRM else None, None)


@pytest.mark.parametrize("values", CRM_HAS_ONE)
@column(TO_HUB, TO_HUB, KEEP, TO_HUB, KEEP)
def test_a_blank_in_the_hub_is_filled_but_where_the_hub_overwrites(mode: Mode, verdict: Verdict, values: Any) -> None:
    decided = merged(mode, *values)
    assert (decided.verdict, decided.after, decided.lost) == (verdict, "a" if verdict is TO_HUB else None, None)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("agreed", [NO_HISTORY, None, "a", "b"])
def test_equal_values_are_in_step_in_every_mode(mode: Mode, agreed: Any) -> None:
    assert merged(mode, agreed, "a", "a").verdict is IN_STEP
    assert merged(mode, agreed, None, None, clear=True).verdict is IN_STEP


@column(TO_CRM, TO_HUB, TO_CRM, KEEP, KEEP)
def test_a_change_in_the_hub_goes_to_the_crm_where_the_mode_lets_it(mode: Mode, verdict: Verdict) -> None:
    decided = merged(mode, *HUB_CHANGED)
    assert (decided.verdict, decided.after) == (verdict, {TO_CRM: "b", TO_HUB: "a"}.get(verdict))
    assert decided.lost == ("b" if verdict is TO_HUB else None)


@column(TO_HUB, TO_HUB, TO_CRM, KEEP, KEEP)
def test_a_change_in_the_crm_goes_to_the_hub_where_the_mode_lets_it(mode: Mode, verdict: Verdict) -> None:
    decided = merged(mode, *CRM_CHANGED)
    assert (decided.verdict, decided.after) == (verdict, {TO_HUB: "b", TO_CRM: "a"}.get(verdict))
    assert decided.lost == ("b" if verdict is TO_CRM else None)


@pytest.mark.parametrize("values", BOTH_CHANGED)
@column(REVIEW, TO_HUB, TO_CRM, KEEP, KEEP)
def test_two_changes_are_decided_by_the_mode_or_by_the_policy(mode: Mode, verdict: Verdict, values: Any) -> None:
    decided = merged(mode, *values, policy=ConflictPolicy.REVIEW)
    assert decided.verdict is verdict
    assert decided.lost == {TO_HUB: "b", TO_CRM: "c"}.get(verdict)


# Conflicts


@pytest.mark.parametrize("values", BOTH_CHANGED)
@pytest.mark.parametrize(
    ("policy", "verdict", "after", "lost"),
    [
        (ConflictPolicy.HUB, TO_CRM, "b", "c"),
        (ConflictPolicy.CRM, TO_HUB, "c", "b"),
        (ConflictPolicy.REVIEW, REVIEW, None, None),
    ],
)
def test_a_conflict_is_settled_by_the_policy_and_the_loser_is_kept(
    policy: ConflictPolicy, verdict: Verdict, after: Any, lost: Any, values: Any
) -> None:
    decided = merged(BOTH, *values, policy=policy, hub_changed_at=NOW, crm_changed_at=EARLIER)
    assert (decided.verdict, decided.after, decided.lost) == (verdict, after, lost)


@pytest.mark.parametrize(
    ("hub_at", "crm_at", "verdict"),
    [(NOW, EARLIER, TO_CRM), (EARLIER, NOW, TO_HUB), (NOW, NOW, TO_HUB), (None, NOW, TO_HUB), (NOW, None, TO_HUB)],
)
def test_the_newest_wins_and_the_crm_when_nobody_knows(hub_at: Any, crm_at: Any, verdict: Verdict) -> None:
    decided = merged(BOTH, "a", "b", "c", hub_changed_at=hub_at, crm_changed_at=crm_at)
    assert decided.verdict is verdict


def test_the_reason_says_whether_the_sides_had_ever_agreed() -> None:
    changed = merged(BOTH, "a", "b", "c", policy=ConflictPolicy.HUB)
    assert changed.reason == "Changed on both sides: the hub's value stays"
    never = merged(BOTH, NO_HISTORY, "b", "c", policy=ConflictPolicy.REVIEW)
    assert never.reason == "Different from the start: which value is right?"
    assert (changed.known, never.known) == (True, False)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("values", [*HUB_HAS_ONE, *CRM_HAS_ONE, HUB_CHANGED, CRM_CHANGED, *BOTH_CHANGED])
def test_every_decision_has_a_reason(mode: Mode, values: Any) -> None:
    assert merged(mode, *values).reason


# Blanks that clear


@pytest.mark.parametrize(
    ("mode", "agreed", "hub", "crm", "verdict", "after", "lost"),
    [
        (BOTH, "a", None, "a", TO_CRM, None, None),
        (BOTH, "a", "a", None, TO_HUB, None, None),
        (HUB, "a", None, "a", TO_CRM, None, None),
        (HUB, "a", None, "b", TO_CRM, None, "b"),
        (CRM, "a", "a", None, TO_HUB, None, None),
        (CRM, "a", "b", None, TO_HUB, None, "b"),
    ],
)
def test_a_blank_clears_what_had_been_agreed_where_the_row_and_the_mode_say_so(
    mode: Mode, agreed: Any, hub: Any, crm: Any, verdict: Verdict, after: Any, lost: Any
) -> None:
    decided = merged(mode, agreed, hub, crm, clear=True)
    assert (decided.verdict, decided.after, decided.lost) == (verdict, after, lost)


def test_against_the_direction_of_the_mode_a_blank_is_filled_again() -> None:
    assert merged(HUB, "a", "a", None, clear=True).after == "a"
    assert merged(CRM, "a", None, "a", clear=True).after == "a"
    assert merged(EMPTY, "a", "a", None, clear=True).after == "a"
    assert merged(EMPTY, "a", None, "a", clear=True).after == "a"


@pytest.mark.parametrize("agreed", [NO_HISTORY, None])
def test_a_blank_never_clears_what_had_not_been_agreed(agreed: Any) -> None:
    assert merged(BOTH, agreed, None, "a", clear=True).after == "a"
    assert merged(BOTH, agreed, "a", None, clear=True).after == "a"
    assert merged(HUB, agreed, None, "a", clear=True).verdict is KEEP
    assert merged(CRM, agreed, "a", None, clear=True).verdict is KEEP


def test_clearing_on_one_side_and_changing_on_the_other_is_a_conflict() -> None:
    decided = merged(BOTH, "a", None, "b", clear=True, policy=ConflictPolicy.HUB)
    assert (decided.verdict, decided.after, decided.lost) == (TO_CRM, None, "b")
    assert merged(BOTH, "a", "b", None, clear=True, policy=ConflictPolicy.REVIEW).verdict is REVIEW


# Form


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (CrmType.EMAIL, "Ana@Acme.com", " ana@acme.com"),
        (CrmType.NUMBER, "17", "17.0"),
        (CrmType.PHONE, "+34 600-000-000", "+34600000000"),
        (CrmType.URL, "https://Acme.com/", "acme.com"),
        (CrmType.DATE, "2026-03-01", "1772323200000"),
        (CrmType.BOOLEAN, "true", "True"),
        (CrmType.MULTI_CHOICE, ["a", "b"], ["b", "a"]),
        (CrmType.TEXT, "two\nlines", "two\r\nlines "),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_another_form_of_the_same_value_is_no_change(mode: Mode, kind: CrmType, one: Any, other: Any) -> None:
    assert merged(mode, NO_HISTORY, one, other, kind=kind).verdict is IN_STEP
    changed = merged(mode, one, "new" if isinstance(one, str) else ["new"], other, kind=kind)
    assert changed.lost is None or mode is CRM

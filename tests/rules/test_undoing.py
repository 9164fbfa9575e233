from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub_core.model.fields import CrmType, FieldInfo
from hub_core.model.plan import Action, Change, Decision, HubChange
from hub_core.model.records import Associated, CrmRecord, CrmValue, HubValue, RecordKind
from hub_core.rules.associations import TIES
from hub_core.rules.undoing import Effect, Noted, Now, Undoing, decide, effect_of, recheck, without_gone

FIELDS = {
    "name": FieldInfo("name", "Name", CrmType.TEXT),
    "phone": FieldInfo("phone", "Phone", CrmType.PHONE),
    "score": FieldInfo("score", "Score", CrmType.NUMBER, read_only=True),
}
UNDOING = Undoing(5, "TestCRM", FIELDS)


def noted(*changes: Change, side: str = "crm", action: str = "update", crm_id: str = "c1") -> Noted:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return Noted(1, 5, RecordKind.CONTACT, 7, crm_id, side, action, changes, "export", at)


def effect(*changes: Change, created: bool = False, hub: tuple[HubChange, ...] = ()) -> Effect:
    return Effect(7, "c1", created, changes, hub)


def now(
    hub: dict[str, HubValue] | None = None,
    *,
    ties: tuple[Associated, ...] = (),
    linked: bool = False,
    users: tuple[str, ...] = (),
    **values: CrmValue,
) -> Now:
    return Now(CrmRecord("c1", values, associated=ties), hub or {}, linked, users)


def test_the_net_effect_goes_from_the_first_before_to_the_last_after() -> None:
    rows = [
        noted(Change("name", "a", "b"), Change("phone", None, "1"), action="create"),
        noted(Change("name", "b", "c")),
        noted(Change("jobTitle", "x", "y"), side="hub"),
    ]
    net = effect_of(rows)
    assert net.crm == (Change("name", "a", "c"), Change("phone", None, "1"))
    assert net.hub == (HubChange("jobTitle", "x", "y"),)
    assert net.created


def test_what_ended_as_it_began_is_no_effect() -> None:
    assert effect_of([noted(Change("name", "a", "b")), noted(Change("name", "b", "a"))]).crm == ()
    assert effect_of([noted(Change(TIES, [], None))]).crm == ()


def test_a_value_that_the_run_left_goes_back_also_to_blank() -> None:
    decision = decide(
        effect(Change("name", "old", "new"), Change("phone", None, "1")), now(name="new", phone="1"), UNDOING
    )
    assert decision.action is Action.UPDATE
    assert decision.changes == (Change("name", "new", "old"), Change("phone", "1", None))
    assert decision.reason == "It was changed by run 5"


def test_a_value_is_recognised_in_the_form_that_the_crm_gives_it() -> None:
    decision = decide(effect(Change("phone", None, "+49 (30) 1")), now(phone="+49301"), UNDOING)
    assert decision.changes == (Change("phone", "+49301", None),)


def test_a_value_that_somebody_changed_since_stays_and_is_said() -> None:
    decision = decide(
        effect(Change("name", "old", "new"), Change("phone", None, "1")), now(name="other", phone="1"), UNDOING
    )
    assert decision.changes == (Change("phone", "1", None),)
    assert decision.kept == (Change("name", "other", "old"),)
    assert "changed since, and left so: Name" in decision.reason
    alone = decide(effect(Change("name", "old", "new")), now(name="other"), UNDOING)
    assert alone.action is Action.SKIP


def test_what_is_as_before_already_needs_nothing() -> None:
    decision = decide(effect(Change("name", "old", "new")), now(name="old"), UNDOING)
    assert (decision.action, decision.changes, decision.kept) == (Action.UNCHANGED, (), ())


def test_a_mere_change_of_form_is_taken_back_once() -> None:
    reformatted = effect(Change("phone", "(030) 1", "0301"))
    assert decide(reformatted, now(phone="0301"), UNDOING).action is Action.UPDATE
    assert decide(reformatted, now(phone="030-1"), UNDOING).action is Action.UNCHANGED


def test_a_field_that_nobody_can_write_any_more_is_said() -> None:
    decision = decide(effect(Change("gone", "a", "b"), Change("score", "1", "2")), now(gone="b", score="2"), UNDOING)
    assert decision.action is Action.SKIP
    assert "TestCRM has no field gone any more" in decision.reason
    assert "does not let anybody write Score" in decision.reason


def test_ties_go_back_as_a_whole() -> None:
    change = Change(TIES, ["1 (primary)"], ["2 (primary)", "1"])
    ours = (Associated("1"), Associated("2", primary=True))
    decision = decide(effect(change), now(ties=ours), UNDOING)
    assert decision.changes == (Change(TIES, ["2 (primary)", "1"], ["1 (primary)"]),)
    touched = decide(effect(change), now(ties=(*ours, Associated("3"))), UNDOING)
    assert (touched.action, touched.changes) == (Action.SKIP, ())
    assert "Changed since, and left so: its companies" in touched.reason


def test_a_record_that_is_gone_is_left_alone() -> None:
    decision = decide(effect(Change("name", "a", "b")), Now(None, {}), UNDOING)
    assert decision.action is Action.SKIP
    assert "TestCRM has the record no more" in decision.reason


def test_a_created_record_is_archived_when_it_is_as_the_run_left_it() -> None:
    made = effect(Change("name", None, "new"), created=True)
    decision = decide(made, now(name="new"), UNDOING)
    assert (decision.action, decision.changes) == (Action.ARCHIVE, (Change("name", "new", None),))


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (now(name="other"), "changed since: Name"),
        (now(name="new", ties=(Associated("9"),)), "changed since: its companies"),
        (now(name="new", users=("77",)), "contact 77 is tied to it"),
    ],
)
def test_a_created_record_that_somebody_has_changed_or_uses_stays(state: Now, why: str) -> None:
    decision = decide(effect(Change("name", None, "new"), created=True), state, UNDOING)
    assert decision.action is Action.SKIP
    assert why in decision.reason


def test_created_records_stay_when_they_are_to_be_kept() -> None:
    made = effect(Change("name", None, "new"), created=True)
    assert decide(made, now(name="new"), Undoing(5, "TestCRM", FIELDS, keep_created=True)).action is Action.SKIP


def test_a_link_that_the_run_has_made_goes_even_when_nothing_else_does() -> None:
    assert decide(effect(), now(linked=True), UNDOING).action is Action.UNLINK
    gone = decide(effect(Change("name", None, "x"), created=True), Now(None, {}, linked=True), UNDOING)
    assert gone.action is Action.UNLINK


def test_the_hubs_values_go_back_where_nobody_has_changed_them() -> None:
    hub = (HubChange("jobTitle", "old", "new"), HubChange("city", None, "Bonn"))
    decision = decide(effect(hub=hub), now({"jobTitle": "new", "city": "Rome"}), UNDOING)
    assert decision.action is Action.PULL
    assert decision.hub_changes == (HubChange("jobTitle", "new", "old"),)
    assert "left so: city in the hub" in decision.reason
    assert "deleted" in decide(effect(hub=hub), Now(None, None), UNDOING).reason


def test_companies_that_are_gone_are_not_tied_again() -> None:
    back = Decision(7, Action.UPDATE, "x", "c1", (Change(TIES, None, ["1 (primary)", "2"]),))
    assert without_gone(back, {"1"}, "TestCRM").changes == (Change(TIES, None, ["2"]),)
    none = without_gone(back, {"1", "2"}, "TestCRM")
    assert (none.action, none.changes) == (Action.SKIP, ())
    assert "has company 1, 2 no more" in none.reason


BACK = Decision(7, Action.UPDATE, "x", "c1", (Change("name", "new", "old"),))
BIN = Decision(7, Action.ARCHIVE, "x", "c1", (Change("name", "new", None),))


def record(**values: CrmValue) -> CrmRecord:
    return CrmRecord("c1", values)


def test_just_before_writing_a_value_must_still_be_the_planned_one() -> None:
    assert recheck(BACK, record(name="new"), FIELDS, sent=False).decision == BACK
    changed = recheck(BACK, record(name="other"), FIELDS, sent=False).decision
    assert (changed.changes, changed.kept) == ((), (Change("name", "other", "old"),))


def test_what_an_earlier_try_has_written_is_known_again() -> None:
    checked = recheck(BACK, record(name="old"), FIELDS, sent=True)
    assert (checked.decision.changes, checked.done) == ((), BACK.changes)
    assert recheck(BACK, record(name="old"), FIELDS, sent=False).done == ()
    assert recheck(BACK, record(), FIELDS, sent=True).decision.changes == BACK.changes


def test_a_record_that_changed_or_is_used_since_the_plan_is_not_archived() -> None:
    assert recheck(BIN, record(name="new"), FIELDS, sent=False).decision == BIN
    assert recheck(BIN, record(name="other"), FIELDS, sent=False).decision.action is Action.SKIP
    assert recheck(BIN, record(name="new"), FIELDS, sent=False, users=True).decision.action is Action.SKIP

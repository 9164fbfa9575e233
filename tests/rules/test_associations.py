from hub_core.model.records import Associate, Associated, AssociationType, Dissociate, RecordKind
from hub_core.rules.associations import in_order, is_tied, steps_to

ADDITIONAL, PRIMARY, REPLACE = AssociationType.ADDITIONAL, AssociationType.PRIMARY, AssociationType.PRIMARY_REPLACE
COMPANY = RecordKind.COMPANY
OLD, NEW = Associated("old", primary=True), Associated("new")


def test_additional_asks_for_any_tie() -> None:
    assert is_tied([OLD, NEW], "new", ADDITIONAL)
    assert not is_tied([OLD], "new", ADDITIONAL)


def test_primary_asks_for_the_primary_tie_and_leaves_the_others() -> None:
    assert not is_tied([OLD, NEW], "new", PRIMARY)
    assert is_tied([Associated("new", primary=True), Associated("old")], "new", PRIMARY)


def test_primary_and_remove_previous_asks_for_that_tie_alone() -> None:
    assert not is_tied([Associated("new", primary=True), Associated("old")], "new", REPLACE)
    assert is_tied([Associated("new", primary=True)], "new", REPLACE)


def test_only_remove_previous_takes_ties_away() -> None:
    assert steps_to([OLD, NEW], COMPANY, "new", PRIMARY) == (Associate(COMPANY, "new", PRIMARY), ())
    assert steps_to([OLD, NEW], COMPANY, "new", REPLACE)[1] == (Dissociate(COMPANY, "old"),)


def test_the_primary_tie_is_shown_first() -> None:
    assert in_order([NEW, OLD]) == ("old", "new")

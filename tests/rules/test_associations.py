from hub_core.model.records import Associated, AssociationType, RecordKind
from hub_core.rules.associations import associate, in_order, is_tied

ADDITIONAL, PRIMARY, REPLACE = AssociationType.ADDITIONAL, AssociationType.PRIMARY, AssociationType.PRIMARY_REPLACE
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
    assert associate([OLD, NEW], RecordKind.COMPANY, "new", PRIMARY).remove == ()
    assert associate([OLD, NEW], RecordKind.COMPANY, "new", REPLACE).remove == ("old",)


def test_the_primary_tie_is_shown_first() -> None:
    assert in_order([NEW, OLD]) == ("old", "new")

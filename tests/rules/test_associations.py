from hub_core.model.records import Associate, Associated, AssociationType, Dissociate, RecordKind
from hub_core.rules.associations import after, as_texts, between, from_texts, is_tied, steps_to

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


def test_the_primary_tie_is_written_first_and_can_be_read_again() -> None:
    texts = as_texts([NEW, OLD])
    assert texts == ["old (primary)", "new"]
    assert from_texts(texts) == (OLD, NEW)


def test_a_new_primary_tie_makes_the_old_one_ordinary() -> None:
    made = (Associate(COMPANY, "new", PRIMARY),)
    assert after([OLD], made, ()) == (Associated("old"), Associated("new", primary=True))
    assert after([OLD], made, (Dissociate(COMPANY, "old"),)) == (Associated("new", primary=True),)


def test_steps_lead_back_from_any_ties_to_the_ones_before() -> None:
    for before in ([], [OLD], [OLD, NEW], [Associated("new", primary=True), Associated("x")]):
        for now in ([], [OLD], [NEW], [Associated("new", primary=True)], [OLD, NEW, Associated("x")]):
            restored = after(now, *between(COMPANY, now, before))
            assert set(restored) == set(before)


def test_a_tie_that_is_to_be_an_ordinary_one_again_stays_a_tie() -> None:
    assert between(COMPANY, [OLD], [Associated("old")]) == ((), (Dissociate(COMPANY, "old", only_primary=True),))
    assert after([OLD], (), (Dissociate(COMPANY, "old", only_primary=True),)) == (Associated("old"),)


def test_the_customers_labels_come_back_with_a_tie() -> None:
    labelled = Associated("old", primary=True, labels=("36", "boss"))
    assert as_texts([labelled, NEW]) == ["old (primary) [36, boss]", "new"]
    assert from_texts(as_texts([labelled, NEW])) == (labelled, NEW)
    assert between(COMPANY, [NEW], [labelled, NEW])[0] == (Associate(COMPANY, "old", PRIMARY, ("36", "boss")),)
    assert after([NEW], *between(COMPANY, [NEW], [labelled, NEW])) == (NEW, labelled)


def test_ties_that_are_as_wanted_are_not_touched() -> None:
    assert between(COMPANY, [OLD, NEW], [OLD, NEW]) == ((), ())

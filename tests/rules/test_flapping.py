from datetime import UTC, datetime, timedelta
from typing import Any

from hub_core.rules.flapping import Applied, explain, is_flapping

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def history(*changes: tuple[str, Any, Any], every: timedelta = timedelta(minutes=5)) -> list[Applied]:
    return [
        Applied("crm" if side == "crm" else "hub", before, after, START + number * every)
        for number, (side, before, after) in enumerate(changes)
    ]


TO_A, TO_B = ("crm", "b", "a"), ("crm", "a", "b")


def test_back_and_forth_four_times_is_flapping_and_three_times_is_not() -> None:
    assert is_flapping(history(TO_B, TO_A, TO_B, TO_A))
    assert not is_flapping(history(TO_B, TO_A, TO_B))
    assert is_flapping(history(TO_B, TO_A, TO_B), limit=3)


def test_writing_the_same_value_again_and_again_is_flapping_because_another_one_takes_it_back() -> None:
    assert is_flapping(history(TO_A, TO_A, TO_A, TO_A))


def test_the_sides_may_take_turns_and_write_a_value_in_their_own_form() -> None:
    assert is_flapping(history(("crm", "17", "18"), ("hub", 18, 17), ("crm", "17", "18"), ("hub", 18, 17)))
    assert is_flapping(history(*[("crm", ["x", "y"], None), ("hub", None, ["y", "x"])] * 2))


def test_three_writers_that_go_round_are_flapping_too() -> None:
    assert is_flapping(history(*[("crm", "b", "a"), ("crm", "c", "a")] * 2))
    assert is_flapping(history(*[("hub", "a", "b"), ("hub", "b", "c"), ("hub", "c", "a")] * 2))


def test_a_field_that_gets_new_values_is_not_flapping_however_often() -> None:
    assert not is_flapping(history(*[("crm", str(number), str(number + 1)) for number in range(20)]))
    assert not is_flapping(history(TO_B, TO_A, TO_B, ("hub", "b", "c")))


def test_going_back_now_and_then_is_not_flapping() -> None:
    changes = (TO_B, TO_A, TO_B, TO_A)
    assert not is_flapping(history(*changes, every=timedelta(days=3)))
    assert is_flapping(history(*changes, every=timedelta(days=3)), within=timedelta(days=10))


def test_nothing_is_known_of_a_field_without_a_history() -> None:
    assert not is_flapping([])


def test_the_explanation_says_where_since_when_and_what_to_do_without_the_values() -> None:
    changes = history(("crm", "b", "secret"), ("hub", "secret", "b"), ("crm", "b", "secret"), ("crm", "b", "secret"))
    text = explain([*history(TO_A), *changes], "Phone", crm_name="HubSpot")
    assert text.startswith("Phone keeps going back and forth: its last 4 changes since 2026-03-01 08:00")
    assert "(3 in HubSpot and 1 in the hub)" in text
    assert "which side is right" in text
    assert "secret" not in text

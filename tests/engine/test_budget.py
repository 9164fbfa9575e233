from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub_core.engine.budget import SLOTS, Budget


def _most_in_any_window(sent: list[float], seconds: float) -> int:
    return max((sum(1 for other in sent if at <= other < at + seconds) for at in sent), default=0)


@given(
    requests=st.integers(1, 60),
    seconds=st.sampled_from([1.0, 10.0]),
    share=st.floats(0.1, 1.0),
    steps=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 12), st.floats(0, 1)), max_size=60),
)
def test_no_rolling_window_ever_holds_more_than_the_budget(
    requests: int, seconds: float, share: float, steps: list[tuple[float, int, float]]
) -> None:
    budget = Budget(requests, seconds)
    now, sent = 1000.0, list[float]()
    for pause, wanted, late in steps:
        now += pause
        granted, within = budget.take(wanted, share, now)
        sent += [now + within * late * 0.999] * granted  # sent at any time within the slot
    assert _most_in_any_window(sent, seconds) <= budget.allowed(share)


def test_the_first_burst_may_use_the_whole_budget() -> None:
    budget = Budget(100, 10.0)
    assert budget.take(1000, 0.9, 5.0)[0] == 90


def test_the_wait_it_tells_is_enough_and_not_too_long() -> None:
    budget = Budget(100, 10.0)
    budget.take(1000, 1.0, 5.0)
    granted, wait = budget.take(1, 1.0, 6.0)
    assert granted == 0
    assert 9.0 <= wait <= 9.0 + 10.0 / SLOTS
    assert budget.take(1, 1.0, 6.0 + wait + 0.001)[0] == 1


def test_a_steady_pace_loses_no_more_than_one_slot_in_a_window() -> None:
    budget = Budget(100, 10.0)
    now, sent = 0.0, 0
    while now < 210.0:
        granted, wait = budget.take(1, 1.0, now)
        sent += granted
        now += 0.0 if granted else wait + 1e-6
    assert sent >= 210 / 10 * 100 * SLOTS / (SLOTS + 1)


def test_what_was_not_sent_can_be_given_back_while_its_slot_counts() -> None:
    budget = Budget(10, 10.0)
    budget.take(10, 1.0, 0.0)
    slot = budget.slot
    assert budget.take(1, 1.0, 1.0)[0] == 0
    budget.give_back(4, slot)
    assert budget.take(9, 1.0, 1.0)[0] == 4
    budget.take(1, 1.0, 100.0)
    budget.give_back(5, slot)  # long forgotten
    assert sum(budget.used) == 1


def test_a_clock_set_back_does_not_stop_the_hub() -> None:
    budget = Budget(10, 10.0)
    budget.take(4, 1.0, 100_000.0)
    assert budget.take(10, 1.0, 50.0)[0] == 6


def test_a_new_limit_keeps_what_was_sent() -> None:
    budget = Budget(10, 10.0)
    budget.take(8, 1.0, 50.0)
    budget.resize(100, 60.0, 51.0)
    assert budget.take(200, 1.0, 51.0)[0] == 92


def test_other_apps_of_the_customer_count_beyond_the_share_that_is_left_to_them() -> None:
    budget = Budget(100, 10.0)
    budget.take(20, 0.9, 5.0)
    assert budget.others(75, 0.9, 5.1) == 0  # they used 5; 10 are theirs
    assert budget.others(40, 0.9, 5.2) == 30
    assert budget.take(100, 0.9, 5.3)[0] == 40


def test_the_longest_block_counts() -> None:
    budget = Budget(100, 10.0)
    budget.block(30.0, "daily", 5.0)
    budget.block(1.0, "short", 6.0)
    assert budget.take(1, 1.0, 10.0) == (0, 25.0)
    assert budget.blocked_why == "daily"
    assert budget.take(1, 1.0, 35.0)[0] == 1

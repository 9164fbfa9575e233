import pytest

from hub_core.rules.safety import Counts, Stop, Thresholds, canary_size, check


def reason(counts: Counts, thresholds: Thresholds | None = None) -> str:
    stop = check(counts, thresholds, crm_name="HubSpot")
    assert isinstance(stop, Stop)
    assert stop.fix
    return stop.reason


def test_too_many_creates_question_the_match_rule() -> None:
    text = reason(Counts(seen=1200, create=990))
    assert text == "82 % of 1,200 records would be created: is the match rule right?"


def test_too_many_overwrites_question_the_direction() -> None:
    text = reason(Counts(seen=100, overwrite=64))
    assert text == "64 % of 100 records would have values overwritten: is the direction of the mapping right?"


def test_too_many_refusals_question_the_mapping_before_anything_else() -> None:
    text = reason(Counts(seen=100, create=100, tried=30, failed=12))
    assert text == "HubSpot refused 40 % of 30 writes: is the field mapping right?"


@pytest.mark.parametrize(
    "counts",
    [
        Counts(seen=0),
        Counts(seen=100, create=50, overwrite=50, tried=100, failed=20),
        Counts(seen=19, create=19, overwrite=19, tried=19, failed=19),
    ],
)
def test_it_goes_on_up_to_the_thresholds_and_with_few_records(counts: Counts) -> None:
    assert check(counts) is None


def test_thresholds_can_be_set() -> None:
    assert check(Counts(seen=1000, create=990), Thresholds(create=1.0)) is None
    assert reason(Counts(seen=5, create=1), Thresholds(create=0.1, at_least=1)).startswith("20 % of 5")


@pytest.mark.parametrize(("records", "canary"), [(0, 0), (7, 7), (20, 20), (1000, 20), (5000, 50), (1_000_000, 100)])
def test_the_canary_is_a_hundredth_of_the_records_within_bounds(records: int, canary: int) -> None:
    assert canary_size(records) == canary

"""Proposed value maps."""

from hub_core.model.fields import CrmType, FieldInfo, Option
from hub_core.rules.valuemaps import suggest_value_map

SIZES = FieldInfo(
    "size", "Size", CrmType.CHOICE,
    options=(Option("s", "1-10"), Option("m", "11-50"), Option("x_large", "X-Large"), Option("gone", "Gone",
        active=False)),
)  # fmt: skip


def field(*options: Option) -> FieldInfo:
    return FieldInfo("f", "F", CrmType.CHOICE, options=options)


def test_a_value_fits_the_option_of_that_name_or_label():
    assert suggest_value_map(["s", "1-10", "11-50"], SIZES) == {"s": "s", "1-10": "s", "11-50": "m"}


def test_case_accents_and_punctuation_do_not_matter():
    assert suggest_value_map(["x large", "X-LARGE"], SIZES) == {"x large": "x_large", "X-LARGE": "x_large"}
    assert suggest_value_map(["francais"], field(Option("fr", "Français"))) == {"francais": "fr"}


def test_what_fits_no_active_option_is_left_open():
    assert suggest_value_map(["huge", "gone"], SIZES) == {"huge": None, "gone": None}


def test_what_fits_two_options_after_folding_fits_none():
    both = field(Option("c", "C"), Option("cpp", "C++"), Option("a b", "1"), Option("a-b", "2"))
    assert suggest_value_map(["C++"], both) == {"C++": "cpp"}
    assert suggest_value_map(["a_b"], both) == {"a_b": None}


def test_an_internal_name_wins_over_a_label():
    assert suggest_value_map(["1"], field(Option("1", "2"), Option("2", "1"))) == {"1": "1"}


def test_blank_values_are_not_asked_about():
    assert suggest_value_map(["", " ", "s"], SIZES) == {"s": "s"}

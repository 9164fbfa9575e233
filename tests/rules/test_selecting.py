import pytest

from hub_core.errors import BadInput, UnknownName
from hub_core.rules.selecting import Filter, parse_filters

FIELDS = {"city", "firstName"}


def test_the_three_forms_are_read() -> None:
    assert parse_filters(["city=Paris", "city!=Rome", "firstName~an"], FIELDS) == (
        Filter("city", "=", "Paris"),
        Filter("city", "!=", "Rome"),
        Filter("firstName", "~", "an"),
    )


def test_an_operator_inside_the_value_stays_there() -> None:
    assert parse_filters(["city=a~b=c"], FIELDS) == (Filter("city", "=", "a~b=c"),)


def test_an_empty_value_means_blank() -> None:
    assert parse_filters(["city="], FIELDS) == (Filter("city", "=", ""),)


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="firstName"):
        parse_filters(["firstname=x"], FIELDS)


def test_text_without_an_operator_is_refused() -> None:
    with pytest.raises(BadInput, match="field=value"):
        parse_filters(["Paris"], FIELDS)

from __future__ import annotations

import pytest

from hub_core.model.fields import STANDARD_FIELDS, FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules.columns import Column, camel_case, plan_columns

KIND = RecordKind.CONTACT
OWN = HubField("shoeSize", "Shoe size", FieldType.INTEGER, KIND, custom=True)
FIELDS = STANDARD_FIELDS[KIND] | {OWN.id: OWN}


def planned(*headings: str, **own: str) -> tuple[Column, ...]:
    return plan_columns(KIND, headings, [["x"] * len(headings)], FIELDS, own)


@pytest.mark.parametrize(
    ("heading", "id_"),
    [
        ("Domain type", "domainType"),
        ("Größe (cm)", "grosseCm"),
        ("  Two   Words ", "twoWords"),
        ("snake_case_name", "snakeCaseName"),
        ("名前", "名前"),
        ("%", ""),
    ],
)
def test_a_heading_becomes_a_field_id(heading: str, id_: str) -> None:
    assert camel_case(heading) == id_


def test_unknown_columns_become_custom_fields_with_ids_of_their_own() -> None:
    columns = planned("Colour", "colour", "COLOUR!", "%", "External id 2")
    assert [column.goes_to for column in columns] == ["colour", "colour2", "colour3", "column", "externalId2"]
    assert all(column.new for column in columns)


def test_a_custom_field_that_is_there_is_used_with_its_own_type() -> None:
    (column,) = planned("Shoe size")
    assert (column.field, column.new) == (OWN, False)


def test_a_field_that_the_hub_fills_itself_is_not_overwritten() -> None:
    (column,) = planned("createdAt")
    assert (column.goes_to, column.new) == ("createdAt2", True)


def test_what_the_person_says_takes_the_field_from_the_recognised_column() -> None:
    columns = planned("City", "Place", Place="city")
    assert [(column.goes_to, column.new) for column in columns] == [("city2", True), ("city", False)]

"""The type matrix of the field mapping page, cell by cell."""

import pytest

from hub_core.model.fields import CrmType, FieldInfo, FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules.compatibility import REASONS, Status, reading, status_of, writing

PAGE = """
| hub \\ CRM | T | L | E | P | U | N | B | D | DT | S | M | R | X |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| text | ok | ok | w1 | w1 | w1 | e2 | e2 | e2 | e2 | w3 | w4 | e5 | e6 |
| long_text | w7 | ok | e2 | e2 | e2 | e2 | e2 | e2 | e2 | e3 | e4 | e5 | e6 |
| email | ok | ok | ok | e2 | e2 | e2 | e2 | e2 | e2 | e3 | e4 | w8 | e6 |
| phone | ok | ok | e2 | ok | e2 | e2 | e2 | e2 | e2 | e3 | e4 | e5 | e6 |
| url | ok | ok | e2 | e2 | ok | e2 | e2 | e2 | e2 | e3 | e4 | e5 | e6 |
| integer, decimal | w9 | w9 | e2 | e2 | e2 | ok10 | e2 | e2 | e2 | w11 | e4 | e5 | e6 |
| percent, currency | w9 | w9 | e2 | e2 | e2 | w12 | e2 | e2 | e2 | w11 | e4 | e5 | e6 |
| boolean | w9 | w9 | e2 | e2 | e2 | e2 | ok | e2 | e2 | w3 | e4 | e5 | e6 |
| date | w9 | w9 | e2 | e2 | e2 | e2 | e2 | ok | w13 | e3 | e4 | e5 | e6 |
| datetime | e14 | e14 | e2 | e2 | e2 | e2 | e2 | w15 | ok | e3 | e4 | e5 | e6 |
| single_choice | ok | ok | e2 | e2 | e2 | e16 | w3 | e2 | e2 | ok3 | w4 | e5 | e6 |
| multi_choice | w17 | w17 | e2 | e2 | e2 | e2 | e2 | e2 | e2 | e18 | ok4 | e5 | e6 |
| list | w19 | w19 | w19 | w19 | e2 | e2 | e2 | e2 | e2 | e18 | w4 | e5 | e6 |
| user | w9 | w9 | w8 | e2 | e2 | e2 | e2 | e2 | e2 | e3 | e4 | ok20 | e6 |
| object | e2 | w21 | e2 | e2 | e2 | e2 | e2 | e2 | e2 | e2 | e2 | e5 | e6 |
"""

CLASSES = {
    "T": CrmType.TEXT, "L": CrmType.LONG_TEXT, "E": CrmType.EMAIL, "P": CrmType.PHONE, "U": CrmType.URL,
    "N": CrmType.NUMBER, "B": CrmType.BOOLEAN, "D": CrmType.DATE, "DT": CrmType.DATETIME, "S": CrmType.CHOICE,
    "M": CrmType.MULTI_CHOICE, "R": CrmType.REFERENCE,
}  # fmt: skip


def crm(kind: CrmType, **more: object) -> FieldInfo:
    return FieldInfo("x", "X", kind, refers_to="user", **more)  # type: ignore[arg-type]


def hub(kind: FieldType, *, read_only: bool = False) -> HubField:
    return HubField("h", "H", kind, RecordKind.CONTACT, read_only=read_only)


def cells() -> list[tuple[FieldType, str, str]]:
    header, _, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.split("\n") if line]
    return [
        (FieldType(kind.strip()), column, cell)
        for names, *row in lines
        for kind in names.split(",")
        for column, cell in zip(header[1:], row, strict=True)
    ]


def test_the_page_has_every_hub_type():
    assert {kind for kind, _, _ in cells()} == set(FieldType)
    assert len(cells()) == 17 * 13


@pytest.mark.parametrize(("kind", "column", "cell"), cells())
def test_every_cell_is_as_on_the_page(kind: FieldType, column: str, cell: str):
    fields = (
        [crm(one, read_only=True) for one in CrmType] if column == "X" else [crm(CLASSES[column])]
    )  # fmt: skip
    status = {"o": Status.OK, "w": Status.WARNING, "e": Status.ERROR}[cell[0]]
    number = int("".join(filter(str.isdigit, cell)) or 0)
    for field in fields:
        found = status_of(hub(kind), field)
        assert (found.status, found.number) == (status, number)
        assert found.reason == (REASONS[number].text if number else "")


def test_every_reason_is_a_sentence_with_a_fix():
    for reason in REASONS.values():
        assert reason.text.endswith(".") and reason.fix.endswith(".")


def test_a_text_may_go_into_a_drop_down_with_a_warning_but_not_into_a_number():
    assert writing(FieldType.TEXT, crm(CrmType.CHOICE)).status is Status.WARNING
    assert writing(FieldType.TEXT, crm(CrmType.NUMBER)).status is Status.ERROR


def test_a_reference_to_anything_but_a_user_takes_no_user():
    company = FieldInfo("x", "X", CrmType.REFERENCE, refers_to="company")
    assert writing(FieldType.USER, company).number == 5
    assert writing(FieldType.EMAIL, company).number == 5


def test_a_field_of_unknown_type_is_a_warning_either_way():
    for kind in FieldType:
        assert status_of(hub(kind), crm(CrmType.UNKNOWN)).status is Status.WARNING
        assert status_of(hub(kind), crm(CrmType.UNKNOWN), reading=True).status is Status.WARNING


def test_reading_allows_read_only_crm_fields():
    field = crm(CrmType.TEXT, read_only=True)
    assert status_of(hub(FieldType.TEXT), field).status is Status.ERROR
    assert status_of(hub(FieldType.TEXT), field, reading=True).status is Status.OK


def test_reading_swaps_the_roles():
    assert reading(crm(CrmType.TEXT), hub(FieldType.INTEGER)).number == 2
    assert reading(crm(CrmType.NUMBER), hub(FieldType.INTEGER)).status is Status.OK
    assert reading(crm(CrmType.NUMBER), hub(FieldType.TEXT)).number == 9
    assert reading(crm(CrmType.DATETIME), hub(FieldType.DATE)).number == 15
    assert reading(crm(CrmType.EMAIL), hub(FieldType.TEXT)).status is Status.OK
    assert reading(crm(CrmType.REFERENCE), hub(FieldType.USER)).status is Status.OK


def test_reading_differs_from_the_swapped_table_where_the_page_says_so():
    assert reading(crm(CrmType.LONG_TEXT), hub(FieldType.TEXT)).number == 7
    assert reading(crm(CrmType.DATETIME), hub(FieldType.TEXT)).status is Status.OK
    unknown_option = reading(crm(CrmType.CHOICE), hub(FieldType.SINGLE_CHOICE))
    assert unknown_option.status is Status.OK and "stored as text" in unknown_option.reason


def test_the_crm_may_not_overwrite_what_the_hub_fills_itself():
    assert reading(crm(CrmType.TEXT), hub(FieldType.TEXT, read_only=True)).status is Status.ERROR


def test_every_pair_has_an_answer_in_both_directions():
    for kind in FieldType:
        for crm_type in CrmType:
            assert status_of(hub(kind), crm(crm_type)) and status_of(hub(kind), crm(crm_type), reading=True)

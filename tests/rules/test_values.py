"""Values on their way in and out, and when two are equal."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_core.model.fields import CrmType, FieldInfo, FieldType, HubField, Option
from hub_core.model.records import RecordKind
from hub_core.rules.compatibility import Status, writing
from hub_core.rules.values import ValueProblem, canonical, from_crm, parse_hub, to_crm, typed

T, C = FieldType, CrmType
OPTIONS = (Option("a", "Alpha"), Option("b", "Beta"), Option("old", "Old", active=False))


def crm(kind: CrmType, **more: Any) -> FieldInfo:
    options = OPTIONS if kind in (C.CHOICE, C.MULTI_CHOICE) else ()
    return FieldInfo("x", "X", kind, **{"options": options, "refers_to": "user", **more})


def hub(kind: FieldType) -> HubField:
    return HubField("h", "H", kind, RecordKind.CONTACT)


# Cells


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("cell", ["", "   ", "\t\n", "(blank)", " (Blank) "])
def test_an_empty_cell_is_a_blank_of_every_type(cell: str, kind: FieldType):
    assert parse_hub(cell, kind) is None


def test_only_blanks_are_blank():
    assert parse_hub("n/a", T.TEXT) == "n/a"
    assert parse_hub("-", T.TEXT) == "-"
    assert parse_hub("null", T.TEXT) == "null"


def test_leading_zeros_and_phones_stay_text():
    assert parse_hub("00123", T.TEXT) == "00123"
    assert parse_hub(" 0049 (30) 123-45 ", T.PHONE) == "0049 (30) 123-45"


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("17", T.INTEGER, 17), ("0", T.INTEGER, 0), ("-17", T.INTEGER, -17), ("17.0", T.INTEGER, 17),
        ("1,234", T.INTEGER, 1234), ("1.234", T.INTEGER, 1234), ("1 234", T.INTEGER, 1234),
        ("1'234'567", T.INTEGER, 1234567),
        ("1\u202f234", T.INTEGER, 1234), ("1.2E+05", T.INTEGER, 120000), ("+5", T.INTEGER, 5), ("007", T.INTEGER, 7),
        ("1,234.50", T.DECIMAL, "1234.5"), ("1.234,50", T.DECIMAL, "1234.5"), ("0,5", T.DECIMAL, "0.5"),
        ("1234,5", T.DECIMAL, "1234.5"), ("1.234", T.DECIMAL, "1.234"), ("1.234.567", T.DECIMAL, "1234567"),
        ("1,234,567.891", T.DECIMAL, "1234567.891"), (".5", T.DECIMAL, "0.5"), ("5.", T.DECIMAL, "5"),
        ("0,125", T.DECIMAL, "0.125"), ("1234.567", T.DECIMAL, "1234.567"), ("-0.0", T.DECIMAL, "0"),
        ("12.5 %", T.PERCENT, "12.5"), ("12,5%", T.PERCENT, "12.5"),
        ("€ 1.234,50", T.CURRENCY, "1234.5"), ("$1,234", T.CURRENCY, "1234"), ("1234.50 EUR", T.CURRENCY, "1234.5"),
        ("USD 5", T.CURRENCY, "5"), ("-$5", T.CURRENCY, "-5"), ("1.234.567 €", T.CURRENCY, "1234567"),
    ],
)  # fmt: skip
def test_a_typed_number_is_read_as_people_write_it(cell: str, kind: FieldType, value: object):
    assert parse_hub(cell, kind) == value


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("51-200", T.INTEGER), ("ten", T.INTEGER), ("17.5", T.INTEGER), ("1,23,456", T.INTEGER), ("1_000", T.INTEGER),
        ("12.34.56", T.DECIMAL), ("1,5,5", T.DECIMAL), ("nan", T.DECIMAL), ("inf", T.DECIMAL),
        ("5 apples", T.DECIMAL),
        ("1,234", T.DECIMAL), ("1.234", T.CURRENCY), ("1,234", T.PERCENT), ("1,234.5,6", T.DECIMAL),
        ("10k", T.DECIMAL), ("1e-1", T.INTEGER),
    ],
)  # fmt: skip
def test_a_number_that_is_none_or_has_two_readings_is_refused(cell: str, kind: FieldType):
    with pytest.raises(ValueProblem) as problem:
        parse_hub(cell, kind)
    assert problem.value.fix
    assert cell not in problem.value.reason, "a reason never holds the value"


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_any_whole_number_is_read_with_any_thousands_separator(number: int):
    for separator in (",", " ", "'", ""):
        assert parse_hub(f"{number:,}".replace(",", separator), T.INTEGER) == number


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_any_decimal_keeps_its_value(number: float):
    found = parse_hub(repr(number), T.DECIMAL)
    assert isinstance(found, str) and math.isclose(float(found), number, abs_tol=1e-300)


@pytest.mark.parametrize("cell", ["yes", "Ja", "1", "TRUE", "x", "on", "Y"])
def test_a_yes_in_any_usual_word_is_true(cell: str):
    assert parse_hub(cell, T.BOOLEAN) is True


@pytest.mark.parametrize("cell", ["no", "Nein", "0", "FALSE", "off", "N"])
def test_a_no_in_any_usual_word_is_false_and_not_blank(cell: str):
    assert parse_hub(cell, T.BOOLEAN) is False


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2024-12-31", "2024-12-31"), ("2024-12-31T10:00:00Z", "2024-12-31"), ("20241231", "2024-12-31"),
        ("31.12.2024", "2024-12-31"), ("1.2.2024", "2024-02-01"), ("2024/12/31", "2024-12-31"),
        ("31/12/2024", "2024-12-31"), ("12/31/2024", "2024-12-31"), ("5/5/2024", "2024-05-05"),
        ("31 Dec 2024", "2024-12-31"), ("Dec 31, 2024", "2024-12-31"), ("1st March 2024", "2024-03-01"),
    ],
)  # fmt: skip
def test_a_date_with_one_reading_is_read(cell: str, day: str):
    assert parse_hub(cell, T.DATE) == day


@pytest.mark.parametrize(
    "cell",
    ["03/04/2024", "31.02.2024", "2024-13-01", "soon", "45291", "1/2/24", "2024-01-02 to 2024-02-03", "31/31/2024"],
)
def test_a_date_with_two_readings_or_none_is_refused(cell: str):
    with pytest.raises(ValueProblem, match="date"):
        parse_hub(cell, T.DATE)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-12-31T14:30:00Z", "2024-12-31T14:30:00Z"), ("2024-12-31T14:30:00.123+02:00", "2024-12-31T12:30:00Z"),
        ("2024-12-31 14:30", "2024-12-31T14:30:00Z"), ("31.12.2024", "2024-12-31T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_point_in_time_is_held_in_utc(cell: str, moment: str):
    assert parse_hub(cell, T.DATETIME) == moment


def test_lists_are_cut_at_semicolons_bars_and_line_ends_but_not_at_commas():
    assert parse_hub("a; b|c\r\nd;;a", T.LIST) == ["a", "b", "c", "d"]
    assert parse_hub("Berlin, Germany", T.LIST) == ["Berlin, Germany"]
    assert parse_hub(" ; ", T.LIST) is None


def test_an_address_that_is_none_is_refused():
    for cell in ("ana", "ana@", "ana@acme", "a b@acme.com", "ana@acme.com, b@acme.com"):
        with pytest.raises(ValueProblem, match="e-mail"):
            parse_hub(cell, T.EMAIL)
    assert parse_hub("mailto:Ana@acme.com", T.EMAIL) == "Ana@acme.com"
    with pytest.raises(ValueProblem, match="web address"):
        parse_hub("no site", T.URL)


def test_line_ends_of_a_text_are_made_one_kind():
    assert parse_hub(" a\r\nb\rc ", T.LONG_TEXT) == "a\nb\nc"


def test_an_object_is_read_from_json():
    assert parse_hub('{"a": 1}', T.OBJECT) == {"a": 1}
    for cell in ("[1]", "{", "1"):
        with pytest.raises(ValueProblem):
            parse_hub(cell, T.OBJECT)


# To the CRM


@pytest.mark.parametrize(
    ("value", "kind", "field", "written"),
    [
        (" Ana ", T.TEXT, crm(C.TEXT), "Ana"), (512, T.INTEGER, crm(C.NUMBER), "512"),
        ("12.50", T.DECIMAL, crm(C.NUMBER), "12.5"),
        (0, T.INTEGER, crm(C.NUMBER), "0"), (True, T.BOOLEAN, crm(C.BOOLEAN), "true"),
        (False, T.BOOLEAN, crm(C.BOOLEAN), "false"),
        (512, T.INTEGER, crm(C.TEXT), "512"), (False, T.BOOLEAN, crm(C.TEXT), "false"),
        ("2024-01-02", T.DATE, crm(C.DATE), "2024-01-02"),
        ("2024-01-02", T.DATE, crm(C.DATETIME), "2024-01-02T00:00:00Z"),
        ("2024-01-02T23:30:00Z", T.DATETIME, crm(C.DATE), "2024-01-02"),
        ("a", T.SINGLE_CHOICE, crm(C.CHOICE), "a"), ("a", T.TEXT, crm(C.CHOICE), "a"),
        ("a;b", T.TEXT, crm(C.MULTI_CHOICE), ["a", "b"]),
        (["b", "a"], T.MULTI_CHOICE, crm(C.MULTI_CHOICE), ["b", "a"]), (["x", "y"], T.LIST, crm(C.TEXT), "x; y"),
        (["a@b.de", "c@d.de"], T.LIST, crm(C.EMAIL), "a@b.de"), ("yes", T.SINGLE_CHOICE, crm(C.BOOLEAN), "true"),
        ({"a": "ü"}, T.OBJECT, crm(C.LONG_TEXT), '{"a": "ü"}'), ("17", T.USER, crm(C.REFERENCE), "17"),
        ("anything", T.TEXT, crm(C.UNKNOWN), "anything"), ("any", T.TEXT, crm(C.CHOICE, options=()), "any"),
        ("  ", T.TEXT, crm(C.EMAIL), None),
    ],
)  # fmt: skip
def test_a_value_is_written_in_the_crms_form(value: Any, kind: FieldType, field: FieldInfo, written: object):
    assert to_crm(value, kind, field) == written


@pytest.mark.parametrize(
    ("value", "kind", "field", "says"),
    [
        ("Alpha", T.TEXT, crm(C.CHOICE), "not one of the options"),
        ("A", T.TEXT, crm(C.CHOICE), "not one of the options"),
        ("old", T.TEXT, crm(C.CHOICE), "not active"), (["a", "z"], T.MULTI_CHOICE, crm(C.MULTI_CHOICE), "not one of"),
        ("x" * 11, T.TEXT, crm(C.TEXT, max_length=10), "longer than the 10"),
        ("nobody", T.TEXT, crm(C.EMAIL), "e-mail"),
        ("call me", T.TEXT, crm(C.PHONE), "phone"), ("a b", T.TEXT, crm(C.URL), "web address"),
        ("x@y.de", T.EMAIL, crm(C.REFERENCE), "id of a CRM user"),
        ("maybe", T.SINGLE_CHOICE, crm(C.BOOLEAN), "yes or no"),
        ("many", T.DECIMAL, crm(C.NUMBER), "not a number"), ("1,5", T.DECIMAL, crm(C.NUMBER), "not a number"),
        ("x", T.TEXT, crm(C.TEXT, read_only=True), "read-only"),
    ],
)  # fmt: skip
def test_a_value_that_the_field_cannot_take_is_refused_with_a_reason(
    value: Any, kind: FieldType, field: FieldInfo, says: str
):
    with pytest.raises(ValueProblem, match=says) as problem:
        to_crm(value, kind, field)
    assert problem.value.fix


def test_long_text_is_cut_with_a_mark_instead_of_refused():
    assert to_crm("abcdefghijk", T.LONG_TEXT, crm(C.LONG_TEXT, max_length=10)) == "abcdefghi…"
    assert to_crm("abcdefghij", T.LONG_TEXT, crm(C.LONG_TEXT, max_length=10)) == "abcdefghij"


HELD: dict[FieldType, st.SearchStrategy[Any]] = {
    T.TEXT: st.text(min_size=1), T.LONG_TEXT: st.text(min_size=1), T.EMAIL: st.just("ana@acme.com"),
    T.PHONE: st.from_regex(r"\+?[0-9 ()/-]{6,15}", fullmatch=True), T.URL: st.just("https://acme.com/a"),
    T.INTEGER: st.integers(), T.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    T.PERCENT: st.just("12.5"), T.CURRENCY: st.just("99.90"), T.BOOLEAN: st.booleans(),
    T.DATE: st.dates().map(str),
    T.DATETIME: st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z"),
    T.SINGLE_CHOICE: st.sampled_from(["a", "b"]),
    T.MULTI_CHOICE: st.lists(st.sampled_from(["a", "b"]), min_size=1, unique=True),
    T.LIST: st.lists(st.sampled_from(["a", "b"]), min_size=1, unique=True), T.USER: st.just("17"),
    T.OBJECT: st.just({"a": 1}),
}  # fmt: skip
HOMES = {
    T.TEXT: C.TEXT, T.LONG_TEXT: C.LONG_TEXT, T.EMAIL: C.EMAIL, T.PHONE: C.PHONE, T.URL: C.URL, T.INTEGER: C.NUMBER,
    T.DECIMAL: C.NUMBER, T.PERCENT: C.NUMBER, T.CURRENCY: C.NUMBER, T.BOOLEAN: C.BOOLEAN, T.DATE: C.DATE,
    T.DATETIME: C.DATETIME, T.SINGLE_CHOICE: C.CHOICE, T.MULTI_CHOICE: C.MULTI_CHOICE, T.LIST: C.MULTI_CHOICE,
    T.USER: C.REFERENCE,
}  # fmt: skip


@given(st.data())
def test_a_red_pair_refuses_every_value_and_no_other_pair_breaks(data: st.DataObject):
    kind, crm_type = data.draw(st.sampled_from(FieldType)), data.draw(st.sampled_from(CrmType))
    value, field = data.draw(HELD[kind]), crm(crm_type)
    if writing(kind, field).status is Status.ERROR:
        with pytest.raises(ValueProblem):
            to_crm(value, kind, field)
    else:
        try:
            written = to_crm(value, kind, field)
        except ValueProblem:
            return
        assert canonical(written, crm_type) == canonical(canonical(written, crm_type), crm_type)


@given(st.data())
def test_what_was_written_is_read_back_as_it_was(data: st.DataObject):
    kind = data.draw(st.sampled_from([kind for kind in HOMES if kind is not T.PHONE]))
    value, field = data.draw(HELD[kind]), crm(HOMES[kind])
    written = to_crm(value, kind, field)
    if written is None:
        assert isinstance(value, str) and not value.strip()
        return
    back = from_crm(written, field.type, hub(kind))
    if back is not None:  # a text may happen to say "(blank)"
        assert canonical(to_crm(back, kind, field), field.type) == canonical(written, field.type)


# Typed for a CRM field


def test_a_typed_value_is_read_for_its_crm_field():
    assert typed(" Hub ", crm(C.TEXT)) == "Hub"
    assert typed("1,5", crm(C.NUMBER)) == "1.5"
    assert typed("Ja", crm(C.BOOLEAN)) == "true"
    assert typed("31.12.2024", crm(C.DATE)) == "2024-12-31"
    assert typed("a; b", crm(C.MULTI_CHOICE)) == ["a", "b"]
    assert typed("0031x", crm(C.REFERENCE, refers_to="queue")) == "0031x"
    assert typed("  ", crm(C.TEXT)) is None


def test_a_typed_choice_must_be_the_internal_name_and_not_the_label():
    assert typed("a", crm(C.CHOICE)) == "a"
    with pytest.raises(ValueProblem, match="not one of the options"):
        typed("Alpha", crm(C.CHOICE))


def test_nothing_is_typed_into_a_read_only_field():
    with pytest.raises(ValueProblem, match="read-only"):
        typed("a", crm(C.TEXT, read_only=True))


# From the CRM


@pytest.mark.parametrize(
    ("value", "crm_type", "kind", "held"),
    [
        ("17.0", C.NUMBER, T.INTEGER, 17), ("1.234", C.NUMBER, T.DECIMAL, "1.234"),
        ("1.234", C.NUMBER, T.CURRENCY, "1.234"),
        ("17", C.NUMBER, T.TEXT, "17"), ("True", C.BOOLEAN, T.BOOLEAN, True), ("0", C.BOOLEAN, T.BOOLEAN, False),
        ("1704153600000", C.DATE, T.DATE, "2024-01-02"),
        ("2024-01-02T10:00:00.000Z", C.DATETIME, T.DATE, "2024-01-02"),
        ("2024-01-02", C.DATE, T.DATETIME, "2024-01-02T00:00:00Z"),
        ("new option", C.CHOICE, T.SINGLE_CHOICE, "new option"),
        ("a;b", C.MULTI_CHOICE, T.MULTI_CHOICE, ["a", "b"]), (["a", "b"], C.MULTI_CHOICE, T.LIST, ["a", "b"]),
        (["a", "b"], C.MULTI_CHOICE, T.TEXT, "a; b"), ("  ", C.TEXT, T.TEXT, None),
        ([], C.MULTI_CHOICE, T.LIST, None),
        ("x@y.de", C.EMAIL, T.LIST, ["x@y.de"]),
    ],
)  # fmt: skip
def test_a_crm_value_is_taken_in_the_hubs_form(value: Any, crm_type: CrmType, kind: FieldType, held: object):
    assert from_crm(value, crm_type, hub(kind)) == held


def test_a_crm_value_that_the_hub_field_cannot_hold_is_refused():
    for value, crm_type, kind in (
        ("1.234", C.NUMBER, T.INTEGER),
        ("soon", C.TEXT, T.DATE),
        ("nobody", C.TEXT, T.EMAIL),
    ):
        with pytest.raises(ValueProblem):
            from_crm(value, crm_type, hub(kind))


# Equality


@pytest.mark.parametrize(
    ("kind", "forms"),
    [
        (C.NUMBER, ["17", "17.0", "1.7e1", "+17", " 17.00", "017"]), (C.NUMBER, ["-0.5", "-.50", "-5E-1"]),
        (C.NUMBER, ["0", "-0", "0.0"]),
        (C.DATE, ["2024-01-02", "1704153600000", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00.000+02:00"]),
        (C.DATETIME, ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000Z", "2024-01-02T05:04:05+02:00",
            "1704164645000", "2024-01-02 03:04:05", "2024-01-02T03:04:05.789+0000"]),
        (C.EMAIL, ["ana@acme.com", "Ana@Acme.com "]),
        (C.PHONE, ["+49 30 123-45", "+493012345", "0049 (30) 12345", "+49 (0)30 12345"]),
        (C.URL, ["https://Acme.com/", "http://acme.com", "acme.com"]), (C.BOOLEAN, ["true", "True", "1", "yes"]),
        (C.BOOLEAN, ["false", "False", "0"]),
        (C.MULTI_CHOICE, [["a", "b"], ["b", "a"], "b;a", "a; b;"]), (C.TEXT, ["a\nb", "a\r\nb", " a\rb "]),
        (C.TEXT, ["é", "e\u0301"]), (C.CHOICE, ["a", " a "]), (C.TEXT, [None, "", "  "]),
        (C.MULTI_CHOICE, [None, [], "", ";"]),
    ],
)  # fmt: skip
def test_forms_that_a_crm_makes_of_a_value_are_equal(kind: CrmType, forms: list[Any]):
    assert len({canonical(form, kind) for form in forms}) == 1


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        (C.TEXT, "Ana", "ana"), (C.CHOICE, "a", "A"), (C.NUMBER, "17", "17.01"), (C.PHONE, "123", "124"),
        (C.TEXT, "17", "17.0"),
        (C.URL, "acme.com/a", "acme.com/A"), (C.DATE, "2024-01-02", "2024-01-03"), (C.BOOLEAN, "true", "false"),
        (C.MULTI_CHOICE, ["a"], ["a", "b"]), (C.REFERENCE, "0x1", "0X1"), (C.BOOLEAN, None, "false"),
        (C.NUMBER, None, "0"),
    ],
)  # fmt: skip
def test_values_that_say_something_else_are_not_equal(kind: CrmType, one: Any, two: Any):
    assert canonical(one, kind) != canonical(two, kind)


ODD = st.one_of(
    st.text(),
    st.text(alphabet="htps:/ .0()+-1e\r\n\tTZ;aÄ"),
    st.lists(st.text(alphabet="ab; "), max_size=4),
    st.from_regex(r"\s*https?://\S*", fullmatch=True),
)


@given(ODD, st.sampled_from(CrmType))
def test_canonical_stays_as_it_is_when_made_again(value: Any, kind: CrmType):
    once = canonical(value, kind)
    assert canonical(once, kind) == once


@given(st.text(), st.sampled_from(FieldType))
def test_any_cell_is_read_or_refused_and_reading_is_stable(cell: str, kind: FieldType):
    try:
        value = parse_hub(cell, kind)
    except ValueProblem:
        return
    if isinstance(value, str) and kind in (T.TEXT, T.LONG_TEXT, T.DATE, T.DATETIME, T.DECIMAL, T.EMAIL, T.URL):
        again = parse_hub(value, kind)
        assert again == value or again is None

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_core.model.fields import STANDARD_FIELDS, FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules.incoming import IDENTITY, Incoming, RowProblem, employer_keys, parser, reader
from hub_core.rules.values import parse_hub

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY


def read(kind: RecordKind, headings: str, *rows: list[str], external: str = "") -> list[Incoming | RowProblem]:
    fields = STANDARD_FIELDS[kind]
    names = headings.split()
    columns = [(index, name, None if name == external else fields[name]) for index, name in enumerate(names)]
    return reader(kind, len(names), columns)(list(rows))


@pytest.mark.parametrize(
    ("kind", "values", "identity"),
    [
        (COMPANY, {"domain": "https://www.Acme.com/x", "name": "Acme"}, "domain:acme.com"),
        (COMPANY, {"website": "acme.com", "name": "Acme"}, "domain:acme.com"),
        (COMPANY, {"domain": "gmail.com", "name": "The Acme GmbH"}, "name:acme"),
        (COMPANY, {"domain": "gmail.com"}, None),
        (COMPANY, {"city": "Berlin"}, None),
        (CONTACT, {"professionalEmail": "Ada@X.io", "linkedInProfileUrl": "linkedin.com/in/ada"}, "email:ada@x.io"),
        (CONTACT, {"linkedInProfileUrl": "https://de.linkedin.com/in/Ada/?x=1"}, "linkedin:ada"),
        (CONTACT, {"firstName": "Ada", "lastName": "Löve", "companyName": "Acme Inc."}, "name:ada|love|acme"),
        (CONTACT, {"firstName": "Ada", "companyName": "Acme"}, None),
        (CONTACT, {"firstName": "Ada", "lastName": "Love"}, None),
    ],
)
def test_identity_is_derived_from_what_identifies(
    kind: RecordKind, values: dict[str, Any], identity: str | None
) -> None:
    assert IDENTITY[kind](values) == identity


def test_the_sources_own_id_goes_before_all_else() -> None:
    (row, blank) = read(COMPANY, "id domain", [" 7 ", "acme.com"], ["(blank)", "acme.com"], external="id")
    assert isinstance(row, Incoming)
    assert isinstance(blank, Incoming)
    assert (row.external_id, blank.external_id) == ("7", "domain:acme.com")


def test_short_rows_are_filled_and_long_ones_refused_unless_the_rest_is_blank() -> None:
    short, long, padded = read(COMPANY, "name city", ["Acme"], ["Bell", "Rome", "more"], ["Cree", "Oslo", " ", ""])
    assert isinstance(short, Incoming)
    assert short.values == {"name": "Acme"}
    assert long == RowProblem("", "It has 3 cells, but there are 2 headings.")
    assert isinstance(padded, Incoming)
    assert padded.values == {"name": "Cree", "city": "Oslo"}


def test_the_first_refused_cell_names_its_column_and_others_pass() -> None:
    bad, good = read(COMPANY, "name numberOfEmployees foundedYear", ["A", "many", "old"], ["B", "1,200", "1999"])
    assert isinstance(bad, RowProblem)
    assert bad.column == "numberOfEmployees"
    assert isinstance(good, Incoming)
    assert good.values == {"name": "B", "numberOfEmployees": 1200, "foundedYear": 1999}


def test_numbers_that_cannot_be_stored_and_overlong_ids_are_refused() -> None:
    (row,) = read(COMPANY, "name numberOfEmployees", ["A", "9" * 20])
    assert isinstance(row, RowProblem)
    (row,) = read(COMPANY, "id", ["x" * 401], external="id")
    assert isinstance(row, RowProblem)


def test_options_are_taken_in_any_case_and_nothing_else() -> None:
    good, bad = read(CONTACT, "id emailVerificationStatus", ["1", "VALID"], ["2", "perhaps"], external="id")
    assert isinstance(good, Incoming)
    assert good.values == {"emailVerificationStatus": "valid"}
    assert isinstance(bad, RowProblem)
    assert "catch_all" in bad.reason


def test_objects_with_characters_the_database_refuses_are_refused() -> None:
    field = HubField("x", "X", FieldType.OBJECT, COMPANY, custom=True)
    good, nul, half = reader(COMPANY, 2, [(0, "id", None), (1, "x", field)])(
        [["1", '{"a": [1]}'], ["2", '{"a": "\\u0000"}'], ["3", '{"a": "\\uD800"}']]
    )
    assert isinstance(good, Incoming)
    assert isinstance(nul, RowProblem)
    assert isinstance(half, RowProblem)


@pytest.mark.parametrize("cell", ["n/a", "N/A", " none ", "None", "null", "NULL", "-", "—", "NaN"])
def test_a_word_for_nothing_is_a_blank_where_it_could_be_no_value(cell: str) -> None:
    row = {"professionalEmail": cell, "linkedInProfileUrl": cell, "mobilePhone": cell, "personalEmails": cell}
    row |= {"birthday": cell, "isUnsubscribed": cell, "firstName": "Ada", "jobTitle": cell}
    (found,) = read(CONTACT, f"id {' '.join(row)}", ["7", *row.values()], external="id")
    assert isinstance(found, Incoming)
    assert found.values == {"firstName": "Ada", "jobTitle": cell.strip()}


def test_none_is_taken_where_it_is_an_option_and_blank_where_it_is_not() -> None:
    for options, value in ((("None", "Some"), "None"), (("Some",), None)):
        parse = parser(HubField("x", "X", FieldType.SINGLE_CHOICE, CONTACT, options=options, custom=True))
        assert list(parse(["none"])) == [value]


@pytest.mark.parametrize("cell", ["in/Ann-Lee", "/in/ann-lee/en", "//m.linkedin.com/mwlite/in/ann-lee"])
def test_whatever_matches_as_a_linkedin_profile_is_taken_in_as_its_address(cell: str) -> None:
    (found,) = read(CONTACT, "linkedInProfileUrl", [cell])
    assert isinstance(found, Incoming)
    assert found.values == {"linkedInProfileUrl": "https://www.linkedin.com/in/ann-lee"}


def test_a_linkedin_address_is_kept_as_it_is_written_and_another_text_is_refused() -> None:
    kept, company, other = read(COMPANY, "name companyLinkedInUrl", ["A", "de.linkedin.com/company/Acme/about"],
                                ["B", "company/1035"], ["C", "in/ann-lee"])  # fmt: skip
    assert isinstance(kept, Incoming)
    assert kept.values["companyLinkedInUrl"] == "de.linkedin.com/company/Acme/about"
    assert isinstance(company, Incoming)
    assert company.values["companyLinkedInUrl"] == "https://www.linkedin.com/company/1035"
    assert isinstance(other, RowProblem)
    assert other.column == "companyLinkedInUrl"


@given(st.lists(st.sampled_from(["", " ", "(blank)", "a (b)", "x\r\ny", " 00123 ", "é", "(Blank) "]) | st.text()))
def test_a_column_of_text_reads_as_its_cells_one_by_one(cells: list[str]) -> None:
    for kind in (FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PHONE, FieldType.USER, FieldType.SINGLE_CHOICE):
        parse = parser(HubField("x", "X", kind, CONTACT))
        assert list(parse(cells)) == [parse_hub(cell, kind) for cell in cells]


@pytest.mark.parametrize(
    ("kind", "values", "keys"),
    [
        (COMPANY, {"domain": "www.acme.com", "name": "Acmé  Inc."}, ("acme.com", "acme inc")),
        (CONTACT, {"website": "https://acme.com/team", "companyName": "ACME"}, ("acme.com", "acme")),
        (CONTACT, {"domain": "gmail.com", "name": "Acme"}, (None, None)),
    ],
)
def test_employers_are_compared_by_domain_and_whole_name(
    kind: RecordKind, values: dict[str, Any], keys: tuple[str | None, str | None]
) -> None:
    assert employer_keys(kind, values) == keys

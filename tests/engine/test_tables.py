from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest

from hub_core.engine import tables
from hub_core.engine.tables import open_table
from hub_core.errors import BadInput

TEXT = "Name,Firma\nMüller,Größe & Söhne\nJosé,Peña S.A.\n"


def written(tmp_path: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        list(open_table(path).rows())
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"])
def test_common_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    table = open_table(written(tmp_path, TEXT.encode(encoding)))
    assert table.headings == ("Name", "Firma")
    assert list(table.rows()) == [(2, ["Müller", "Größe & Söhne"]), (3, ["José", "Peña S.A."])]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Name,Firma\nMałgorzata Wiśniewska,Spółka\nŁukasz,Żółw\n"),
        ("cp1251", "Имя,Компания\nИван,Газпром\nПётр,Яндекс\n"),
        ("cp1253", "Όνομα,Εταιρεία\nΓιώργος,Ελλάδα\n"),
        ("shift_jis", "名前,会社\n田中,トヨタ自動車\n"),
        ("mac_roman", TEXT),
    ],
)
def test_older_encodings_are_guessed_from_their_text(tmp_path: Path, encoding: str, text: str) -> None:
    rows = [cells for _, cells in open_table(written(tmp_path, text.encode(encoding))).rows()]
    assert rows == [line.split(",") for line in text.splitlines()[1:]]


def test_one_accent_far_into_a_plain_file_decides_its_encoding(tmp_path: Path) -> None:
    content = b"Name,Company\n" + b"John,Acme\n" * 200_000 + "Zoë,Café\n".encode("cp1252")
    table = open_table(written(tmp_path, content))
    assert "Windows-1252" in table.format
    assert list(table.rows())[-1] == (200_002, ["Zoë", "Café"])


def test_a_named_encoding_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, "Имя\nИван\n".encode("cp866"))
    assert list(open_table(path, encoding="cp866").rows()) == [(2, ["Иван"])]
    with pytest.raises(BadInput, match="no encoding"):
        open_table(path, encoding="klingon")
    with pytest.raises(BadInput, match="not UTF-8"):
        open_table(path, encoding="utf-8")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_common_delimiters_are_recognised(tmp_path: Path, delimiter: str) -> None:
    rows = [["Name", "Price"], ["a, b; c", "1,5"], ["d|e\tf", "2,5"]]
    quoted = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    table = open_table(written(tmp_path, quoted))
    assert [list(table.headings), *(cells for _, cells in table.rows())] == rows


def test_unquoted_decimal_commas_do_not_hide_semicolons(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, "a;b;c\n1,5;2,5;x\n3,5;4,5;y\n"))
    assert table.headings == ("a", "b", "c")


def test_excels_note_of_the_delimiter_is_not_a_heading(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, "sep=;\r\nName;City\r\nAda;London\r\n"))
    assert table.headings == ("Name", "City")
    assert list(table.rows()) == [(3, ["Ada", "London"])]


def test_line_numbers_count_the_lines_inside_quotes_and_blank_ones(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, 'Name,Note\r\nAda,"two\r\nlines"\r\n\r\nGrace,"say ""hi"""\r\n'))
    assert list(table.rows()) == [(2, ["Ada", "two\r\nlines"]), (5, ["Grace", 'say "hi"'])]


def test_rows_can_be_read_again(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, "a\n1\n"))
    assert list(table.rows()) == list(table.rows())


@pytest.mark.parametrize("content", ["", "\n\n", "   \n", "\ufeff", ",,\n,,\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "is empty" in refused(written(tmp_path, content)).message


def test_headings_alone_are_refused(tmp_path: Path) -> None:
    assert "nothing below" in refused(written(tmp_path, "Name,City\n\n")).message


def test_headings_that_occur_twice_are_named(tmp_path: Path) -> None:
    message = refused(written(tmp_path, "Email,Name, Email ,City,City\na,b,c,d,e\n")).message
    assert "'City', 'Email'" in message


def test_a_cell_over_ten_megabytes_is_refused_with_its_line(tmp_path: Path) -> None:
    message = refused(written(tmp_path, f"a,b\n1,2\n3,{'x' * 10_000_001}\n")).message
    assert "line 3" in message
    assert "10 MB" in message


def test_a_quotation_mark_that_is_never_closed_is_found(tmp_path: Path) -> None:
    message = refused(written(tmp_path, 'a,b\n1,2\n3,"open\n5,6\n')).message
    assert "line 3" in message
    assert "never closed" in message


def test_text_after_a_closing_quotation_mark_is_found(tmp_path: Path) -> None:
    assert "line 2" in refused(written(tmp_path, 'a,b\n"x"y,2\n')).message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"Name\nA\0da\n", "NUL"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"<!DOCTYPE html><table>", "web page"),
        (b"{\x9c\x01\xf3\x00\x88\x0f\xd2 \xe1\n" * 20, "is not a text file"),
        (b"<\x9c\x01\xf3\x03\x88\x0f\xd2 \xe1\n" * 20, "is not a text file"),
        (b'[{"name": "Ada"}]', "JSON"),
        (b"PK\x03\x04 is no zip", "not a workbook"),
        (b"\xd0\xcf\x11\xe0 is no workbook", "not a workbook"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    assert says in refused(written(tmp_path, content)).message


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_core.engine.encodings._MAX_LINE", 2_000_000)
    assert "does not end" in refused(written(tmp_path, "a,b\n" + "x" * 5_000_000)).message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "nowhere.csv").message
    assert "cannot be read" in refused(tmp_path).message


def test_a_workbook_reads_as_people_see_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Name", "Zip", "Phone", "Employees", "Since", "Seen", "Active", "Share"])
    sheet.append(["Ada", "00123", "+44 20 7946 0000", 123, datetime.date(2024, 1, 2), None, True, 12.5])
    sheet.append([])
    sheet.append(["Grace", 123.0, 442079460000, 1e15, None, datetime.datetime(2024, 1, 2, 3, 4, 5), False, 0.1])  # noqa: DTZ001
    book.create_sheet("empty", 0)
    path = tmp_path / "book.xlsx"
    book.save(path)

    table = open_table(path)
    assert table.headings == ("Name", "Zip", "Phone", "Employees", "Since", "Seen", "Active", "Share")
    assert list(table.rows()) == [
        (2, ["Ada", "00123", "+44 20 7946 0000", "123", "2024-01-02", "", "true", "12.5"]),
        (4, ["Grace", "123", "442079460000", "1000000000000000", "", "2024-01-02T03:04:05", "false", "0.1"]),
    ]


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    openpyxl.Workbook().save(path)
    assert "is empty" in refused(path).message


@pytest.mark.parametrize(
    ("cell", "text"),
    [(1.0, "1"), (0.1, "0.1"), (1e16, "10000000000000000"), (-2.5, "-2.5"), (7, "7"), (None, ""), (True, "true")],
)
def test_numbers_of_a_workbook_have_no_needless_fraction(cell: object, text: str) -> None:
    assert tables.cell_text(cell) == text

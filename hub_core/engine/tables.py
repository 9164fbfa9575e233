"""Tables in files: CSV in any common encoding and delimiter, and workbooks, as a stream of rows of text.

What a cell says is kept: "00123" and phone numbers stay as they are; a workbook's number 123.0 reads "123". CSV is
never held whole. A file that cannot be read raises `BadInput`, with the line where there is one, and what to do.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from hub_core.engine import encodings
from hub_core.errors import BadInput

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

#: (line number in the file, cells); the line is where the row begins.
Line: TypeAlias = "tuple[int, list[str]]"
DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
MAX_CELL = 10_000_000  # characters
_SAVE_AS = "Save it as CSV UTF-8 or XLSX and import that."
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
#: How files begin that are often taken for tables.
_NO_TABLE = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "compressed; unpack it first",
}
_NO_TABLE_BUT_TEXT = {b"{": "JSON", b"[{": "JSON", b"<": "a web page or XML"}


class Table(Protocol):
    """A table with headings. ``format`` is for people ("CSV, UTF-8, comma"), ``lines`` about how many it has."""

    @property
    def headings(self) -> tuple[str, ...]: ...
    @property
    def format(self) -> str: ...
    @property
    def lines(self) -> int: ...

    def rows(self) -> Iterator[Line]:
        """The rows below the headings, from the first one; blank lines are left out. Raises `BadInput`."""
        ...


def open_table(path: Path, *, encoding: str | None = None) -> Table:
    """The table in a file; its content decides what it is, not its name. ``encoding`` None: find out.

    Raises `BadInput`: no such file, not a table, empty, headings only, headings that occur twice.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip()
        table: Table = _open_workbook(path) if head.startswith(_WORKBOOKS) else _open_csv(path, head, encoding)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read: {error.strerror or error}.", fix="Check the path and its rights."
        ) from None
    _check_headings(path, table.headings)
    if next(table.rows(), None) is None:
        raise BadInput(f"{path.name} has headings and nothing below them.", fix="Put rows under the headings.")
    return table


def _check_headings(path: Path, headings: Sequence[str]) -> None:
    if not any(headings):
        raise BadInput(f"{path.name} is empty.", fix="Choose a file with headings in its first line and rows below.")
    twice = sorted(heading for heading, count in Counter(headings).items() if heading and count > 1)
    if twice:
        names = ", ".join(repr(heading) for heading in twice)
        raise BadInput(f"{path.name} has headings that occur more than once: {names}.", fix="Rename or remove them.")


# --- CSV ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CsvTable:
    path: Path
    encoding: str
    delimiter: str
    headings: tuple[str, ...]
    lines: int

    @property
    def format(self) -> str:
        return f"CSV, {encodings.label(self.encoding)}, {_DELIMITER_NAMES.get(self.delimiter, self.delimiter)}"

    def rows(self) -> Iterator[Line]:
        return islice(self.records(), 1, None)

    def records(self) -> Iterator[Line]:
        """Headings and rows."""
        csv.field_size_limit(MAX_CELL)
        end = 0
        with self.path.open(encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            try:
                for cells in reader:
                    line, end = end + 1, reader.line_num
                    if cells and not (line == 1 and _says_delimiter(cells)):
                        yield line, cells
            except csv.Error as error:
                raise _unreadable(self.path, end + 1, str(error)) from None
            except UnicodeError:
                raise BadInput(
                    f"{self.path.name} has characters that are not {encodings.label(self.encoding)}, after line {end}.",
                    fix=f"Name its encoding (--encoding), or: {_SAVE_AS.lower()}",
                ) from None


def _open_csv(path: Path, head: bytes, encoding: str | None) -> CsvTable:
    # One character tells no more than that, so the rest must look like text too.
    signs = _NO_TABLE | (_NO_TABLE_BUT_TEXT if encodings.may_be_text(head) else {})
    for begin, what in signs.items():
        if head.startswith(begin):
            raise BadInput(f"{path.name} is not a table but {what}.", fix=_SAVE_AS)
    if not head and path.stat().st_size <= 64:
        raise BadInput(f"{path.name} is empty.", fix="Choose a file with headings in its first line and rows below.")
    found = encodings.examine(path, encoding)
    delimiter = _delimiter(found.sample)
    draft = CsvTable(path, found.encoding, delimiter, (), found.lines)
    _, headings = next(draft.records(), (1, list[str]()))
    return CsvTable(path, found.encoding, delimiter, tuple(heading.strip() for heading in headings), found.lines)


def _says_delimiter(cells: Sequence[str]) -> bool:
    """Whether the first line is Excel's note "sep=;" rather than the headings."""
    return cells[0].startswith("sep=") and len(cells) <= 2 and not any(cells[1:])


def _delimiter(sample: str) -> str:
    """The delimiter that gives the most rows as many cells as there are headings, and the most of these."""
    first, _, rest = sample.partition("\n")
    if first.startswith("sep=") and len(first.rstrip()) == 5:
        return first[4]
    complete = (rest and sample.rpartition("\n")[0]) or sample
    return max(DELIMITERS, key=lambda delimiter: _fit(complete, delimiter))


def _fit(sample: str, delimiter: str) -> tuple[int, int]:
    csv.field_size_limit(MAX_CELL)
    try:
        rows = [len(row) for row in islice(csv.reader(sample.splitlines(True), delimiter=delimiter), 50) if row]
    except csv.Error:
        return (0, 0)
    width = rows[0] if rows else 0
    return (rows.count(width), width) if width > 1 else (0, 0)


def _unreadable(path: Path, line: int, why: str) -> BadInput:
    """What the csv module found wrong in the row that begins at ``line``, for people."""
    where = f"{path.name}, line {line}:"
    if "field larger" in why:
        return BadInput(
            f"{where} a cell holds more than {MAX_CELL // 1_000_000} MB.",
            fix="Shorten it; most often a quotation mark is opened there and never closed.",
        )
    if "unexpected end" in why:
        return BadInput(f"{where} a quotation mark is opened and never closed.", fix="Close it, or save the file anew.")
    if "expected after" in why:
        return BadInput(f"{where} text follows a closing quotation mark.", fix='Write " inside a quoted cell as "".')
    return BadInput(f"{where} {why}.", fix=_SAVE_AS)


# --- workbooks ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SheetTable:
    """The first visible sheet that holds anything."""

    path: Path
    sheet: CalamineSheet
    headings: tuple[str, ...]

    @property
    def format(self) -> str:
        return f"workbook, sheet {self.sheet.name!r}"

    @property
    def lines(self) -> int:
        return self.sheet.total_height

    def rows(self) -> Iterator[Line]:
        return islice(_filled(self.path, self.sheet.iter_rows()), 1, None)


def _open_workbook(path: Path) -> SheetTable:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
        names = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        for name in names:
            sheet = book.get_sheet_by_name(name)
            first = next(_filled(path, sheet.iter_rows()), None)
            if first is not None:
                return SheetTable(path, sheet, _trimmed(first[1]))
    except PasswordError:
        raise BadInput(f"{path.name} is protected by a password.", fix="Save it without one and import that.") from None
    except CalamineError as error:
        raise BadInput(f"{path.name} is not a workbook that can be read: {error}.", fix=_SAVE_AS) from None
    raise BadInput(f"{path.name} is empty.", fix="Choose a file with headings in its first line and rows below.")


def _trimmed(cells: Iterable[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in cells)


def _filled(path: Path, rows: Iterable[Sequence[object]]) -> Iterator[Line]:
    for line, row in enumerate(rows, start=1):
        cells = [cell if type(cell) is str else cell_text(cell) for cell in row]
        joined = "".join(cells)
        if not joined or joined.isspace():
            continue
        if "\0" in joined:
            raise BadInput(f"{path.name}, line {line}: a cell holds a NUL character.", fix=_SAVE_AS)
        yield line, cells


def cell_text(cell: object) -> str:
    """A workbook's cell as people see it: whole numbers without a fraction, dates as ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        plain = format(Decimal(repr(cell)), "f")
        return plain.removesuffix(".0")
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta | int):
        return str(cell)
    return "" if cell is None else str(cell)

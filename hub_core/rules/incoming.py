"""A row of a file as a record: its values, who it is, and the keys that tie a contact to the company it works for.

A row's identity is the id that its source gives it, else it is derived from what identifies it, in normalised form, so
that the same row always leads to the same record. A row that nothing identifies is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from hub_core.model.fields import FieldType, HubField
from hub_core.model.records import HubValue, RecordKind
from hub_core.rules.normalise import company_name, domain, email, fold, linkedin_person, person_name
from hub_core.rules.values import ValueProblem, parse_field, parse_hub

MAX_IDENTITY = 400  # characters: what an index of the database takes, with room
_MAX_INTEGER = 2**63 - 1

Values: TypeAlias = "dict[str, HubValue]"
#: What a cell holds.
Cell: TypeAlias = "HubValue | ValueProblem | None"
Parser: TypeAlias = "Callable[[Sequence[str]], Sequence[Cell]]"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be taken in; ``column`` is the heading at fault, "" when it is the row as a whole."""

    column: str
    reason: str


class Incoming(NamedTuple):
    """One row as a record."""

    external_id: str
    values: Values
    domain_key: str | None
    name_key: str | None


# --- cells -------------------------------------------------------------------------------------------------------


def is_blank(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return parse_hub(cell, FieldType.TEXT) is None


def says_nothing(cell: str) -> bool:
    """Whether a cell of a column that is not text, such as one of e-mail addresses, says that there is no value."""
    return is_blank(cell) or cell.strip() in _NOTHING


# As they are written; in a column of text they are kept, where they may be what was meant.
_NOTHING = frozenset(
    (word.lower(), word.upper(), word.capitalize())[spelling]
    for word in ("n/a", "#n/a", "n.a.", "na", "nan", "none", "null", "nil", "-", "--", "–", "—")
    for spelling in range(3)
) | {"NaN"}


def parser(field: HubField) -> Parser:
    """What turns a column's cells into values of the field, None for a blank and a problem for a cell it refuses."""
    if field.type in _AS_WRITTEN and not field.options:
        return lambda cells: _as_written(cells, field.type)
    parse = _SPECIAL.get(field.type, _plain)(field)
    if field.type in _ANY_WORD:
        return lambda cells: _each_once(cells, parse)
    return lambda cells: _each_once(cells, lambda cell: None if cell.strip() in _NOTHING else parse(cell))


# Any word may be a value, or one of the options.
_ANY_WORD = frozenset((FieldType.SINGLE_CHOICE, FieldType.MULTI_CHOICE))
_AS_WRITTEN = frozenset((FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PHONE, FieldType.USER, FieldType.SINGLE_CHOICE))


def _as_written(cells: Sequence[str], kind: FieldType) -> Sequence[Cell]:
    """A column of text. One look at all of it tells whether any cell needs more than its outer spaces taken off."""
    stripped = list(map(str.strip, cells))
    if kind is FieldType.PHONE:
        stripped = ["" if cell in _NOTHING else cell for cell in stripped]
    together = "\n".join(stripped)
    if "(" in together or "\r" in together:
        return [parse_hub(cell, kind) for cell in stripped]
    return [cell or None for cell in stripped]


def _each_once(cells: Sequence[str], parse: Callable[[str], HubValue | None]) -> Sequence[Cell]:
    """A column whose cells take longer to parse: those that repeat are parsed once."""
    known: dict[str, Cell] = {}
    for cell in set(cells):
        try:
            known[cell] = parse(cell)
        except ValueProblem as problem:
            known[cell] = problem
    return list(map(known.__getitem__, cells))


def _plain(field: HubField) -> Callable[[str], HubValue | None]:
    return lambda cell: parse_field(cell, field)


def _integer(field: HubField) -> Callable[[str], HubValue | None]:
    def parse(cell: str) -> HubValue | None:
        number = parse_hub(cell, field.type)
        if isinstance(number, int) and abs(number) > _MAX_INTEGER:
            raise ValueProblem("It is too large a number.", fix="Correct it, or leave it blank.")
        return number

    return parse


def _choice(field: HubField) -> Callable[[str], HubValue | None]:
    """A field with options takes these, in any case."""
    options = {fold(option): option for option in field.options}

    def parse(cell: str) -> HubValue | None:
        text = parse_hub(cell, field.type)
        if not isinstance(text, str):
            return text
        found = options.get(fold(text))
        if found is None and text in _NOTHING:
            return None
        if found is None:
            raise ValueProblem(f"It is none of: {', '.join(field.options)}.")
        return found

    return parse


def _object(field: HubField) -> Callable[[str], HubValue | None]:
    def parse(cell: str) -> HubValue | None:
        if "\\u0000" in cell or "\\ud" in cell.casefold():
            raise ValueProblem("It holds characters that cannot be stored.", fix="Take escapes such as \\u0000 out.")
        return parse_hub(cell, field.type)

    return parse


_SPECIAL: dict[FieldType, Callable[[HubField], Callable[[str], HubValue | None]]] = {
    FieldType.INTEGER: _integer,
    FieldType.SINGLE_CHOICE: _choice,
    FieldType.OBJECT: _object,
}


# --- identity ----------------------------------------------------------------------------------------------------


def _text(values: Mapping[str, HubValue], field: str) -> str:
    value = values.get(field)
    return value if isinstance(value, str) else ""


def _company_identity(values: Mapping[str, HubValue]) -> str | None:
    if own := domain(_text(values, "domain")) or domain(_text(values, "website")):
        return f"domain:{own}"
    name = company_name(_text(values, "name"))
    return f"name:{name}" if name else None


def _contact_identity(values: Mapping[str, HubValue]) -> str | None:
    if address := email(_text(values, "professionalEmail")):
        return f"email:{address}"
    if slug := linkedin_person(_text(values, "linkedInProfileUrl")):
        return f"linkedin:{slug}"
    names = (person_name(_text(values, "firstName")), person_name(_text(values, "lastName")))
    parts = (*names, company_name(_text(values, "companyName")))
    return f"name:{'|'.join(parts)}" if all(parts) else None


IDENTITY = {RecordKind.COMPANY: _company_identity, RecordKind.CONTACT: _contact_identity}
_NOT_IDENTIFIED = {
    RecordKind.COMPANY: "Nothing identifies this company: it needs an id, a domain of its own, or a name.",
    RecordKind.CONTACT: "Nothing identifies this contact: it needs an id, an e-mail address, a LinkedIn profile, or "
    "first name, last name and company.",
}


# --- employment --------------------------------------------------------------------------------------------------

#: The field that names the company, on the company itself and on those who work for it.
NAME_FIELD = {RecordKind.COMPANY: "name", RecordKind.CONTACT: "companyName"}
# Colleagues share an employer, so most of these repeat.
_domain = lru_cache(maxsize=65_536)(domain)
_fold = lru_cache(maxsize=65_536)(fold)


def employer_keys(kind: RecordKind, values: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The normalised domain and name of the company, or of the company that a contact says it works for.

    The domain is that of ``domain``, else of ``website``. Names are compared as a whole, legal form included.
    """
    address, site, name = values.get("domain"), values.get("website"), values.get(NAME_FIELD[kind])
    own = (address and _domain(address)) or (site and _domain(site))
    return own or None, (name and _fold(name)) or None


# --- rows --------------------------------------------------------------------------------------------------------


def split_name(values: Values) -> None:
    """Make first and last name of a full name, when neither is there: the last word is the last name."""
    if "firstName" in values or "lastName" in values:
        return
    first, _, last = _text(values, "fullName").rpartition(" ")
    if first:
        values["firstName"] = first.rstrip()
    if last:
        values["lastName"] = last


def reader(
    kind: RecordKind, width: int, columns: Sequence[tuple[int, str, HubField | None]]
) -> Callable[[Sequence[list[str]]], list[Incoming | RowProblem]]:
    """What turns rows of cells into records, in order. There are ``width`` headings; ``columns`` are those that are
    used, as (index, heading, field), with None for the source's own id.

    A short row's missing cells are blank; a long row is refused unless the rest is blank.
    """
    plan = [(index, heading, field.id, parser(field)) for index, heading, field in columns if field is not None]
    fields = [field for _, _, field, _ in plan]
    external = next((index for index, _, field in columns if field is None), None)
    splits, identify = "fullName" in fields, IDENTITY[kind]

    def read(rows: Sequence[list[str]]) -> list[Incoming | RowProblem]:
        problems: dict[int, RowProblem] = {}
        cells = list(zip(*[_fitted(row, width, number, problems) for number, row in enumerate(rows)], strict=True))
        # Column by column, which takes half the time of row by row.
        parsed = [_accepted(parse(cells[index]), heading, problems) for index, heading, _, parse in plan]
        ids = _as_written(cells[external], FieldType.TEXT) if external is not None else [None] * len(rows)
        records: list[Incoming | RowProblem] = []
        for own, row in zip(ids, zip(*parsed, strict=True) if parsed else [()] * len(rows), strict=True):
            problem = problems.get(len(records)) if problems else None
            values: Values = {field: value for field, value in zip(fields, row, strict=True) if value is not None}
            records.append(problem or record(own, values))
        return records

    def record(own: Cell, values: Values) -> Incoming | RowProblem:
        if splits:
            split_name(values)
        name = own if isinstance(own, str) else identify(values)
        if not name:
            return RowProblem("", _NOT_IDENTIFIED[kind])
        if len(name) > MAX_IDENTITY:
            return RowProblem("", f"What identifies it is longer than {MAX_IDENTITY} characters.")
        return Incoming(name, values, *employer_keys(kind, values))

    return read


def _fitted(row: list[str], width: int, number: int, problems: dict[int, RowProblem]) -> list[str]:
    """The row with as many cells as there are headings."""
    if len(row) == width:
        return row
    if any(map(str.strip, row[width:])):
        problems[number] = RowProblem("", f"It has {len(row)} cells, but there are {width} headings.")
    return (row + [""] * width)[:width]


def _accepted(cells: Sequence[Cell], heading: str, problems: dict[int, RowProblem]) -> Sequence[Any]:
    """A column's values. A cell that is refused is the problem of its row, unless the row has one already."""
    if ValueProblem in set(map(type, cells)):
        for number, cell in enumerate(cells):
            if isinstance(cell, ValueProblem):
                problems.setdefault(number, RowProblem(heading, str(cell)))
    return cells

"""Single values in text form: numbers, booleans, dates, points in time. Read leniently, written in one form.

``plain_*`` take what machines write and answer None when the text is not one; ``parse_*`` take what people type, raise
`ValueProblem`, and never guess between two readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hub_core.errors import BadInput
from hub_core.model.fields import FieldType


class ValueProblem(BadInput):
    """A value that cannot be used where it is wanted. ``reason`` says why, without the value itself (it may be personal
    data); ``fix`` says what to do."""

    @property
    def reason(self) -> str:
        return self.message


def unbroken(text: str) -> str:
    """One kind of line end, no space around."""
    text = text.strip()
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def distinct(parts: Iterable[str]) -> list[str]:
    """Without blanks and repeats, in order."""
    return list(dict.fromkeys(stripped for part in parts if (stripped := part.strip())))


# Numbers

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TYPED = re.compile(r"([+-]?)([0-9]*(?:[.,'’ ][0-9]+)*)([.,]?)")
_MONEY = re.compile(r"^[A-Z]{3}(?=[ 0-9+-])|(?<=[ 0-9])[A-Z]{3}$|[€$£¥₹₽₩₺₴₫₱₪]")
_POINT_IS_DECIMAL = frozenset((FieldType.DECIMAL, FieldType.PERCENT))
_SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2212": "-"})


def plain_number(text: str) -> str | None:
    """A number in plain decimal notation, without needless zeros: "1.70e1" -> "17", "-0.50" -> "-0.5"."""
    if text.isdecimal() and text.isascii():
        return text if text[0] != "0" else text.lstrip("0") or "0"
    if _PLAIN.fullmatch(text) is None:
        return None
    number = format(Decimal(text), "f")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    sign = "-" if number.startswith("-") else ""
    digits = number.lstrip("-").lstrip("0")
    if not digits:
        return "0"
    return sign + ("0" + digits if digits.startswith(".") else digits)


def parse_number(text: str, kind: FieldType) -> str:
    """A typed number as plain text. Thousands may be set apart by points, commas, apostrophes or spaces, decimals by a
    point or a comma; a percent sign or a currency around it is dropped.

    One separator before exactly three digits has two readings: for a whole number it sets thousands apart; a comma does
    so in an amount of money, a point in other numbers marks decimals; anything else is refused.
    """
    if ("." not in text or kind in _POINT_IS_DECIMAL) and (number := plain_number(text)):
        return _whole(number, kind)  # no mark with two readings, as in most cells
    cleaned = (text if text.isascii() else text.translate(_SPACES)).strip()
    if kind is FieldType.PERCENT:
        cleaned = cleaned.removesuffix("%").rstrip()
    elif kind is FieldType.CURRENCY:
        cleaned = _MONEY.sub("", cleaned, count=1).strip()
        cleaned = re.sub(r"^([+-]) +", r"\1", cleaned)
    found = _TYPED.fullmatch(cleaned)
    plain = _regroup(found[1], found[2] + found[3], kind) if found and found[2] else cleaned
    number = plain_number(plain)
    if number is None:
        raise ValueProblem("It is not a number.", fix="Write digits only, with a point before decimals.")
    return _whole(number, kind)


def _whole(number: str, kind: FieldType) -> str:
    if kind is FieldType.INTEGER and "." in number:
        raise ValueProblem("It is not a whole number.", fix="Round it, or use a field with decimals.")
    return number


def _regroup(sign: str, body: str, kind: FieldType) -> str:
    """The digits with a point before decimals and nothing else between them; "" when the groups make no sense."""
    marks = [character for character in body if not character.isdigit()]
    if not marks:
        return sign + body
    whole, decimals = body, ""
    last = marks[-1]
    if last in ".," and (marks.count(last) == 1 and not _sets_thousands(body, marks, kind)):
        whole, _, decimals = body.rpartition(last)
    separators = {character for character in whole if not character.isdigit()}
    if separators:
        groups = re.split(r"[.,'’ ]", whole)
        if len(separators) > 1 or not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            return ""
        whole = "".join(groups)
    return f"{sign}{whole or '0'}.{decimals or '0'}"


def _sets_thousands(body: str, marks: list[str], kind: FieldType) -> bool:
    """Whether the only mark of a number, a point or a comma, stands before thousands and not before decimals."""
    before, _, after = body.partition(marks[0])
    if len(marks) > 1 or len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0"):
        return False
    if kind is FieldType.INTEGER or (kind is FieldType.CURRENCY and marks[0] == ","):
        return True
    if kind is not FieldType.CURRENCY and marks[0] == ".":
        return False
    raise ValueProblem(
        "It can be read in two ways: as thousands, or as a number with three decimals.",
        fix="Write it without a separator between thousands, and with a point before decimals.",
    )


# Booleans

_TRUE = frozenset(("true", "1", "yes", "y", "ja", "j", "on", "x", "✓", "wahr", "oui", "vrai", "si", "sí", "sì", "sim"))
_FALSE = frozenset(("false", "0", "no", "n", "nein", "off", "falsch", "non", "faux", "falso", "nee", "não"))


def plain_boolean(text: str) -> bool | None:
    folded = text.strip().casefold()
    return True if folded in _TRUE else False if folded in _FALSE else None


def parse_boolean(text: str) -> bool:
    answer = plain_boolean(text)
    if answer is None:
        raise ValueProblem("It is neither yes nor no.", fix="Write yes or no.")
    return answer


# Dates and points in time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?[0-9]+")
_ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9][0-9:.,Z+ -]*)?", re.IGNORECASE)
_ISO_LIKE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T ].+)?", re.IGNORECASE)
_DAY_FIRST = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})")
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})")
_EITHER = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})")
_NAMED = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[ .-]+([A-Za-z]{3,9})[ .,-]+([0-9]{4})")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3,9})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = {name[:length]: n for n, name in enumerate(_MONTHS, 1) for length in (3, 4, len(name))}


def _instant(text: str) -> datetime | None:
    """ISO 8601 or milliseconds since 1970; without an offset it is UTC."""
    try:
        if _MILLISECONDS.fullmatch(text) and len(text) != 8:
            return _EPOCH + timedelta(milliseconds=int(text))
        if _ISO_LIKE.fullmatch(text) is None:
            return None
        moment = datetime.fromisoformat(text.upper())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def plain_datetime(text: str) -> str | None:
    """ISO 8601 in UTC with "Z", whole seconds: CRMs differ in what they keep of a second."""
    if (moment := _instant(text)) is None:
        return None
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def plain_date(text: str) -> str | None:
    """YYYY-MM-DD; of a point in time the date as it is written, because a CRM may write a date as its midnight."""
    if len(text) == 10 and text[4] == "-" == text[7]:  # by far the most common; the rest costs five times as much
        try:
            date.fromisoformat(text)
        except ValueError:
            return None
        return text
    if found := _ISO_DATE.fullmatch(text):
        try:
            return str(date.fromisoformat(found[1]))
        except ValueError:
            return None
    moment = _instant(text)
    return None if moment is None else moment.date().isoformat()


def parse_datetime(text: str) -> str:
    """A typed point in time. Without a time it is midnight UTC."""
    if (plain := None if _MILLISECONDS.fullmatch(text) else plain_datetime(text)) is not None:
        return plain
    try:
        return parse_date(text) + "T00:00:00Z"
    except ValueProblem as problem:
        raise ValueProblem(
            "It is not a date and time, or one that can be read in two ways.", fix="Write it as 2024-12-31T14:30:00Z."
        ) from problem


def parse_date(text: str) -> str:
    """A typed date in any form with one reading only: 2024-12-31, 31.12.2024, 31 Dec 2024, 12/31/2024.

    03/04/2024 has two and is refused.
    """
    if (plain := None if text.isdecimal() and len(text) != 8 else plain_date(text)) is not None:
        return plain
    if (parts := _date_parts(text)) is not None:
        try:
            return date(*parts).isoformat()
        except ValueError:
            pass
    raise ValueProblem("It is not a date, or one that can be read in two ways.", fix="Write it as 2024-12-31.")


def _date_parts(text: str) -> tuple[int, int, int] | None:
    """(year, month, day)"""
    if found := _DAY_FIRST.fullmatch(text):
        return int(found[3]), int(found[2]), int(found[1])
    if found := _YEAR_FIRST.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _NAMED.fullmatch(text):
        return int(found[3]), _MONTH.get(found[2].lower(), 0), int(found[1])
    if found := _NAMED_FIRST.fullmatch(text):
        return int(found[3]), _MONTH.get(found[1].lower(), 0), int(found[2])
    if found := _EITHER.fullmatch(text):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        if first > 12 or first == second:
            return year, second, first
        if second > 12:
            return year, first, second
    return None

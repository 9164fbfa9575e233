"""Values on their way: typed text into the hub, the hub into a CRM, a CRM into the hub, and when two are equal.

The forms on both sides are documented at the top of `hub_core.model.records`. All of it is tables of functions by type,
because each runs once per field of every record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeAlias, cast

from hub_core.model.fields import CrmType, FieldInfo, FieldType, HubField
from hub_core.model.records import CrmValue, HubValue
from hub_core.rules._equality import Comparable, canonical
from hub_core.rules._scalars import (
    ValueProblem,
    distinct,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_number,
    plain_boolean,
    plain_date,
    plain_datetime,
    plain_number,
    unbroken,
)
from hub_core.rules.compatibility import NEAREST, Status, writing
from hub_core.rules.normalise import linkedin_company, linkedin_person

__all__ = [
    "Comparable",
    "ValueProblem",
    "Writer",
    "canonical",
    "from_crm",
    "parse_field",
    "parse_hub",
    "to_crm",
    "typed",
    "writer",
]

Writer: TypeAlias = "Callable[[HubValue], CrmValue | None]"

_JOINER = "; "
_T = FieldType


# What people type, or a file holds, into the hub

_CUTS = re.compile(r"[;|\n\r]")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(?:\.[^@\s,;<>.]+)+")
_URL = re.compile(r"(?:https?://)?[^\s/?#.]+\.\S+", re.IGNORECASE)


def _email(text: str) -> str:
    address = text[7:] if text[:7].lower() == "mailto:" else text
    if _EMAIL.fullmatch(address) is None:
        raise ValueProblem("It is not an e-mail address.", fix="Correct it, or leave it blank.")
    return address


def _url(text: str) -> str:
    if _URL.fullmatch(text) is None:
        raise ValueProblem("It is not a web address.", fix="Correct it, or leave it blank.")
    return text


def _object(text: str) -> dict[str, object]:
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueProblem("It is not a JSON object.", fix='Write it as {"key": "value"}.')
    return cast("dict[str, object]", value)


_PARSE: dict[FieldType, Callable[[str], HubValue]] = {
    _T.TEXT: unbroken,
    _T.LONG_TEXT: unbroken,
    _T.EMAIL: _email,
    _T.PHONE: str,
    _T.URL: _url,
    _T.INTEGER: lambda text: int(parse_number(text, _T.INTEGER)),
    _T.DECIMAL: lambda text: parse_number(text, _T.DECIMAL),
    _T.PERCENT: lambda text: parse_number(text, _T.PERCENT),
    _T.CURRENCY: lambda text: parse_number(text, _T.CURRENCY),
    _T.BOOLEAN: parse_boolean,
    _T.DATE: parse_date,
    _T.DATETIME: parse_datetime,
    _T.SINGLE_CHOICE: str,
    _T.MULTI_CHOICE: lambda text: distinct(_CUTS.split(text)),
    _T.LIST: lambda text: distinct(_CUTS.split(text)),
    _T.USER: str,
    _T.OBJECT: _object,
}  # fmt: skip


def parse_hub(text: str, kind: FieldType) -> HubValue | None:
    """An imported cell or typed text as a hub value; None when it is blank ("" or "(blank)").

    Raises `ValueProblem` for what does not fit the type or can be read in two ways. Text, phones and choices are kept
    as they are written ("00123", "N/A"). Lists are cut at ";", "|" and line ends, not at commas.
    """
    text = text.strip()
    if not text or (text[0] == "(" and text.casefold() == "(blank)"):
        return None
    value = _PARSE[kind](text)
    return None if value == [] else value


# Each with what it understands and the path of its pages.
_LINKEDIN = {
    "linkedInProfileUrl": (linkedin_person, "in"),
    "companyLinkedInUrl": (linkedin_company, "company"),
}


def parse_field(text: str, field: HubField) -> HubValue | None:
    """`parse_hub` for a field. A LinkedIn address may also be what only the normaliser understands, such as
    "in/ann-lee" or "//m.linkedin.com/mwlite/in/ann-lee": it becomes the page's address."""
    try:
        return parse_hub(text, field.type)
    except ValueProblem:
        slug_of, path = _LINKEDIN.get(field.id, (None, ""))
        if slug_of is None or not (slug := slug_of(text)):
            raise
        return f"https://www.linkedin.com/{path}/{slug}"


# The hub into a CRM

_THREE_DIGITS = re.compile(r"(?:[0-9][^0-9]*){3}")


def _as_text(value: HubValue) -> str:
    """Any hub value as one text."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _JOINER.join(distinct(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _first(value: HubValue) -> str:
    """The first of a list, else the value as text."""
    return next(iter(distinct(value)), "") if isinstance(value, list) else _as_text(value)


def _writes_text(field: FieldInfo) -> Writer:
    limit = field.max_length
    if limit is None:
        return lambda value: (value.strip() if isinstance(value, str) else _as_text(value)) or None

    def write(value: HubValue) -> CrmValue | None:
        text = value.strip() if isinstance(value, str) else _as_text(value)
        return _fitting(text, limit) or None

    return write


def _fitting(text: str, limit: int | None) -> str:
    if limit is not None and len(text) > limit:
        raise ValueProblem(
            f"It is longer than the {limit} characters the CRM field takes.", fix="Shorten it, or map it to long text."
        )
    return text


def _writes_long_text(field: FieldInfo) -> Writer:
    limit = field.max_length
    if limit is None:
        return _writes_text(field)

    def write(value: HubValue) -> CrmValue | None:
        text = _as_text(value)
        return (text if len(text) <= limit else text[: limit - 1].rstrip() + "…") or None

    return write


def _checked(check: Callable[[str], str]) -> Callable[[FieldInfo], Writer]:
    """A writer of one text that must pass a check and fit the field."""

    def make(field: FieldInfo) -> Writer:
        limit = field.max_length

        def write(value: HubValue) -> CrmValue | None:
            text = value.strip() if isinstance(value, str) else _first(value)
            return _fitting(check(text), limit) if text else None

        def write_any_length(value: HubValue) -> CrmValue | None:
            text = value.strip() if isinstance(value, str) else _first(value)
            return check(text) if text else None

        return write_any_length if limit is None else write

    return make


def _phone(text: str) -> str:
    if _THREE_DIGITS.search(text) is None:
        raise ValueProblem("It is not a phone number.", fix="Correct it, or leave it blank.")
    return text


def _plain(read: Callable[[str], str | None], noun: str, fix: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        plain = read(text)
        if plain is None:
            raise ValueProblem(f"It is not {noun}.", fix=fix)
        return plain

    return check


def _choice_of(field: FieldInfo) -> Callable[[str], str]:
    """Checks that a text is the internal name of an active option. A field without known options takes any."""
    options = {option.value: option.active for option in field.options}

    def check(text: str) -> str:
        if options.get(text) or not options:
            return text
        if text in options:
            raise ValueProblem(f"This option of {field.label!r} is not active.", fix="Map it to an active option.")
        raise ValueProblem(
            f"It is not one of the options of {field.label!r}.",
            fix="Add it to the value map, or write the option's internal name.",
        )

    return check


def _writes_choice(field: FieldInfo) -> Writer:
    check = _choice_of(field)

    def write(value: HubValue) -> CrmValue | None:
        text = _as_text(value)
        return check(text) if text else None

    return write


def _writes_choices(field: FieldInfo) -> Writer:
    check = _choice_of(field)

    def write(value: HubValue) -> CrmValue | None:
        parts = value if isinstance(value, list) else _CUTS.split(_as_text(value))
        return [check(part) for part in distinct(parts)] or None

    return write


def _user_id(text: str) -> str:
    if "@" in text:
        raise ValueProblem("It is not the id of a CRM user.", fix="Map the users in step 4.")
    return text


_number = _plain(plain_number, "a number", "Write digits only, with a point before decimals.")
_BOOLEAN = _plain(
    lambda text: None if (answer := plain_boolean(text)) is None else str(answer).lower(),
    "yes or no",
    "Write yes or no.",
)
_DATE = _plain(plain_date, "a date", "Write it as 2024-12-31.")
_DATETIME = _plain(plain_datetime, "a date and time", "Write it as 2024-12-31T14:30:00Z.")


def _writes_number(field: FieldInfo) -> Writer:
    checked = _checked(_number)(field)
    return lambda value: str(value) if type(value) is int else checked(value)


_WRITERS: dict[CrmType, Callable[[FieldInfo], Writer]] = {
    CrmType.TEXT: _writes_text,
    CrmType.LONG_TEXT: _writes_long_text,
    CrmType.EMAIL: _checked(_email),
    CrmType.PHONE: _checked(_phone),
    CrmType.URL: _checked(_url),
    CrmType.NUMBER: _writes_number,
    CrmType.BOOLEAN: _checked(_BOOLEAN),
    CrmType.DATE: _checked(_DATE),
    CrmType.DATETIME: _checked(_DATETIME),
    CrmType.CHOICE: _writes_choice,
    CrmType.MULTI_CHOICE: _writes_choices,
    CrmType.REFERENCE: _checked(_user_id),
    CrmType.UNKNOWN: _writes_text,
}


def _refusing(reason: str, fix: str) -> Writer:
    def write(value: HubValue) -> CrmValue | None:
        raise ValueProblem(reason, fix=fix)

    return write


def writer(kind: FieldType, field: FieldInfo) -> Writer:
    """`to_crm` for one pair of fields, made once and called per record."""
    judged = writing(kind, field)
    if judged.status is Status.ERROR:
        return _refusing(judged.reason, judged.fix)
    return _WRITERS[field.type](field)


def to_crm(value: HubValue, kind: FieldType, field: FieldInfo) -> CrmValue | None:
    """A hub value in the CRM's form; None when nothing of it is left (a text of spaces).

    Raises `ValueProblem` when the CRM field cannot take it: types that do not match, not a number, not an option's
    internal name, too long. Only long text is cut, with a mark. A point in time becomes the UTC date of a date field;
    of a list, a field for one value takes the first.
    """
    return writer(kind, field)(value)


def typed(text: str, field: FieldInfo) -> CrmValue | None:
    """A value that a person typed for a CRM field (fixed, manual, engagement, a value map's right side); None is blank.

    Choices must be the option's internal name, references the record's id. Raises `ValueProblem`.
    """
    if field.read_only:
        judged = writing(_T.TEXT, field)
        raise ValueProblem(judged.reason, fix=judged.fix)
    value = parse_hub(text, NEAREST[field.type])
    return None if value is None else _WRITERS[field.type](field)(value)


# A CRM into the hub

_PLAIN: dict[CrmType, Callable[[str], str | None]] = {
    CrmType.NUMBER: plain_number,
    CrmType.DATE: plain_date,
    CrmType.DATETIME: plain_datetime,
}
_NUMERIC = frozenset((_T.DECIMAL, _T.PERCENT, _T.CURRENCY))
_MANY = frozenset((_T.MULTI_CHOICE, _T.LIST))


def from_crm(value: CrmValue, crm_type: CrmType, field: HubField) -> HubValue | None:
    """A CRM value in the hub's form; None when it is blank. Raises `ValueProblem` when the hub field cannot hold it.

    An option that the hub does not know is taken as text. Many values become one text for a field that holds one.
    """
    if isinstance(value, list):
        many = distinct(value)
        if field.type in _MANY:
            return many or None
        value = _JOINER.join(many)
    text = value.strip()
    if (read := _PLAIN.get(crm_type)) is not None:
        text = read(text) or text
    if crm_type is CrmType.NUMBER and text and plain_number(text) == text:
        # Not through `parse_hub`: what a machine wrote as 1.234 is not 1234.
        if field.type in _NUMERIC:
            return text
        if field.type is _T.INTEGER and "." not in text:
            return int(text)
        if field.type is _T.INTEGER:
            raise ValueProblem("It is not a whole number.", fix="Use a hub field with decimals.")
    return parse_field(text, field)

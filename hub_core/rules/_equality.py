"""When two values of a CRM field say the same, whatever the CRM has done to their form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from hub_core.model.fields import CrmType
from hub_core.model.records import CrmValue
from hub_core.rules._scalars import distinct, plain_boolean, plain_date, plain_datetime, plain_number, unbroken

#: What `canonical` answers: equal exactly when two CRM values say the same. None is blank.
Comparable: TypeAlias = "str | tuple[str, ...] | None"

_PHONE_NOISE = re.compile(r"[\s().\-/\u2010-\u2015]+")
_SCHEME = re.compile(r"(?:https?://|\s)*([^/?#]*)(.*?)[/\s]*", re.IGNORECASE | re.DOTALL)


def _same_text(text: str) -> str:
    text = unbroken(text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _same_phone(text: str) -> str:
    text = text.strip().lower()
    if text.startswith("+"):
        text = text.replace("(0)", "")
    bare = _PHONE_NOISE.sub("", text)
    return "+" + bare[2:] if bare.startswith("00") else bare


def _same_url(text: str) -> str:
    found = _SCHEME.fullmatch(text)
    return (found[1].lower() + found[2]).strip() if found else text.strip()


def _or_text(read: Callable[[str], str | None]) -> Callable[[str], str]:
    def same(text: str) -> str:
        text = text.strip()
        return read(text) or text

    return same


def _same_boolean(text: str) -> str:
    answer = plain_boolean(text)
    return text.strip() if answer is None else str(answer).lower()


_SAME: dict[CrmType, Callable[[str], str]] = {
    CrmType.TEXT: _same_text,
    CrmType.LONG_TEXT: _same_text,
    CrmType.EMAIL: lambda text: text.strip().lower(),
    CrmType.PHONE: _same_phone,
    CrmType.URL: _same_url,
    CrmType.NUMBER: _or_text(plain_number),
    CrmType.BOOLEAN: _same_boolean,
    CrmType.DATE: _or_text(plain_date),
    CrmType.DATETIME: _or_text(plain_datetime),
    CrmType.CHOICE: str.strip,
    CrmType.REFERENCE: str.strip,
    CrmType.UNKNOWN: _same_text,
}


def canonical(value: CrmValue | tuple[str, ...] | None, kind: CrmType) -> Comparable:
    """A CRM value without what a CRM changes on its own: 17 = 17.0 = 1.7e1, milliseconds = ISO date, e-mail case, phone
    punctuation, an address's scheme and last slash, True = 1, the order of options, white space, line ends.

    Blank is None. The result stays as it is when made canonical again.
    """
    if value is None:
        return None
    if isinstance(value, str):
        if kind is not CrmType.MULTI_CHOICE:
            return _SAME[kind](value) or None
        value = value.split(";")
    return tuple(sorted(distinct(value))) or None

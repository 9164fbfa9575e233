"""Property values on the wire: all are strings. What each type accepts, and the one form that is kept."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from datetime import date as day
from functools import lru_cache

DAY_MS = 86_400_000
MAX_TEXT = 65_536
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
EPOCH_MS = re.compile(r"-?\d+")
# Enough country codes to show that the searchable phone numbers come without them.
COUNTRY_CODES = ("420", "353", "352", "351", "49", "48", "47", "46", "45", "44", "43", "41", "39", "34", "33")
COUNTRY_CODES += ("32", "31", "1")


class Refused(Exception):
    """A value which its property does not accept: the vendor's code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@lru_cache(maxsize=8192)
def iso(ms: int) -> str:
    """Epoch milliseconds as the vendor writes them: `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def epoch_ms(text: str) -> int:
    """The milliseconds of a stamp written by `iso`."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def number(text: str) -> float:
    """A finite number, or `Refused`. Thousands separators are no numbers."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or text != text.strip() or "_" in text:
        raise Refused("INVALID_NUMBER", f"{text} was not a valid number.")
    return value


def datetime_value(text: str) -> str:
    """Milliseconds or ISO 8601 with a zone, kept as ISO with milliseconds in UTC."""
    try:
        if EPOCH_MS.fullmatch(text):
            return iso(int(text))
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None and "T" in text:
            return iso(round(moment.timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        pass
    raise Refused("INVALID_DATE", f"{text} was not a valid date time: ISO 8601 or milliseconds expected.")


def date_value(text: str) -> str:
    """`YYYY-MM-DD`, or milliseconds at exactly midnight UTC, kept as `YYYY-MM-DD`."""
    try:
        if EPOCH_MS.fullmatch(text) and int(text) % DAY_MS == 0:
            return iso(int(text))[:10]
        if len(text) == 10:
            return day.fromisoformat(text).isoformat()
    except (ValueError, OverflowError, OSError):
        pass
    raise Refused("INVALID_DATE", f"{text} was not a valid date: YYYY-MM-DD or midnight UTC expected.")


def email_value(text: str) -> str:
    """An e-mail address, kept in lower case."""
    if not EMAIL.fullmatch(text):
        raise Refused("INVALID_EMAIL", f"Email address {text} is invalid")
    return text.lower()


def bool_value(text: str) -> str:
    """`true` or `false`, nothing else."""
    if text not in ("true", "false"):
        raise Refused("INVALID_BOOLEAN", f"{text} was not one of the allowed values: true, false.")
    return text


def text_value(text: str) -> str:
    """Any text up to 65,536 characters."""
    if len(text) > MAX_TEXT:
        raise Refused("INVALID_STRING_TOO_LONG", f"The value has {len(text)} characters; {MAX_TEXT} are allowed.")
    return text


def number_value(text: str) -> str:
    """A number, kept as it was written."""
    number(text)
    return text


def searchable_phone(text: str) -> str:
    """Digits of a phone number without its country code: what `hs_searchable_calculated_*` hold."""
    if not text:
        return ""
    digits = re.sub(r"\D", "", text)
    if not text.lstrip().startswith("+"):
        return digits.lstrip("0")
    code = next((code for code in COUNTRY_CODES if digits.startswith(code)), "")
    return digits.removeprefix(code).lstrip("0")


PARSERS = {
    "string": text_value,
    "number": number_value,
    "bool": bool_value,
    "date": date_value,
    "datetime": datetime_value,
    "phone_number": text_value,
}
"""Value type -> check and normal form. Enumerations need their options: see `schema.Property.accept`."""

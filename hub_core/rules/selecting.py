"""Which records: the little filter language of ``--filter``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hub_core.errors import BadInput, UnknownName

#: Longest first, so that "!=" is not read as "=".
OPERATORS: tuple[str, ...] = ("!=", "~", "=")


@dataclass(frozen=True, slots=True)
class Filter:
    """``field`` is a hub field id or "id"; ``operator`` one of `OPERATORS`; an empty ``value`` means blank."""

    field: str
    operator: str
    value: str


def parse_filters(texts: Sequence[str], fields: Collection[str]) -> tuple[Filter, ...]:
    """Read "field=value", "field!=value" and "field~part"; all must hold. Letter case does not count.

    Raises `BadInput` for text of another form, `UnknownName` for a field that records do not have.
    """
    filters: list[Filter] = []
    for text in texts:
        found = [(text.index(operator), operator) for operator in OPERATORS if operator in text]
        if not found:
            raise BadInput(f"The filter {text!r} is not of the form field=value, field!=value or field~part.")
        position, operator = min(found, key=lambda hit: (hit[0], -len(hit[1])))
        field, value = text[:position].strip(), text[position + len(operator) :].strip()
        if field != "id" and field not in fields:
            raise UnknownName("field", field, fields)
        filters.append(Filter(field, operator, value))
    return tuple(filters)

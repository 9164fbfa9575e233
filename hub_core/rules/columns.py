"""Which hub field each column of a file goes to: what the person says, else what its heading and cells speak for.

A column that is not recognised becomes a custom field of its own, so that nothing is lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hub_core.errors import BadInput, UnknownName
from hub_core.model.fields import FieldType, HubField
from hub_core.model.records import RecordKind
from hub_core.rules._heading_names import EXTERNAL_ID
from hub_core.rules.headings import guess_columns

#: What the file of rejected rows adds; these columns are left out when it is imported again.
REJECT_HEADINGS = ("rejected line", "rejected column", "rejected reason")
_LEAVE_OUT = frozenset(("", "-"))
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``field`` None means the source's own id when ``used``, else that the column is left out.

    ``new``: the custom field does not exist yet.
    """

    index: int
    heading: str
    field: HubField | None
    used: bool = True
    new: bool = False
    sample: str = ""

    @property
    def goes_to(self) -> str:
        """The hub field's id, `EXTERNAL_ID`, or "" when the column is left out."""
        return self.field.id if self.field else EXTERNAL_ID if self.used else ""


def plan_columns(
    kind: RecordKind,
    headings: Sequence[str],
    samples: Sequence[Sequence[str]],
    fields: Mapping[str, HubField],
    column_map: Mapping[str, str],
) -> tuple[Column, ...]:
    """The columns in order. ``samples`` are some rows; ``column_map`` is what the person says: heading -> field id, or
    "" or "-" to leave the column out.

    Raises `UnknownName` (no such column, no such field), `BadInput` (a field that the hub fills itself, or that two
    columns would go to).
    """
    _check_map(headings, fields, column_map)
    guesses = guess_columns(headings, samples, kind)
    taken = {field for field in column_map.values() if field not in _LEAVE_OUT}
    columns: list[Column] = []
    for index, heading in enumerate(headings):
        sample = next((row[index].strip() for row in samples if index < len(row) and row[index].strip()), "")
        wanted = column_map.get(heading)
        if wanted in _LEAVE_OUT or (wanted is None and (not heading or heading in REJECT_HEADINGS)):
            columns.append(Column(index, heading, None, used=False, sample=sample))
            continue
        if wanted is None:
            wanted = _recognised(heading, guesses.get(index), fields, taken)
        if wanted is not None:
            columns.append(Column(index, heading, fields.get(wanted), sample=sample))
        else:
            wanted = _free_id(heading, fields.keys() | taken)
            custom = HubField(wanted, heading, FieldType.TEXT, kind, custom=True)
            columns.append(Column(index, heading, custom, new=True, sample=sample))
        taken.add(wanted)
    return tuple(columns)


def _check_map(headings: Sequence[str], fields: Mapping[str, HubField], column_map: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for heading, field in column_map.items():
        if heading not in headings:
            raise UnknownName("column", heading, filter(None, headings))
        if field in _LEAVE_OUT:
            continue
        if field != EXTERNAL_ID and field not in fields:
            raise UnknownName("field", field, [EXTERNAL_ID, *fields])
        if field != EXTERNAL_ID and fields[field].read_only:
            raise BadInput(f"The hub fills {field!r} itself.", fix=f"Map {heading!r} to another field.")
        if field in seen:
            raise BadInput(f"Both {seen[field]!r} and {heading!r} go to {field!r}.", fix="Map one of them elsewhere.")
        seen[field] = heading


def _recognised(heading: str, guess: str | None, fields: Mapping[str, HubField], taken: Collection[str]) -> str | None:
    """The guessed field, else the custom field that an earlier file has made for this heading."""
    own = next((field.id for field in fields.values() if field.custom and field.label == heading), None)
    for wanted in (guess, own):
        if wanted == EXTERNAL_ID and wanted not in taken:
            return wanted
        if wanted and wanted in fields and not fields[wanted].read_only and wanted not in taken:
            return wanted
    return None


def camel_case(heading: str) -> str:
    """A heading as a field id: "Größe (m²)" is "grosseM2"; "" when it has no letter or digit."""
    plain = unicodedata.normalize("NFKD", heading.replace("ß", "ss"))
    words = _WORD.findall("".join(character for character in plain if not unicodedata.combining(character)))
    words = [word.lower() if word.isupper() else word for word in words]
    return "".join(
        word[0].upper() + word[1:] if number else word[0].lower() + word[1:] for number, word in enumerate(words)
    )


def _free_id(heading: str, taken: Collection[str]) -> str:
    """An id that no field has, not even in another case."""
    used = {EXTERNAL_ID.casefold(), *map(str.casefold, taken)}
    base = camel_case(heading) or "column"
    candidate, number = base, 1
    while candidate.casefold() in used:
        number += 1
        candidate = f"{base}{number}"
    return candidate

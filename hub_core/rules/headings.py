"""Recognising the columns of a file: which heading stands for which field of the hub."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from hub_core.model.fields import STANDARD_FIELDS, FieldType
from hub_core.model.records import RecordKind
from hub_core.rules._folding import words
from hub_core.rules._heading_names import COMPANY_NAMES, CONTACT_NAMES, EXTERNAL_ID
from hub_core.rules.incoming import says_nothing
from hub_core.rules.normalise import email, linkedin_company, linkedin_person, phone, url

_NAMES: Mapping[RecordKind, Mapping[str, str]] = {
    RecordKind.CONTACT: CONTACT_NAMES,
    RecordKind.COMPANY: COMPANY_NAMES,
}

_INTEGER = re.compile(r"\d{1,3}(?:[., '’]?\d{3})*\+?|\d+")

# What a value must look like, where that can be told: by the field, else by its type.
_CHECK_BY_FIELD: Mapping[str, Callable[[str], object]] = {
    "domain": url,
    "linkedInProfileUrl": linkedin_person,
    "companyLinkedInUrl": linkedin_company,
    "personalEmails": email,
    "phones": phone,
    "foundedYear": re.compile(r"1[0-9]{3}|20[0-9]{2}").fullmatch,
}
_CHECK_BY_TYPE: Mapping[FieldType, Callable[[str], object]] = {
    FieldType.EMAIL: email,
    FieldType.PHONE: phone,
    FieldType.URL: url,
    FieldType.INTEGER: _INTEGER.fullmatch,
}


# What comes beside a column of first names is the last name, and the reverse; alone, it is the whole name.
_BARE_NAMES = frozenset({"name", "nom", "nome", "nombre", "naam"})


def guess_columns(headings: Sequence[str], samples: Sequence[Sequence[str]], kind: str) -> dict[int, str]:
    """Column index -> hub field id (or `externalId`) for the columns that are recognised, in column order.

    `samples` are some rows below the headings; short rows are fine. `kind` is contact or company. A field is given
    once: to the column with its surest name, and of two such to the one whose values look right. A column none of
    whose values looks right (a "Domain" of "Sales", "HR") is not recognised; blanks and "n/a" say nothing of it.
    Headings are taken whole: "Manager email" is not the contact's e-mail.
    """
    names, checks = _names(RecordKind(kind)), _checks(RecordKind(kind))
    keys = ["".join(words(heading)) for heading in headings]
    candidates = sorted(
        (rank, -likeness, column, field)
        for column, key in enumerate(keys)
        for rank, field in names.get(key, ())
        if (likeness := _likeness(column, samples, checks.get(field))) >= 0
    )
    found: dict[int, str] = {}
    for _, _, column, field in candidates:
        if column not in found and field not in found.values():
            found[column] = field
    if kind == RecordKind.CONTACT:
        _settle_bare_name(keys, found)
    return dict(sorted(found.items()))


def _settle_bare_name(keys: Sequence[str], found: dict[int, str]) -> None:
    """Make a column called just "Name" the missing half of the name, when the other half has a column."""
    missing = {"firstName", "lastName"} - set(found.values())
    for column, key in enumerate(keys):
        if len(missing) == 1 and key in _BARE_NAMES and found.get(column, "fullName") == "fullName":
            found[column] = missing.pop()


def _likeness(column: int, samples: Sequence[Sequence[str]], check: Callable[[str], object] | None) -> int:
    """1 when most values pass the check, 0 when unknown or mixed, -1 when there are values and none passes."""
    if check is None:
        return 0
    values = [row[column].strip() for row in samples if column < len(row) and not says_nothing(row[column])]
    passed = sum(bool(check(value)) for value in values)
    if not values:
        return 0
    return 1 if passed * 2 > len(values) else 0 if passed else -1


@cache
def _names(kind: RecordKind) -> Mapping[str, Sequence[tuple[int, str]]]:
    """Folded name without spaces -> (rank of the name within its field, field id), for the fields one can write."""
    table: dict[str, list[tuple[int, str]]] = {}
    listed = _NAMES[kind]
    for field in (EXTERNAL_ID, *(field.id for field in STANDARD_FIELDS[kind].values() if not field.read_only)):
        label = STANDARD_FIELDS[kind][field].label if field != EXTERNAL_ID else field
        spelled = [field, label, *re.split(r"[|\n]", listed.get(field, ""))]
        keys = dict.fromkeys("".join(words(name)) for name in spelled)
        for rank, key in enumerate(key for key in keys if key):
            table.setdefault(key, []).append((rank, field))
    return table


@cache
def _checks(kind: RecordKind) -> Mapping[str, Callable[[str], object]]:
    """Field id -> what its values look like, for the fields whose values can be told."""
    fields = STANDARD_FIELDS[kind].values()
    checks = {field.id: _CHECK_BY_FIELD.get(field.id) or _CHECK_BY_TYPE.get(field.type) for field in fields}
    return {field: check for field, check in checks.items() if check is not None}

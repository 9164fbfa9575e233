"""Changes to a set-up document: settings by their path, rows of the field mapping, conditions written as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from hub_core.errors import BadInput, UnknownName
from hub_core.model.fields import HubField
from hub_core.model.records import AssociationType, RecordKind
from hub_core.model.setup import (
    AllOf,
    AnyOf,
    Blank,
    CompanyIdentifier,
    ConflictPolicy,
    ContactIdentifier,
    CrmSetup,
    Mode,
    ObjectMapping,
    Row,
    Source,
    Tree,
)
from hub_core.rules.documents import validated

# --- settings by path --------------------------------------------------------------------------------------------

_ON = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _switch(path: str, text: str) -> bool:
    if text.casefold() not in _ON:
        raise BadInput(f"{path} is either on or off, not {text!r}.", fix=f"Write {path}=true or {path}=false.")
    return _ON[text.casefold()]


def _one_of(choices: Iterable[StrEnum]) -> Callable[[str, str], str]:
    known = [each.value for each in choices]

    def choice(path: str, text: str) -> str:
        if text not in known:
            raise UnknownName(f"choice for {path}:", text, known)
        return text

    return choice


def _text(path: str, text: str) -> str | None:
    """Blank takes the setting away."""
    del path
    return text or None


_ASSOCIATION = _one_of(AssociationType)

#: What each path takes. Conditions and the names in step 4 are further paths; see `set_path`.
_SETTINGS: dict[str, Callable[[str, str], object]] = {
    "sync.contact.identifier": _one_of(ContactIdentifier),
    "sync.company.identifier": _one_of(CompanyIdentifier),
    "sync.company.any_domain_extension": _switch,
    "sync.associate_contacts_with_companies": _switch,
    "sync.associate_companies_with_contacts": _switch,
    "fields.contacts.association": _ASSOCIATION,
    "fields.companies.association": _ASSOCIATION,
    "users.default_owner": _text,
}
_CONDITIONS = {"sync.contact.custom": RecordKind.CONTACT, "sync.company.custom": RecordKind.COMPANY}
_PEOPLE = ("users.users.", "users.identities.")

PATHS: Final = (*_SETTINGS, *_CONDITIONS, *(f"{start}NAME" for start in _PEOPLE))


_HubFields: TypeAlias = Mapping[RecordKind, Mapping[str, HubField]]


def set_path(setup: CrmSetup, path: str, text: str, hub_fields: _HubFields) -> CrmSetup:
    """The set-up with one setting changed; see `set_paths`."""
    return set_paths(setup, [(path, text)], hub_fields)


def set_paths(setup: CrmSetup, settings: Iterable[tuple[str, str]], hub_fields: _HubFields) -> CrmSetup:
    """The set-up with these settings (path, text) changed in order, judged when all are; ``text`` "" takes a user, an
    identity or the default owner away.

    Custom conditions make the identifier "custom", another identifier removes them. Raises `UnknownName`, `BadInput`.
    """
    document = setup.model_dump(mode="json")
    for path, text in settings:
        _put(document, path, text, hub_fields)
    for path, kind in _CONDITIONS.items():
        part = document["sync"][kind.value]
        if part["identifier"] == "custom" and part["custom"] is None:
            example = "firstName AND lastName OR professionalEmail"
            raise BadInput("A custom identifier needs conditions.", fix=f"Give them: hub setup set {path}='{example}'")
    return validated(document)


def _put(document: dict[str, Any], path: str, text: str, hub_fields: _HubFields) -> None:
    *parents, last = path.split(".", 2)
    if path in _CONDITIONS:
        value: object = parse_conditions(text, hub_fields[_CONDITIONS[path]])
    elif path in _SETTINGS:
        value = _SETTINGS[path](path, text)
    elif path.startswith(_PEOPLE) and path not in _PEOPLE:
        value = _text(path, text)
    else:
        raise UnknownName("setting", path, PATHS)
    part = document
    for parent in parents:
        part = part[parent]
    if path.startswith(_PEOPLE) and value is None:
        part.pop(last, None)
    else:
        part[last] = value
    if path in _CONDITIONS:
        part["identifier"] = "custom"
    elif last == "identifier" and value != "custom":
        part["custom"] = None


# --- conditions --------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"[()&|]|[^\s()&|]+")
_WORDS = {"and": "&", "or": "|"}


def parse_conditions(text: str, hub_fields: Mapping[str, HubField]) -> Tree:
    """Conditions as people write them: "(firstName AND lastName) OR professionalEmail"; AND goes before OR.

    Raises `UnknownName` for a field that is not there, `BadInput` for what cannot be read.
    """
    parts: list[str] = _TOKEN.findall(text)
    reader = _Conditions([_WORDS.get(part.casefold(), part) for part in reversed(parts)], hub_fields)
    tree = reader.alternatives()
    if reader.left:
        raise _unreadable(f"AND or OR is missing before {reader.left[-1]!r}")
    return tree


class _Conditions:
    """Reads conditions from ``left``, the parts of the text from last to first."""

    def __init__(self, left: list[str], hub_fields: Mapping[str, HubField]) -> None:
        self.left = left
        self._hub_fields = hub_fields

    def alternatives(self) -> Tree:
        found = [self._conjunction()]
        while self._next("|"):
            found.append(self._conjunction())
        return found[0] if len(found) == 1 else AnyOf(any=tuple(found))

    def _conjunction(self) -> Tree:
        found = [self._leaf()]
        while self._next("&"):
            found.append(self._leaf())
        return found[0] if len(found) == 1 else AllOf(all=tuple(found))

    def _leaf(self) -> Tree:
        if self._next("("):
            inside = self.alternatives()
            if not self._next(")"):
                raise _unreadable("a bracket is not closed")
            return inside
        if not self.left or self.left[-1] in ("&", "|", ")"):
            raise _unreadable("a field is missing " + (f"before {self.left[-1]!r}" if self.left else "at the end"))
        name = self.left.pop()
        if name not in self._hub_fields:
            raise UnknownName("hub field", name, self._hub_fields)
        return name

    def _next(self, wanted: str) -> bool:
        """Whether the next part is this one; if so, it is taken."""
        found = bool(self.left) and self.left[-1] == wanted
        if found:
            self.left.pop()
        return found


def _unreadable(why: str) -> BadInput:
    return BadInput(
        f"These conditions cannot be read: {why}.",
        fix="Write them like this: (firstName AND lastName) OR professionalEmail",
    )


# --- rows --------------------------------------------------------------------------------------------------------


def put_row(
    setup: CrmSetup,
    kind: RecordKind,
    crm: str,
    source: Source,
    *,
    mode: Mode | None = None,
    blank: Blank | None = None,
    conflict: ConflictPolicy | None = None,
    values: Mapping[str, str | None] | None = None,
    active: bool = True,
) -> CrmSetup:
    """Map the CRM field ``crm``, in its place if it is mapped already.

    A row with the same source keeps what is not given, and its value map is added to; with another source it is made
    anew. Raises `BadInput` when there would be two engagement fields.
    """
    rows = setup.fields.of(kind).rows
    before = next((row for row in rows if row.crm == crm and row.active), None)
    before = before or next((row for row in rows if row.crm == crm), None)
    kept = before if before is not None and before.source == source else Row(source=source, crm=crm)
    made = Row(
        source=source,
        crm=crm,
        mode=mode or kept.mode,
        active=active,
        blank=blank or kept.blank,
        conflict=conflict or kept.conflict,
        values={**kept.values, **(values or {})},
    )
    if before is None:
        return with_rows(setup, kind, (*rows, made))
    return with_rows(setup, kind, _replaced(rows, crm, made))


def _replaced(rows: Iterable[Row], crm: str, made: Row) -> Iterator[Row]:
    """The rows with ``made`` in the place of the first one of its CRM field, and without the others of it."""
    placed = False
    for row in rows:
        if row.crm != crm:
            yield row
        elif not placed:
            placed = True
            yield made


def drop_row(setup: CrmSetup, kind: RecordKind, crm: str) -> CrmSetup:
    """Remove the row of a CRM field. Raises `UnknownName` when it is not mapped."""
    rows = setup.fields.of(kind).rows
    if all(row.crm != crm for row in rows):
        raise UnknownName(f"mapped field of {kind.plural}", crm, {row.crm for row in rows})
    return with_rows(setup, kind, (row for row in rows if row.crm != crm))


def with_rows(setup: CrmSetup, kind: RecordKind, rows: Iterable[Row]) -> CrmSetup:
    """The set-up with these rows for ``kind``. Raises `BadInput` when they contradict each other."""
    try:
        mapping = ObjectMapping(rows=tuple(rows), association=setup.fields.of(kind).association)
    except ValidationError as error:
        problem: Any = error.errors(include_url=False)[0].get("ctx", {}).get("error", error)
        raise BadInput(f"{kind.plural}: {problem}.", fix="Unmap the other one first, or save one inactive.") from None
    return setup.model_copy(update={"fields": setup.fields.model_copy(update={kind.plural: mapping})})

"""Reads what ``hub setup map`` is given: where a value comes from, and its value map."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from hub_core.errors import BadInput, UnknownName
from hub_core.model.fields import FieldInfo, HubField
from hub_core.model.records import RecordKind
from hub_core.model.setup import Blank, ConflictPolicy, Engagement, Fixed, FromHub, ManualAtExport, Mode, Source
from hub_core.rules.valuemaps import suggest_value_map

_Choice = TypeVar("_Choice", bound=StrEnum)


def source_of(pair: str, *, fixed: str | None, manual: str | None, engagement: str | None) -> tuple[Source, str]:
    """Where the value comes from, and the CRM field; ``pair`` is HUBFIELD=CRMFIELD, or CRMFIELD with one of the others.

    Raises `BadInput`.
    """
    own: list[Source] = []
    own += [Fixed(fixed=fixed)] if fixed is not None else []
    own += [ManualAtExport(manual=manual)] if manual is not None else []
    own += [Engagement(engagement=engagement)] if engagement is not None else []
    hub, equals, crm = pair.partition("=")
    if len(own) > 1 or (own and equals):
        raise BadInput(
            "A CRM field gets its value from one place.",
            fix="Give either HUBFIELD=CRMFIELD, or CRMFIELD and one of --fixed, --manual, --engagement.",
        )
    if own:
        return own[0], pair.strip()
    if not (hub.strip() and crm.strip()):
        raise BadInput(f"{pair!r} is not of the form HUBFIELD=CRMFIELD.", fix="For example: jobTitle=jobtitle")
    return FromHub(hub=hub.strip()), crm.strip()


def check_hub_field(source: Source, kind: RecordKind, known: Mapping[RecordKind, Mapping[str, HubField]]) -> None:
    """Raise `UnknownName` for a hub field that neither tab has; one of the other tab is refused when it is judged."""
    if isinstance(source, FromHub) and all(source.hub not in fields for fields in known.values()):
        raise UnknownName(f"hub field of {kind.plural}", source.hub, known[kind])


def with_option(source: Source, field: FieldInfo) -> Source:
    """A fixed or engagement value given by an option's label gets the option's internal name."""
    match source:
        case Fixed(fixed=text):
            return Fixed(fixed=_option(text, field))
        case Engagement(engagement=text):
            return Engagement(engagement=_option(text, field))
        case _:
            return source


def values_of(pairs: list[str], field: FieldInfo) -> dict[str, str | None]:
    """A value map from texts HUB=OPTION, where the option may be given by its label and a blank drops the value.

    Raises `BadInput`, or `UnknownName` for an option that is not there.
    """
    values: dict[str, str | None] = {}
    for pair in pairs:
        value, equals, option = pair.rpartition("=")
        if not equals or not value.strip():
            raise BadInput(f"--value {pair!r} is not of the form HUB=OPTION.", fix="For example: --value SaaS=SOFTWARE")
        chosen = _option(option.strip(), field) or None
        known = {each.value for each in field.options}
        if chosen and known and chosen not in known:
            raise UnknownName(f"option of {field.id}", chosen, known)
        values[value.strip()] = chosen
    return values


def mode_of(text: str | None) -> Mode | None:
    return None if text is None else _one_of("mode", text, Mode)


def blank_of(text: str | None) -> Blank | None:
    return None if text is None else _one_of("rule for blanks", text, Blank)


def conflict_of(text: str | None) -> ConflictPolicy | None:
    return None if text is None else _one_of("rule for conflicts", text, ConflictPolicy)


def _one_of(what: str, text: str, choices: type[_Choice]) -> _Choice:
    known = {choice.value: choice for choice in choices}
    if text not in known:
        raise UnknownName(what, text, known)
    return known[text]


def _option(text: str, field: FieldInfo) -> str:
    return suggest_value_map([text], field).get(text) or text

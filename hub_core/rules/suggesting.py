"""A proposed field mapping, from names and types: a start for people to correct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hub_core.model.fields import CrmType, FieldInfo, FieldType, HubField
from hub_core.model.setup import FromHub, Mode, Row
from hub_core.rules.compatibility import Status, status_of
from hub_core.rules.normalise import fold
from hub_core.rules.valuemaps import suggest_value_map

_CHOICES = frozenset((CrmType.CHOICE, CrmType.MULTI_CHOICE))


def suggest_mapping(
    hub_fields: Mapping[str, HubField],
    crm_fields: Mapping[str, FieldInfo],
    names: Mapping[str, tuple[str, ...]],
    used: frozenset[str] | None,
    *,
    identifying: frozenset[str] = frozenset(),
    seen: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Row, ...]:
    """Rows for the hub fields that have a likely partner in the CRM, in the hub fields' order.

    ``names``: CRM field ids that usually hold a hub field, best first (a manifest's ``field_names``); after them comes
    the field with the same label or id. ``used``: hub fields that records have, None for all; ``identifying`` ones are
    proposed in any case. ``seen``: values that records have in a hub field, for value maps.

    Red pairs, read-only CRM fields and fields that the hub fills itself are left out, and each CRM field occurs once. A
    choice field is proposed only with a value map in which some value fits. Rows go both ways unless the value cannot
    be read back: then the hub overwrites the CRM.
    """
    wanted = [
        field
        for field in hub_fields.values()
        if not field.read_only and (used is None or field.id in used or field.id in identifying)
    ]
    rows: dict[str, Row] = {}
    taken: set[str] = set()
    alike = _by_sound(crm_fields.values())
    # Every field's usual names first, so that a chance likeness takes no field away from its usual owner.
    usual = [(field, names.get(field.id, ())) for field in wanted]
    likely = [(field, alike.get(_sound(field.label), []) + alike.get(_sound(field.id), [])) for field in wanted]
    for field, partners in (*usual, *likely):
        if field.id not in rows and (row := _first_fit(field, partners, crm_fields, taken, seen or {})):
            rows[field.id] = row
            taken.add(row.crm)
    return tuple(rows[field.id] for field in wanted if field.id in rows)


def _sound(name: str) -> str:
    """A name without case, space and punctuation: "First name" = "first_name" = "firstName"."""
    return fold(name).replace(" ", "")


def _by_sound(fields: Iterable[FieldInfo]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in fields:
        for name in dict.fromkeys((_sound(field.label), _sound(field.id))):
            found.setdefault(name, []).append(field.id)
    return found


def _first_fit(
    hub: HubField,
    partners: Iterable[str],
    crm_fields: Mapping[str, FieldInfo],
    taken: set[str],
    seen: Mapping[str, Iterable[str]],
) -> Row | None:
    for name in partners:
        crm = crm_fields.get(name)
        if crm is None or name in taken:
            continue
        judged = status_of(hub, crm)
        if judged.status is Status.ERROR:
            continue
        values: dict[str, str | None] = {}
        if crm.type in _CHOICES:
            values = {value: option for value, option in _candidates(hub, crm, seen).items() if option is not None}
            if not values:
                continue
        back = status_of(hub, crm, reading=True)
        one_way = judged.one_way or back.one_way or back.status is Status.ERROR
        mode = Mode.HUB_OVERWRITES_CRM if one_way else Mode.BIDIRECTIONAL
        return Row(source=FromHub(hub=hub.id), crm=name, mode=mode, values=values)
    return None


def _candidates(hub: HubField, crm: FieldInfo, seen: Mapping[str, Iterable[str]]) -> dict[str, str | None]:
    known = ("true", "false") if hub.type is FieldType.BOOLEAN else hub.options
    return suggest_value_map((*known, *seen.get(hub.id, ())), crm)

"""Leaving out the rows of the mapping that a change in the CRM has broken; stopping where that would be blind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hub_core.errors import SetupInvalid
from hub_core.model.fields import FieldInfo
from hub_core.model.records import RecordKind
from hub_core.model.setup import ObjectMapping, Row
from hub_core.rules.checking import ObjectReport
from hub_core.rules.compatibility import Status


def set_apart(
    mapping: ObjectMapping, report: ObjectReport, drifted: Collection[str]
) -> tuple[ObjectMapping, tuple[Row, ...]]:
    """(the mapping without its paused rows, those rows): active rows that cannot work now and whose CRM field is in
    ``drifted``. ``report`` judges the mapping by the CRM's present fields."""
    paused = tuple(
        row
        for row, judged in zip(mapping.rows, report.rows, strict=True)
        if row.active and judged.status is Status.ERROR and row.crm in drifted
    )
    return mapping.model_copy(update={"rows": tuple(row for row in mapping.rows if row not in paused)}), paused


def refuse_blind(
    kind: RecordKind,
    paused: Iterable[Row],
    compared: Mapping[str, str],
    identifying: Collection[str],
    crm_fields: Mapping[str, FieldInfo],
) -> None:
    """Raise `SetupInvalid` when a run cannot do without the paused rows: records would not be recognised, or not be
    created. ``compared``: hub field -> the CRM field that it is compared with."""
    for row in paused:
        field = crm_fields.get(row.crm)
        if row.hub_field in identifying and compared.get(row.hub_field or "") == row.crm:
            why = f"{kind.plural} are recognised by it, so records would be created twice"
        elif field is not None and field.required:
            why = f"the CRM creates no {kind} without it"
        else:
            continue
        raise SetupInvalid(
            f"The mapping of {row.crm!r} is paused because the CRM has changed, and {why}.",
            fix="See what has changed and how to mend it: hub doctor",
        )

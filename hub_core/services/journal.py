"""Why a record is as it is: everything that the hub has changed about it, on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hub_core.engine.store import journal, workspaces
from hub_core.engine.store.crm_fields import load_fields
from hub_core.engine.store.records import find_records, hub_fields
from hub_core.errors import BadInput, UnknownName
from hub_core.model.records import Record, RecordKind
from hub_core.rules.associations import TIES
from hub_core.rules.undoing import Noted
from hub_core.services.hub import Hub
from hub_core.services.reporting import ANY_AGE, crm_name, name_of

_PAGE = 500


@dataclass(frozen=True, slots=True)
class History:
    """What was changed about a record, the newest first. ``labels``: of fields, by (side, field id)."""

    record: Record
    name: str
    crm_name: str
    entries: tuple[Noted, ...]
    labels: Mapping[tuple[str, str], str]


async def find_record(hub: Hub, text: str, kind: RecordKind | None = None) -> Record:
    """The record that ``text`` names: a hub record's id, its id at the source, or its e-mail address or domain.

    Raises `UnknownName`, and `BadInput` when there are several.
    """
    async with hub.db.transaction() as conn:
        found = await find_records(conn, hub.workspace_id, text.strip(), kind)
    if not found:
        raise UnknownName("record", text, [], fix="Give its number, its id at the source, or its e-mail address.")
    if len(found) > 1:
        several = ", ".join(f"{record.id} ({record.kind.value} {name_of(record.values)})" for record in found[:5])
        raise BadInput(f"{text!r} names {len(found)} records: {several}.", fix="Give the number of one of them.")
    return found[0]


async def history(
    hub: Hub, text: str, *, kind: RecordKind | None = None, field: str | None = None, limit: int = 50
) -> History:
    """The last ``limit`` entries of the journal about a record, or those about one field of either side, given by id or
    label. Raises as `find_record`, and `UnknownName` for a field that neither side has.
    """
    record = await find_record(hub, text, kind)
    async with hub.db.transaction() as conn:
        stored = await workspaces.active_crm(conn, hub.workspace_id)
        crm = await load_fields(conn, stored.id, record.kind, max_age=ANY_AGE) if stored else None
        own = await hub_fields(conn, hub.workspace_id, record.kind)
        labels = {("crm", each.id): each.label for each in crm or ()} | {("crm", TIES): "Companies"}
        labels |= {("hub", each.id): each.label for each in own.values()}
        entries: list[Noted] = []
        before: int | None = None
        seen: set[tuple[str, str]] = set()
        while len(entries) < limit:
            page = await journal.of_record(conn, hub.workspace_id, record.id, before=before, limit=_PAGE)
            if not page:
                break
            before = page[-1].id
            seen |= {(entry.side, change.field) for entry in page for change in entry.changes}
            wanted = _fields(field, labels, seen)
            entries += [entry for entry in page if wanted is None or _about(entry, wanted)]
    wanted = _fields(field, labels, seen)
    if wanted is not None and not wanted:
        raise UnknownName("field", field or "", {*labels.values(), *(name for _, name in labels)})
    name = name_of(record.values) or record.external_id
    shown = tuple(_only(entry, wanted) for entry in entries[:limit])
    return History(record, name, crm_name(stored.key) if stored else "the CRM", shown, labels)


def _fields(
    field: str | None, labels: Mapping[tuple[str, str], str], seen: set[tuple[str, str]]
) -> set[tuple[str, str]] | None:
    """The fields of either side that are meant, None for all of them. One that is gone is known from the journal."""
    if field is None:
        return None
    told = field.strip().casefold()
    known = {key: labels.get(key, key[1]) for key in {*labels, *seen}}
    return {key for key, label in known.items() if told in (key[1].casefold(), label.casefold())}


def _about(entry: Noted, wanted: set[tuple[str, str]]) -> bool:
    return any((entry.side, change.field) in wanted for change in entry.changes)


def _only(entry: Noted, wanted: set[tuple[str, str]] | None) -> Noted:
    """The entry with the changes of these fields alone."""
    if wanted is None:
        return entry
    return replace(entry, changes=tuple(each for each in entry.changes if (entry.side, each.field) in wanted))

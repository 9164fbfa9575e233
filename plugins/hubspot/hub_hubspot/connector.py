"""HubSpot for Hub: the five CRM hooks. Every vendor call has its documentation's address above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import Field, SecretStr

from hub_core.plugin import (
    Account,
    Archive,
    AssociationType,
    BadInput,
    BearerToken,
    ByIds,
    Comparison,
    Connection,
    Create,
    CrmRecord,
    CrmTraits,
    FieldInfo,
    Limit,
    LimitHeaders,
    Manifest,
    Outcome,
    Page,
    Query,
    RecordKind,
    Rejected,
    Settings,
    Unavailable,
    Update,
    VendorRefused,
    Write,
    Written,
    hookimpl,
)
from hub_hubspot import probes, wire
from hub_hubspot.field_names import FIELD_NAMES
from hub_hubspot.tying import TIE_BATCH, read_ties, tie
from hub_hubspot.wire import API_VERSION, Cursor, objects_path

BATCH = 100
OVERLAP = 5 * 60 * 1000  # milliseconds; a change may reach the search that much later than it was made
MAX_URL_NAMES = 6_000  # characters of property names in an address

_T = TypeVar("_T")


class HubSpotSettings(Settings):
    """One static token. OAuth would be a second way in: its tokens beside this one, chosen in `HubSpot.manifest`."""

    access_token: SecretStr = Field(
        title="Access token",
        description="The token of a service key or of a private app, made in HubSpot under Settings, Integrations.",
    )


class HubSpot:
    """Holds no state; everything about an account comes with the connection."""

    manifest = Manifest(
        name="HubSpot",
        base_url="https://api.hubapi.com",
        settings=HubSpotSettings,
        auth=BearerToken("access_token"),
        docs_url="https://developers.hubspot.com/docs/api-reference/overview",
        # The smallest plan's, corrected by the headers; answers of searches carry none.
        # https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
        limits={"default": Limit(100, 10), "search": Limit(5, 1), "associations": Limit(100, 10)},
        limit_headers=LimitHeaders(
            maximum="X-HubSpot-RateLimit-Max",
            remaining="X-HubSpot-RateLimit-Remaining",
            interval_ms="X-HubSpot-RateLimit-Interval-Milliseconds",
            daily_remaining="X-HubSpot-RateLimit-Daily-Remaining",
            daily_body=("policyName", "DAILY"),
        ),
        crm=CrmTraits(
            batch=BATCH,
            read_batch=BATCH,
            page=100,
            search_lag=30.0,
            comparisons=frozenset({Comparison.EQUALS, Comparison.TOKEN}),
            probe_size=probes.MAX_GROUPS,
            probe_values=40,
            association_batch=TIE_BATCH,
            inline_associations=True,
            associations=frozenset(AssociationType),
            owner_field=wire.OWNER_FIELD,
            field_names=FIELD_NAMES,
        ),
    )

    @hookimpl
    async def authenticate(self, connection: Connection) -> Account:
        # https://developers.hubspot.com/docs/api-reference/account-account-info-v3/details/get-account-info-v3-details
        me = (await connection.http.request("GET", f"/account-info/{API_VERSION}/details")).data
        portal = str(me["portalId"])
        domain = me.get("uiDomain") or "app.hubspot.com"
        return Account(
            id=portal,
            label=f"HubSpot account {portal}",
            record_url=f"https://{domain}/contacts/{portal}/{{kind}}/{{id}}",
            time_zone=me.get("timeZone") or "",
        )

    @hookimpl
    async def list_fields(self, connection: Connection, kind: RecordKind) -> Sequence[FieldInfo]:
        # https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
        path = f"/crm/properties/{API_VERSION}/{kind.plural}"
        answer = await connection.http.request("GET", path, params={"archived": "false"})
        return [wire.field_info(kind, row) for row in answer.data["results"]]

    @hookimpl
    async def match(self, connection: Connection, kind: RecordKind, query: Query) -> Sequence[CrmRecord]:
        if isinstance(query, ByIds) and query.associated and not query.fields:
            tied = await read_ties(connection, kind, query.associated, query.ids)
            return [CrmRecord(id_, {}, associated=tied.get(id_, ())) for id_ in dict.fromkeys(query.ids)]
        if isinstance(query, ByIds):
            found = wire.records(await self._read(connection, kind, query.ids, query.fields), query.fields)
            if query.associated is None:
                return found
            ids = [record.id for record in found]
            tied = await read_ties(connection, kind, query.associated, ids)
            return [replace(record, associated=tied.get(record.id, ())) for record in found]
        rows: dict[str, wire.Json] = {}
        ids_only = False
        for body in probes.searches(query):
            ids_only = not body["properties"]
            rows.update({row["id"]: row for row in await self._search_all(connection, kind, body)})
        if ids_only and query.fields:
            return wire.records(await self._read(connection, kind, list(rows), query.fields), query.fields)
        return wire.records(rows.values(), query.fields)

    @hookimpl
    async def export(self, connection: Connection, kind: RecordKind, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Creates come last: they alone may not be repeated, so nothing else is in doubt when one breaks off."""
        updates = [write for write in writes if isinstance(write, Update)]
        creates = [write for write in writes if isinstance(write, Create)]
        outcomes: list[Outcome] = []
        filled = [write for write in updates if write.values or write.owner is not None]
        for batch in _batches(filled, BATCH):
            outcomes += await self._write(connection, kind, batch)
        outcomes += [Written(write.ref, write.crm_id) for write in updates if write not in filled]
        outcomes = await tie(connection, kind, updates, outcomes)
        created: list[Outcome] = []
        for batch in _batches(creates, BATCH):
            created += await self._write(connection, kind, batch)
        created = await tie(connection, kind, creates, created)
        gone = [write for write in writes if isinstance(write, Archive)]
        return [*outcomes, *created, *await self._archive(connection, kind, gone)]

    async def _archive(self, connection: Connection, kind: RecordKind, writes: Sequence[Archive]) -> list[Outcome]:
        """Archiving what is archived already succeeds, so it may be repeated."""
        for batch in _batches(writes, BATCH):
            # https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-archive
            body = {"inputs": [{"id": write.crm_id} for write in batch]}
            await connection.http.request("POST", objects_path(kind, "/batch/archive"), json=body, repeatable=True)
        return [Written(write.ref, write.crm_id) for write in writes]

    @hookimpl
    async def sync(
        self, connection: Connection, kind: RecordKind, cursor: str | None, fields: Sequence[FieldInfo]
    ) -> Page:
        position = Cursor.load(cursor) if cursor else Cursor("all")
        if kind is RecordKind.USER:
            return await self._owners(connection, position)
        steps = {"all": self._all, "changed": self._changed, "tied": self._tied, "deleted": self._deleted}
        return await steps[position.step](connection, kind, position, fields)

    # Reading

    async def _read(
        self, connection: Connection, kind: RecordKind, ids: Sequence[str], fields: Sequence[FieldInfo]
    ) -> list[wire.Json]:
        """Rows by id, each once, although two of the ids may be one record by now. Unknown ids are left out."""
        rows: dict[str, wire.Json] = {}
        for batch in _batches(list(dict.fromkeys(ids)), BATCH):
            # https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-read
            body = {
                "inputs": [{"id": id_} for id_ in batch],
                "properties": [field.id for field in fields],
                "propertiesWithHistory": [],
            }
            path = objects_path(kind, "/batch/read")
            answer = await connection.http.request("POST", path, json=body, repeatable=True)
            rows.update({row["id"]: row for row in answer.data["results"]})
        return list(rows.values())

    async def _search(self, connection: Connection, kind: RecordKind, body: dict[str, Any]) -> Any:
        # https://developers.hubspot.com/docs/api-reference/search/guide
        path = objects_path(kind, "/search")
        try:
            return (await connection.http.request("POST", path, json=body, bucket="search", repeatable=True)).data
        except VendorRefused as refused:
            field = wire.faults(refused.data)[0].field
            if not field:
                raise
            raise BadInput(
                f"HubSpot does not search by the field {field!r}.", fix="Is it still there? Look at the field mapping."
            ) from refused

    async def _search_all(self, connection: Connection, kind: RecordKind, body: dict[str, Any]) -> list[wire.Json]:
        """All pages, as far as the vendor lets anyone turn them."""
        rows: list[wire.Json] = []
        after: str | None = "0"
        while after is not None and int(after) < probes.MAX_RESULTS:
            data = await self._search(connection, kind, {**body, "after": after})
            rows += data["results"]
            after = _next(data)
        return rows

    async def _list(self, connection: Connection, kind: RecordKind, after: str, **params: str) -> Any:
        # https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/get-crm-v3-objects-contacts
        query: dict[str, str | int] = {"limit": 100, **params}
        if after:
            query["after"] = after
        return (await connection.http.request("GET", objects_path(kind), params=query)).data

    # The steps of a reading; see `Cursor`

    async def _all(
        self, connection: Connection, kind: RecordKind, position: Cursor, fields: Sequence[FieldInfo]
    ) -> Page:
        total = None
        if not position.after:
            total, newest = await self._newest(connection, kind)
            position = replace(position, since=newest - OVERLAP)
        names = ",".join([*(field.id for field in fields), wire.MERGED_FIELD])
        fits = len(names) <= MAX_URL_NAMES
        data = await self._list(connection, kind, position.after, properties=names if fits else wire.MERGED_FIELD)
        rows, after = data["results"], _next(data)
        following = Cursor("changed", since=position.since) if after is None else replace(position, after=after)
        full = rows if fits else await self._read(connection, kind, [row["id"] for row in rows], fields)
        return Page(wire.records(full, fields), following.dump(), after is None, merges=wire.merges(rows), total=total)

    async def _newest(self, connection: Connection, kind: RecordKind) -> tuple[int, int]:
        """How many records there are, and when the last one known to the search was changed: what comes later is the
        next reading's. An empty account has no such time."""
        modified = wire.MODIFIED_FIELD[kind]
        body = {
            **probes.body((), (modified,), limit=1),
            "sorts": [{"propertyName": modified, "direction": "DESCENDING"}],
        }
        data = await self._search(connection, kind, body)
        rows = data["results"]
        return data["total"], wire.milliseconds(rows[0]["properties"][modified]) if rows else OVERLAP

    async def _changed(
        self, connection: Connection, kind: RecordKind, position: Cursor, fields: Sequence[FieldInfo]
    ) -> Page:
        """Each page asks anew from the last time seen: turning pages would skip a record when an earlier one changes
        meanwhile, and would end at the vendor's 10,000. The records of that very moment are read twice."""
        at = position.at or position.since
        modified = wire.MODIFIED_FIELD[kind]
        rows, last, more = await self._changes(connection, kind, fields, modified, _filter(modified, "GTE", at))
        seen = wire.milliseconds(last["properties"][modified]) if last else at
        if not more:
            following = replace(position, step="deleted", at=seen)
        elif seen > at:
            following = replace(position, at=seen)
        else:
            following = replace(position, step="tied", at=at, after="0")
        return Page(wire.records(rows, fields), following.dump(), done=False, merges=wire.merges(rows))

    async def _tied(
        self, connection: Connection, kind: RecordKind, position: Cursor, fields: Sequence[FieldInfo]
    ) -> Page:
        """One millisecond with more records than a page: they are read by id, then time goes on."""
        same = _filter(wire.MODIFIED_FIELD[kind], "EQ", position.at)
        beyond = _filter("hs_object_id", "GT", position.after)
        rows, last, more = await self._changes(connection, kind, fields, "hs_object_id", same, beyond)
        following = (
            replace(position, after=last["id"])
            if last and more
            else replace(position, step="changed", at=position.at + 1, after="")
        )
        return Page(wire.records(rows, fields), following.dump(), done=False, merges=wire.merges(rows))

    async def _changes(
        self, connection: Connection, kind: RecordKind, fields: Sequence[FieldInfo], sort: str, *filters: probes.Filter
    ) -> tuple[list[wire.Json], wire.Json | None, bool]:
        """One page of a search sorted by ``sort``: its rows, the last of them, and whether there is more."""
        extra = (wire.MERGED_FIELD, wire.MODIFIED_FIELD[kind])
        body = probes.body([filters], list(dict.fromkeys([*(field.id for field in fields), *extra])), sort=sort)
        fits = probes.size(body) <= probes.MAX_BODY
        data = await self._search(connection, kind, body if fits else {**body, "properties": list(extra)})
        rows = data["results"]
        last, more = rows[-1] if rows else None, _next(data) is not None
        if not fits:
            full = {row["id"]: row for row in await self._read(connection, kind, [row["id"] for row in rows], fields)}
            rows = [_joined(row, full[row["id"]]) for row in rows if row["id"] in full]
        return rows, last, more

    async def _deleted(
        self, connection: Connection, kind: RecordKind, position: Cursor, fields: Sequence[FieldInfo]
    ) -> Page:
        """The recycle bin cannot be filtered, so all of it is turned over for what came in lately."""
        del fields
        data = await self._list(connection, kind, position.after, archived="true", properties="hs_object_id")
        since = wire.iso(position.since)
        gone = [row["id"] for row in data["results"] if (row.get("archivedAt") or since) >= since]
        after = _next(data)
        again = Cursor("changed", since=max(position.since, position.at - OVERLAP))
        following = again if after is None else replace(position, after=after)
        return Page((), following.dump(), done=after is None, deletions=gone)

    async def _owners(self, connection: Connection, position: Cursor) -> Page:
        """All owners, then the archived ones; there is no way to ask for the changed ones alone."""
        archived = position.step == "deleted"
        params: dict[str, str | int] = {"limit": 100, "archived": "true" if archived else "false"}
        if position.after:
            params["after"] = position.after
        # https://developers.hubspot.com/docs/api-reference/crm-crm-owners-v3/guide
        data = (await connection.http.request("GET", f"/crm/owners/{API_VERSION}", params=params)).data
        after = _next(data)
        following = Cursor("all" if archived else "deleted") if after is None else replace(position, after=after)
        return Page([wire.user(row) for row in data["results"]], following.dump(), done=archived and after is None)

    # Writing

    async def _write(self, connection: Connection, kind: RecordKind, writes: Sequence[wire.Filled]) -> list[Outcome]:
        """One batch of creates, or of updates. A batch that is refused as a whole has written nothing: it is sent again
        without the rows at fault, or in halves, until only bad rows fail."""
        verb = "create" if isinstance(writes[0], Create) else "update"
        try:
            # https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-create
            # https://developers.hubspot.com/docs/api-reference/error-handling (multi-status errors)
            answer = await connection.http.request(
                "POST",
                objects_path(kind, f"/batch/{verb}"),
                json={"inputs": [wire.write_input(kind, write) for write in writes]},
                repeatable=verb == "update",
            )
        except VendorRefused as refused:
            if len(writes) == 1:
                return [wire.rejected(writes[0], refused.data, refused.status)]
            guilty: list[Outcome] = list(wire.at_fault(writes, refused.data))
            refs = {outcome.ref for outcome in guilty}
            innocent = [write for write in writes if write.ref not in refs]
            parts = [innocent] if guilty else [writes[: len(writes) // 2], writes[len(writes) // 2 :]]
            for part in parts:
                guilty += await self._write(connection, kind, part) if part else []
            return guilty
        outcomes, silent = wire.outcomes(writes, answer.data)
        if silent and verb == "create":
            raise Unavailable("HubSpot's answer does not say what became of every record.", in_doubt=True)
        return [*outcomes, *(Rejected(write.ref, "HubSpot did not answer for this record.") for write in silent)]


def _next(data: wire.Json) -> str | None:
    """The mark of the next page, None on the last one."""
    following = (data.get("paging") or {}).get("next")
    return str(following["after"]) if following else None


def _filter(name: str, operator: str, value: int | str) -> probes.Filter:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _joined(row: wire.Json, full: wire.Json) -> wire.Json:
    return {**full, "properties": {**full["properties"], **row["properties"]}}


def _batches(items: Sequence[_T], count: int) -> Iterator[Sequence[_T]]:
    return (items[start : start + count] for start in range(0, len(items), count))


plugin = HubSpot()

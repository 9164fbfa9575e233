"""Writes: checked completely first (a plan), carried out afterwards. So a batch can fail as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub_hubspot.simulator.account import Account
from hub_hubspot.simulator.errors import ApiError, bad_request, invalid_properties
from hub_hubspot.simulator.graph import PRIMARY_CONTACT_OF_LEAD
from hub_hubspot.simulator.request import NEWEST, fields, live_id
from hub_hubspot.simulator.schema_contacts import LIFECYCLE_STAGES
from hub_hubspot.simulator.store import Record, Table
from hub_hubspot.simulator.values import Refused, iso, searchable_phone

STAGE_ORDER = {stage: place for place, (stage, _) in enumerate(LIFECYCLE_STAGES)}
Link = tuple[str, int, list[int]]  # target type, target id, type ids


@dataclass(frozen=True, slots=True)
class Plan:
    """One accepted write: property values in their kept form ("" clears), and links to make."""

    table: Table
    record_id: int
    changes: Record
    created: bool
    links: tuple[Link, ...] = ()


@dataclass(slots=True)
class Writer:
    """Plans and performs the writes of one request."""

    account: Account
    version: str
    claims: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """Unique values taken by earlier rows of the same request."""

    def plan_create(self, table: Table, properties: Mapping[str, str], associations: list[Any]) -> Plan:
        """A new record, or the vendor's refusal."""
        changes = self._accept(table, properties, {})
        _require_minimum(table, changes)
        self._require_admin_rules(table, changes, created=True)
        links = tuple(self._link(table, one) for one in associations)
        if table.name == "leads" and not any(PRIMARY_CONTACT_OF_LEAD in types for *_, types in links):
            raise bad_request("A lead must be associated with a primary contact.", associationTypeId=["578"])
        self._require_unique(table, changes, None)
        record_id = table.new_id()
        self._claim(table, changes, record_id)
        return Plan(table, record_id, changes, True, links)

    def plan_update(self, table: Table, record_id: int, properties: Mapping[str, str]) -> Plan:
        """A change of a live record, or the vendor's refusal."""
        present = table.live[record_id]
        changes = self._accept(table, properties, present)
        self._require_admin_rules(table, changes, created=False)
        self._require_unique(table, changes, record_id)
        self._claim(table, changes, record_id)
        return Plan(table, record_id, changes, False)

    def perform(self, plan: Plan) -> None:
        """Carry out a plan."""
        table, record_id, now_ms = plan.table, plan.record_id, self.account.now_ms()
        record = dict(table.live.get(record_id, ()))
        if plan.created:
            record["hs_object_id"] = str(record_id)
            record[table.kind.created] = iso(now_ms)
            record["hs_object_source_label"] = "INTEGRATION"
        for name, value in plan.changes.items():
            if value:
                record[name] = value
            else:
                record.pop(name, None)
        derive(table.name, record)
        table.stamped(record, now_ms)
        table.put(record_id, record)
        table.index.write(self.account.now(), record_id, record)
        for target, target_id, type_ids in plan.links:
            self.account.graph.connect(table.name, record_id, target, target_id, type_ids)
        if table.name == "contacts" and self.account.settings.auto_associate:
            self._associate_by_domain(record_id, record)

    def _accept(self, table: Table, properties: Mapping[str, str], present: Mapping[str, str]) -> Record:
        changes: Record = {}
        problems: list[dict[str, str]] = []
        for name, value in properties.items():
            prop = table.schema.get(name)
            if prop is None or prop.archived:
                problems.append(_problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            elif prop.read_only or prop.calculated:
                problems.append(
                    _problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
                )
            else:
                try:
                    changes[name] = prop.accept(value, present.get(name, ""), self.account.owner_ids)
                except Refused as refused:
                    problems.append(_problem(name, refused.code, refused.message))
        if problems:
            raise invalid_properties(problems)
        if _moves_backwards(present.get("lifecyclestage"), changes.get("lifecyclestage")):
            del changes["lifecyclestage"]  # the vendor answers with success and keeps the later stage
        return changes

    def _require_admin_rules(self, table: Table, changes: Record, *, created: bool) -> None:
        if self.version != NEWEST:
            return
        for name in self.account.settings.required_properties.get(table.name, ()):
            if not changes.get(name, "" if created else "kept"):
                raise bad_request(f"Property {name} is required by this account.", propertyName=[name])

    def _require_unique(self, table: Table, changes: Record, record_id: int | None) -> None:
        for name in table.keys:
            value = changes.get(name)
            if not value or not table.identifies(name):
                continue
            taken = table.find(name, value) or self.claims.get((name, value.lower()))
            if taken is None or taken == record_id:
                continue
            if table.schema[name].email:
                raise ApiError(409, f"Contact already exists. Existing ID: {taken}", "CONFLICT")
            raise invalid_properties(
                [_problem(name, "CONFLICTING_UNIQUE_VALUE", f"{taken} already has that value of {name}.")]
            )

    def _claim(self, table: Table, changes: Record, record_id: int) -> None:
        for name in table.keys:
            if value := changes.get(name):
                self.claims.setdefault((name, value.lower()), record_id)

    def _link(self, table: Table, association: Any) -> Link:
        fields(association, "associations", to="map!", types="list!")
        target_id = fields(association["to"], "to", id="id!")["id"]
        specs = [association_spec(one) for one in association["types"]]
        if not specs:
            raise bad_request("An association needs at least one type.")
        for target, kinds in (
            (to, kinds) for (source, to), kinds in self.account.graph.types.items() if source == table.name
        ):
            if all(_names(kinds, spec) for spec in specs):
                try:
                    return target, live_id(self.account.tables[target], target_id), [type_id for _, type_id in specs]
                except ApiError as missing:
                    raise bad_request(f"Association target {target_id} does not exist.", ids=[target_id]) from missing
        raise bad_request(f"No association from {table.name} has the types {specs}.")

    def _associate_by_domain(self, contact_id: int, record: Record) -> None:
        company = self.account.tables["companies"].find("domain", record.get("email", "@").split("@")[1])
        if company is not None and self.account.graph.primary("contacts", contact_id, "companies") is None:
            self.account.graph.connect("contacts", contact_id, "companies", company, [1])


def association_spec(spec: Any) -> tuple[str, int]:
    """Category and type id of an association type in a body."""
    fields(spec, "types", associationCategory="text!", associationTypeId="whole!")
    return spec["associationCategory"], spec["associationTypeId"]


def _names(kinds: Mapping[int, Any], spec: tuple[str, int]) -> bool:
    category, type_id = spec
    return type_id in kinds and kinds[type_id].category == category


def _problem(name: str, code: str, message: str) -> dict[str, str]:
    return {"message": message, "error": code, "name": name}


def _moves_backwards(present: str | None, wanted: str | None) -> bool:
    return bool(present and wanted) and STAGE_ORDER.get(wanted or "", 0) < STAGE_ORDER.get(present or "", 0)


def _require_minimum(table: Table, changes: Record) -> None:
    kind = table.kind
    if kind.one_of and not any(changes.get(name) for name in kind.one_of):
        raise bad_request(f"A {kind.singular} needs at least one of {', '.join(kind.one_of)}.")
    if missing := [name for name in kind.all_of if not changes.get(name)]:
        raise bad_request(f"Some required properties were not set: {missing}", propertyName=missing)


def derive(kind: str, record: Record) -> None:
    """Fill the calculated properties, in place (the record is not yet stored)."""
    derived: Record = {}
    if kind == "contacts":
        email = record.get("email", "")
        full = " ".join(record[name] for name in ("firstname", "lastname") if name in record)
        derived["hs_email_domain"] = email.partition("@")[2]
        derived["hs_full_name_or_email"] = full or email
        derived["hs_searchable_calculated_mobile_number"] = searchable_phone(record.get("mobilephone", ""))
    if kind in ("contacts", "companies"):
        derived["hs_searchable_calculated_phone_number"] = searchable_phone(record.get("phone", ""))
    if kind == "emails" and "hs_email_headers" in record:
        derived |= _addresses(record["hs_email_headers"])
    for name, value in derived.items():
        if value:
            record[name] = value
        else:
            record.pop(name, None)


def _addresses(headers: str) -> Record:
    try:
        parsed = orjson.loads(headers)
        return {
            "hs_email_from_email": parsed["from"]["email"],
            "hs_email_to_email": ";".join(one["email"] for one in parsed["to"]),
        }
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {}

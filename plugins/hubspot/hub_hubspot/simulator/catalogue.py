"""What describes the account: properties, owners, pipelines, account details."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hub_hubspot.simulator.errors import ApiError, bad_request, not_found
from hub_hubspot.simulator.request import DATED, Answer, Request, fields, numeric, route
from hub_hubspot.simulator.schema import DEFINED_AT, Property
from hub_hubspot.simulator.schema_others import PIPELINES
from hub_hubspot.simulator.store import Table
from hub_hubspot.simulator.values import PARSERS

MAX_UNIQUE = 10
FIELD_TYPES = frozenset({
    "booleancheckbox", "calculation_equation", "checkbox", "date", "file", "html",
    "number", "phonenumber", "radio", "select", "text", "textarea",
})  # fmt: skip
DEFINITION = {
    "label": "text",
    "type": "text",
    "fieldType": "text",
    "groupName": "text",
    "options": "list",
    "description": "text",
    "displayOrder": "whole",
    "hidden": "flag",
    "formField": "flag",
    "calculationFormula": "text",
}
NEW_DEFINITION = DEFINITION | {
    "name": "text!",
    "label": "text!",
    "type": "text!",
    "fieldType": "text!",
    "groupName": "text!",
    "hasUniqueValue": "flag",
    "externalOptions": "flag",
    "referencedObjectType": "text",
    "dataSensitivity": "text",
}


def list_properties(request: Request) -> Answer:
    """All properties of an object type, without pages."""
    table = request.table()
    archived, only = request.flag("archived"), request.many("properties")
    if request.one("dataSensitivity", "non_sensitive") != "non_sensitive":
        return Answer(200, {"results": []})
    found = [one.wire() for one in table.schema.values() if one.archived == archived and (not only or one.name in only)]
    return Answer(200, {"results": found})


def read_property(request: Request) -> Answer:
    """One property."""
    prop = _property(request.table(), request.path[1])
    if prop.archived != request.flag("archived"):
        raise not_found(f"Property {prop.name} does not exist")
    return Answer(200, prop.wire())


def create_property(request: Request) -> Answer:
    """A new custom property."""
    return Answer(201, define_property(request.table(), request.body).wire())


def define_property(table: Table, body: Any) -> Property:
    """Add a custom property to an object type, as the vendor's create call does."""
    fields(body, **NEW_DEFINITION)
    name = body["name"]
    if name in table.schema:
        raise ApiError(409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
    if not name.isascii() or not name.replace("_", "").isalnum() or name != name.lower():
        raise bad_request("A property name has lower-case letters, digits and underscores only.", name=[name])
    _check_types(body["type"], body["fieldType"])
    unique = body.get("hasUniqueValue", False)
    if unique and sum(one.unique for one in table.schema.values()) >= MAX_UNIQUE:
        raise bad_request(f"At most {MAX_UNIQUE} properties with unique values are allowed.")
    prop = _defined(Property(name, "", custom=True, unique=unique), body)
    table.add_property(replace(prop, owner=body.get("referencedObjectType") == "OWNER"))
    return table.schema[name]


def change_property(request: Request) -> Answer:
    """A partial change of a custom property's definition."""
    table = request.table()
    prop = _property(table, request.path[1])
    body = fields(request.body, **DEFINITION)
    if not prop.custom:
        raise bad_request(f"The definition of {prop.name} is read only.", propertyName=[prop.name])
    return Answer(200, redefine_property(table, prop.name, body).wire())


def redefine_property(table: Table, name: str, body: Mapping[str, Any], **more: Any) -> Property:
    """Change a property's definition by the keys of the vendor's body, and by attributes that have none (`more`)."""
    prop = _property(table, name)
    _check_types(body.get("type", prop.type), body.get("fieldType", prop.field_type))
    table.add_property(replace(_defined(prop, body), **more))
    return table.schema[name]


def archive_property(request: Request) -> Answer:
    """Archive a custom property: nobody can read or write it any more."""
    table = request.table()
    prop = _property(table, request.path[1])
    if not prop.custom:
        raise bad_request(f"{prop.name} cannot be archived.", propertyName=[prop.name])
    table.add_property(replace(prop, archived=True))
    return Answer(204)


def list_groups(request: Request) -> Answer:
    """The groups which properties stand in."""
    groups = dict.fromkeys(one.group for one in request.table().schema.values())
    return Answer(
        200,
        {
            "results": [
                {"name": name, "label": name.replace("_", " ").title(), "displayOrder": order, "archived": False}
                for order, name in enumerate(groups)
            ]
        },
    )


def list_owners(request: Request) -> Answer:
    """A page of owners, filtered by e-mail on request."""
    archived, email = request.flag("archived"), request.one("email")
    limit, after = request.whole("limit", 100, 500), request.one("after", "0")
    if not numeric(after):
        raise bad_request(f"after is not a valid paging cursor: {after}", after=[after])
    found = [
        one
        for one in sorted(request.account.owners, key=lambda one: int(one["id"]))
        if one["archived"] == archived
        and int(one["id"]) > int(after)
        and (not email or one.get("email", "").lower() == email.lower())
    ]
    body: dict[str, Any] = {"results": found[:limit]}
    if len(found) > limit:
        last = found[limit - 1]["id"]
        body["paging"] = {"next": {"after": last, "link": f"{request.url}?limit={limit}&after={last}"}}
    return Answer(200, body)


def read_owner(request: Request) -> Answer:
    """One owner by owner id, or by user id."""
    by, archived = request.one("idProperty", "id"), request.flag("archived")
    if by not in ("id", "userId"):
        raise bad_request("idProperty must be id or userId", idProperty=[by])
    key = "id" if by == "id" else "userIdIncludingInactive"
    for one in request.account.owners:
        if str(one.get(key)) == request.path[0] and one["archived"] == archived:
            return Answer(200, one)
    raise not_found(f"Owner {request.path[0]} does not exist")


def list_pipelines(request: Request) -> Answer:
    """The pipelines of an object type with their stages."""
    return Answer(200, {"results": _pipelines(request.table())})


def read_pipeline(request: Request) -> Answer:
    """One pipeline."""
    for one in _pipelines(request.table()):
        if one["id"] == request.path[1]:
            return Answer(200, one)
    raise not_found(f"Pipeline {request.path[1]} does not exist")


def list_stages(request: Request) -> Answer:
    """The stages of one pipeline."""
    return Answer(200, {"results": read_pipeline(request).body["stages"]})


def account_details(request: Request) -> Answer:
    """Who the token belongs to."""
    settings = request.account.settings
    hours, minutes = divmod(abs(settings.utc_offset_minutes), 60)
    sign = "-" if settings.utc_offset_minutes < 0 else "+"
    return Answer(
        200,
        {
            "portalId": settings.portal_id,
            "accountType": settings.account_type,
            "timeZone": settings.time_zone,
            "companyCurrency": settings.company_currency,
            "additionalCurrencies": [],
            "utcOffset": f"{sign}{hours:02d}:{minutes:02d}",
            "utcOffsetMilliseconds": settings.utc_offset_minutes * 60_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "eu1",
        },
    )


def _property(table: Table, name: str) -> Property:
    prop = table.schema.get(name)
    if prop is None:
        raise not_found(f"Property {name} does not exist")
    return prop


def _check_types(kind: str, field_type: str) -> None:
    if kind not in PARSERS and kind != "enumeration":
        raise bad_request(f"Invalid type {kind}", type=[kind])
    if field_type not in FIELD_TYPES:
        raise bad_request(f"Invalid fieldType {field_type}", fieldType=[field_type])


def _defined(prop: Property, body: Mapping[str, Any]) -> Property:
    """A definition with the changes of a body."""
    options = prop.options
    if "options" in body:
        for one in body["options"]:
            fields(
                one, "options", label="text!", value="text!", description="text", displayOrder="whole", hidden="flag"
            )
        options = tuple((one["value"], one["label"]) for one in body["options"])
    return replace(
        prop,
        options=options,
        label=body.get("label", prop.label),
        type=body.get("type", prop.type),
        field_type=body.get("fieldType", prop.field_type),
        group=body.get("groupName", prop.group),
        description=body.get("description", prop.description),
        display_order=body.get("displayOrder", prop.display_order),
        hidden=body.get("hidden", prop.hidden),
        form_field=body.get("formField", prop.form_field),
        calculated=prop.calculated or body.get("fieldType") == "calculation_equation",
    )


def _pipelines(table: Table) -> list[dict[str, Any]]:
    if table.name not in PIPELINES:
        return []
    stamps = {"createdAt": DEFINED_AT, "updatedAt": DEFINED_AT, "archived": False}
    return [
        {
            "id": key,
            "label": label,
            "displayOrder": order,
            **stamps,
            "stages": [
                {
                    "id": stage,
                    "label": name,
                    "displayOrder": place,
                    "metadata": metadata,
                    "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                    **stamps,
                }
                for place, (stage, name, metadata) in enumerate(stages)
            ],
        }
        for order, ((key, label), stages) in enumerate(PIPELINES[table.name].items())
    ]


READ_QUERY = "archived dataSensitivity locale properties"
SCHEMAS = {"scope": "schemas"}
ROUTES = (
    route("GET", "properties", "{type}", list_properties, query=READ_QUERY, **SCHEMAS),
    route("POST", "properties", "{type}", create_property, write=True, **SCHEMAS),
    route("GET", "properties", "{type}/groups", list_groups, query="locale", **SCHEMAS),
    route("GET", "properties", "{type}/{name}", read_property, query=READ_QUERY, **SCHEMAS),
    route("PATCH", "properties", "{type}/{name}", change_property, write=True, **SCHEMAS),
    route("DELETE", "properties", "{type}/{name}", archive_property, write=True, **SCHEMAS),
    route("GET", "owners", "", list_owners, query="after archived email limit", scope="owners"),
    route("GET", "owners", "{id}", read_owner, query="archived idProperty", scope="owners"),
    route("GET", "pipelines", "{type}", list_pipelines),
    route("GET", "pipelines", "{type}/{id}", read_pipeline),
    route("GET", "pipelines", "{type}/{id}/stages", list_stages),
    route("GET", "account-info", "details", account_details, scope="none", versions=DATED | {"v3"}),
)

"""Properties: what one is, how it looks on the wire, which values it takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hub_hubspot.simulator.values import PARSERS, Refused, email_value

Option = tuple[str, str]  # value, label
DEFINED_AT = "2024-01-15T09:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object type."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "information"
    options: tuple[Option, ...] = ()
    description: str = ""
    read_only: bool = False
    calculated: bool = False
    hidden: bool = False
    unique: bool = False
    custom: bool = False
    owner: bool = False
    email: bool = False
    archived: bool = False
    display_order: int = -1
    form_field: bool = False

    @property
    def multiple(self) -> bool:
        """Whether the value is a `;` list of options."""
        return self.field_type == "checkbox"

    def accept(self, value: str, present: str, owners: Collection[str]) -> str:
        """The value to keep, or `Refused`. `present` is what the record has now (an append starts with `;`)."""
        if value == "":
            return value
        if self.owner:
            if value not in owners:
                raise Refused("INVALID_OWNER_ID", f"{value} is not the id of an active owner of this account.")
            return value
        if self.type == "enumeration":
            return self._accept_options(value, present)
        if self.email:
            return email_value(value)
        return PARSERS[self.type](value)

    def _accept_options(self, value: str, present: str) -> str:
        allowed = {option for option, _ in self.options}
        chosen = [value]
        if self.multiple:
            old = present.split(";") if value.startswith(";") and present else []
            chosen = list(dict.fromkeys([*old, *value.removeprefix(";").split(";")]))
        for one in chosen:
            if one not in allowed:
                raise Refused("INVALID_OPTION", f"{one} was not one of the allowed options: {sorted(allowed)}")
        return ";".join(chosen)

    def wire(self) -> dict[str, Any]:
        """The property as the properties API shows it."""
        body: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [
                {"label": label, "value": value, "hidden": False, "displayOrder": order}
                for order, (value, label) in enumerate(self.options)
            ],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.owner,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": not self.custom,
            "formField": self.form_field,
            "archived": self.archived,
            "dataSensitivity": "non_sensitive",
            "createdAt": DEFINED_AT,
            "updatedAt": DEFINED_AT,
            "modificationMetadata": {
                "archivable": self.custom,
                "readOnlyDefinition": not self.custom,
                "readOnlyValue": self.read_only or self.calculated,
                "readOnlyOptions": not self.custom,
            },
        }
        if self.owner:
            body["referencedObjectType"] = "OWNER"
        return body


def options(*values: str) -> tuple[Option, ...]:
    """Options whose label is the value made readable (`NOT_STARTED` -> `Not started`)."""
    return tuple((value, value.replace("_", " ").capitalize()) for value in values)


def text(name: str, label: str, **more: Any) -> Property:
    """A line of text."""
    return Property(name, label, **more)


def phone(name: str, label: str, **more: Any) -> Property:
    """A phone number: text which is shown as a phone number."""
    return Property(name, label, field_type="phonenumber", **more)


def number(name: str, label: str, **more: Any) -> Property:
    """A number."""
    return Property(name, label, type="number", field_type="number", **more)


def select(name: str, label: str, choice: Sequence[Option], **more: Any) -> Property:
    """One option out of many."""
    return Property(name, label, type="enumeration", field_type="select", options=tuple(choice), **more)


def checkboxes(name: str, label: str, choice: Sequence[Option], **more: Any) -> Property:
    """Any of many options."""
    return Property(name, label, type="enumeration", field_type="checkbox", options=tuple(choice), **more)


def moment(name: str, label: str, **more: Any) -> Property:
    """A point in time. (The vendor's field type of a date time is `date` too.)"""
    return Property(name, label, type="datetime", field_type="date", **more)


def date(name: str, label: str, **more: Any) -> Property:
    """A day."""
    return Property(name, label, type="date", field_type="date", **more)


def flag(name: str, label: str, **more: Any) -> Property:
    """Yes or no."""
    return Property(
        name, label, type="bool", field_type="booleancheckbox", options=(("true", "Yes"), ("false", "No")), **more
    )


def owner(name: str = "hubspot_owner_id", label: str = "Owner", **more: Any) -> Property:
    """A reference to an owner, by owner id."""
    return Property(name, label, type="enumeration", field_type="select", owner=True, **more)


def system(created: str, modified: str) -> tuple[Property, ...]:
    """What every object type has and nobody may write."""
    return (
        number("hs_object_id", "Record ID", read_only=True),
        moment(created, "Create Date", read_only=True),
        moment(modified, "Last Modified Date", read_only=True),
        text("hs_merged_object_ids", "Merged record IDs", read_only=True, hidden=True),
        text("hs_object_source_label", "Record source", read_only=True),
    )

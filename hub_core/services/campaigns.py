"""The campaign properties of contacts, and which of them the CRM does not have yet.

Whoever keeps the CRM in step goes through `touched` (`hub_core.engine.store.campaigns`), asks `changes_of` for what is
to be written, writes it with the new values as the links' agreed ones, and hands the touched back to `settle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub_core.engine.store import campaigns, links
from hub_core.engine.store.database import Conn
from hub_core.errors import UnknownName
from hub_core.model.campaigns import History
from hub_core.model.plan import Change
from hub_core.model.records import HubValue
from hub_core.rules.campaign_mapping import CompiledCampaign, campaign_changes
from hub_core.rules.campaign_properties import properties
from hub_core.rules.normalise import email, linkedin_person
from hub_core.services.hub import Hub

_BATCH = 1_000  # contacts


@dataclass(frozen=True, slots=True)
class ContactChanges:
    """What is to be written into the CRM for one contact, and what cannot be, as sentences."""

    crm_id: str
    changes: tuple[Change, ...]
    problems: tuple[str, ...]


async def properties_of(hub: Hub, contact_ids: Sequence[int]) -> dict[int, dict[str, HubValue]]:
    """The campaign properties of these contacts that are not blank, by contact and property id.

    A contact about which campaigns know nothing is left out.
    """
    found: dict[int, dict[str, HubValue]] = {}
    for start in range(0, len(contact_ids), _BATCH):
        async with hub.db.transaction() as conn:
            histories = await campaigns.histories(conn, hub.workspace_id, contact_ids[start : start + _BATCH])
        found |= await asyncio.to_thread(_computed, histories)
    return found


async def changes_of(
    conn: Conn, workspace_id: int, connection_id: int, compiled: CompiledCampaign, contact_ids: Sequence[int]
) -> dict[int, ContactChanges]:
    """What the CRM lacks of the properties of these contacts (a thousand or so), by contact: only those that are linked
    and differ from what their link says the CRM holds, or have a problem."""
    linked = await links.links_of(conn, connection_id, contact_ids)
    histories = await campaigns.histories(conn, workspace_id, list(linked))

    def compare() -> dict[int, ContactChanges]:
        found: dict[int, ContactChanges] = {}
        for contact, link in linked.items():
            values = properties(histories.get(contact, History()))
            changes, problems = campaign_changes(compiled, values, link.agreed)
            if changes or problems:
                found[contact] = ContactChanges(link.crm_id, changes, tuple(problems))
        return found

    return await asyncio.to_thread(compare)


def _computed(histories: Mapping[int, History]) -> dict[int, dict[str, HubValue]]:
    return {contact: properties(history) for contact, history in histories.items()}


async def find_contact(hub: Hub, text: str) -> int:
    """The contact that somebody means: its number in the hub, its id at the source, e-mail address or LinkedIn profile.

    Raises `UnknownName`.
    """
    mail, link = email(text), linkedin_person(text)
    async with hub.db.transaction() as conn:
        found = await campaigns.contacts_by_external_id(
            conn, hub.workspace_id, [text, f"email:{mail}", f"linkedin:{link}"]
        )
        if found:
            return next(iter(found.values()))
        if text.isdecimal() and await campaigns.is_contact(conn, hub.workspace_id, int(text)):
            return int(text)
        async for page in campaigns.contact_addresses(conn, hub.workspace_id):
            for number, addresses, profile in page:
                if (mail and mail in map(email, addresses)) or (link and linkedin_person(profile) == link):
                    return number
    raise UnknownName("contact", text, [], fix="Name it by id, e-mail address or LinkedIn profile: hub records list")

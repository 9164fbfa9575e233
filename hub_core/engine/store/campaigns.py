"""Campaigns, their senders and members, activities, conversation tags: what is known of contacts, read in bulk.

`hub_core.engine.store.campaign_imports` writes them. Every write marks the contacts concerned as touched; whoever
brings their campaign properties up to date takes `touched` ones and, once that is done, hands them to `settle`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row

from hub_core.engine.store.database import Conn, Row, all_rows, execute, one_row
from hub_core.model.campaigns import (
    Activity,
    ActivityType,
    Campaign,
    Channel,
    ConversationTag,
    Direction,
    History,
    Identity,
    Membership,
    Progress,
    Step,
    StepKind,
    TagCategory,
)

# --- campaigns and senders ---------------------------------------------------------------------------------------


async def identities_of(conn: Conn, workspace_id: int) -> list[Identity]:
    """Every sender of the workspace, by id."""
    rows = await all_rows(
        conn,
        "SELECT id, external_id, name, email, linkedin FROM identity WHERE workspace_id = %s ORDER BY id",
        [workspace_id],
    )
    return [Identity(**row) for row in rows]


async def campaigns_of(conn: Conn, workspace_id: int) -> list[Campaign]:
    """Every campaign of the workspace, by id."""
    identities = {each.id: each for each in await identities_of(conn, workspace_id)}
    rows = await all_rows(conn, f"{_CAMPAIGN} WHERE workspace_id = %s ORDER BY id", [workspace_id])
    return [_campaign(row, identities) for row in rows]


_CAMPAIGN = "SELECT id, external_id, name, steps, state, identity_id FROM campaign"


def _campaign(row: Row, identities: dict[int, Identity]) -> Campaign:
    steps = tuple(Step(StepKind(kind), Channel(channel), delay) for kind, channel, delay in row["steps"])
    identity = identities.get(row["identity_id"])
    return Campaign(row["id"], row["external_id"], row["name"], steps, Progress(row["state"]), identity)


# --- histories ---------------------------------------------------------------------------------------------------

_ACTIVITY = """
    SELECT contact_id, id, external_id, type, channel, direction, at, campaign_id, step, identity_id, {texts}
    FROM activity WHERE contact_id = ANY(%s)
"""
_TEXTS, _NO_TEXTS = "subject, body", "'', ''"


async def histories(
    conn: Conn, workspace_id: int, contact_ids: Sequence[int], *, texts: bool = False
) -> dict[int, History]:
    """What is known of each of these contacts: five queries however many they are. Unknown contacts have none.

    ``texts``: with subjects and bodies, which no property needs.
    """
    ids = list(contact_ids)
    identities = {each.id: each for each in await identities_of(conn, workspace_id)}
    members = await _tuples(
        conn, "SELECT contact_id, campaign_id, added_at, state FROM campaign_member WHERE contact_id = ANY(%s)", ids
    )
    rows = await all_rows(conn, f"{_CAMPAIGN} WHERE id = ANY(%s)", [list({row[1] for row in members})])
    campaigns = {row["id"]: _campaign(row, identities) for row in rows}
    memberships: defaultdict[int, list[Membership]] = defaultdict(list)
    for contact, campaign, added_at, state in members:
        memberships[contact].append(Membership(campaigns[campaign], added_at, Progress(state)))
    activities: defaultdict[int, list[Activity]] = defaultdict(list)
    query = _ACTIVITY.format(texts=_TEXTS if texts else _NO_TEXTS)
    for contact, id_, external_id, kind, channel, direction, at, campaign, step, identity, *said in await _tuples(
        conn, query, ids
    ):
        activities[contact].append(
            Activity(
                id_,
                external_id,
                ActivityType(kind),
                Channel(channel),
                Direction(direction),
                at,
                campaign,
                step,
                identities.get(identity),
                *said,
            )
        )
    tags: defaultdict[int, list[ConversationTag]] = defaultdict(list)
    for contact, id_, name, category, at, applied_by in await _tuples(
        conn,
        "SELECT contact_id, id, name, category, at, applied_by FROM conversation_tag WHERE contact_id = ANY(%s)",
        ids,
    ):
        tags[contact].append(ConversationTag(id_, name, TagCategory(category), at, applied_by))
    known = memberships.keys() | activities.keys() | tags.keys()
    return {
        contact: History(tuple(memberships[contact]), tuple(activities[contact]), tuple(tags[contact]))
        for contact in known
    }


async def _tuples(conn: Conn, sql: str, ids: list[int]) -> list[tuple[Any, ...]]:
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(sql.encode(), [ids])
        return await cursor.fetchall()


# --- what changed ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Touched:
    """A contact about which something came in; ``at``: the last time it did."""

    contact_id: int
    at: datetime


async def touched(
    conn: Conn, workspace_id: int, *, after: int = 0, limit: int = 1_000, since: datetime | None = None
) -> list[Touched]:
    """The next touched contacts with an id above ``after``, by id; those touched at or after ``since``, if given.

    An import stores its events when it ends, with the times at which they were written: do not use ``since`` to see
    each of them once; `settle` is for that.
    """
    rows = await all_rows(
        conn,
        "SELECT contact_id, at FROM campaign_touched WHERE workspace_id = %(workspace)s AND contact_id > %(after)s"
        " AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) ORDER BY contact_id LIMIT %(limit)s",
        {"workspace": workspace_id, "after": after, "since": since, "limit": limit},
    )
    return [Touched(**row) for row in rows]


async def settle(conn: Conn, done: Sequence[Touched]) -> int:
    """These contacts have been dealt with; those touched again since they were read stay. Returns how many went."""
    return await execute(
        conn,
        "DELETE FROM campaign_touched USING unnest(%s::bigint[], %s::timestamptz[]) AS done (contact_id, at)"
        " WHERE campaign_touched.contact_id = done.contact_id AND campaign_touched.at = done.at",
        [[each.contact_id for each in done], [each.at for each in done]],
    )


async def touch_all(conn: Conn, workspace_id: int) -> int:
    """Touch every contact that has campaign properties: for a changed set-up, or another CRM. Returns how many."""
    return await execute(
        conn,
        """
        INSERT INTO campaign_touched (contact_id, workspace_id)
        SELECT contact_id, %(workspace)s FROM (
            SELECT contact_id FROM campaign_member JOIN campaign ON campaign.id = campaign_id
                WHERE workspace_id = %(workspace)s
            UNION SELECT contact_id FROM activity WHERE workspace_id = %(workspace)s
            UNION SELECT contact_id FROM conversation_tag WHERE workspace_id = %(workspace)s) AS known
        ORDER BY contact_id
        ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at
        """,
        {"workspace": workspace_id},
    )


# --- who a contact is --------------------------------------------------------------------------------------------


async def contacts_by_external_id(conn: Conn, workspace_id: int, ids: Iterable[str]) -> dict[str, int]:
    """The contacts with these external ids."""
    rows = await all_rows(
        conn,
        "SELECT external_id, id FROM record"
        " WHERE workspace_id = %s AND kind = 'contact' AND external_id = ANY(%s::text[])",
        [workspace_id, list(ids)],
    )
    return {row["external_id"]: row["id"] for row in rows}


async def contact_addresses(
    conn: Conn, workspace_id: int, *, page: int = 5_000
) -> AsyncGenerator[list[tuple[int, list[str], str]]]:
    """Every contact that has an address, page by page: (id, e-mail addresses, LinkedIn profile or "")."""
    async with conn.cursor("contact_addresses", row_factory=tuple_row) as cursor:
        await cursor.execute(
            "SELECT id, values -> 'professionalEmail', values -> 'personalEmails', values ->> 'linkedInProfileUrl'"
            " FROM record WHERE workspace_id = %s AND kind = 'contact'"
            " AND values ?| array['professionalEmail', 'personalEmails', 'linkedInProfileUrl']",
            [workspace_id],
        )
        while rows := await cursor.fetchmany(page):
            yield [(id_, [*([mail] if mail else []), *(more or [])], link or "") for id_, mail, more, link in rows]


async def is_contact(conn: Conn, workspace_id: int, number: int) -> bool:
    """Whether the workspace has a contact with this number."""
    return (
        await one_row(
            conn, "SELECT FROM record WHERE workspace_id = %s AND kind = 'contact' AND id = %s", [workspace_id, number]
        )
        is not None
    )

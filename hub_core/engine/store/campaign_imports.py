"""Writes campaigns, senders, members, activities and conversation tags in bulk.

Rows are staged by COPY in a temporary table of the transaction, then merged at once; a later row of an external id wins
over an earlier one, a value that a row does not give stays as it is, and what nothing changes is not written. Contacts
that are concerned are touched (see `hub_core.engine.store.campaigns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import orjson

from hub_core.engine.store.database import Conn, execute, one_row, value
from hub_core.model.campaigns import Campaign, Identity


async def lock(conn: Conn, workspace_id: int) -> None:
    """Wait until no other transaction imports into the workspace's campaigns; held until this one ends."""
    await execute(conn, "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"import {workspace_id} campaigns"])


# --- campaigns and senders: few, one by one ----------------------------------------------------------------------


async def save_identity(conn: Conn, workspace_id: int, identity: Identity) -> int:
    """Store a sender, in place of the one with its number if it has one; returns its number."""
    values = [identity.external_id, identity.name, identity.email, identity.linkedin]
    if identity.id:
        await execute(
            conn,
            "UPDATE identity SET external_id = %s, name = %s, email = %s, linkedin = %s WHERE id = %s",
            [*values, identity.id],
        )
        return identity.id
    return await value(
        conn,
        "INSERT INTO identity (external_id, name, email, linkedin, workspace_id) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING id",
        [*values, workspace_id],
    )


async def save_campaign(conn: Conn, workspace_id: int, campaign: Campaign) -> int:
    """Store a campaign, in place of the one with its number if it has one; returns its number. Members are touched."""
    steps = [(step.kind.value, step.channel.value, step.delay) for step in campaign.steps]
    identity = campaign.identity.id if campaign.identity else None
    values = [
        campaign.external_id,
        campaign.name,
        orjson.dumps(steps).decode(),
        campaign.state.value,
        identity,
    ]
    if not campaign.id:
        return await value(
            conn,
            "INSERT INTO campaign (external_id, name, steps, state, identity_id, workspace_id)"
            " VALUES (%s, %s, %s::jsonb, %s, %s, %s) RETURNING id",
            [*values, workspace_id],
        )
    await execute(
        conn,
        "UPDATE campaign SET external_id = %s, name = %s, steps = %s::jsonb, state = %s, identity_id = %s"
        " WHERE id = %s",
        [*values, campaign.id],
    )
    await execute(
        conn,
        "INSERT INTO campaign_touched (contact_id, workspace_id)"
        " SELECT contact_id, %s FROM campaign_member WHERE campaign_id = %s ORDER BY contact_id"
        " ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at",
        [workspace_id, campaign.id],
    )
    return campaign.id


# --- the rest: many, staged --------------------------------------------------------------------------------------


class StagedActivity(NamedTuple):
    external_id: str
    contact_id: int
    campaign_id: int | None
    identity_id: int | None
    step: int | None
    type: str
    channel: str
    direction: str
    at: str
    subject: str
    body: str


class StagedTag(NamedTuple):
    """``category`` None: the one that is stored stays, a new tag gets ``usual``."""

    external_id: str
    contact_id: int
    name: str
    category: str | None
    usual: str
    applied_by: str
    at: str | None


class StagedMember(NamedTuple):
    """``state`` None: the row does not say."""

    campaign_id: int
    contact_id: int
    added_at: str | None
    state: str | None


Staged: TypeAlias = StagedActivity | StagedTag | StagedMember


@dataclass(frozen=True, slots=True)
class Merged:
    """What the staged rows did. ``rows`` is how many different ones they were."""

    rows: int
    created: int
    changed: int


_STAGES: dict[type[Staged], str] = {
    StagedActivity: "external_id text, contact_id bigint, campaign_id bigint, identity_id bigint, step integer,"
    " type text, channel text, direction text, at timestamptz, subject text, body text",
    StagedTag: "external_id text, contact_id bigint, name text, category text, usual text, applied_by text,"
    " at timestamptz",
    StagedMember: "campaign_id bigint, contact_id bigint, added_at timestamptz, state text",
}


async def open_stage(conn: Conn, kind: type[Staged]) -> None:
    """Make the temporary table for rows of ``kind``."""
    columns = _STAGES[kind]
    await execute(
        conn,
        f"CREATE TEMPORARY TABLE staged_event (number bigint GENERATED ALWAYS AS IDENTITY, {columns}) ON COMMIT DROP",
    )


async def stage(conn: Conn, kind: type[Staged], rows: Iterable[Staged]) -> None:
    """Put rows of the opened kind behind those that are there."""
    names = ", ".join(kind._fields)
    async with conn.cursor().copy(f"COPY staged_event ({names}) FROM STDIN".encode()) as copy:
        for row in rows:
            await copy.write_row(row)


# Contacts are touched in the order of their ids, or two transactions could wait for each other.
_TOUCH = """
    , touch AS (
        INSERT INTO campaign_touched (contact_id, workspace_id)
        SELECT DISTINCT contact_id, %(workspace)s::bigint FROM written ORDER BY contact_id
        ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at)
    SELECT (SELECT count(*) FROM new) AS rows, count(*) FILTER (WHERE created) AS created,
        count(*) FILTER (WHERE NOT created) AS changed FROM written
"""
_ACTIVITIES = """
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (external_id) * FROM staged_event ORDER BY external_id, number DESC),
    joined AS (
        INSERT INTO campaign_member (campaign_id, contact_id)
        SELECT DISTINCT campaign_id, contact_id FROM new WHERE campaign_id IS NOT NULL ORDER BY 1, 2
        ON CONFLICT DO NOTHING),
    written AS (
        INSERT INTO activity AS a (workspace_id, external_id, contact_id, campaign_id, identity_id, step, type, channel,
            direction, at, subject, body)
        SELECT %(workspace)s, external_id, contact_id, campaign_id, identity_id, step, type, channel, direction, at,
            subject, body FROM new ORDER BY number
        ON CONFLICT (workspace_id, external_id) DO UPDATE SET
            contact_id = excluded.contact_id, campaign_id = coalesce(excluded.campaign_id, a.campaign_id),
            identity_id = coalesce(excluded.identity_id, a.identity_id), step = coalesce(excluded.step, a.step),
            type = excluded.type, channel = excluded.channel, direction = excluded.direction, at = excluded.at,
            subject = coalesce(nullif(excluded.subject, ''), a.subject),
            body = coalesce(nullif(excluded.body, ''), a.body)
        WHERE (a.contact_id, a.campaign_id, a.identity_id, a.step, a.type, a.channel, a.direction, a.at, a.subject,
            a.body) IS DISTINCT FROM (excluded.contact_id, coalesce(excluded.campaign_id, a.campaign_id),
            coalesce(excluded.identity_id, a.identity_id), coalesce(excluded.step, a.step), excluded.type,
            excluded.channel, excluded.direction, excluded.at, coalesce(nullif(excluded.subject, ''), a.subject),
            coalesce(nullif(excluded.body, ''), a.body))
        RETURNING a.contact_id, xmax = 0 AS created)
"""
_TAGS = """
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (external_id) * FROM staged_event ORDER BY external_id, number DESC),
    written AS (
        INSERT INTO conversation_tag AS t (workspace_id, external_id, contact_id, name, category, applied_by, at)
        SELECT %(workspace)s, new.external_id, new.contact_id, new.name,
            coalesce(new.category, old.category, new.usual), coalesce(nullif(new.applied_by, ''), old.applied_by, ''),
            coalesce(new.at, old.at)
        FROM new LEFT JOIN conversation_tag old
            ON old.workspace_id = %(workspace)s AND old.external_id = new.external_id
        ORDER BY new.number
        ON CONFLICT (workspace_id, external_id) DO UPDATE SET contact_id = excluded.contact_id, name = excluded.name,
            category = excluded.category, applied_by = excluded.applied_by, at = excluded.at
        WHERE (t.contact_id, t.name, t.category, t.applied_by, t.at)
            IS DISTINCT FROM (excluded.contact_id, excluded.name, excluded.category, excluded.applied_by, excluded.at)
        RETURNING t.contact_id, xmax = 0 AS created)
"""
_MEMBERS = """
    WITH new AS MATERIALIZED (
        SELECT DISTINCT ON (campaign_id, contact_id) * FROM staged_event
        ORDER BY campaign_id, contact_id, number DESC),
    written AS (
        INSERT INTO campaign_member AS m (campaign_id, contact_id, added_at, state)
        SELECT new.campaign_id, new.contact_id, coalesce(new.added_at, old.added_at),
            coalesce(new.state, old.state, '')
        FROM new LEFT JOIN campaign_member old
            ON old.campaign_id = new.campaign_id AND old.contact_id = new.contact_id
        ON CONFLICT (campaign_id, contact_id) DO UPDATE SET added_at = excluded.added_at, state = excluded.state
        WHERE (m.added_at, m.state) IS DISTINCT FROM (excluded.added_at, excluded.state)
        RETURNING m.contact_id, xmax = 0 AS created)
"""
_MERGES: dict[type[Staged], str] = {StagedActivity: _ACTIVITIES, StagedTag: _TAGS, StagedMember: _MEMBERS}
_MOVED: dict[type[Staged], str] = {StagedActivity: "activity", StagedTag: "conversation_tag"}


async def merge(conn: Conn, workspace_id: int, kind: type[Staged]) -> Merged:
    """Merge what was staged."""
    await execute(conn, "ANALYZE staged_event")
    if kind in _MOVED:
        await _touch_former(conn, workspace_id, _MOVED[kind])
    row = await one_row(conn, _MERGES[kind] + _TOUCH, {"workspace": workspace_id})
    return Merged(**row) if row else Merged(0, 0, 0)


async def _touch_former(conn: Conn, workspace_id: int, table: str) -> None:
    """Touch the contacts from which staged rows take something away."""
    await execute(
        conn,
        f"INSERT INTO campaign_touched (contact_id, workspace_id)"
        f" SELECT DISTINCT old.contact_id, old.workspace_id FROM staged_event JOIN {table} old"
        f" ON old.workspace_id = %s AND old.external_id = staged_event.external_id"
        f" WHERE old.contact_id <> staged_event.contact_id ORDER BY 1"
        f" ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at",
        [workspace_id],
    )


async def touch_senders(conn: Conn, workspace_id: int, identity_ids: Sequence[int]) -> None:
    """Touch the contacts that these senders reach: their name is another now."""
    await execute(
        conn,
        """
        INSERT INTO campaign_touched (contact_id, workspace_id)
        SELECT contact_id, %(workspace)s FROM (
            SELECT contact_id FROM activity WHERE workspace_id = %(workspace)s AND identity_id = ANY(%(ids)s)
            UNION SELECT contact_id FROM campaign_member JOIN campaign ON campaign.id = campaign_id
                WHERE workspace_id = %(workspace)s AND identity_id = ANY(%(ids)s)) AS reached
        ORDER BY contact_id
        ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at
        """,
        {"workspace": workspace_id, "ids": list(identity_ids)},
    )

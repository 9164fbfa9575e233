"""Importing campaigns, activities and conversation tags from files.

As with contacts, an import happens as a whole or not at all, rows that cannot be taken in go to a file of their own,
and importing a file again changes nothing. A row is about a contact that the hub has, found by the source's id, else by
e-mail address, else by LinkedIn profile. Campaigns and senders that a row names and nobody knows yet are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from hub_core.engine.store import campaign_imports as store
from hub_core.engine.store import campaigns
from hub_core.engine.store.campaign_imports import Staged, StagedActivity, StagedMember, StagedTag
from hub_core.engine.store.database import Conn
from hub_core.engine.tables import Line, Table, open_table
from hub_core.model.campaigns import Campaign, Identity, Step
from hub_core.rules.campaign_columns import EventFile, plan_event_columns
from hub_core.rules.campaign_names import Campaigns, Senders
from hub_core.rules.campaign_rows import (
    ActivityRow,
    CampaignRow,
    Named,
    Refused,
    TagRow,
    Values,
    activity_row,
    campaign_row,
    cells_reader,
    channel_at,
    contact_of,
    derived_id,
    tag_row,
    usual_category,
)
from hub_core.rules.columns import Column
from hub_core.rules.incoming import RowProblem
from hub_core.rules.normalise import email, fold, linkedin_person
from hub_core.services.hub import Hub
from hub_core.services.importing import OnProgress, Preview
from hub_core.services.rejects import Rejects, beside

_CHUNK = 2_000  # rows
_SAMPLES = 50
_SEVERAL = 0  # what an address that several contacts have stands for; no contact has this id

_Row: TypeAlias = ActivityRow | CampaignRow | TagRow
_READ: dict[EventFile, Callable[[Values], _Row]] = {
    EventFile.ACTIVITIES: activity_row,
    EventFile.CAMPAIGNS: campaign_row,
    EventFile.TAGS: tag_row,
}
_STAGED: dict[EventFile, type[Staged]] = {
    EventFile.ACTIVITIES: StagedActivity,
    EventFile.CAMPAIGNS: StagedMember,
    EventFile.TAGS: StagedTag,
}


@dataclass(frozen=True, slots=True)
class EventReport:
    """What became of the rows: ``read`` = ``created`` + ``changed`` + ``unchanged`` + ``duplicates`` + ``rejected``.

    A campaign's row that is about no contact is created or changed when the campaign is, by its first row.
    ``duplicates`` are earlier rows of an event that occurs again. The rest is as in `hub_core.services.importing`.
    """

    kind: EventFile
    format: str
    columns: tuple[Column, ...]
    dry_run: bool
    read: int
    created: int
    changed: int
    unchanged: int
    duplicates: int
    rejected: int
    rejects_path: Path | None
    reasons: Mapping[tuple[str, str], int]
    employed: int = 0


async def preview_events(
    hub: Hub, what: EventFile, path: Path, *, column_map: Mapping[str, str] | None = None, encoding: str | None = None
) -> Preview:
    """Where the columns would go. Raises as `import_events`."""
    del hub  # as for contacts, whose columns depend on its fields
    table = await asyncio.to_thread(open_table, path, encoding=encoding)
    return Preview(table.format, table.lines, _columns(what, table, column_map))


async def import_events(
    hub: Hub,
    what: EventFile,
    path: Path,
    *,
    column_map: Mapping[str, str] | None = None,
    encoding: str | None = None,
    rejects_path: Path | None = None,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> EventReport:
    """Import a file; ``column_map`` (heading -> field id, "" or "-" to leave out) goes before what is recognised.

    Raises `BadInput` for a file that cannot be used, `UnknownName` for a column or field of ``column_map``.
    """
    rejects_path = beside(path, rejects_path)
    table = await asyncio.to_thread(open_table, path, encoding=encoding)
    columns = _columns(what, table, column_map)
    tell = on_progress or _quiet
    async with hub.db.transaction() as conn:
        await store.lock(conn, hub.workspace_id)
        people = await _find_people(conn, hub.workspace_id, table, columns)
        known = _Known(
            await campaigns.identities_of(conn, hub.workspace_id), await campaigns.campaigns_of(conn, hub.workspace_id)
        )
        with Rejects(rejects_path, table.headings) as rejects:
            importing = _Import(conn, hub.workspace_id, what, people, known, rejects, columns)
            await store.open_stage(conn, _STAGED[what])
            for lines in _chunks(table):
                await importing.take(lines)
                tell("reading", min(lines[-1][0], table.lines), table.lines)
        await known.save_changed(conn, hub.workspace_id)
        tell("storing", 0, importing.staged)
        merged = await store.merge(conn, hub.workspace_id, _STAGED[what])
        tell("storing", importing.staged, importing.staged)
        if dry_run:
            await conn.rollback()
    created = merged.created + len(importing.bare_campaigns & known.made)
    changed = merged.changed + len(importing.bare_campaigns & known.mended)
    duplicates = importing.staged - merged.rows
    taken = importing.staged + importing.bare
    return EventReport(
        kind=what,
        format=table.format,
        columns=columns,
        dry_run=dry_run,
        read=taken + rejects.count,
        created=created,
        changed=changed,
        unchanged=taken - created - changed - duplicates,
        duplicates=duplicates,
        rejected=rejects.count,
        rejects_path=rejects_path if rejects.count else None,
        reasons=dict(rejects.reasons.most_common()),
    )


def _quiet(what: str, done: int, total: int) -> None: ...


def _columns(what: EventFile, table: Table, column_map: Mapping[str, str] | None) -> tuple[Column, ...]:
    samples = [cells for _, cells in islice(table.rows(), _SAMPLES)]
    return plan_event_columns(what, table.headings, samples, column_map or {})


def _chunks(table: Table) -> Iterator[list[Line]]:
    rows = table.rows()
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


# --- who is meant ------------------------------------------------------------------------------------------------


class _People:
    """The contacts that a file is about, by what it says of them."""

    def __init__(self, by_id: Mapping[str, int], by_email: Mapping[str, int], by_link: Mapping[str, int]) -> None:
        self._ways = (
            (by_id, "external_id", "There is no contact with this id."),
            (by_email, "email", "There is no contact with this e-mail address."),
            (by_link, "linkedin", "There is no contact with this LinkedIn profile."),
        )

    def has(self, who: Named) -> bool:
        """Whether somebody is known by what is said."""
        return any(getattr(who, attribute) in known for known, attribute, _ in self._ways)

    def find(self, who: Named) -> int:
        """The contact's id: by the source's id, else e-mail, else LinkedIn. Raises `Refused`."""
        reason = ""
        for known, attribute, missing in self._ways:
            said = getattr(who, attribute)
            found = known.get(said) if said else None
            if found == _SEVERAL:
                raise Refused("", "Several contacts have this address; give the contact's id.")
            if found is not None:
                return found
            reason = reason or (missing if said else "")
        raise Refused("", f"{reason} Import the contact first.")


async def _find_people(conn: Conn, workspace_id: int, table: Table, columns: Sequence[Column]) -> _People:
    """Find the contacts of all rows at once. The hub's contacts are read through only for those whom no id leads to."""
    people = await asyncio.to_thread(_named, table, columns)
    # A contact without an id of its own is stored under the address that identifies it.
    ids = {f"email:{person.email}" for person in people} | {f"linkedin:{person.linkedin}" for person in people}
    ids |= {person.external_id for person in people}
    by_id = await campaigns.contacts_by_external_id(conn, workspace_id, ids)
    by_email = {key.removeprefix("email:"): number for key, number in by_id.items() if key.startswith("email:")}
    by_link = {key.removeprefix("linkedin:"): number for key, number in by_id.items() if key.startswith("linkedin:")}
    found = _People(by_id, by_email, by_link)
    missing = [person for person in people if not found.has(person)]
    mails, links = {person.email for person in missing} - {""}, {person.linkedin for person in missing} - {""}
    if mails or links:
        async with aclosing(campaigns.contact_addresses(conn, workspace_id)) as pages:
            async for page in pages:
                for number, addresses, link in page:
                    for mail in {email(address) for address in addresses} & mails:
                        by_email[mail] = number if by_email.get(mail, number) == number else _SEVERAL
                    if link and (slug := linkedin_person(link)) in links:
                        by_link[slug] = number if by_link.get(slug, number) == number else _SEVERAL
    return found


def _named(table: Table, columns: Sequence[Column]) -> set[Named]:
    """Everybody whom the file names."""
    who = [each for each in columns if each.goes_to in ("contactId", "contactEmail", "contactLinkedIn")]
    seen: set[tuple[str, ...]] = set()
    for _, cells in table.rows() if who else ():
        seen.add(tuple(cells[each.index].strip() if each.index < len(cells) else "" for each in who))
    return {contact_of(dict(zip((each.goes_to for each in who), given, strict=True))) for given in seen}


# --- campaigns and senders ---------------------------------------------------------------------------------------


class _Known:
    """The workspace's campaigns and senders: those that are stored, with what the file adds."""

    def __init__(self, senders: Sequence[Identity], stored: Sequence[Campaign]) -> None:
        self.senders, self.campaigns = Senders(senders), Campaigns(stored)
        self.made: set[int] = set()
        self.mended: set[int] = set()
        self._names = {each.id: each.name for each in senders}
        self._stored = {each.id: each for each in stored}

    async def save_new(self, conn: Conn, workspace_id: int) -> None:
        """Store the senders, and the campaigns that are new: rows are about to refer to them."""
        renamed: list[int] = []
        for key, sender in list(self.senders.changed.items()):
            number = await store.save_identity(conn, workspace_id, sender)
            self.senders.put(replace(sender, id=number), changed=False)
            renamed += [number] if self._names.get(number, sender.name) != sender.name else []
            del self.senders.changed[key]
        if renamed:
            await store.touch_senders(conn, workspace_id, renamed)
        for key, campaign in list(self.campaigns.changed.items()):
            if not campaign.id:
                self.made.add(await self._save(conn, workspace_id, key, campaign))

    async def save_changed(self, conn: Conn, workspace_id: int) -> None:
        """Store the campaigns about which the file, as a whole, says something new."""
        for key, campaign in list(self.campaigns.changed.items()):
            if _content(campaign) != _content(self._stored[campaign.id]):
                self.mended.add(await self._save(conn, workspace_id, key, campaign))
        self.mended -= self.made

    async def _save(self, conn: Conn, workspace_id: int, key: str, campaign: Campaign) -> int:
        sender = campaign.identity and self.senders[campaign.identity.external_id]
        number = await store.save_campaign(conn, workspace_id, replace(campaign, identity=sender))
        self._stored[number] = replace(campaign, id=number, identity=sender)
        self.campaigns.put(self._stored[number], changed=False)
        del self.campaigns.changed[key]
        return number


def _content(campaign: Campaign) -> tuple[Campaign, str]:
    """What a campaign says, and who runs it."""
    return replace(campaign, identity=None), campaign.identity.external_id if campaign.identity else ""


# --- rows --------------------------------------------------------------------------------------------------------


class _Import:
    """A file on its way in. ``staged``: rows about a contact; ``bare``: rows about a campaign alone, and which ones."""

    def __init__(
        self,
        conn: Conn,
        workspace_id: int,
        what: EventFile,
        people: _People,
        known: _Known,
        rejects: Rejects,
        columns: Sequence[Column],
    ) -> None:
        self.staged = self.bare = 0
        self.bare_campaigns: set[int] = set()
        self._conn, self._workspace_id, self._what = conn, workspace_id, what
        self._people, self._known, self._rejects = people, known, rejects
        self._cells = cells_reader(columns)
        self._headings = {each.goes_to: each.heading for each in columns if each.used}
        self._numbered: dict[str, dict[int, Step]] = {}

    async def take(self, lines: Sequence[Line]) -> None:
        """Take in the next lines."""
        rows: list[tuple[_Row, int, str, str]] = []
        for (line, cells), values in zip(lines, self._cells([cells for _, cells in lines]), strict=True):
            try:
                if isinstance(values, RowProblem):
                    self._rejects.add(line, cells, values)
                else:
                    rows.append(self._understood(_READ[self._what](values)))
            except Refused as refused:
                self._rejects.add(line, cells, RowProblem(self._headings.get(refused.field, ""), refused.reason))
        await self._known.save_new(self._conn, self._workspace_id)
        staged = [made for each in rows if (made := self._made(*each)) is not None]
        self.staged += len(staged)
        self.bare += len(rows) - len(staged)
        self.bare_campaigns |= {self._known.campaigns[key].id for _, contact, key, _ in rows if not contact}
        await store.stage(self._conn, _STAGED[self._what], staged)

    def _understood(self, row: _Row) -> tuple[_Row, int, str, str]:
        """The row with its contact's number (0: none), and the ids of its campaign and sender ("": none).

        Raises `Refused`.
        """
        if isinstance(row, TagRow):
            return row, self._people.find(row.contact), "", ""
        contact = self._people.find(row.contact) if row.contact or isinstance(row, ActivityRow) else 0
        known = self._known
        if isinstance(row, ActivityRow) and row.channel is None:
            key = known.campaigns.key(row.campaign)
            steps = known.campaigns.by_id[key].steps if key in known.campaigns.by_id else ()
            row = replace(row, channel=channel_at(row, steps))
        campaign = known.campaigns.find(row.campaign) or ""
        sender = known.senders.find(row.sender) or ""
        if isinstance(row, CampaignRow):
            self._learn(row, campaign, sender)
        return row, contact, campaign, sender

    def _learn(self, row: CampaignRow, key: str, sender: str) -> None:
        """Take in what the row says about the campaign itself. Numbered steps replace those of before the file."""
        before = self._known.campaigns[key]
        steps = row.steps or before.steps
        if row.step is not None:
            numbered = self._numbered.setdefault(key, {})
            numbered[row.step[0]] = row.step[1]
            steps = tuple(step for _, step in sorted(numbered.items()))
        after = replace(
            before,
            steps=steps,
            state=before.state if row.state is None else row.state,
            identity=self._known.senders[sender] if sender else before.identity,
        )
        if after != before:
            self._known.campaigns.put(after)

    def _made(self, row: _Row, contact: int, campaign: str, sender: str) -> Staged | None:
        """The row as it is staged; None when it is about no contact. What it names has been stored."""
        campaign_id = self._known.campaigns[campaign].id if campaign else None
        if isinstance(row, TagRow):
            return StagedTag(
                row.external_id or derived_id("tag", contact, fold(row.name) or row.name),
                contact,
                row.name,
                row.category and row.category.value,
                usual_category(row.name).value,
                row.applied_by,
                row.at,
            )
        if isinstance(row, CampaignRow):
            state = None if row.contact_state is None else row.contact_state.value
            return StagedMember(campaign_id or 0, contact, row.added_at, state) if contact else None
        channel = row.channel.value if row.channel else ""
        told = (contact, campaign_id, row.type.value, channel, row.direction.value, row.step, row.at)
        return StagedActivity(
            row.external_id or derived_id(*told),
            contact,
            campaign_id,
            self._known.senders[sender].id if sender else None,
            row.step,
            row.type.value,
            channel,
            row.direction.value,
            row.at,
            row.subject,
            row.body,
        )

"""Campaigns, activities and conversation tags from files."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hub_core.engine.settings import read_settings
from hub_core.engine.store import campaigns as store
from hub_core.engine.store.database import all_rows, value
from hub_core.errors import BadInput, UnknownName
from hub_core.model.records import RecordKind
from hub_core.rules.campaign_columns import EventFile
from hub_core.rules.campaign_properties import sequence_text
from hub_core.services import campaign_imports
from hub_core.services.campaign_imports import EventReport, import_events
from hub_core.services.campaigns import find_contact, properties_of
from hub_core.services.hub import Hub, open_hub
from hub_core.services.importing import import_file

FILES = Path(__file__).parents[1] / "campaigns"
CAMPAIGNS, ACTIVITIES, TAGS = EventFile.CAMPAIGNS, EventFile.ACTIVITIES, EventFile.TAGS


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub with the contacts of tests/campaigns."""
    home = str(tmp_path / "home")
    async with open_hub(read_settings({"HUB_DATABASE_URL": database_url, "HUB_HOME": home})) as opened:
        await import_file(opened, RecordKind.CONTACT, FILES / "contacts.csv")
        yield opened


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def counts(report: EventReport) -> tuple[int, int, int, int, int]:
    """created, changed, unchanged, duplicates, rejected; they always add up to what was read."""
    found = (report.created, report.changed, report.unchanged, report.duplicates, report.rejected)
    assert sum(found) == report.read
    return found


async def all_files(hub: Hub, tmp_path: Path) -> list[EventReport]:
    rejects = tmp_path / "rejects.csv"
    return [
        await import_events(hub, what, FILES / f"{what}.csv", rejects_path=rejects)
        for what in (CAMPAIGNS, TAGS, ACTIVITIES)
    ]


async def of(hub: Hub, contact: str) -> dict[str, Any]:
    number = await find_contact(hub, contact)
    return (await properties_of(hub, [number])).get(number, {})


async def touched(hub: Hub) -> list[store.Touched]:
    async with hub.db.transaction() as conn:
        return await store.touched(conn, hub.workspace_id)


async def settle(hub: Hub) -> None:
    async with hub.db.transaction() as conn:
        await store.settle(conn, await store.touched(conn, hub.workspace_id))


async def campaigns(hub: Hub) -> dict[str, tuple[str, str, str | None]]:
    """Name, sequence and sender, by external id."""
    async with hub.db.transaction() as conn:
        found = await store.campaigns_of(conn, hub.workspace_id)
    return {
        each.external_id: (each.name, sequence_text(each.steps), each.identity and each.identity.name) for each in found
    }


async def test_the_pages_examples_come_out_of_files(hub: Hub, tmp_path: Path) -> None:
    await all_files(hub, tmp_path)
    assert await of(hub, "ada@engines.example") == {
        "campaignSequenceDetails": "1st Email, 2nd Email, LinkedIn Connection Request, 1st LinkedIn",
        "campaignEngagementStatus": "Message Replied (3/3) - LinkedIn",
        "sequenceStatus": "Replied",
        "campaignReplyAnalysis": "Yes (3rd Message)",
        "campaignOpens": 3,
        "campaignClicks": 1,
        "campaignOpenAnalysis": "Yes (1st Message), Yes (2nd Message)",
        "campaignClickAnalysis": "Yes (1st Message)",
        "campaign": "UK Hiring Campaign, Italian SDR Campaign, Jordi's Campaign",
        "senders": "Adham Elman, Giulio Gargano, Jordi Casas",
        "activities": "Email sent, Email sent, Visit LinkedIn profile, Email sent, Contact has opened Email, "
        "Contact has opened Email, Email sent, Contact has opened Email, Contact has clicked a link in Email, "
        "LinkedIn Invitation sent, Contact has accepted invitation, LinkedIn Message sent, "
        "Contact has replied to LinkedIn Message",
        "conversationTags": "Contacted, Positive, Meeting Booked",
        "conversationTagsCategories": "POSITIVE, POSITIVE, POSITIVE",
    }
    blaise = await of(hub, "p2")
    assert blaise["campaignEngagementStatus"] == "Message Sent (1/3) - Email"
    assert (blaise["sequenceStatus"], blaise["conversationTagsCategories"]) == ("Ongoing", "NEGATIVE")
    assert await of(hub, "p3") == {}


async def test_importing_twice_changes_nothing(hub: Hub, tmp_path: Path) -> None:
    first = [counts(report) for report in await all_files(hub, tmp_path)]
    assert first == [(4, 0, 0, 0, 0), (4, 0, 0, 0, 0), (14, 0, 0, 0, 1)]
    before = await of(hub, "p1")
    await settle(hub)
    again = [counts(report) for report in await all_files(hub, tmp_path)]
    assert again == [(0, 0, 4, 0, 0), (0, 0, 4, 0, 0), (0, 0, 14, 0, 1)]
    assert await of(hub, "p1") == before
    assert await touched(hub) == []


async def test_activities_may_come_before_their_campaign(hub: Hub, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    await import_events(hub, ACTIVITIES, FILES / "activities.csv", rejects_path=rejects)
    assert (await of(hub, "p1"))["campaignEngagementStatus"] == "Message Replied (3/3) - LinkedIn"
    assert "campaignSequenceDetails" not in await of(hub, "p1")
    assert sorted(await campaigns(hub)) == [
        "name:italian sdr campaign",
        "name:jordis campaign",
        "name:uk hiring campaign",
    ]
    await import_events(hub, CAMPAIGNS, FILES / "campaigns.csv")
    assert sorted(await campaigns(hub)) == ["c1", "c2", "c3"]
    found = await of(hub, "p1")
    assert found["campaignSequenceDetails"] == "1st Email, 2nd Email, LinkedIn Connection Request, 1st LinkedIn"
    again = await import_events(hub, ACTIVITIES, FILES / "activities.csv", rejects_path=rejects)
    assert counts(again) == (0, 0, 14, 0, 1)


async def test_a_row_whose_contact_is_not_known_is_rejected_and_can_be_imported_later(hub: Hub, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    report = await import_events(hub, ACTIVITIES, FILES / "activities.csv", rejects_path=rejects)
    assert report.reasons == {("", "There is no contact with this e-mail address. Import the contact first."): 1}
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["email"], row["rejected line"]) for row in rows] == [("nobody@nowhere.example", "16")]
    await import_file(hub, RecordKind.CONTACT, written(tmp_path, "email,first name\nnobody@nowhere.example,No\n"))
    assert counts(await import_events(hub, ACTIVITIES, rejects)) == (1, 0, 0, 0, 0)
    assert (await of(hub, "nobody@nowhere.example"))["campaign"] == "UK Hiring Campaign"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("p1,,,flew,email,2026-11-01,", "It is not understood"),
        ("p1,,,sent,pigeon,2026-11-01,", "It is not understood"),
        ("p1,,,sent,,2026-11-01,", "It does not say on which channel it happened."),
        ("p1,,,email sent,,,", "It does not say when it happened."),
        ("p1,,,email sent,,03/04/2026,", ""),
        (",,,email sent,,2026-11-01,", "It does not say who the contact is"),
        ("p9,,,email sent,,2026-11-01,", "There is no contact with this id."),
        ("p1,,,email sent,,2026-11-01,0", "Steps are counted from 1."),
        ("p1,,,email,,2026-11-01,", "It does not say whether it was sent or received."),
    ],
)
async def test_a_row_that_cannot_be_taken_in_says_why(hub: Hub, tmp_path: Path, row: str, reason: str) -> None:
    path = written(tmp_path, f"contact id,email,linkedin,type,channel,at,step\n{row}\n")
    report = await import_events(hub, ACTIVITIES, path)
    assert counts(report) == (0, 0, 0, 0, 1)
    assert any(reason in found for _, found in report.reasons)


async def test_an_address_of_several_contacts_means_none_of_them(hub: Hub, tmp_path: Path) -> None:
    twins = "id,email,first name\nt1,twin@x.example,Ann\nt2,TWIN@x.example,Bea\n"
    await import_file(hub, RecordKind.CONTACT, written(tmp_path, twins))
    path = written(tmp_path, "contact id,email,tag\n,twin@x.example,Interested\nt2,twin@x.example,Interested\n")
    report = await import_events(hub, TAGS, path)
    assert counts(report) == (1, 0, 0, 0, 1)
    assert (await of(hub, "t2"))["conversationTags"] == "Interested"


async def test_rows_without_ids_are_told_apart_by_what_they_say(hub: Hub, tmp_path: Path) -> None:
    rows = "p1,UK,1,email opened,2026-11-01T10:00\np1,UK,1,email opened,2026-11-01T11:00\n" * 2
    path = written(tmp_path, f"contact id,campaign,step,type,at\n{rows}")
    assert counts(await import_events(hub, ACTIVITIES, path)) == (2, 0, 0, 2, 0)
    assert counts(await import_events(hub, ACTIVITIES, path)) == (0, 0, 2, 2, 0)
    assert (await of(hub, "p1"))["campaignOpens"] == 2


async def test_numbered_steps_make_the_sequence(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_imports, "_CHUNK", 2)
    rows = ["UK,Ann,3,message,linkedin,2", "UK,,1,message,email,", "UK,,2,visit,,1 day", "UK,,4,linkedin_inmail,,"]
    heading = "campaign,sender,step number,step type,channel,delay (days)\n"
    path = written(tmp_path, heading + "\n".join(rows) + "\n")
    assert counts(await import_events(hub, CAMPAIGNS, path)) == (1, 0, 3, 0, 0)
    wanted = ("UK", "1st Email, LinkedIn Profile Visit, 1st LinkedIn, 1st LinkedIn InMail", "Ann")
    assert await campaigns(hub) == {"name:uk": wanted}
    assert counts(await import_events(hub, CAMPAIGNS, path)) == (0, 0, 4, 0, 0)
    shorter = written(tmp_path, heading + "\n".join(rows[:2]) + "\n")
    assert counts(await import_events(hub, CAMPAIGNS, shorter)) == (0, 1, 1, 0, 0)
    assert await campaigns(hub) == {"name:uk": ("UK", "1st Email, 1st LinkedIn", "Ann")}


async def test_a_changed_campaign_touches_its_members(hub: Hub, tmp_path: Path) -> None:
    await all_files(hub, tmp_path)
    numbers = [await find_contact(hub, name) for name in ("p1", "p2")]
    assert [each.contact_id for each in await touched(hub)] == numbers
    await settle(hub)
    assert await touched(hub) == []
    await import_events(hub, CAMPAIGNS, written(tmp_path, "campaign id,status\nc2,finished\n"))
    assert [each.contact_id for each in await touched(hub)] == numbers[:1]


async def test_a_sender_with_an_id_may_be_renamed(hub: Hub, tmp_path: Path) -> None:
    heading = "contact id,type,at,sender,sender id\n"
    await import_events(hub, ACTIVITIES, written(tmp_path, heading + "p1,email sent,2026-11-01,Ann,\n"))
    await settle(hub)
    later = heading + "p2,email sent,2026-11-01,Ann,s1\np2,email sent,2026-11-02,Ann Lee,s1\n"
    await import_events(hub, ACTIVITIES, written(tmp_path, later))
    assert (await of(hub, "p1"))["senders"] == "Ann Lee"
    assert len(await touched(hub)) == 2


async def test_an_event_that_moves_to_another_contact_touches_both(hub: Hub, tmp_path: Path) -> None:
    heading = "activity id,contact id,type,at\n"
    await import_events(hub, ACTIVITIES, written(tmp_path, heading + "a1,p1,email sent,2026-11-01\n"))
    await settle(hub)
    assert counts(
        await import_events(hub, ACTIVITIES, written(tmp_path, heading + "a1,p2,email sent,2026-11-01\n"))
    ) == (0, 1, 0, 0, 0)
    assert len(await touched(hub)) == 2
    assert await of(hub, "p1") == {}


async def test_a_contact_touched_while_it_is_dealt_with_stays_touched(hub: Hub, tmp_path: Path) -> None:
    heading = "contact id,type,at\n"
    await import_events(hub, ACTIVITIES, written(tmp_path, heading + "p1,email sent,2026-11-01\n"))
    seen = await touched(hub)
    await import_events(hub, ACTIVITIES, written(tmp_path, heading + "p1,email opened,2026-11-02\n"))
    async with hub.db.transaction() as conn:
        assert await store.settle(conn, seen) == 0
        assert await store.touch_all(conn, hub.workspace_id) == 1


async def test_a_dry_run_stores_nothing(hub: Hub, tmp_path: Path) -> None:
    report = await import_events(hub, CAMPAIGNS, FILES / "campaigns.csv", dry_run=True)
    assert counts(report) == (4, 0, 0, 0, 0)
    async with hub.db.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM campaign") == 0
        assert await all_rows(conn, "SELECT * FROM campaign_touched") == []


async def test_a_workbook_works_as_well(hub: Hub, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active
    for row in (("Person ID", "Event", "Medium", "When"), ("p1", "Sent", "E-Mail", "2026-11-01 10:00")):
        book.active.append(row)
    book.save(tmp_path / "events.xlsx")
    assert counts(await import_events(hub, ACTIVITIES, tmp_path / "events.xlsx")) == (1, 0, 0, 0, 0)


async def test_columns_can_be_said(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "who,what,zeit\np1,email sent,2026-11-01\n")
    with pytest.raises(BadInput, match="no column that is recognised as: Type") as caught:
        await import_events(hub, ACTIVITIES, path)
    assert '--map "COLUMN=type"' in caught.value.fix
    said = {"who": "contactId", "what": "type", "zeit": "at"}
    assert counts(await import_events(hub, ACTIVITIES, path, column_map=said)) == (1, 0, 0, 0, 0)
    with pytest.raises(UnknownName):
        await import_events(hub, ACTIVITIES, path, column_map={"who": "contact_id"})

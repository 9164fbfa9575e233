from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hub_core.engine.settings import read_settings
from hub_core.engine.store import records
from hub_core.engine.store.database import all_rows, execute, value
from hub_core.errors import BadInput, UnknownName
from hub_core.model.records import RecordKind
from hub_core.rules.columns import REJECT_HEADINGS
from hub_core.services import importing
from hub_core.services.hub import Hub, open_hub
from hub_core.services.importing import ImportReport, import_file, list_records, preview

CONTACT, COMPANY = RecordKind.CONTACT, RecordKind.COMPANY


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    home = str(tmp_path / "home")
    async with open_hub(read_settings({"HUB_DATABASE_URL": database_url, "HUB_HOME": home})) as opened:
        yield opened


def written(tmp_path: Path, text: str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    """created, changed, unchanged, duplicates, rejected; they always add up to what was read."""
    found = (report.created, report.changed, report.unchanged, report.duplicates, report.rejected)
    assert sum(found) == report.read
    return found


async def stored(hub: Hub, kind: RecordKind) -> dict[str, dict[str, Any]]:
    _, found = await list_records(hub, kind, limit=1000)
    return {one.external_id: dict(one.values) for one in found}


async def keys(hub: Hub) -> list[tuple[int, int, int]]:
    async with hub.db.transaction() as conn:
        rows = await all_rows(conn, "SELECT record_id, clause, key FROM hub_key ORDER BY 1, 2, 3")
    return [(row["record_id"], row["clause"], row["key"]) for row in rows]


async def test_a_file_goes_in_with_its_columns_recognised(hub: Hub, tmp_path: Path) -> None:
    path = written(
        tmp_path, "Vorname;Nachname;E-Mail;PLZ;Handy;Lieblingsfarbe\nAda;Löwe;ada@x.io;00123;+49 (0)170 1;rot\n"
    )
    report = await import_file(hub, CONTACT, path)
    assert counts(report) == (1, 0, 0, 0, 0)
    assert await stored(hub, CONTACT) == {
        "email:ada@x.io": {
            "firstName": "Ada",
            "lastName": "Löwe",
            "professionalEmail": "ada@x.io",
            "postalCode": "00123",
            "mobilePhone": "+49 (0)170 1",
            "lieblingsfarbe": "rot",
        }
    }
    async with hub.db.transaction() as conn:
        field = (await records.hub_fields(conn, hub.workspace_id, CONTACT))["lieblingsfarbe"]
    assert (field.label, field.custom) == ("Lieblingsfarbe", True)


async def test_importing_twice_changes_nothing(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "id,name,domain,colour\n1,Acme,acme.com,red\n2,Bell,bell.io,\n1,Acme,acme.com,blue\n")
    assert counts(await import_file(hub, COMPANY, path)) == (2, 0, 0, 1, 0)
    before, before_keys = await stored(hub, COMPANY), await keys(hub)
    again = await import_file(hub, COMPANY, path)
    assert counts(again) == (0, 0, 2, 1, 0)
    assert not any(column.new for column in again.columns)
    assert await stored(hub, COMPANY) == before
    assert await keys(hub) == before_keys


async def test_of_two_rows_with_one_identity_later_values_win(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_CHUNK", 2)
    monkeypatch.setattr(importing, "_SLICE", 2)
    rows = "1,Acme,acme.com,red\n2,Bell,bell.io,\n3,Cree,cree.io,\n1,Acme Ltd,,blue\n1,,,\n"
    path = written(tmp_path, f"id,name,domain,colour\n{rows}")
    assert counts(await import_file(hub, COMPANY, path)) == (3, 0, 0, 2, 0)
    assert (await stored(hub, COMPANY))["1"] == {"name": "Acme Ltd", "domain": "acme.com", "colour": "blue"}
    assert counts(await import_file(hub, COMPANY, path)) == (0, 0, 3, 2, 0)


async def test_a_blank_keeps_the_value_that_is_there(hub: Hub, tmp_path: Path) -> None:
    await import_file(hub, COMPANY, written(tmp_path, "id,name,city\n1,Acme,Berlin\n"))
    report = await import_file(hub, COMPANY, written(tmp_path, "id,name,city\n1,Acme Inc,(blank)\n"))
    assert counts(report) == (0, 1, 0, 0, 0)
    assert await stored(hub, COMPANY) == {"1": {"name": "Acme Inc", "city": "Berlin"}}


async def test_a_dry_run_stores_nothing_and_says_what_would_be(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "id,name,colour\n1,Acme,red\n")
    assert counts(await import_file(hub, COMPANY, path, dry_run=True)) == (1, 0, 0, 0, 0)
    assert await stored(hub, COMPANY) == {}
    assert await keys(hub) == []
    async with hub.db.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM custom_field") == 0


async def test_rejected_rows_can_be_corrected_and_imported(hub: Hub, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'email,first name,born,note\nada@x.io,Ada,03/04/1815,"a, ""b"""\nbob,Bob,,\n,Nobody,,\n'
        "cid@x.io,Cid,1999-01-01,\n"
        "dee@x.io,Dee,,,one too many\n",
    )
    own = {"born": "birthday"}
    report = await import_file(hub, CONTACT, path, column_map=own)
    assert counts(report) == (1, 0, 0, 0, 4)
    assert report.rejects_path == tmp_path / "file.rejects.csv"
    with report.rejects_path.open(encoding="utf-8-sig", newline="") as file:
        headings, *rows = list(csv.reader(file))
    assert headings == ["email", "first name", "born", "note", "rejected line", "rejected column", "rejected reason"]
    assert [(row[0], row[3], row[4], row[5]) for row in rows] == [
        ("ada@x.io", 'a, "b"', "2", "born"),
        ("bob", "", "3", "email"),
        ("", "", "4", ""),
        ("dee@x.io", "", "6", ""),
    ]
    assert "identifies" in rows[2][6]

    corrected = report.rejects_path.read_text(encoding="utf-8-sig").replace("03/04/1815", "1815-12-10")
    again = await import_file(
        hub, CONTACT, written(tmp_path, corrected.replace("bob,", "bob@x.io,"), "ok.csv"), column_map=own
    )
    assert counts(again) == (3, 0, 0, 0, 1)
    assert [column.heading for column in again.columns if not column.used] == [*REJECT_HEADINGS]
    assert (await stored(hub, CONTACT))["email:ada@x.io"]["birthday"] == "1815-12-10"
    third = await import_file(hub, CONTACT, again.rejects_path or path, column_map=own)
    assert counts(third) == (0, 0, 0, 0, 1)
    assert third.rejects_path is not None
    assert third.rejects_path.read_text(encoding="utf-8-sig").count("rejected line") == 1


async def test_the_file_itself_is_never_overwritten_with_its_rejects(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "email\nx\n")
    with pytest.raises(BadInput, match="cannot be written into"):
        await import_file(hub, CONTACT, path, rejects_path=path)


async def test_an_import_that_fails_halfway_stores_nothing(hub: Hub, tmp_path: Path) -> None:
    lines = "".join(f"{number},Company {number}\n" for number in range(9000))
    path = written(tmp_path, f'id,name,colour\n{lines}x,"open\n')
    with pytest.raises(BadInput, match="never closed"):
        await import_file(hub, COMPANY, path)
    assert await stored(hub, COMPANY) == {}


async def test_columns_go_where_the_person_says(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "Mail,Key,Secret,Email\nada@x.io,7,s,other\n")
    own = {"Mail": "professionalEmail", "Key": "externalId", "Secret": "-", "Email": ""}
    await import_file(hub, CONTACT, path, column_map=own)
    assert await stored(hub, CONTACT) == {"7": {"professionalEmail": "ada@x.io"}}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"Nope": "city"}, "no column 'Nope'"),
        ({"City": "cty"}, "no field 'cty'"),
        ({"City": "createdAt"}, "fills 'createdAt' itself"),
        ({"City": "city", "Town": "city"}, "Both 'City' and 'Town'"),
    ],
)
async def test_a_wrong_mapping_is_refused(hub: Hub, tmp_path: Path, own: dict[str, str], says: str) -> None:
    path = written(tmp_path, "City,Town\nBerlin,Berlin\n")
    with pytest.raises(BadInput, match=says) as caught:
        await import_file(hub, CONTACT, path, column_map=own)
    assert isinstance(caught.value, UnknownName) == ("no " in says)


async def test_a_workbook_keeps_codes_and_phones_as_text(hub: Hub, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Company", "Domain", "Zip", "Phone", "Employees"], ["Acme", "acme.com", "00123", "+4930123", 42.0]):
        sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    await import_file(hub, COMPANY, path)
    assert await stored(hub, COMPANY) == {
        "domain:acme.com": {
            "name": "Acme",
            "domain": "acme.com",
            "postalCode": "00123",
            "phone": "+4930123",
            "numberOfEmployees": 42,
        }
    }


async def test_contacts_are_tied_to_the_company_they_name_and_to_no_ambiguous_one(hub: Hub, tmp_path: Path) -> None:
    companies = "id,name,domain\na,Acme,acme.com\nb,Bell,bell.io\nc,Twin,one.io\nd,Twin,two.io\ne,Émile & Co,\n"
    contacts = (
        "id,company,domain,website,companyExternalId\n"
        "by-domain,Bell,www.ACME.com,,\nby-website,,,https://bell.io/team,\nby-name,  emile &  CO ,,,\n"
        "ambiguous,Twin,,,\nby-id,Acme,acme.com,,b\nunknown,Nowhere,,,\nfree-mail,,gmail.com,,\n"
    )
    report = await import_file(hub, CONTACT, written(tmp_path, contacts))
    assert report.employed == 0
    await import_file(hub, COMPANY, written(tmp_path, companies, "companies.csv"))
    async with hub.db.transaction() as conn:
        rows = await all_rows(
            conn,
            "SELECT contact.external_id AS contact, company.external_id AS company "
            "FROM record contact JOIN record company ON company.id = contact.company_id",
        )
    assert {row["contact"]: row["company"] for row in rows} == {
        "by-domain": "a",
        "by-website": "b",
        "by-name": "e",
        "by-id": "b",
    }
    moved = await import_file(hub, CONTACT, written(tmp_path, "id,domain\nby-domain,bell.io\nby-website,\n"))
    assert (counts(moved), moved.employed) == ((0, 1, 1, 0, 0), 1)


async def test_match_keys_follow_the_values(hub: Hub, tmp_path: Path) -> None:
    await import_file(hub, COMPANY, written(tmp_path, "id,name,domain\n1,Acme,acme.com\n2,Bell,bell.io\n"))
    first = await keys(hub)
    assert len(first) == 2
    await import_file(hub, COMPANY, written(tmp_path, "id,domain\n1,acme.org\n"))
    second = await keys(hub)
    assert len(second) == 2
    assert len(set(first) & set(second)) == 1


async def test_keys_made_for_another_rule_are_left_alone(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "id,name,domain\n1,Acme,acme.com\n")
    await import_file(hub, COMPANY, path)
    async with hub.db.transaction() as conn:
        await execute(conn, "UPDATE key_scope SET fingerprint = 'another'")
    before = await keys(hub)
    await import_file(hub, COMPANY, written(tmp_path, "id,name,domain\n2,Bell,bell.io\n"))
    assert await keys(hub) == before


async def test_names_are_taken_apart_only_when_a_file_has_no_parts(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "id,full name,first name\n1,Ada M. King,\n2,Cher,\n3,Grace Hopper,Admiral\n")
    await import_file(hub, CONTACT, path)
    found = await stored(hub, CONTACT)
    assert (found["1"]["firstName"], found["1"]["lastName"]) == ("Ada M.", "King")
    assert found["2"] == {"fullName": "Cher", "lastName": "Cher"}
    assert found["3"] == {"fullName": "Grace Hopper", "firstName": "Admiral"}


async def test_a_preview_shows_where_columns_go_and_stores_nothing(hub: Hub, tmp_path: Path) -> None:
    path = written(tmp_path, "Email;Colour;;rejected line\n(blank);;x;1\nada@x.io;red;y;2\n")
    seen = await preview(hub, CONTACT, path)
    assert seen.format == "CSV, UTF-8, semicolon"
    assert [(column.heading, column.goes_to, column.new, column.sample) for column in seen.columns] == [
        ("Email", "professionalEmail", False, "ada@x.io"),
        ("Colour", "colour", True, "red"),
        ("", "", False, "x"),
        ("rejected line", "", False, "1"),
    ]
    async with hub.db.transaction() as conn:
        assert await value(conn, "SELECT count(*) FROM custom_field") == 0


async def test_progress_reaches_the_end(hub: Hub, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = written(tmp_path, "id,name\n" + "".join(f"{number},N{number}\n" for number in range(5000)))
    await import_file(hub, COMPANY, path, on_progress=lambda what, done, total: told.append((what, done, total)))
    assert ("reading", 5001, 5001) in told
    assert told[-1] == ("storing", 5000, 5000)


async def test_awkward_text_arrives_as_it_was(hub: Hub, tmp_path: Path) -> None:
    texts = ["back\\slash", "\\N", "tab\tin", "two\nlines", 'quo"te', "\\u0000", "emoji 🎉", "{}", "\x01control"]
    path = tmp_path / "file.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "note"], *([text, text] for text in texts)])
    await import_file(hub, CONTACT, path, column_map={"note": "notes"})
    assert {key: found["notes"] for key, found in (await stored(hub, CONTACT)).items()} == {
        text: text for text in texts
    }

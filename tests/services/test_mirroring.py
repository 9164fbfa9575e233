from collections.abc import Sequence

import pytest

from hub_core.engine.store import mirror
from hub_core.errors import MissingScope
from hub_core.model.fields import FieldInfo
from hub_core.model.records import RecordKind
from hub_core.services.fields import crm_fields
from hub_core.services.mirroring import MirrorReport, mirror_of, refresh
from tests.scene import CONTACT, Scene

NAMES = ("firstname", "lastname", "company", "hs_linkedin_url")


async def fields(crm: Scene, *names: str) -> Sequence[FieldInfo]:
    async with crm.hub.crm() as opened:
        known = await crm_fields(crm.hub, opened, CONTACT)
    return [known[name] for name in names]


async def read(crm: Scene, *names: str, max_age: float = 0, whole: bool = False) -> MirrorReport:
    needed = await fields(crm, *(names or NAMES))
    async with crm.hub.crm() as opened:
        return await refresh(crm.hub, opened, CONTACT, needed=needed, max_age=max_age, whole=whole)


async def held(crm: Scene, kind: RecordKind = CONTACT) -> dict[str, mirror.Held]:
    rows = await crm.rows("SELECT crm_id FROM crm_record WHERE kind = %s", kind.value)
    async with crm.hub.db.transaction() as conn:
        stored = await crm.hub.stored("hubspot")
        return await mirror.held_records(conn, stored.id, kind, [row["crm_id"] for row in rows])


def people(count: int) -> list[dict[str, str]]:
    return [{"firstname": "Ann", "lastname": f"Lee {n}", "company": "Acme"} for n in range(count)]


async def test_the_first_reading_reads_everything_and_the_next_one_what_has_changed(crm: Scene) -> None:
    ids = await crm.seed(CONTACT, *people(250))
    first = await read(crm)
    assert (first.pages, first.changes, first.complete) == (3, 250, True)
    assert {crm_id: each.values["lastname"] for crm_id, each in (await held(crm)).items()} == {
        crm_id: f"Lee {n}" for n, crm_id in enumerate(ids)
    }
    await crm.change(CONTACT, ids[7], lastname="Li")
    await crm.delete(CONTACT, ids[8])
    await crm.config(search_lag=0)
    second = await read(crm)
    now = await held(crm)
    assert now[ids[7]].values["lastname"] == "Li"
    assert now[ids[8]].gone
    assert second.deletions >= 1
    assert len(await crm.rows("SELECT FROM crm_key")) == 249


async def test_a_fresh_copy_is_not_read_again(crm: Scene) -> None:
    await crm.seed(CONTACT, *people(3))
    await read(crm)
    await crm.calls()
    assert await read(crm, max_age=60) == MirrorReport()
    assert (await crm.calls())["total"] == 0


async def test_a_field_that_is_not_held_is_read_for_everybody_and_kept_up_to_date(crm: Scene) -> None:
    (one, _) = await crm.seed(CONTACT, {"firstname": "Ann", "jobtitle": "CEO"}, {"firstname": "Bob"})
    await read(crm, "firstname")
    assert (await held(crm))[one].values == {"firstname": "Ann"}
    assert (await read(crm, "jobtitle", max_age=60)).changes == 2
    assert (await held(crm))[one].values == {"firstname": "Ann", "jobtitle": "CEO"}
    await crm.change(CONTACT, one, jobtitle="CTO", firstname="Anna")
    await read(crm, "firstname")
    assert (await held(crm))[one].values == {"firstname": "Anna", "jobtitle": "CTO"}


async def test_a_reading_that_breaks_off_goes_on_where_it_stood(crm: Scene) -> None:
    await crm.seed(CONTACT, *people(450))
    await fields(crm)
    await crm.fault(status=403, skip=3, times=1)
    with pytest.raises(MissingScope):
        await read(crm)
    so_far = len(await held(crm))
    assert 0 < so_far < 450
    again = await read(crm)
    assert again.changes == 450 - so_far
    assert len(await held(crm)) == 450


async def test_a_whole_reading_finds_what_has_gone_unnoticed(crm: Scene) -> None:
    ids = await crm.seed(CONTACT, *people(3))
    await read(crm)
    await crm.rows("UPDATE crm_record SET crm_id = 'stranger' WHERE crm_id = %s RETURNING id", ids[0])
    await read(crm, whole=True)
    now = await held(crm)
    assert now["stranger"].gone
    assert not now[ids[0]].gone


async def test_the_mirror_has_the_rule_and_the_mapping_of_the_setup(crm: Scene) -> None:
    async with crm.hub.crm() as opened:
        made = await mirror_of(crm.hub, opened, CONTACT)
    assert made.mapping["linkedInProfileUrl"] == "hs_linkedin_url"
    assert made.rule.clauses[0].name == "LinkedIn profile URL"

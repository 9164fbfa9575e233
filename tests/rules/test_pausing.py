"""Which rows a run leaves out, and when it cannot do without them."""

from __future__ import annotations

import pytest

from hub_core.errors import SetupInvalid
from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup, FieldStep, FromHub, ObjectMapping, Row
from hub_core.rules.checking import check
from hub_core.rules.pausing import refuse_blind, set_apart

CONTACT = RecordKind.CONTACT
ROWS = tuple(
    Row(source=FromHub(hub=hub), crm=crm)
    for hub, crm in (("firstName", "first"), ("jobTitle", "gone"), ("city", "computed"))
)
MAPPING = ObjectMapping(rows=ROWS)
CRM = {
    "first": FieldInfo("first", "First name", CrmType.TEXT),
    "computed": FieldInfo("computed", "City", CrmType.TEXT, read_only=True, required=True),
}
REPORT = check(CrmSetup(fields=FieldStep(contacts=MAPPING)), CONTACT, STANDARD_FIELDS[CONTACT], CRM)


def test_only_rows_that_cannot_work_and_that_the_crm_has_broken_are_set_apart() -> None:
    usable, paused = set_apart(MAPPING, REPORT, {"first", "gone"})
    assert [row.crm for row in paused] == ["gone"]
    assert [row.crm for row in usable.rows] == ["first", "computed"]


def test_a_run_goes_on_without_a_row_that_it_does_not_need() -> None:
    refuse_blind(CONTACT, [ROWS[1]], {"jobTitle": "gone"}, {"firstName"}, CRM)


def test_a_run_stops_when_records_would_not_be_recognised() -> None:
    with pytest.raises(SetupInvalid, match="created twice") as caught:
        refuse_blind(CONTACT, [ROWS[1]], {"jobTitle": "gone"}, {"jobTitle"}, CRM)
    assert "hub doctor" in caught.value.fix


def test_a_second_row_of_an_identifying_field_is_not_what_it_is_compared_by() -> None:
    refuse_blind(CONTACT, [ROWS[1]], {"jobTitle": "other"}, {"jobTitle"}, CRM)


def test_a_run_stops_when_no_record_could_be_created() -> None:
    with pytest.raises(SetupInvalid, match="creates no contact"):
        refuse_blind(CONTACT, [ROWS[2]], {}, frozenset(), CRM)

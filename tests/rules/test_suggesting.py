"""The proposed mapping."""

from hypothesis import given
from hypothesis import strategies as st

from hub_core.model.fields import STANDARD_FIELDS, CrmType, FieldInfo, HubField, Option
from hub_core.model.records import RecordKind
from hub_core.model.setup import CrmSetup, FieldStep, Mode, ObjectMapping, Row
from hub_core.rules.checking import check
from hub_core.rules.compatibility import Status
from hub_core.rules.suggesting import suggest_mapping

HUB = STANDARD_FIELDS[RecordKind.CONTACT]
NAMES = {"firstName": ("given", "first"), "lastName": ("last",), "jobTitle": ("title",), "city": ("town",)}


def fields(*infos: FieldInfo) -> dict[str, FieldInfo]:
    return {info.id: info for info in infos}


def text(name: str, label: str = "", kind: CrmType = CrmType.TEXT, **more: object) -> FieldInfo:
    return FieldInfo(name, label or name, kind, **more)  # type: ignore[arg-type]


def pairs(rows: tuple[Row, ...]) -> dict[str | None, str]:
    return {row.hub_field: row.crm for row in rows}


def test_the_usual_names_of_a_crm_come_first_and_in_their_order():
    crm = fields(text("first"), text("given"), text("last"))
    assert pairs(suggest_mapping(HUB, crm, NAMES, None)) == {"firstName": "given", "lastName": "last"}


def test_then_fields_of_the_same_label_or_id():
    crm = fields(text("x1", "First Name"), text("last_name"), text("jobtitle", "Role"))
    assert pairs(suggest_mapping(HUB, crm, {}, None)) == {
        "firstName": "x1",
        "lastName": "last_name",
        "jobTitle": "jobtitle",
    }


def test_a_likeness_takes_no_field_from_its_usual_owner():
    crm = fields(text("title", "Location"))
    assert pairs(suggest_mapping(HUB, crm, NAMES, None)) == {"jobTitle": "title"}


def test_each_crm_field_is_proposed_once():
    names = {"mobilePhone": ("phone",), "directPhone": ("phone",)}
    assert pairs(suggest_mapping(HUB, fields(text("phone", kind=CrmType.PHONE)), names, None)) == {
        "mobilePhone": "phone"
    }


def test_red_pairs_and_read_only_fields_are_left_out():
    crm = fields(text("first", kind=CrmType.NUMBER), text("last", read_only=True), text("title"))
    assert pairs(suggest_mapping(HUB, crm, NAMES, None)) == {"jobTitle": "title"}


def test_fields_that_the_hub_fills_itself_are_left_out():
    assert suggest_mapping(HUB, fields(text("created", "Created", CrmType.DATETIME)), {}, None) == ()


def test_only_fields_that_records_have_are_proposed_and_identifying_ones_always():
    crm = fields(text("first"), text("last"), text("title"))
    rows = suggest_mapping(HUB, crm, NAMES, frozenset({"jobTitle"}), identifying=frozenset({"lastName"}))
    assert pairs(rows) == {"jobTitle": "title", "lastName": "last"}


def test_a_choice_is_proposed_only_with_a_value_map():
    crm = fields(text("level", "Seniority", CrmType.CHOICE, options=(Option("vp", "Vice president"),)))
    assert suggest_mapping(HUB, crm, {}, None) == ()
    (row,) = suggest_mapping(HUB, crm, {}, None, seen={"seniority": ["Vice President", "Intern"]})
    assert row.values == {"Vice President": "vp"}


def test_a_yes_or_no_question_is_mapped_onto_its_options():
    crm = fields(text("u", "Unsubscribed", CrmType.CHOICE, options=(Option("true", "Yes"), Option("false", "No"))))
    (row,) = suggest_mapping(HUB, crm, {}, None)
    assert row.values == {"true": "true", "false": "false"}


def test_rows_go_both_ways_unless_the_value_cannot_be_read_back():
    crm = fields(text("first"), text("n", "Number of connections"), text("b", "Birthday", CrmType.DATETIME))
    modes = {row.hub_field: row.mode for row in suggest_mapping(HUB, crm, NAMES, None)}
    assert modes == {
        "firstName": Mode.BIDIRECTIONAL,
        "numberOfConnections": Mode.HUB_OVERWRITES_CRM,
        "birthday": Mode.HUB_OVERWRITES_CRM,
    }


def test_nothing_fits_an_empty_crm():
    assert suggest_mapping(HUB, {}, NAMES, None) == ()


LABELS = [field.label for field in HUB.values()]
INFOS = st.lists(
    st.builds(
        FieldInfo,
        id=st.sampled_from(["first", "last", "title", *HUB]),
        label=st.sampled_from(LABELS),
        type=st.sampled_from(CrmType),
        read_only=st.booleans(),
        options=st.just((Option("true", "Valid"),)),
        refers_to=st.sampled_from(["user", None]),
    ),
    max_size=20,
)


@given(INFOS)
def test_a_proposed_mapping_can_always_be_saved(infos: list[FieldInfo]):
    crm = fields(*infos)
    rows = suggest_mapping(HUB, crm, NAMES, None)
    setup = CrmSetup(fields=FieldStep(contacts=ObjectMapping(rows=rows)))
    report = check(setup, RecordKind.CONTACT, HUB, crm)
    assert all(status.status is not Status.ERROR for status in report.rows)


def test_custom_hub_fields_are_proposed_too():
    custom = HubField("persona", "Persona", HUB["city"].type, RecordKind.CONTACT, custom=True)
    assert pairs(suggest_mapping({"persona": custom}, fields(text("p", "persona")), {}, None)) == {"persona": "p"}

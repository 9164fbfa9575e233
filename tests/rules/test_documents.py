from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_core.errors import BadInput
from hub_core.model.setup import (
    Blank,
    ConflictPolicy,
    CrmSetup,
    Engagement,
    FieldStep,
    Fixed,
    FromHub,
    ManualAtExport,
    Mode,
    ObjectMapping,
    Row,
    UserStep,
)
from hub_core.rules.documents import conditions_text, differences, from_yaml, to_yaml

_TEXT = st.text(max_size=12)
_SOURCES = st.one_of(
    st.builds(FromHub, hub=_TEXT), st.builds(Fixed, fixed=_TEXT), st.builds(ManualAtExport, manual=_TEXT)
)
_ROWS = st.builds(
    Row,
    source=_SOURCES,
    crm=_TEXT,
    mode=st.sampled_from(Mode),
    active=st.booleans(),
    blank=st.sampled_from(Blank),
    conflict=st.sampled_from(ConflictPolicy),
    values=st.dictionaries(_TEXT, st.none() | _TEXT, max_size=3),
)
_MAPPINGS = st.lists(_ROWS, max_size=4, unique_by=lambda row: row.crm).map(lambda rows: ObjectMapping(rows=tuple(rows)))
_PEOPLE = st.dictionaries(_TEXT, _TEXT, max_size=2)
_SETUPS = st.builds(
    CrmSetup,
    fields=st.builds(FieldStep, contacts=_MAPPINGS, companies=_MAPPINGS),
    users=st.builds(UserStep, users=_PEOPLE, identities=_PEOPLE, default_owner=st.none() | st.just("17")),
)


def _mapped(*rows: Row) -> CrmSetup:
    return CrmSetup(fields=FieldStep(contacts=ObjectMapping(rows=rows)))


def _row(hub: str, crm: str, **more: object) -> Row:
    return Row.model_validate({"source": {"hub": hub}, "crm": crm, **more})


@settings(deadline=None)
@given(_SETUPS)
def test_a_set_up_comes_back_from_yaml_as_it_was(setup: CrmSetup) -> None:
    assert from_yaml(to_yaml(setup, "A heading.\nIn two lines.")) == setup


@settings(deadline=None)
@given(_SETUPS, _SETUPS)
def test_two_set_ups_differ_exactly_when_they_are_not_equal(one: CrmSetup, other: CrmSetup) -> None:
    assert differences(one, one) == ()
    assert bool(differences(one, other)) == (one.model_dump() != other.model_dump())


def test_plain_words_are_texts_and_null_is_nothing() -> None:
    rows = "[{source: {fixed: 2024-12-31}, crm: day, values: {no: NO, 10: ten, true: off, x: null, y: }, active: no}]"
    setup = from_yaml(f"fields: {{contacts: {{rows: {rows}}}}}")
    [row] = setup.fields.contacts.rows
    assert row.source == Fixed(fixed="2024-12-31")
    assert row.values == {"no": "NO", "10": "ten", "true": "off", "x": None, "y": None}
    assert not row.active


def test_json_is_read_too() -> None:
    setup = CrmSetup(users=UserStep(default_owner="7"))
    assert from_yaml(setup.model_dump_json()) == setup


def test_usual_settings_of_a_row_are_not_written() -> None:
    text = to_yaml(_mapped(_row("city", "city")))
    assert "active" not in text
    assert "blank" not in text
    assert "conflict" not in text
    assert "active: false" in to_yaml(_mapped(_row("city", "city", active=False)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "not YAML"),
        ("- a", "holds no set-up"),
        ("", "holds no set-up"),
        ("format: 2", "format '2'"),
        ("sync: {company: {identifer: domain}}", "sync.company.identifer: there is no such key (did you mean 'ident"),
        ("fields: {contacts: {rows: [{source: {hub: a}, crm: b, mod: off}]}}", "rows[1] (b).mod: there is no such key"),
        ("fields: {contacts: {rows: [{source: {hub: a}, crm: b, mode: on}]}}", "rows[1] (b).mode: it should be 'bidir"),
        ("fields: {contacts: {rows: [{source: {hob: a}, crm: b}]}}", "rows[1] (b).source: it must be hub: FIELD"),
        ("fields: {contacts: {rows: [{source: {hub: a}}]}}", "fields.contacts.rows[1].crm: field required"),
        ("sync: {contact: {identifier: custom, custom: {all: []}}}", "sync.contact.custom: it must be a field's id"),
        ("sync: {contact: {identifier: custom}}", "sync.contact: 'custom' holds the conditions exactly when"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence_with_the_place(text: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_yaml(text)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.fix


def test_many_faults_are_named_up_to_five() -> None:
    rows = ", ".join(f"{{source: {{hub: a}}, crm: f{number}, mode: x}}" for number in range(7))
    with pytest.raises(BadInput, match="and 2 more"):
        from_yaml(f"fields: {{contacts: {{rows: [{rows}]}}}}")


def test_changes_are_told_setting_by_setting() -> None:
    before = _mapped(_row("city", "city"), _row("jobTitle", "jobtitle", values={"a": "1", "b": "2"}))
    after = _mapped(
        _row("jobTitle", "jobtitle", mode="off", values={"a": "1", "b": None}),
        Row(source=Engagement(engagement="yes"), crm="met"),
    )
    assert [str(change) for change in differences(before, after)] == [
        "- fields.contacts.city: city, bidirectional",
        "~ fields.contacts.jobtitle.mode: bidirectional -> off",
        "~ fields.contacts.jobtitle.values.b: 2 -> (dropped)",
        "+ fields.contacts.met: engagement: yes, bidirectional",
    ]


def test_another_order_of_rows_is_a_change() -> None:
    one, two = _row("city", "city"), _row("jobTitle", "jobtitle")
    [change] = differences(_mapped(one, two), _mapped(two, one))
    assert change.path == "fields.contacts.rows"


def test_conditions_are_written_with_brackets() -> None:
    setup = from_yaml(
        "sync: {contact: {identifier: custom, custom: {any: [{all: [firstName, lastName]}, professionalEmail]}}}"
    )
    assert setup.sync.contact.custom is not None
    assert conditions_text(setup.sync.contact.custom) == "(firstName AND lastName) OR professionalEmail"

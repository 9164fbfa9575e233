"""Single records: what the vendor lists, accepts and refuses."""

import orjson
import pytest


def refusals(answer):
    """The codes of refused properties, out of the JSON inside the message."""
    message = answer.json()["message"]
    return {one["name"]: one["error"] for one in orjson.loads(message.partition(": ")[2])}


async def test_a_list_has_ten_records_unless_asked_and_never_over_a_hundred(vendor):
    await vendor.admin("POST", "records", {"type": "contacts", "records": [{"firstname": f"N{n}"} for n in range(120)]})
    assert len((await vendor.get("contacts")).json()["results"]) == 10
    assert len((await vendor.get("contacts", limit=100)).json()["results"]) == 100
    assert (await vendor.get("contacts", limit=101)).status_code == 400
    assert (await vendor.get("contacts", limit=0)).status_code == 400


async def test_pages_follow_each_other_by_after_and_by_link_without_gap_or_double(vendor):
    seeded = await vendor.admin(
        "POST", "records", {"type": "contacts", "records": [{"firstname": f"N{n}"} for n in range(25)]}
    )
    first = (await vendor.get("contacts", limit=10, properties="firstname")).json()
    second = (await vendor.get("contacts", limit=10, after=first["paging"]["next"]["after"])).json()
    linked = await vendor.client.get(
        second["paging"]["next"]["link"], headers={"Authorization": "Bearer pat-simulator"}
    )
    third = linked.json()
    assert "paging" not in third
    assert [row["id"] for page in (first, second, third) for row in page["results"]] == seeded["ids"]


async def test_only_the_properties_asked_for_come_back_and_empty_ones_are_null(vendor):
    one = await vendor.create("contacts", firstname="Ann")
    row = (await vendor.get(f"contacts/{one}", properties="firstname,jobtitle,no_such_one")).json()
    assert row["properties"] == {"firstname": "Ann", "jobtitle": None}
    assert {"id", "createdAt", "updatedAt", "archived"} < row.keys()


async def test_properties_may_be_repeated_instead_of_comma_separated(vendor):
    one = await vendor.create("contacts", firstname="Ann", lastname="Lee")
    row = (await vendor.get(f"contacts/{one}", properties=["firstname", "lastname"])).json()
    assert row["properties"] == {"firstname": "Ann", "lastname": "Lee"}


async def test_a_list_can_carry_associations(vendor):
    company = await vendor.create("companies", name="Acme")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    await vendor.create("contacts", [{"to": {"id": company}, "types": types}], firstname="Ann")
    row = (await vendor.get("contacts", associations="companies")).json()["results"][0]
    expected = [{"id": company, "type": "contact_to_company_unlabeled"}]
    assert row["associations"]["companies"]["results"] == expected


@pytest.mark.parametrize("name", ["contacts", "contact", "0-1"])
async def test_an_object_type_has_three_names(vendor, name):
    assert (await vendor.get(name)).status_code == 200


async def test_an_unknown_object_type_is_refused(vendor):
    assert (await vendor.get("unicorns")).status_code == 400


@pytest.mark.parametrize("version", ["2025-09", "2026-03", "2026-09"])
async def test_every_dated_version_answers(vendor_with, version):
    assert (await vendor_with(version).get("contacts")).status_code == 200


async def test_the_legacy_version_answers_and_an_unknown_one_does_not(vendor):
    assert (await vendor.get("/crm/v3/objects/contacts")).status_code == 200
    assert (await vendor.get("/crm/objects/2024-01/contacts")).status_code == 404


async def test_a_contact_is_found_by_email_in_any_case(vendor):
    one = await vendor.create("contacts", email="Ann@Acme.com")
    row = (await vendor.get("contacts/ANN@acme.com", idProperty="email", properties="email")).json()
    assert (row["id"], row["properties"]["email"]) == (one, "ann@acme.com")


async def test_a_company_is_not_found_by_its_domain(vendor):
    await vendor.create("companies", domain="acme.com")
    assert (await vendor.get("companies/acme.com", idProperty="domain")).status_code == 400


async def test_a_unique_custom_property_serves_as_id(vendor):
    one = await vendor.create("companies", name="Acme", registration_number="NL-1")
    found = await vendor.get("companies/NL-1", idProperty="registration_number")
    assert found.json()["id"] == one


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_id_is_404(vendor, method):
    body = {"properties": {"firstname": "x"}} if method == "PATCH" else None
    answer = await vendor.ask(method, "contacts/999", body)
    assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")


async def test_a_second_contact_with_the_same_email_is_a_conflict_which_names_the_first(vendor):
    one = await vendor.create("contacts", email="ann@acme.com")
    answer = await vendor.post("contacts", {"properties": {"email": "ANN@acme.com"}})
    assert answer.status_code == 409
    assert answer.json()["category"] == "CONFLICT"
    assert answer.json()["message"] == f"Contact already exists. Existing ID: {one}"


async def test_companies_with_the_same_domain_may_exist_side_by_side(vendor):
    first, second = [await vendor.create("companies", domain="acme.com") for _ in range(2)]
    assert first != second


async def test_a_contact_may_not_take_the_email_of_another(vendor):
    await vendor.create("contacts", email="ann@acme.com")
    two = await vendor.create("contacts", email="bob@acme.com")
    answer = await vendor.patch(f"contacts/{two}", {"properties": {"email": "ann@acme.com"}})
    assert answer.status_code == 409


async def test_an_email_is_free_again_when_its_contact_is_archived(vendor):
    one = await vendor.create("contacts", email="ann@acme.com")
    await vendor.ask("DELETE", f"contacts/{one}")
    assert await vendor.create("contacts", email="ann@acme.com") != one


@pytest.mark.parametrize(
    ("kind", "properties"),
    [("contacts", {"jobtitle": "CEO"}), ("companies", {"city": "Delft"}), ("notes", {"hs_note_body": "x"})],
)
async def test_a_record_without_its_minimum_is_refused(vendor, kind, properties):
    assert (await vendor.post(kind, {"properties": properties})).status_code == 400


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no_such_property", "x", "PROPERTY_DOESNT_EXIST"),
        ("createdate", "2026-01-01T00:00:00Z", "READ_ONLY_VALUE"),
        ("hs_email_domain", "x.com", "READ_ONLY_VALUE"),
        ("email", "no address", "INVALID_EMAIL"),
        ("hs_lead_status", "New", "INVALID_OPTION"),
        ("hs_lead_status", " NEW", "INVALID_OPTION"),
        ("interests", "A;Z", "INVALID_OPTION"),
        ("fit_score", "1,000", "INVALID_NUMBER"),
        ("fit_score", "nan", "INVALID_NUMBER"),
        ("newsletter_consent", "yes", "INVALID_BOOLEAN"),
        ("first_meeting_date", "01-02-2026", "INVALID_DATE"),
        ("first_meeting_date", "1764000000000", "INVALID_DATE"),
        ("last_webinar_at", "2026-01-01", "INVALID_DATE"),
        ("last_webinar_at", "2026-01-01T10:00:00", "INVALID_DATE"),
        ("hubspot_owner_id", "9586504", "INVALID_OWNER_ID"),
        ("hubspot_owner_id", "41629700", "INVALID_OWNER_ID"),
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused_with_its_code(vendor, name, value, code):
    answer = await vendor.post("contacts", {"properties": {"firstname": "Ann", name: value}})
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert refusals(answer) == {name: code}


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("hs_lead_status", "NEW", "NEW"),
        ("interests", "A;B", "A;B"),
        ("fit_score", "17.5", "17.5"),
        ("newsletter_consent", "false", "false"),
        ("first_meeting_date", "2026-02-03", "2026-02-03"),
        ("first_meeting_date", "1770076800000", "2026-02-03"),
        ("last_webinar_at", "1770076800123", "2026-02-03T00:00:00.123Z"),
        ("last_webinar_at", "2026-02-03T01:00:00+01:00", "2026-02-03T00:00:00.000Z"),
        ("hubspot_owner_id", "41629779", "41629779"),
    ],
)
async def test_a_value_of_the_right_kind_is_kept_in_one_form(vendor, name, value, kept):
    one = await vendor.create("contacts", **{"firstname": "Ann", name: value})
    assert (await vendor.read("contacts", one, name))[name] == kept


async def test_all_wrong_values_of_a_record_are_named_at_once(vendor):
    answer = await vendor.post("contacts", {"properties": {"email": "x", "fit_score": "y", "firstname": "Ann"}})
    assert refusals(answer) == {"email": "INVALID_EMAIL", "fit_score": "INVALID_NUMBER"}


@pytest.mark.parametrize("value", [17, True, None, ["A"]])
async def test_a_value_which_is_no_string_is_refused(vendor, value):
    answer = await vendor.post("contacts", {"properties": {"firstname": "Ann", "fit_score": value}})
    assert answer.status_code == 400


async def test_an_empty_string_clears_a_value(vendor):
    one = await vendor.create("contacts", firstname="Ann", jobtitle="CEO")
    await vendor.patch(f"contacts/{one}", {"properties": {"jobtitle": ""}})
    assert await vendor.read("contacts", one, "jobtitle") == {"jobtitle": None}


async def test_a_leading_semicolon_adds_to_a_multiple_choice(vendor):
    one = await vendor.create("contacts", firstname="Ann", interests="A;B")
    await vendor.patch(f"contacts/{one}", {"properties": {"interests": ";B;C"}})
    assert await vendor.read("contacts", one, "interests") == {"interests": "A;B;C"}
    await vendor.patch(f"contacts/{one}", {"properties": {"interests": "C"}})
    assert await vendor.read("contacts", one, "interests") == {"interests": "C"}


async def test_a_lifecycle_stage_moves_forward_only_until_it_is_cleared(vendor):
    one = await vendor.create("contacts", firstname="Ann", lifecyclestage="customer")
    silent = await vendor.patch(f"contacts/{one}", {"properties": {"lifecyclestage": "lead"}})
    assert silent.status_code == 200
    assert await vendor.read("contacts", one, "lifecyclestage") == {"lifecyclestage": "customer"}
    await vendor.patch(f"contacts/{one}", {"properties": {"lifecyclestage": ""}})
    await vendor.patch(f"contacts/{one}", {"properties": {"lifecyclestage": "lead"}})
    assert await vendor.read("contacts", one, "lifecyclestage") == {"lifecyclestage": "lead"}


async def test_every_write_bumps_the_modification_time_of_its_type(vendor):
    for kind, name, stamp in (
        ("contacts", "firstname", "lastmodifieddate"),
        ("companies", "name", "hs_lastmodifieddate"),
    ):
        one = await vendor.create(kind, **{name: "Same"})
        before = (await vendor.read(kind, one, stamp))[stamp]
        await vendor.patch(f"{kind}/{one}", {"properties": {name: "Same"}})
        assert (await vendor.read(kind, one, stamp))[stamp] > before


async def test_contacts_have_no_hs_lastmodifieddate(vendor):
    assert (await vendor.search("contacts", sorts=["hs_lastmodifieddate"])).status_code == 400


async def test_an_archived_record_is_gone_except_where_archived_ones_are_asked_for(vendor):
    one = await vendor.create("contacts", email="ann@acme.com")
    assert (await vendor.ask("DELETE", f"contacts/{one}")).status_code == 204
    assert (await vendor.get(f"contacts/{one}")).status_code == 404
    assert (await vendor.get("contacts")).json()["results"] == []
    row = (await vendor.get("contacts", archived="true")).json()["results"][0]
    assert (row["id"], row["archived"], "archivedAt" in row) == (one, True, True)
    assert (await vendor.get(f"contacts/{one}", archived="true")).json()["id"] == one


async def test_a_merged_loser_is_answered_by_the_winner(vendor):
    winner = await vendor.create("contacts", email="ann@acme.com", jobtitle="CEO")
    loser = await vendor.create("contacts", email="ann@old.com", jobtitle="CTO", city="Delft")
    company = await vendor.create("companies", name="Acme")
    await vendor.ask("PUT", f"contacts/{loser}/associations/default/companies/{company}")
    answer = await vendor.post("contacts/merge", {"primaryObjectId": winner, "objectIdToMerge": loser})
    assert answer.json()["id"] == winner
    names = "jobtitle,city,hs_merged_object_ids,hs_additional_emails"
    row = (await vendor.get(f"contacts/{loser}", properties=names)).json()
    assert row["id"] == winner
    assert list(row["properties"].values()) == ["CEO", "Delft", loser, "ann@old.com"]
    assert await vendor.links("contacts", winner, "companies") == {company: [279]}
    again = await vendor.post("contacts", {"properties": {"email": "ann@old.com"}})
    assert again.json()["message"].endswith(winner)


async def test_a_record_is_not_merged_with_itself_and_activities_not_at_all(vendor):
    one = await vendor.create("contacts", firstname="Ann")
    assert (await vendor.post("contacts/merge", {"primaryObjectId": one, "objectIdToMerge": one})).status_code == 400
    assert (await vendor.post("notes/merge", {"primaryObjectId": "1", "objectIdToMerge": "2"})).status_code == 404


async def test_an_erased_contact_vanishes_even_from_the_recycle_bin(vendor):
    await vendor.create("contacts", email="ann@acme.com")
    answer = await vendor.post("contacts/gdpr-delete", {"objectId": "ann@acme.com", "idProperty": "email"})
    assert answer.status_code == 204
    assert (await vendor.get("contacts", archived="true")).json()["results"] == []
    assert (await vendor.post("companies/gdpr-delete", {"objectId": "1"})).status_code == 404


async def test_a_lead_needs_a_primary_contact_and_goes_when_it_loses_it(vendor):
    contact = await vendor.create("contacts", firstname="Ann")
    assert (await vendor.post("leads", {"properties": {"hs_lead_name": "Ann"}})).status_code == 400
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
    lead = await vendor.create("leads", [{"to": {"id": contact}, "types": types}], hs_lead_name="Ann")
    await vendor.ask("DELETE", f"leads/{lead}/associations/contacts/{contact}")
    assert (await vendor.get(f"leads/{lead}")).status_code == 404


async def test_a_lead_goes_with_its_archived_contact(vendor):
    contact = await vendor.create("contacts", firstname="Ann")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]
    lead = await vendor.create("leads", [{"to": {"id": contact}, "types": types}], hs_lead_name="Ann")
    await vendor.ask("DELETE", f"contacts/{contact}")
    assert (await vendor.get(f"leads/{lead}")).status_code == 404


async def test_an_activity_is_created_with_its_links(vendor):
    contact = await vendor.create("contacts", firstname="Ann")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 81}]
    message = await vendor.create(
        "communications",
        [{"to": {"id": contact}, "types": types}],
        hs_timestamp="2026-11-23T10:00:00Z",
        hs_communication_channel_type="LINKEDIN_MESSAGE",
        hs_communication_logged_from="CRM",
        hs_communication_body="Hi",
    )
    assert await vendor.links("communications", message, "contacts") == {contact: [81]}


async def test_a_message_must_be_logged_from_the_crm(vendor):
    properties = {"hs_timestamp": "1764000000000", "hs_communication_logged_from": "HUB"}
    assert (await vendor.post("communications", {"properties": properties})).status_code == 400


async def test_the_headers_of_an_email_fill_its_read_only_addresses(vendor):
    headers = '{"from":{"email":"a@x.nl"},"to":[{"email":"b@x.nl"},{"email":"c@x.nl"}]}'
    one = await vendor.create("emails", hs_timestamp="1764000000000", hs_email_headers=headers)
    shown = await vendor.read("emails", one, "hs_email_from_email", "hs_email_to_email")
    assert list(shown.values()) == ["a@x.nl", "b@x.nl;c@x.nl"]


async def test_a_note_over_65536_characters_is_refused(vendor):
    properties = {"hs_timestamp": "1764000000000", "hs_note_body": "x" * 65_537}
    assert (await vendor.post("notes", {"properties": properties})).status_code == 400


@pytest.mark.parametrize(
    ("to", "type_id", "category"),
    [("999", 279, "HUBSPOT_DEFINED"), (None, 280, "HUBSPOT_DEFINED"), (None, 279, "USER_DEFINED")],
)
async def test_a_new_record_is_not_linked_to_nothing_or_in_the_wrong_direction(vendor, to, type_id, category):
    company = await vendor.create("companies", name="Acme")
    types = [{"associationCategory": category, "associationTypeId": type_id}]
    body = {"properties": {"firstname": "Ann"}, "associations": [{"to": {"id": to or company}, "types": types}]}
    assert (await vendor.post("contacts", body)).status_code == 400
    assert (await vendor.get("contacts")).json()["results"] == []


async def test_a_contact_joins_the_company_of_its_email_domain_only_when_the_account_does_so(vendor_with):
    for setting in (True, False):
        vendor = vendor_with(auto_associate=setting)
        company = await vendor.create("companies", domain="acme.com")
        contact = await vendor.create("contacts", email="ann@acme.com")
        assert await vendor.links("contacts", contact, "companies") == ({company: [1, 279]} if setting else {})


async def test_required_properties_of_the_account_are_enforced_in_the_newest_version_only(vendor_with):
    for version, status in (("2026-09", 400), ("2026-03", 201)):
        vendor = vendor_with(version, required_properties={"contacts": ("jobtitle",)})
        assert (await vendor.post("contacts", {"properties": {"firstname": "Ann"}})).status_code == status


async def test_history_holds_the_present_value(vendor):
    one = await vendor.create("contacts", firstname="Ann")
    row = (await vendor.get(f"contacts/{one}", propertiesWithHistory="firstname")).json()
    assert row["propertiesWithHistory"]["firstname"][0]["value"] == "Ann"

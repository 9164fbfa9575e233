"""Search: operators, limits, order and lag."""

import pytest


@pytest.fixture
async def people(vendor):
    """Three contacts, by name."""
    return {
        "ann": await vendor.create(
            "contacts",
            email="ann@acme.com",
            firstname="Ann",
            fit_score="5",
            hs_lead_status="NEW",
            interests="A;B",
            hs_linkedin_url="https://www.linkedin.com/in/ann-lee",
            first_meeting_date="2026-02-03",
            phone="+31 6 1234 5678",
        ),
        "bob": await vendor.create(
            "contacts", email="bob@beta.nl", firstname="Bob", fit_score="40", company="Beta Works"
        ),
        "cas": await vendor.create("contacts", email="cas@acme.com", firstname="Cas", jobtitle="Head of Sales"),
    }


@pytest.mark.parametrize(
    ("name", "operator", "value", "high", "expected"),
    [
        ("firstname", "EQ", "ANN", None, ["ann"]),
        ("firstname", "NEQ", "ann", None, ["bob", "cas"]),
        ("fit_score", "EQ", "5.0", None, ["ann"]),
        ("fit_score", "LT", "40", None, ["ann"]),
        ("fit_score", "LTE", "40", None, ["ann", "bob"]),
        ("fit_score", "GT", "5", None, ["bob"]),
        ("fit_score", "GTE", "5", None, ["ann", "bob"]),
        ("fit_score", "BETWEEN", "5", "39", ["ann"]),
        ("fit_score", "NEQ", "5", None, ["bob"]),
        ("firstname", "IN", ["ann", "cas"], None, ["ann", "cas"]),
        ("firstname", "IN", ["Ann"], None, []),
        ("firstname", "NOT_IN", ["ann"], None, ["bob", "cas"]),
        ("hs_lead_status", "EQ", "NEW", None, ["ann"]),
        ("hs_lead_status", "EQ", "new", None, []),
        ("hs_lead_status", "IN", ["NEW", "OPEN"], None, ["ann"]),
        ("interests", "IN", ["B"], None, ["ann"]),
        ("interests", "EQ", "B", None, []),
        ("fit_score", "HAS_PROPERTY", None, None, ["ann", "bob"]),
        ("fit_score", "NOT_HAS_PROPERTY", None, None, ["cas"]),
        ("email", "CONTAINS_TOKEN", "*@acme.com", None, ["ann", "cas"]),
        ("email", "CONTAINS_TOKEN", "acme", None, ["ann", "cas"]),
        ("email", "CONTAINS_TOKEN", "acm", None, []),
        ("email", "CONTAINS_TOKEN", "acm*", None, ["ann", "cas"]),
        ("hs_linkedin_url", "CONTAINS_TOKEN", "ann-lee", None, ["ann"]),
        ("hs_linkedin_url", "CONTAINS_TOKEN", "lee-ann", None, []),
        ("jobtitle", "CONTAINS_TOKEN", "SALES", None, ["cas"]),
        ("email", "NOT_CONTAINS_TOKEN", "*@acme.com", None, ["bob"]),
        ("first_meeting_date", "EQ", "1770076800000", None, ["ann"]),
        ("hs_searchable_calculated_phone_number", "EQ", "612345678", None, ["ann"]),
    ],
)
async def test_an_operator_finds_what_the_vendor_finds(vendor, people, name, operator, value, high, expected):
    assert await vendor.found("contacts", name, operator, value, high) == [people[one] for one in expected]


async def test_groups_are_or_and_filters_are_and(vendor, people):
    def group(*filters):
        return {"filters": [{"propertyName": name, "operator": "EQ", "value": value} for name, value in filters]}

    body = {"filterGroups": [group(("firstname", "Ann"), ("fit_score", "40")), group(("firstname", "Cas"))]}
    answer = (await vendor.post("contacts/search", body)).json()
    assert [row["id"] for row in answer["results"]] == [people["cas"]]
    assert answer["total"] == 1


async def test_a_property_without_value_is_left_out_of_a_result(vendor, people):
    answer = await vendor.search("contacts", properties=["firstname", "jobtitle"], query="ann")
    assert answer.json()["results"][0]["properties"] == {"firstname": "Ann"}


@pytest.mark.parametrize(("query", "expected"), [("beta", ["bob"]), ("acme.com", ["ann", "cas"]), ("Sales", [])])
async def test_free_text_looks_in_the_searchable_properties_only(vendor, people, query, expected):
    rows = (await vendor.search("contacts", query=query)).json()["results"]
    assert [row["id"] for row in rows] == [people[one] for one in expected]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"propertyName": "fit_score", "direction": "DESCENDING"}, ["bob", "ann", "cas"]),
        ({"propertyName": "fit_score"}, ["ann", "bob", "cas"]),
        ("-firstname", ["cas", "bob", "ann"]),
        ("firstname", ["ann", "bob", "cas"]),
    ],
)
async def test_one_sort_in_either_form_orders_the_results(vendor, people, sort, expected):
    rows = (await vendor.search("contacts", sorts=[sort])).json()["results"]
    assert [row["id"] for row in rows] == [people[one] for one in expected]


async def test_two_sorts_are_refused(vendor):
    assert (await vendor.search("contacts", sorts=["firstname", "lastname"])).status_code == 400


def many(groups, filters):
    one = {"propertyName": "email", "operator": "HAS_PROPERTY"}
    return {"filterGroups": [{"filters": [one] * filters} for _ in range(groups)]}


@pytest.mark.parametrize(
    ("groups", "filters", "status"), [(5, 3, 200), (3, 6, 200), (6, 1, 400), (1, 7, 400), (4, 5, 400)]
)
async def test_groups_and_filters_have_their_limits(vendor, groups, filters, status):
    assert (await vendor.post("contacts/search", many(groups, filters))).status_code == status


async def test_a_body_over_3000_characters_is_refused(vendor):
    values = [f"person{n:04d}@acme.com" for n in range(140)]
    one = {"propertyName": "email", "operator": "IN", "values": values}
    assert (await vendor.search("contacts", one)).status_code == 400
    assert (await vendor.search("contacts", one | {"values": values[:90]})).status_code == 200


async def test_a_page_has_ten_results_unless_asked_and_200_at_most(vendor):
    await vendor.admin("POST", "records", {"type": "contacts", "records": [{"firstname": f"N{n}"} for n in range(250)]})
    first = (await vendor.search("contacts", limit=200)).json()
    assert (len(first["results"]), first["total"], first["paging"]["next"]["after"]) == (200, 250, "200")
    rest = (await vendor.search("contacts", limit=200, after="200")).json()
    assert (len(rest["results"]), "paging" in rest) == (50, False)
    assert len((await vendor.search("contacts")).json()["results"]) == 10
    assert (await vendor.search("contacts", limit=201)).status_code == 400


async def test_paging_past_ten_thousand_results_is_refused(vendor):
    records = [{"firstname": f"N{n}"} for n in range(10_001)]
    await vendor.admin("POST", "records", {"type": "contacts", "records": records})
    last = await vendor.search("contacts", limit=200, after="9800")
    assert (last.json()["total"], last.json()["paging"]["next"]["after"]) == (10_001, "10000")
    assert (await vendor.search("contacts", limit=200, after="10000")).status_code == 400


async def test_a_search_by_association_finds_linked_records(vendor, people):
    company = await vendor.create("companies", name="Acme")
    await vendor.create("companies", name="Beta")
    await vendor.ask("PUT", f"contacts/{people['ann']}/associations/default/companies/{company}")
    assert await vendor.found("companies", "associations.contact", "EQ", people["ann"]) == [company]
    assert await vendor.found("companies", "associations.contact", "EQ", people["bob"]) == []


async def test_a_change_is_seen_by_search_only_after_the_lag_but_by_id_at_once(vendor_with):
    vendor = vendor_with(search_lag=2.0)
    one = await vendor.create("contacts", firstname="Ann")
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == []
    assert (await vendor.read("contacts", one, "firstname")) == {"firstname": "Ann"}
    vendor.clock.now += 2.0
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == [one]
    await vendor.patch(f"contacts/{one}", {"properties": {"firstname": "Bob"}})
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == [one]
    assert len((await vendor.get("contacts")).json()["results"]) == 1
    vendor.clock.now += 2.0
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == []
    assert await vendor.found("contacts", "firstname", "EQ", "bob") == [one]


async def test_an_archived_record_never_appears(vendor_with):
    vendor = vendor_with(search_lag=2.0)
    one = await vendor.create("contacts", firstname="Ann")
    await vendor.ask("DELETE", f"contacts/{one}")
    vendor.clock.now += 5.0
    assert await vendor.found("contacts", "firstname", "EQ", "ann") == []


async def test_changes_are_polled_by_modification_time_in_milliseconds(vendor, people):
    vendor.clock.now += 100
    await vendor.patch(f"contacts/{people['bob']}", {"properties": {"city": "Delft"}})
    since = str(int((vendor.clock.now - 1) * 1000))
    assert await vendor.found("contacts", "lastmodifieddate", "GTE", since) == [people["bob"]]


@pytest.mark.parametrize(
    "one",
    [
        {"propertyName": "no_such_property", "operator": "EQ", "value": "x"},
        {"propertyName": "email", "operator": "LIKE", "value": "x"},
        {"propertyName": "email", "operator": "EQ"},
        {"propertyName": "email", "operator": "IN", "value": "x"},
        {"propertyName": "email", "operator": "IN", "values": []},
        {"propertyName": "fit_score", "operator": "BETWEEN", "value": "1"},
        {"propertyName": "fit_score", "operator": "GT", "value": "many"},
        {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "yesterday"},
        {"propertyName": "email", "operator": "EQ", "value": 5},
        {"propertyName": "email", "operator": "EQ", "value": "x", "negate": True},
    ],
)
async def test_a_filter_which_makes_no_sense_is_refused(vendor, one):
    assert (await vendor.search("contacts", one)).status_code == 400

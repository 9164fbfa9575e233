"""The vendor's own client library works with the simulator through its v3 and v4 paths."""

import hubspot
import pytest
from hubspot.crm.associations.v4 import (
    AssociationSpec,
    BatchInputPublicAssociationMultiPost,
    BatchInputPublicDefaultAssociationMultiPost,
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicAssociationMultiPost,
    PublicDefaultAssociationMultiPost,
    PublicFetchAssociationsBatchRequest,
    PublicObjectId,
)
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputForCreate,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchInputSimplePublicObjectId,
    BatchReadInputSimplePublicObjectId,
    Filter,
    FilterGroup,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInput,
    SimplePublicObjectBatchInputForCreate,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.properties import PropertyCreate


@pytest.fixture
def crm(served):
    return hubspot.Client.create(access_token="pat-simulator", host=served).crm


def contact(crm, **properties):
    body = SimplePublicObjectInputForCreate(properties=properties, associations=[])
    return crm.contacts.basic_api.create(simple_public_object_input_for_create=body)


def company(crm, **properties):
    body = SimplePublicObjectInputForCreate(properties=properties, associations=[])
    return crm.companies.basic_api.create(simple_public_object_input_for_create=body)


def test_a_contact_is_created_read_changed_and_archived(crm):
    one = contact(crm, email="ann@acme.com", firstname="Ann")
    crm.contacts.basic_api.update(one.id, SimplePublicObjectInput(properties={"firstname": "Anna"}))
    read = crm.contacts.basic_api.get_by_id("ann@acme.com", id_property="email", properties=["firstname", "email"])
    assert (read.id, read.properties) == (one.id, {"firstname": "Anna", "email": "ann@acme.com"})
    crm.contacts.basic_api.archive(one.id)
    assert [row.id for row in crm.contacts.basic_api.get_page(archived=True).results] == [one.id]


def test_the_library_sees_a_conflict(crm):
    contact(crm, email="ann@acme.com")
    with pytest.raises(ApiException) as caught:
        contact(crm, email="ann@acme.com")
    assert caught.value.status == 409


def test_get_all_walks_the_pages(crm):
    rows = [
        SimplePublicObjectBatchInputForCreate(properties={"firstname": f"N{n}"}, associations=[]) for n in range(100)
    ]
    for _ in range(3):
        crm.contacts.batch_api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows))
    assert len(crm.contacts.get_all(properties=["firstname"])) == 300


def test_batches_create_read_update_upsert_and_archive(crm):
    rows = [
        SimplePublicObjectBatchInputForCreate(properties={"email": email}, associations=[], object_write_trace_id=email)
        for email in ("ann@acme.com", "no address")
    ]
    made = crm.contacts.batch_api.create(BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows))
    assert (len(made.results), made.num_errors, made.errors[0].context) == (
        1,
        1,
        {"objectWriteTraceId": ["no address"]},
    )
    one = made.results[0].id
    change = SimplePublicObjectBatchInput(id=one, properties={"firstname": "Ann"})
    crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=[change]))
    upsert = SimplePublicObjectBatchInputUpsert(
        id="ann@acme.com", id_property="email", properties={"email": "ann@acme.com", "lastname": "Lee"}
    )
    answer = crm.contacts.batch_api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=[upsert]))
    assert (answer.results[0].id, answer.results[0].new) == (one, False)
    asked = BatchReadInputSimplePublicObjectId(
        properties=["firstname", "lastname"], properties_with_history=[], inputs=[SimplePublicObjectId(id=one)]
    )
    assert crm.contacts.batch_api.read(asked).results[0].properties == {"firstname": "Ann", "lastname": "Lee"}
    crm.contacts.batch_api.archive(BatchInputSimplePublicObjectId(inputs=[SimplePublicObjectId(id=one)]))
    assert crm.contacts.basic_api.get_page().results == []


def test_search_finds(crm):
    one = contact(crm, email="ann@acme.com", firstname="Ann")
    group = FilterGroup(filters=[Filter(property_name="email", operator="CONTAINS_TOKEN", value="*@acme.com")])
    request = PublicObjectSearchRequest(
        filter_groups=[group], sorts=["lastmodifieddate"], properties=["email"], limit=10, after="0"
    )
    answer = crm.contacts.search_api.do_search(public_object_search_request=request)
    assert (answer.total, answer.results[0].id) == (1, one.id)


def test_merge_answers_the_winner(crm):
    one, other = contact(crm, firstname="Ann"), contact(crm, firstname="Anna")
    body = PublicMergeInput(primary_object_id=one.id, object_id_to_merge=other.id)
    crm.contacts.basic_api.merge(public_merge_input=body)
    assert crm.contacts.basic_api.get_by_id(other.id).id == one.id


def test_links_are_made_read_and_removed(crm):
    ann, acme = contact(crm, firstname="Ann"), company(crm, name="Acme")
    v4 = crm.associations.v4
    v4.basic_api.create_default("contact", ann.id, "company", acme.id)
    primary = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    v4.basic_api.create("contacts", ann.id, "companies", acme.id, association_spec=[primary])
    page = v4.basic_api.get_page("contacts", ann.id, "companies")
    assert [one.type_id for one in page.results[0].association_types] == [1, 279]
    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[PublicFetchAssociationsBatchRequest(id=ann.id)])
    read = v4.batch_api.get_page("contacts", "companies", asked)
    assert (read.results[0]._from.id, str(read.results[0].to[0].to_object_id)) == (ann.id, acme.id)
    v4.basic_api.archive("contacts", ann.id, "companies", acme.id)
    assert v4.basic_api.get_page("contacts", ann.id, "companies").results == []


def test_links_are_made_in_batches(crm):
    ann, acme = contact(crm, firstname="Ann"), company(crm, name="Acme")
    batch = crm.associations.v4.batch_api
    ends = {"_from": PublicObjectId(id=ann.id), "to": PublicObjectId(id=acme.id)}
    default = BatchInputPublicDefaultAssociationMultiPost(inputs=[PublicDefaultAssociationMultiPost(**ends)])
    assert len(batch.create_default("contacts", "companies", default).results) == 2
    primary = AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)
    labelled = BatchInputPublicAssociationMultiPost(inputs=[PublicAssociationMultiPost(types=[primary], **ends)])
    assert batch.create("contacts", "companies", labelled).results[0].labels == ["Primary"]


def test_labels_are_listed(crm):
    results = crm.associations.v4.schema.definitions_api.get_all("contacts", "companies").results
    assert {one.type_id for one in results} >= {1, 279, 36}


def test_owners_properties_and_pipelines_are_listed(crm):
    assert len(crm.owners.owners_api.get_page(limit=100, archived=False).results) == 4
    names = {one.name for one in crm.properties.core_api.get_all("contacts", archived=False).results}
    assert {"email", "hs_lead_status"} < names
    assert crm.pipelines.pipelines_api.get_all("deals").results[0].stages[0].id == "appointmentscheduled"


def test_a_property_is_made(crm):
    body = PropertyCreate(name="hub_key", label="Key", type="string", field_type="text", group_name="custom")
    assert crm.properties.core_api.create("contacts", property_create=body).name == "hub_key"


def test_tasks_are_objects_too(crm):
    body = SimplePublicObjectInputForCreate(
        properties={"hs_timestamp": "1764000000000", "hs_task_subject": "Call"}, associations=[]
    )
    made = crm.objects.tasks.basic_api.create(simple_public_object_input_for_create=body)
    assert made.properties["hs_task_subject"] == "Call"

"""Every method of hubspot-api-client 12 for our kinds: each story must call all of its API."""

from collections.abc import Callable
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm import associations, objects, pipelines, properties
from hubspot.crm.associations import v4

from reconcile.sandbox import Sandbox

NAMES = {
    "line_items": "name",
    "contacts": "firstname",
    "companies": "name",
    "products": "name",
    "deals": "dealname",
}
GROUPS = {
    "line_items": "lineiteminformation",
    "contacts": "contactinformation",
    "companies": "companyinformation",
    "products": "productinformation",
    "deals": "dealinformation",
    "orders": "order_information",
    "carts": "cart_information",
}


class Api:
    """One of the client's APIs, remembering which of its methods were called."""

    def __init__(self, api: Any) -> None:
        """Wrap the API and list its methods."""
        self.api = api
        names = {name for name in dir(type(api)) if not name.startswith("_")}
        self.left = {name for name in names if not name.endswith("_with_http_info")}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method, which now counts as called."""
        self.left.discard(name)
        method: Callable[..., Any] = getattr(self.api, name)
        return method


@pytest.fixture
def client(sandbox: Sandbox) -> HubSpot:
    """Return the client, pointed at the sandbox."""
    return HubSpot(access_token=sandbox.token, host=sandbox.url)


def spec(type_id: int) -> v4.AssociationSpec:
    """Return an association type."""
    return v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=type_id)


def make_key(client: HubSpot, kind: str) -> None:
    """Define the unique property of a type, through the client."""
    body = properties.PropertyCreate(
        name="reconcile_key",
        label="Key",
        type="string",
        field_type="text",
        group_name=GROUPS[kind],
        has_unique_value=True,
    )
    client.crm.properties.core_api.create(kind, body)


@pytest.mark.parametrize("kind", NAMES)
def test_records_of_their_own_api(client: HubSpot, kind: str) -> None:
    """Records live, change, merge and die through the API of their type."""
    name, api = NAMES[kind], Api(getattr(client.crm, kind).basic_api)
    made = api.create({"properties": {name: "A"}})
    assert api.get_by_id(made.id, properties=[name]).properties[name] == "A"
    assert api.update(made.id, {"properties": {name: "B"}}).properties[name] == "B"
    assert [one.id for one in api.get_page(limit=1).results] == [made.id]
    if "merge" in api.left:
        other = api.create({"properties": {}})
        made = api.merge({"primaryObjectId": made.id, "objectIdToMerge": other.id})
        assert api.get_by_id(other.id).id == made.id
    if "purge" in api.left:
        api.purge({"objectId": api.create({"properties": {}}).id})
    api.archive(made.id)
    assert api.get_page().results == []
    assert api.left == set()
    with pytest.raises(getattr(__import__("hubspot.crm", fromlist=[kind]), kind).ApiException):
        api.get_by_id(made.id)


@pytest.mark.parametrize("kind", NAMES)
def test_batches_of_their_own_api(client: HubSpot, kind: str) -> None:
    """Batches create, read, change, upsert and archive through the API of their type."""
    make_key(client, kind)
    name, api = NAMES[kind], Api(getattr(client.crm, kind).batch_api)
    made = api.create({"inputs": [{"properties": {name: "A"}}]}).results[0]
    ids = {"inputs": [{"id": made.id}]}
    read = api.read({**ids, "properties": [name], "propertiesWithHistory": []})
    assert read.results[0].properties[name] == "A"
    api.update({"inputs": [{"id": made.id, "properties": {"reconcile_key": "K"}}]})
    inputs = [{"id": key, "idProperty": "reconcile_key", "properties": {}} for key in ("K", "L")]
    upserted = api.upsert({"inputs": inputs}).results
    assert {one.id: one.new for one in upserted}[made.id] is False
    api.archive({"inputs": [{"id": one.id} for one in upserted]})
    missing = api.read({**ids, "properties": [], "propertiesWithHistory": []})
    assert missing.errors[0].context["ids"] == [made.id]
    assert api.left == set()


@pytest.mark.parametrize("kind", ["orders", "carts"])
def test_batches_of_the_generic_api(client: HubSpot, kind: str) -> None:
    """Batches of orders and carts go through the generic API, by its own models."""
    make_key(client, kind)
    api = Api(client.crm.objects.batch_api)
    one = objects.SimplePublicObjectBatchInputForCreate(
        properties={"reconcile_key": "K"}, associations=[]
    )
    body = objects.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[one])
    made = api.create(kind, body).results[0]
    upsert = objects.SimplePublicObjectBatchInputUpsert(
        id="K", id_property="reconcile_key", properties={"hs_tags": "x"}
    )
    batch = objects.BatchInputSimplePublicObjectBatchInputUpsert(inputs=[upsert])
    assert [one.new for one in api.upsert(kind, batch).results] == [False]
    change = objects.SimplePublicObjectBatchInput(id=made.id, properties={"hs_tags": "y"})
    api.update(kind, objects.BatchInputSimplePublicObjectBatchInput(inputs=[change]))
    read = objects.BatchReadInputSimplePublicObjectId(
        properties=["hs_tags"],
        properties_with_history=[],
        inputs=[objects.SimplePublicObjectId(id=made.id)],
    )
    assert api.read(kind, read).results[0].properties["hs_tags"] == "y"
    ids = objects.BatchInputSimplePublicObjectId(inputs=[objects.SimplePublicObjectId(id=made.id)])
    api.archive(kind, ids)
    assert api.left == set()


@pytest.mark.parametrize("kind", GROUPS)
def test_search(client: HubSpot, kind: str) -> None:
    """Every kind is searched through the generic API."""
    request = objects.PublicObjectSearchRequest(
        limit=5, after="0", sorts=[], properties=[], filter_groups=[]
    )
    found = client.crm.objects.search_api.do_search(kind, request)
    assert (found.total, found.results) == (0, [])


@pytest.mark.parametrize("kind", GROUPS)
def test_definitions(client: HubSpot, kind: str) -> None:
    """Definitions and groups are made, read, listed, changed and archived, also in batches."""
    core, groups, batch = (
        Api(api)
        for api in (
            client.crm.properties.core_api,
            client.crm.properties.groups_api,
            client.crm.properties.batch_api,
        )
    )
    groups.create(kind, properties.PropertyGroupCreate(name="ours", label="Ours"))
    groups.update(kind, "ours", properties.PropertyGroupUpdate(label="Mine"))
    assert groups.get_by_name(kind, "ours").label == "Mine"
    body = properties.PropertyCreate(
        name="size",
        label="Size",
        type="enumeration",
        field_type="checkbox",
        group_name="ours",
        options=[properties.OptionInput(label="A", value="a", display_order=3, hidden=False)],
    )
    core.create(kind, body)
    core.update(kind, "size", properties.PropertyUpdate(label="Sizes"))
    assert core.get_by_name(kind, "size").options[0].display_order == 0
    with pytest.raises(properties.ApiException) as refused:
        groups.archive(kind, "ours")
    assert "GROUP_WITH_ACTIVE_PROPERTIES" in refused.value.body
    other = {"name": "colour", "label": "C", "type": "string", "fieldType": "text"}
    made = batch.create(kind, {"inputs": [{**other, "groupName": "ours"}, body]})
    assert made.errors[0].sub_category == "Properties.PROPERTY_WITH_NAME_EXISTS"
    read = batch.read(kind, {"archived": False, "inputs": [{"name": "colour"}]})
    assert read.results[0].modification_metadata.archivable is True
    batch.archive(kind, {"inputs": [{"name": "colour"}]})
    core.archive(kind, "size")
    groups.archive(kind, "ours")
    assert {"size", "colour"}.isdisjoint(one.name for one in core.get_all(kind).results)
    assert [one.name for one in groups.get_all(kind).results] == [GROUPS[kind]]
    assert core.left | groups.left | batch.left == set()


def test_pipelines(client: HubSpot) -> None:
    """Pipelines and their stages are made, read, changed, replaced, audited and deleted."""
    whole, single, audits, stage_audits = (
        Api(api)
        for api in (
            client.crm.pipelines.pipelines_api,
            client.crm.pipelines.pipeline_stages_api,
            client.crm.pipelines.pipeline_audits_api,
            client.crm.pipelines.pipeline_stage_audits_api,
        )
    )
    stage = pipelines.PipelineStageInput(label="New", display_order=0, metadata={})
    body = pipelines.PipelineInput(label="B2B", display_order=1, stages=[stage])
    made = whole.create("orders", body)
    done = pipelines.PipelineStageInput(label="Done", display_order=1, metadata={"state": "CLOSED"})
    extra = single.create("orders", made.id, done)
    assert single.get_by_id("orders", made.id, extra.id).metadata == {"state": "CLOSED"}
    patch = pipelines.PipelineStagePatchInput(label="Over", metadata={})
    assert single.update("orders", made.id, extra.id, patch).label == "Over"
    assert single.replace("orders", made.id, extra.id, done).label == "Done"
    assert len(single.get_all("orders", made.id).results) == 2
    client.crm.objects.basic_api.create(
        "orders", {"properties": {"hs_pipeline": made.id, "hs_pipeline_stage": extra.id}}
    )
    with pytest.raises(pipelines.ApiException) as refused:
        whole.archive("orders", made.id, validate_references_before_delete=True)
    assert "PipelineError.STAGE_ID_IN_USE" in refused.value.body
    single.archive("orders", made.id, extra.id)
    patched = whole.update("orders", made.id, pipelines.PipelinePatchInput(label="Trade"))
    assert patched.label == "Trade"
    assert whole.replace("orders", made.id, body).label == "B2B"
    assert whole.get_by_id("orders", made.id).stages[0].label == "New"
    whole.archive("orders", made.id)
    assert audits.get_audit("orders", made.id).results[0].action == "DELETE"
    assert len(stage_audits.get_audit("orders", extra.id).results) == 4
    assert [one.label for one in whole.get_all("orders").results] == ["Order Pipeline"]
    assert whole.left | single.left | audits.left | stage_audits.left == set()


def test_associations_of_one_record(client: HubSpot) -> None:
    """Records are linked by default and by label, listed and unlinked."""
    api = Api(client.crm.associations.v4.basic_api)
    order, company = (
        client.crm.objects.basic_api.create(kind, {"properties": {}}).id
        for kind in ("orders", "companies")
    )
    api.create_default("orders", order, "companies", company)
    assert api.create("orders", order, "companies", company, [spec(509)]).labels == ["Primary"]
    page = api.get_page("orders", order, "companies", limit=500)
    assert len(page.results[0].association_types) == 2
    api.archive("orders", order, "companies", company)
    assert api.get_page("orders", order, "companies").results == []
    with pytest.raises(v4.ApiException):
        api.create("orders", order, "companies", company, [spec(507)])
    assert api.left == set()


def test_associations_in_batches(client: HubSpot) -> None:
    """Batches link, read, unlabel and unlink, by version 4 and by version 3."""
    api, named = Api(client.crm.associations.v4.batch_api), Api(client.crm.associations.batch_api)
    cart, contact = (
        client.crm.objects.basic_api.create(kind, {"properties": {}}).id
        for kind in ("carts", "contacts")
    )
    ends = {"_from": v4.PublicObjectId(id=cart), "to": v4.PublicObjectId(id=contact)}
    one = v4.PublicAssociationMultiPost(types=[spec(586)], **ends)
    batch = v4.BatchInputPublicAssociationMultiPost(inputs=[one])
    assert api.create("carts", "contacts", batch).results[0].to_object_id == contact
    plain = v4.PublicDefaultAssociationMultiPost(**ends)
    default = v4.BatchInputPublicDefaultAssociationMultiPost(inputs=[plain])
    assert len(api.create_default("carts", "contacts", default).results) == 2
    wanted = v4.PublicFetchAssociationsBatchRequest(id=cart)
    ids = v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=[wanted])
    assert api.get_page("carts", "contacts", ids).results[0].to[0].to_object_id == contact
    api.archive_labels("carts", "contacts", batch)
    assert api.get_page("carts", "contacts", ids).num_errors == 1
    link = associations.PublicAssociation(type="cart_to_contact", **ends)
    links = associations.BatchInputPublicAssociation(inputs=[link])
    assert named.create("carts", "contacts", links).results[0].type == "cart_to_contact"
    records = associations.BatchInputPublicObjectId(inputs=[associations.PublicObjectId(id=cart)])
    assert named.read("carts", "contacts", records).results[0].to[0].id == contact
    named.archive("carts", "contacts", links)
    api.create("carts", "contacts", batch)
    gone = v4.PublicAssociationMultiArchive(_from=ends["_from"], to=[ends["to"]])
    archive = v4.BatchInputPublicAssociationMultiArchive(inputs=[gone])
    api.archive("carts", "contacts", archive)
    assert api.get_page("carts", "contacts", ids).num_errors == 1
    types = client.crm.associations.schema.types_api.get_all("carts", "contacts")
    assert [one.name for one in types.results] == ["cart_to_contact"]
    assert api.left | named.left == set()


def test_association_labels(client: HubSpot) -> None:
    """Labels are defined, renamed in one direction and both, and deleted."""
    api = Api(client.crm.associations.v4.schema.definitions_api)
    body = {"label": "Reseller", "inverseLabel": "Resold", "name": "reseller"}
    first, second = api.create("orders", "companies", body).results
    assert (first.label, second.label) == ("Reseller", "Resold")
    api.update("orders", "companies", {"associationTypeId": first.type_id, "label": "Dealer"})
    assert api.get_all("companies", "orders").results[-1].label == "Dealer"
    api.remove("orders", "companies", first.type_id)
    assert [one.label for one in api.get_all("companies", "orders").results] == [None, "Primary"]
    assert api.left == set()


def test_owners(client: HubSpot) -> None:
    """Owners are listed, found by email, and read by id or user id."""
    api = Api(client.crm.owners.owners_api)
    owner = api.get_page(limit=100).results[0]
    assert api.get_page(email=owner.email).results[0].id == owner.id
    assert api.get_by_id(int(owner.id), id_property="id", archived=False).email == owner.email
    assert api.left == set()

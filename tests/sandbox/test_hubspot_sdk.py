"""The official pre-release client, hubspot-sdk, unmodified: the dated paths (ref §0, §14).

Its strict mode checks every answer against the client's own models. Where those disagree with live
answers (unset properties are null, ids of links are numbers; ref §1, §11) it is left out.
"""

from collections.abc import Iterator
from typing import Any

import hubspot_sdk
import pytest
from hubspot_sdk import HubSpot

from reconcile.sandbox import Sandbox

STRICT = {"max_retries": 0, "_strict_response_validation": True}
NAMES = {
    "orders": "hs_order_name",
    "carts": "hs_cart_name",
    "line_items": "name",
    "contacts": "firstname",
    "companies": "name",
    "products": "name",
    "deals": "dealname",
}


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[HubSpot]:
    """Return the client, pointed at the sandbox, without its retries."""
    with HubSpot(access_token=sandbox.token, base_url=sandbox.url, **STRICT) as made:
        yield made


@pytest.fixture
def lenient(sandbox: Sandbox) -> Iterator[HubSpot]:
    """Return the client as people use it, for answers that its models describe wrongly."""
    with HubSpot(access_token=sandbox.token, base_url=sandbox.url, max_retries=0) as made:
        yield made


def spec(type_id: int) -> dict[str, Any]:
    """Return an association type as the client sends it."""
    return {"association_category": "HUBSPOT_DEFINED", "association_type_id": type_id}


@pytest.mark.parametrize("kind", NAMES)
def test_objects_live_and_die(client: HubSpot, lenient: HubSpot, kind: str) -> None:
    """Every kind is created, read, changed, listed and archived by the client's own resource."""
    name, api = NAMES[kind], getattr(client.crm.objects, kind)
    shown = getattr(lenient.crm.objects, kind)
    made = api.create(properties={name: "A"}, associations=[])
    assert api.get(made.id, properties=[name]).properties[name] == "A"
    changed = api.update(made.id, properties={name: "B"})
    assert (changed.properties[name], changed.archived) == ("B", False)
    assert changed.updated_at > made.updated_at
    assert [one.id for one in shown.list(limit=5)] == [made.id]
    api.delete(made.id)
    assert list(api.list()) == []
    assert shown.get(made.id, archived=True).archived_at is not None


@pytest.mark.parametrize("kind", NAMES)
def test_batches(client: HubSpot, kind: str) -> None:
    """Every kind is created, read, changed, upserted and archived in batches."""
    name, api = NAMES[kind], getattr(client.crm.objects, kind).batch
    group = client.crm.properties.groups.list(kind).results[0].name
    client.crm.properties.create(
        kind,
        name="reconcile_key",
        label="Key",
        type="string",
        field_type="text",
        group_name=group,
        has_unique_value=True,
    )
    made = api.create(inputs=[{"properties": {name: "A"}, "associations": []}]).results[0]
    read = api.get(inputs=[{"id": made.id}], properties=[name], properties_with_history=[])
    assert read.results[0].properties[name] == "A"
    changed = api.update(inputs=[{"id": made.id, "properties": {"reconcile_key": "K"}}])
    assert changed.status == "COMPLETE"
    upserted = api.upsert(
        inputs=[
            {"id": key, "id_property": "reconcile_key", "properties": {name: "C"}}
            for key in ("K", "L")
        ]
    )
    assert {one.id: one.new for one in upserted.results}[made.id] is False
    assert sorted(one.new for one in upserted.results) == [False, True]
    api.delete(inputs=[{"id": one.id} for one in upserted.results])
    assert list(getattr(client.crm.objects, kind).list()) == []


def test_search(client: HubSpot) -> None:
    """A search that finds nothing is the client's empty page."""
    found = client.crm.objects.orders.search(
        after="0", filter_groups=[], limit=10, properties=["hs_order_name"], sorts=[]
    )
    assert (found.total, found.results) == (0, [])


def test_partial_batch(client: HubSpot) -> None:
    """A partly successful batch keeps its error entries, which the model does not name (ref §1)."""
    inputs = [
        {"properties": {"hs_tags": "a"}, "associations": [], "object_write_trace_id": "good"},
        {"properties": {"nope": "a"}, "associations": [], "object_write_trace_id": "bad"},
    ]
    answer = client.crm.objects.orders.batch.create(inputs=inputs)
    assert len(answer.results) == 1
    assert answer.to_dict()["errors"][0]["context"] == {"objectWriteTraceId": ["bad"]}


def test_refusals_are_the_clients_errors(client: HubSpot, sandbox: Sandbox) -> None:
    """Each refusal is the client's error for its status, with HubSpot's body."""
    with pytest.raises(hubspot_sdk.BadRequestError) as bad:
        client.crm.objects.orders.create(properties={"hs_tax": "x"}, associations=[])
    assert "INVALID_INTEGER" in bad.value.body["message"]
    with pytest.raises(hubspot_sdk.NotFoundError):
        client.crm.objects.line_items.get("5")
    with pytest.raises(hubspot_sdk.ConflictError) as conflict:
        group = {"object_type": "orders", "name": "order_information", "label": "O"}
        client.crm.properties.groups.create(**group)
    assert conflict.value.body["category"] == "OBJECT_ALREADY_EXISTS"
    client.crm.objects.contacts.create(properties={"email": "a@b.cd"}, associations=[])
    with pytest.raises(hubspot_sdk.ConflictError):
        client.crm.objects.contacts.create(properties={"email": "A@b.cd"}, associations=[])
    with (
        HubSpot(access_token="pat-na1-wrong", base_url=sandbox.url, max_retries=0) as stranger,
        pytest.raises(hubspot_sdk.AuthenticationError),
    ):
        stranger.crm.objects.orders.list()
    with (
        HubSpot(access_token=sandbox.add_token([]), base_url=sandbox.url, max_retries=0) as poor,
        pytest.raises(hubspot_sdk.PermissionDeniedError) as denied,
    ):
        poor.crm.objects.carts.list()
    assert denied.value.body["category"] == "MISSING_SCOPES"


def test_create_with_association(client: HubSpot) -> None:
    """A line item is created with its order, and read with it."""
    order = client.crm.objects.orders.create(properties={}, associations=[])
    line = client.crm.objects.line_items.create(
        properties={"quantity": "2", "price": "3.5"},
        associations=[{"to": {"id": order.id}, "types": [spec(514)]}],
    )
    read = client.crm.objects.line_items.get(
        line.id, properties=["amount"], associations=["orders"]
    )
    assert read.properties["amount"] == "7.00"
    assert read.associations is not None
    assert read.associations["orders"].results[0].id == order.id


def test_generic_objects(client: HubSpot) -> None:
    """The generic resource takes any name of a type."""
    api = client.crm.objects.generic_objects
    made = api.create("0-123", properties={"hs_tags": "x"}, associations=[])
    read = api.get(made.id, object_type="order", properties=["hs_tags"])
    assert read.properties["hs_tags"] == "x"
    api.delete(made.id, object_type="orders")
    assert list(api.list("orders")) == []


def test_merge_and_erase(lenient: HubSpot) -> None:
    """Contacts, companies and deals merge into a new record; a contact can be erased for good."""
    for kind in ("contacts", "companies", "deals"):
        api = getattr(lenient.crm.objects, kind)
        one, two = (api.create(properties={}, associations=[]).id for _ in range(2))
        merged = api.merge(primary_object_id=one, object_id_to_merge=two)
        assert merged.id not in {one, two}
        assert api.get(one).id == merged.id
    api = lenient.crm.objects.contacts
    made = api.create(properties={"email": "gone@example.com"}, associations=[])
    api.gdpr_delete(object_id="gone@example.com", id_property="email")
    for archived in (False, True):
        with pytest.raises(hubspot_sdk.NotFoundError):
            api.get(made.id, archived=archived)


def test_associations(lenient: HubSpot) -> None:
    """Records are linked by default and by label, listed, and unlinked."""
    order = lenient.crm.objects.orders.create(properties={}, associations=[]).id
    company = lenient.crm.objects.companies.create(properties={}, associations=[]).id
    api = lenient.crm.associations
    ends = {"object_type": "orders", "object_id": order, "to_object_type": "companies"}
    api.create(company, from_object_type="orders", from_object_id=order, to_object_type="companies")
    linked = api.update_labels(company, body=[spec(509)], **ends)
    assert linked.labels == ["Primary"]
    page = api.list("companies", object_type="orders", object_id=order)
    assert {one.type_id for link in page for one in link.association_types} == {934, 509}
    api.delete(company, **ends)
    assert list(api.list("companies", object_type="orders", object_id=order)) == []


def test_batches_of_associations(lenient: HubSpot) -> None:
    """Batches link, read, unlabel and unlink; a record without links is an error entry."""
    order = lenient.crm.objects.orders.create(properties={}, associations=[]).id
    company = lenient.crm.objects.companies.create(properties={}, associations=[]).id
    api, ends = lenient.crm.associations.batch, {"from_object_type": "orders"}
    pair: dict[str, Any] = {"from": {"id": order}, "to": {"id": company}}
    made = api.create("companies", inputs=[{**pair, "types": [spec(509)]}], **ends)
    assert made.results[0].labels == ["Primary"]
    assert len(api.create_default("companies", inputs=[pair], **ends).results) == 2
    api.delete_labels("companies", inputs=[{**pair, "types": [spec(509)]}], **ends)
    read = api.get("companies", inputs=[{"id": order}], **ends)
    assert [one.type_id for one in read.results[0].to[0].association_types] == [934]
    api.delete("companies", inputs=[{"from": {"id": order}, "to": [{"id": company}]}], **ends)
    empty = api.get("companies", inputs=[{"id": order}], **ends)
    assert empty.to_dict()["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_association_labels(client: HubSpot) -> None:
    """Labels are defined, listed, renamed in both directions, and deleted."""
    api, ends = client.crm.associations_schema.labels, {"from_object_type": "orders"}
    made = api.create_label("companies", name="reseller", label="Reseller", **ends).results
    api.update_label(
        "companies", association_type_id=made[0].type_id, label="Dealer", inverse_label="Of", **ends
    )
    there = api.list_labels("companies", **ends).results
    back = api.list_labels("orders", from_object_type="companies").results
    assert (there[-1].label, back[-1].label) == ("Dealer", "Of")
    api.delete_label(made[0].type_id, to_object_type="companies", **ends)
    left = api.list_labels("companies", **ends).results
    assert [one.label for one in left] == [None, "Primary"]
    assert made[0].type_id not in {one.type_id for one in left}


def test_properties_and_groups(client: HubSpot) -> None:
    """Definitions and groups are made, read, changed, listed and archived, alone and in batches."""
    api = client.crm.properties
    api.groups.create("orders", name="ours", label="Ours")
    assert api.groups.update("ours", object_type="orders", label="Mine").label == "Mine"
    assert api.groups.get("ours", object_type="orders").display_order == -1
    options = [{"label": "A", "value": "a", "display_order": 0, "hidden": False}]
    api.create(
        "orders",
        name="size",
        label="Size",
        type="enumeration",
        field_type="select",
        group_name="ours",
        options=options,
    )
    assert api.update("size", object_type="orders", label="Sizes").label == "Sizes"
    assert [one.value for one in api.get("size", object_type="orders").options] == ["a"]
    assert "size" in {one.name for one in api.list("orders").results}
    more = {"name": "colour", "label": "C", "type": "string", "field_type": "text"}
    made = api.batch.create("orders", inputs=[{**more, "group_name": "ours"}])
    assert [one.name for one in made.results] == ["colour"]
    read = api.batch.get(
        "orders", archived=False, data_sensitivity="non_sensitive", inputs=[{"name": "colour"}]
    )
    assert [one.label for one in read.results] == ["C"]
    api.batch.delete("orders", inputs=[{"name": "colour"}])
    api.delete("size", object_type="orders")
    api.groups.delete("ours", object_type="orders")
    assert [one.name for one in api.groups.list("orders").results] == ["order_information"]


def test_pipelines_and_stages(client: HubSpot) -> None:
    """Pipelines and stages are made, changed, replaced, audited and deleted."""
    api = client.crm.pipelines
    stage = {"label": "New", "display_order": 0, "metadata": {}}
    made = api.create("orders", label="B2B", display_order=1, stages=[{**stage, "stage_id": "new"}])
    where = {"object_type": "orders", "pipeline_id": made.id}
    extra = api.create_stage(
        made.id, object_type="orders", label="Done", display_order=1, metadata={"state": "CLOSED"}
    )
    assert api.get_stage(extra.id, **where).metadata == {"state": "CLOSED"}
    assert api.update_stage(extra.id, metadata={}, label="Over", **where).label == "Over"
    replaced = api.update_stage_all_properties(
        extra.id, label="Out", display_order=2, metadata={"state": "OPEN"}, **where
    )
    assert (replaced.label, replaced.metadata["state"]) == ("Out", "OPEN")
    assert api.update(made.id, object_type="orders", label="Trade").label == "Trade"
    assert len(api.list_stages(made.id, object_type="orders").results) == 2
    whole = api.update_all_properties(
        made.id,
        object_type="orders",
        label="Whole",
        display_order=3,
        stages=[{**stage, "stage_id": "new"}, {**stage, "label": "Next", "display_order": 1}],
    )
    assert [one.label for one in whole.stages] == ["New", "Next"]
    assert [one.action for one in api.list_stage_audit(extra.id, **where).results] == [
        "UPDATE",
        "UPDATE",
        "CREATE",
    ]
    api.delete_stage(whole.stages[1].id, **where)
    api.delete(made.id, object_type="orders")
    assert api.list_audit(made.id, object_type="orders").results[0].action == "DELETE"
    assert [one.label for one in api.list("orders").results] == ["Order Pipeline"]


def test_pipeline_in_use(client: HubSpot) -> None:
    """A pipeline that records are in is not deleted when the query asks for that check."""
    pipeline = client.crm.pipelines.list("orders").results[0]
    client.crm.objects.orders.create(
        properties={"hs_pipeline_stage": pipeline.stages[0].id}, associations=[]
    )
    with pytest.raises(hubspot_sdk.BadRequestError) as refused:
        client.crm.pipelines.delete(
            pipeline.id, object_type="orders", validate_references_before_delete=True
        )
    assert refused.value.body["subCategory"] == "PipelineError.STAGE_ID_IN_USE"


def test_account_and_catalogue(client: HubSpot, sandbox: Sandbox) -> None:
    """The account, its usage, owners, enabled types and validation rules are read."""
    assert client.account.get().portal_id == sandbox.portal_id
    assert client.account.get_daily_private_apps_usage().results[0].usage_limit > 0
    owner = next(iter(client.crm.owners.list()))
    assert client.crm.owners.get(owner.id).email == owner.email
    assert client.crm.owners.get(str(owner.user_id), id_property="userId").id == owner.id
    enablement = client.crm.object_library.enablement
    assert enablement.get_all().enablement_by_object_type_id["0-123"] is True
    assert enablement.get_by_object_type_id("0-142").enablement is True
    rules = client.crm.properties_validations
    assert rules.get_by_object_type_id("0-123").results == []
    named = {"object_type_id": "0-123", "property_name": "hs_tags"}
    assert rules.get_by_object_type_id_and_property_name(**named).results == []
    with pytest.raises(hubspot_sdk.NotFoundError):
        rules.get_by_object_type_id_property_name_and_rule_type("REGEX", **named)


def test_a_clash_is_final(sandbox: Sandbox) -> None:
    """A unique clash is a 400, which the client, who repeats creates by itself, does not repeat."""
    with HubSpot(access_token=sandbox.token, base_url=sandbox.url) as client:
        api = client.crm.objects.products
        api.create(properties={"hs_sku": "1"}, associations=[])
        sandbox.clear_requests()
        with pytest.raises(hubspot_sdk.BadRequestError):
            api.create(properties={"hs_sku": "1"}, associations=[])
    assert [one.status for one in sandbox.requests()] == [400]

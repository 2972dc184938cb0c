"""The official client, hubspot-api-client 12, unmodified."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm import associations, line_items, objects, pipelines, properties
from hubspot.crm.associations import v4

from reconcile.sandbox import Sandbox, Switches


@pytest.fixture
def client(sandbox: Sandbox) -> HubSpot:
    """Return the client, pointed at the sandbox."""
    return HubSpot(access_token=sandbox.token, host=sandbox.url)


def typed(association_type: int) -> list[dict[str, Any]]:
    """Return an association type as the client sends it."""
    return [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": association_type}]


@pytest.mark.parametrize("kind", ["orders", "carts"])
def test_generic_objects_live_and_die(client: HubSpot, kind: str) -> None:
    """Orders and carts are created, read, changed, listed and archived through the objects API."""
    name = "hs_order_name" if kind == "orders" else "hs_cart_name"
    api = client.crm.objects.basic_api
    made = api.create(kind, objects.SimplePublicObjectInputForCreate(properties={name: "A"}))
    assert made.properties[name] == "A"
    assert api.get_by_id(kind, made.id, properties=[name]).properties[name] == "A"
    changed = api.update(kind, made.id, objects.SimplePublicObjectInput(properties={name: "B"}))
    assert changed.updated_at > made.updated_at
    assert [one.id for one in api.get_page(kind).results] == [made.id]
    api.archive(kind, made.id)
    assert api.get_page(kind).results == []
    assert api.get_by_id(kind, made.id, archived=True).archived_at is not None


def test_batches(client: HubSpot, http: httpx.Client, make_key: Callable[..., None]) -> None:
    """Batch upsert, read, update and archive work by a unique property."""
    make_key(http, "orders")
    api = client.crm.objects.batch_api
    one = {"id": "K1", "idProperty": "reconcile_key", "properties": {"reconcile_key": "K1"}}
    upserted = api.upsert("orders", {"inputs": [one]})
    assert [result.new for result in upserted.results] == [True]
    read = api.read(
        "orders",
        objects.BatchReadInputSimplePublicObjectId(
            properties=["reconcile_key"],
            properties_with_history=[],
            id_property="reconcile_key",
            inputs=[objects.SimplePublicObjectId(id="K1")],
        ),
    )
    assert read.results[0].properties["reconcile_key"] == "K1"
    order = read.results[0].id
    updated = api.update("orders", {"inputs": [{"id": order, "properties": {"hs_tags": "x"}}]})
    assert updated.status == "COMPLETE"
    assert updated.results[0].properties["hs_tags"] == "x"
    api.archive("orders", {"inputs": [{"id": order}]})
    assert client.crm.objects.basic_api.get_page("orders").results == []


def test_partial_batch(client: HubSpot) -> None:
    """A partly successful batch is read as one with errors, which carry the trace id."""
    inputs = [
        {"properties": {"hs_tags": "a"}, "objectWriteTraceId": "good"},
        {"properties": {"nope": "a"}, "objectWriteTraceId": "bad"},
    ]
    answer = client.crm.objects.batch_api.create("orders", {"inputs": inputs})
    assert answer.num_errors == 1
    assert answer.errors[0].context["objectWriteTraceId"] == ["bad"]
    assert len(answer.results) == 1


def test_batch_read_of_missing(client: HubSpot) -> None:
    """Missing records are read as errors of a batch."""
    body = {"properties": [], "propertiesWithHistory": [], "inputs": [{"id": "5"}]}
    answer = client.crm.objects.batch_api.read("carts", body)
    assert answer.results == []
    assert answer.errors[0].context["ids"] == ["5"]


def test_errors_are_api_exceptions(client: HubSpot) -> None:
    """A refusal is the client's ApiException with HubSpot's body and correlation id."""
    body = objects.SimplePublicObjectInputForCreate(properties={"hs_tax": "x"})
    with pytest.raises(objects.ApiException) as caught:
        client.crm.objects.basic_api.create("orders", body)
    assert caught.value.status == 400
    assert "INVALID_INTEGER" in caught.value.body
    assert caught.value.headers["X-HubSpot-Correlation-Id"] in caught.value.body


def test_wrong_token(sandbox: Sandbox) -> None:
    """A wrong token is the client's ApiException 401."""
    client = HubSpot(access_token="pat-na1-wrong", host=sandbox.url)
    with pytest.raises(objects.ApiException) as caught:
        client.crm.objects.basic_api.get_page("orders")
    assert caught.value.status == 401


def test_line_items(client: HubSpot) -> None:
    """The line item API creates a line with its order and reads the computed amount."""
    order = client.crm.objects.basic_api.create("orders", {"properties": {}})
    line = client.crm.line_items.basic_api.create(
        line_items.SimplePublicObjectInputForCreate(
            properties={"quantity": "2", "price": "3.5"},
            associations=[{"to": {"id": order.id}, "types": typed(514)}],
        )
    )
    read = client.crm.line_items.basic_api.get_by_id(
        line.id, properties=["amount"], associations=["orders"]
    )
    assert read.properties["amount"] == "7.00"
    assert read.associations["orders"].results[0].id == order.id


def test_properties(client: HubSpot) -> None:
    """Definitions are listed, made, changed, refused when there, and archived."""
    api = client.crm.properties.core_api
    body = properties.PropertyCreate(
        name="my_key",
        label="Key",
        type="string",
        field_type="text",
        group_name="order_information",
        has_unique_value=True,
    )
    assert api.create("orders", body).has_unique_value is True
    with pytest.raises(properties.ApiException) as caught:
        api.create("orders", body)
    assert caught.value.status == 409
    assert api.update("orders", "my_key", properties.PropertyUpdate(label="L")).label == "L"
    names = {one.name for one in api.get_all("orders").results}
    assert {"my_key", "hs_order_name"} <= names
    api.archive("orders", "my_key")
    assert "my_key" not in {one.name for one in api.get_all("orders").results}
    groups = client.crm.properties.groups_api.get_all("orders").results
    assert [group.name for group in groups] == ["order_information"]


def test_pipelines(client: HubSpot) -> None:
    """Pipelines are listed with their stages, and made."""
    api = client.crm.pipelines.pipelines_api
    stages = api.get_all("orders").results[0].stages
    assert [stage.metadata["state"] for stage in stages].count("OPEN") == 3
    made = api.create(
        "orders",
        pipelines.PipelineInput(
            label="B2B",
            display_order=1,
            stages=[pipelines.PipelineStageInput(label="New", display_order=0, metadata={})],
        ),
    )
    read = client.crm.pipelines.pipeline_stages_api.get_all("orders", made.id)
    assert [stage.label for stage in read.results] == ["New"]


def test_associations_v4(client: HubSpot) -> None:
    """Version 4 links, lists, reads in batches and unlinks."""
    order = client.crm.objects.basic_api.create("orders", {"properties": {}})
    contact = client.crm.objects.basic_api.create("contacts", {"properties": {}})
    api = client.crm.associations.v4
    spec = v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=507)
    linked = api.basic_api.create("orders", order.id, "contacts", contact.id, [spec])
    assert linked.to_object_id == contact.id
    page = api.basic_api.get_page("orders", order.id, "contacts")
    assert [one.to_object_id for one in page.results] == [contact.id]
    read = api.batch_api.get_page("orders", "contacts", {"inputs": [{"id": order.id}]})
    assert read.results[0].to[0].association_types[0].type_id == 507
    pair = {"from": {"id": order.id}, "to": [{"id": contact.id}]}
    api.batch_api.archive("orders", "contacts", {"inputs": [pair]})
    assert api.basic_api.get_page("orders", order.id, "contacts").results == []
    missing = api.batch_api.get_page("orders", "contacts", {"inputs": [{"id": order.id}]})
    assert missing.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_association_labels(client: HubSpot) -> None:
    """Labels are made and listed through the definitions API."""
    api = client.crm.associations.v4.schema.definitions_api
    made = api.create("orders", "companies", {"label": "Reseller", "name": "reseller"})
    assert [one.label for one in made.results] == ["Reseller", "Reseller"]
    labels = [one.label for one in api.get_all("orders", "companies").results]
    assert labels == [None, "Primary", "Reseller"]


def test_associations_v3(client: HubSpot) -> None:
    """Version 3 links by name."""
    order = client.crm.objects.basic_api.create("orders", {"properties": {}})
    contact = client.crm.objects.basic_api.create("contacts", {"properties": {}})
    body = associations.BatchInputPublicAssociation(
        inputs=[
            associations.PublicAssociation(
                _from={"id": order.id}, to={"id": contact.id}, type="order_to_contact"
            )
        ]
    )
    answer = client.crm.associations.batch_api.create("orders", "contacts", body)
    assert answer.results[0].type == "order_to_contact"


def test_missing_scopes(start: Callable[[Switches], Sandbox]) -> None:
    """A missing scope is the client's ApiException 403."""
    sandbox = start(Switches())
    client = HubSpot(access_token=sandbox.add_token([]), host=sandbox.url)
    with pytest.raises(objects.ApiException) as caught:
        client.crm.objects.basic_api.get_page("orders")
    assert caught.value.status == 403
    assert "MISSING_SCOPES" in caught.value.body

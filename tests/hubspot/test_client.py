"""Every method of the client against the sandbox, over a socket, in both families of paths."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from reconcile.errors import AuthError, HubSpotError, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Pair, Refused, Write, Written
from reconcile.model.records import Link
from reconcile.sandbox import Sandbox

KEY = "reconcile_key"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with Sandbox(folder / "hs.sqlite") as running:
        yield running


@pytest.fixture(params=["v3", "2026-03"])
def hubspot(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[HubSpot]:
    with HubSpot(sandbox.url, sandbox.token, api=request.param, rate_limit=None) as client:
        client.definitions.define_unique("orders", KEY, "Reconcile key", "order_information")
        yield client


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def post(sandbox: Sandbox, path: str, body: Any) -> Any:
    """Do by hand what the client has no method for."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    response = httpx.post(sandbox.url + path, json=body, headers=headers, trust_env=False)
    assert response.status_code < 300, response.text
    return response.json() if response.content else None


def made(hubspot: HubSpot, key: str, **properties: str) -> str:
    """Make an order and return its id."""
    answer = hubspot.records.upsert("orders", KEY, [Write("t", key, properties)])["t"]
    assert isinstance(answer, Written), answer
    return answer.id


def test_the_account_says_who_it_is(hubspot: HubSpot, sandbox: Sandbox) -> None:
    """The portal id is what a target pins."""
    account = hubspot.definitions.account()
    assert account.portal_id == sandbox.portal_id
    assert account.type
    assert account.currency
    assert hubspot.transport.time_zone == account.time_zone == "UTC"


def test_the_account_says_what_is_used(hubspot: HubSpot) -> None:
    """The daily counter counts calls."""
    before = hubspot.definitions.usage()
    after = hubspot.definitions.usage()
    assert before
    assert after
    assert 0 < before.used < after.used <= after.limit
    assert after.resets_at


def test_the_token_says_its_scopes(hubspot: HubSpot, sandbox: Sandbox) -> None:
    """Scopes are the token's own."""
    scopes = hubspot.definitions.scopes()
    assert scopes is not None
    assert "crm.objects.orders.read" in scopes
    few = sandbox.add_token(["crm.objects.carts.read"])
    with HubSpot(sandbox.url, few, rate_limit=None) as client:
        scopes = client.definitions.scopes()
    assert scopes is not None
    assert scopes - {"oauth"} == {"crm.objects.carts.read"}  # every app has oauth


def test_properties_are_described(hubspot: HubSpot) -> None:
    """Definitions have types, options and whether they are read-only."""
    properties = hubspot.definitions.properties("orders")
    assert properties["hs_order_name"].type == "string"
    assert not properties["hs_order_name"].read_only
    assert properties["hs_total_price"].type == "number"
    assert properties["hs_currency_code"].type == "enumeration"
    assert properties["hs_object_id"].read_only
    assert properties[KEY].unique
    assert hubspot.definitions.properties("line_items")["quantity"].type == "number"
    assert hubspot.definitions.properties("carts")["hs_cart_name"].label


def test_a_unique_property_is_defined_once(hubspot: HubSpot) -> None:
    """Defining it again is not an error; a name used by another property is."""
    group = hubspot.definitions.groups("carts")[0]
    for _ in range(2):
        hubspot.definitions.define_unique("carts", KEY, "Reconcile key", group)
    assert hubspot.definitions.properties("carts")[KEY].unique
    with pytest.raises(HubSpotError, match="not a unique text property") as caught:
        hubspot.definitions.define_unique("carts", "hs_cart_name", "Name", group)
    assert "another name" in caught.value.hint


def test_pipelines_have_stages(hubspot: HubSpot) -> None:
    """Labels and ids of the default order pipeline."""
    pipeline = hubspot.definitions.pipelines("orders")[0]
    assert pipeline.label == "Order Pipeline"
    assert "Delivered" in pipeline.stages.values()


def test_labels_have_types(hubspot: HubSpot) -> None:
    """The unlabelled type has an empty label."""
    found = {
        label.label: label.type_id for label in hubspot.definitions.labels("orders", "companies")
    }
    assert found[""] == 934
    assert 509 in found.values()


def test_an_order_is_made_read_changed_and_read(hubspot: HubSpot, key: str) -> None:
    """Upsert, batch read by key, update by id, single read."""
    first = hubspot.records.upsert("orders", KEY, [Write("t", key, {"hs_order_name": "one"})])["t"]
    assert isinstance(first, Written)
    assert first.new is True
    again = hubspot.records.upsert("orders", KEY, [Write("t", key, {"hs_order_name": "one"})])["t"]
    assert isinstance(again, Written)
    assert (again.id, again.new) == (first.id, False)

    found = hubspot.records.read("orders", [key, f"{key}-none"], ["hs_order_name"], id_property=KEY)
    assert list(found) == [key]
    assert found[key].id == first.id
    assert found[key].properties["hs_order_name"] == "one"

    changed = hubspot.records.update("orders", [Write("u", first.id, {"hs_order_name": "two"})])[
        "u"
    ]
    assert isinstance(changed, Written)
    assert changed.id == first.id
    single = hubspot.records.get("orders", first.id, ["hs_order_name", "hs_tags"])
    assert single
    assert single.properties["hs_order_name"] == "two"
    assert single.properties["hs_tags"] is None
    assert hubspot.records.get("orders", key, [], id_property=KEY)
    assert hubspot.records.get("orders", "999999", []) is None
    assert hubspot.records.read("orders", ["999999"], []) == {}


def test_one_bad_record_does_not_spoil_the_batch(hubspot: HubSpot, key: str) -> None:
    """Trace ids switch HubSpot to partial success."""
    answers = hubspot.records.upsert(
        "orders",
        KEY,
        [
            Write("good", f"{key}-1", {"hs_order_name": "x"}),
            Write("bad", f"{key}-2", {"no_such_property": "x"}),
        ],
    )
    assert isinstance(answers["good"], Written)
    refused = answers["bad"]
    assert isinstance(refused, Refused)
    assert "no_such_property" in refused.message
    assert list(hubspot.records.read("orders", [f"{key}-1", f"{key}-2"], [], id_property=KEY)) == [
        f"{key}-1"
    ]


def test_a_missing_record_of_an_update_is_refused(hubspot: HubSpot, key: str) -> None:
    """The others of the batch are written."""
    order = made(hubspot, key)
    answers = hubspot.records.update(
        "orders",
        [Write("a", "999999", {"hs_order_name": "x"}), Write("b", order, {"hs_order_name": "x"})],
    )
    assert isinstance(answers["a"], Refused)
    assert answers["a"].category == "OBJECT_NOT_FOUND"
    assert isinstance(answers["b"], Written)


def test_one_record_is_patched(hubspot: HubSpot, key: str) -> None:
    """By key or id; a refusal is an answer."""
    order = made(hubspot, key)
    by_key = hubspot.records.patch(
        "orders", Write("t", key, {"hs_order_name": "p"}), id_property=KEY
    )
    assert isinstance(by_key, Written)
    assert by_key.id == order
    assert isinstance(hubspot.records.patch("orders", Write("t", order, {"hs_tags": "p"})), Written)
    assert isinstance(hubspot.records.patch("orders", Write("t", order, {"nope": "p"})), Refused)
    assert isinstance(
        hubspot.records.patch("orders", Write("t", "999999", {"hs_tags": "p"})), Refused
    )


def test_lines_are_created_on_their_order(hubspot: HubSpot, key: str) -> None:
    """Batch create with the association, found again from both sides."""
    order = made(hubspot, key)
    answers = hubspot.records.create(
        "line_items",
        [
            Write(
                f"t{n}",
                "",
                {"name": f"{key}-{n}", "quantity": "2", "price": "3.5"},
                ((order, "HUBSPOT_DEFINED", 514),),
            )
            for n in range(3)
        ],
        match="name",
    )
    ids = {answer.id for answer in answers.values() if isinstance(answer, Written)}
    assert len(ids) == 3
    links = hubspot.associations.links("orders", "line_item", "line_items", [order, "999999"])
    assert links[order] == {Link("line_item", id_, 513) for id_ in ids}
    assert links["999999"] == frozenset()
    back = hubspot.associations.links("line_items", "order", "orders", sorted(ids))
    assert set(back.values()) == {frozenset({Link("order", order, 514)})}
    lines = hubspot.records.read("line_items", sorted(ids), ["name", "amount"])
    assert {line.properties["name"] for line in lines.values()} == {f"{key}-{n}" for n in range(3)}


def test_pairs_are_associated_labelled_and_dissociated(
    hubspot: HubSpot, sandbox: Sandbox, key: str
) -> None:
    """A label is set beside the plain type and removed alone."""
    order = made(hubspot, key)
    company = post(sandbox, "/crm/v3/objects/companies", {"properties": {"name": key}})["id"]
    types = (("HUBSPOT_DEFINED", 934), ("HUBSPOT_DEFINED", 509))
    answers = hubspot.associations.associate(
        "orders", "companies", [Pair("t", order, company, types)]
    )
    assert isinstance(answers["t"], Written)
    plain, primary = Link("company", company, 934), Link("company", company, 509)
    assert hubspot.associations.links("orders", "company", "companies", [order])[order] == {
        plain,
        primary,
    }

    label = Pair("t", order, company, (("HUBSPOT_DEFINED", 509),))
    assert isinstance(hubspot.associations.dissociate("orders", "companies", [label])["t"], Written)
    assert hubspot.associations.links("orders", "company", "companies", [order])[order] == {plain}
    both = Pair("t", order, company, (("HUBSPOT_DEFINED", 934),))
    assert isinstance(hubspot.associations.dissociate("orders", "companies", [both])["t"], Written)
    assert (
        hubspot.associations.links("orders", "company", "companies", [order])[order] == frozenset()
    )


def test_a_pair_with_a_missing_end_is_not_written(
    hubspot: HubSpot, sandbox: Sandbox, key: str
) -> None:
    """The other pair is made."""
    order = made(hubspot, key)
    email = f"{uuid4().hex}@customer.example"
    contact = post(sandbox, "/crm/v3/objects/contacts", {"properties": {"email": email}})["id"]
    types = (("HUBSPOT_DEFINED", 507),)
    answers = hubspot.associations.associate(
        "orders",
        "contacts",
        [Pair("bad", order, "999999", types), Pair("good", order, contact, types)],
    )
    assert isinstance(answers["good"], Written)
    assert not isinstance(answers["bad"], Written)


def test_records_are_archived_and_ids_of_nothing_passed_over(hubspot: HubSpot, key: str) -> None:
    """HubSpot answers 204 for both, so an answer says no more than that nothing was refused."""
    writes = [Write(f"t{n}", f"{key}-{n}", {}) for n in range(2)]
    made = hubspot.records.upsert("orders", "reconcile_key", writes)
    ids = [answer.id for answer in made.values() if isinstance(answer, Written)]
    answers = hubspot.records.archive("orders", [*ids, "999999999"])
    assert answers == {id_: Written(id_) for id_ in (*ids, "999999999")}
    assert hubspot.records.read("orders", ids, []) == {}
    assert set(hubspot.records.read("orders", ids, [], archived=True)) == set(ids)
    for bad in ([], ["1", "1"], [str(n) for n in range(101)]):
        with pytest.raises(ValueError, match="1 to 100 different ids"):
            hubspot.records.archive("orders", bad)


def test_archived_records_are_read_on_request_only(
    hubspot: HubSpot, sandbox: Sandbox, key: str
) -> None:
    """An archived record is absent to plain reads, single or batch."""
    order = made(hubspot, key)
    post(sandbox, "/crm/v3/objects/orders/batch/archive", {"inputs": [{"id": order}]})
    assert hubspot.records.read("orders", [order], []) == {}
    assert hubspot.records.get("orders", order, []) is None
    assert hubspot.records.read("orders", [order], [], archived=True)[order].archived
    single = hubspot.records.get("orders", order, [], archived=True)
    assert single
    assert single.archived


def test_large_reads_run_on_several_threads(hubspot: HubSpot, key: str) -> None:
    """250 records come back whole, under the keys asked for."""
    keys = [f"{key}-{n}" for n in range(250)]
    for start in range(0, 250, 100):
        hubspot.records.upsert(
            "orders", KEY, [Write(k, k, {"hs_order_name": k}) for k in keys[start : start + 100]]
        )
    found = hubspot.records.read("orders", keys, ["hs_order_name"], id_property=KEY)
    assert {k: actual.properties["hs_order_name"] for k, actual in found.items()} == {
        k: k for k in keys
    }
    reads = [count for route, count in hubspot.calls.items() if route.endswith("/batch/read")]
    assert reads == [3]


def test_many_threads_share_one_client(hubspot: HubSpot, key: str) -> None:
    """Calls from several threads at once do not mix."""
    made(hubspot, f"{key}-0")

    def work(number: int) -> str:
        order = made(hubspot, f"{key}-{number}", hs_order_name=str(number))
        found = hubspot.records.get("orders", order, ["hs_order_name"])
        assert found
        return found.properties["hs_order_name"] or ""

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [str(n) for n in range(40)]


def test_the_token_is_in_no_log(
    hubspot: HubSpot, sandbox: Sandbox, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with every library's debugging on."""
    caplog.set_level(logging.DEBUG)
    made(hubspot, key)
    hubspot.definitions.scopes()
    assert caplog.records
    assert sandbox.token not in caplog.text
    assert sandbox.token not in repr(hubspot) + repr(vars(hubspot))


def test_a_missing_scope_is_named(hubspot: HubSpot, sandbox: Sandbox) -> None:
    """The sandbox refuses as HubSpot does, and the error says what to add."""
    token = sandbox.add_token(["crm.objects.carts.read"])
    with (
        HubSpot(sandbox.url, token, rate_limit=None) as client,
        pytest.raises(AuthError) as caught,
    ):
        client.records.read("orders", ["1"], [])
    assert "crm.objects.orders.read" in f"{caught.value}{caught.value.hint}"
    assert caught.value.status == 403


def test_a_wrong_token_is_refused(sandbox: Sandbox) -> None:
    """401 names no token."""
    token = "pat-na1-00000000-0000-0000-0000-000000000000"
    with HubSpot(sandbox.url, token, rate_limit=None) as client:
        with pytest.raises(AuthError) as caught:
            client.definitions.account()
        assert client.definitions.scopes() is None
    assert token not in f"{caught.value}{caught.value.hint}"


def test_an_object_that_does_not_exist_is_an_error(hubspot: HubSpot) -> None:
    """Not an absent record, whichever way it is asked for."""
    with pytest.raises(HubSpotError):
        hubspot.records.get("butterflies", "1", [])
    with pytest.raises(HubSpotError):
        hubspot.records.read("butterflies", ["1"], [])


def test_a_host_that_is_not_there_is_unreachable() -> None:
    """Connecting is tried several times, then given up."""
    slept: list[float] = []
    with (
        HubSpot("http://127.0.0.1:9", "t", attempts=3, sleep=slept.append) as client,
        pytest.raises(Unreachable, match="3 attempts"),
    ):
        client.definitions.account()
    assert len(slept) == 2


def test_type_ids_may_stand_for_names(hubspot: HubSpot, key: str) -> None:
    """0-123 is orders."""
    order = made(hubspot, key)
    assert list(hubspot.records.read("0-123", [order], [])) == [order]

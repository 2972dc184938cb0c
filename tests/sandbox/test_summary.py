"""What a crash test counts: records lost, made twice, without a parent or with several."""

from collections.abc import Callable

import httpx

from reconcile.sandbox import Sandbox, Switches, faults

SUMMARY = "/_sandbox/summary"
OF_ORDER = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}


def make(http: httpx.Client, kind: str, /, *orders: str, **properties: str) -> str:
    """Create a record with its parents."""
    links = [{"to": {"id": order}, "types": [OF_ORDER]} for order in orders]
    body = {"properties": properties, "associations": links}
    answer = http.post(f"/crm/v3/objects/{kind}", json=body)
    return str(answer.raise_for_status().json()["id"])


def test_an_empty_account(http: httpx.Client) -> None:
    """Every type is there, with nothing."""
    told = http.get(SUMMARY).json()
    assert told["orders"] == told["contacts"] == {"live": 0, "archived": 0, "created": 0}
    none = {"count": 0, "ids": []}
    assert told["line_items"] == told["orders"] | {"orphans": none, "torn": none}


def test_counts(http: httpx.Client) -> None:
    """Live and archived records are counted, and creates for ever, refused ones never."""
    ids = [make(http, "orders", hs_tags="a") for _ in range(4)]
    http.delete(f"/crm/v3/objects/orders/{ids[0]}")
    body = {"primaryObjectId": ids[1], "objectIdToMerge": ids[2]}
    http.post("/crm/objects/2026-03/orders/merge", json=body).raise_for_status()
    http.post("/crm/objects/2025-09/orders/gdpr-delete", json={"objectId": ids[0]})
    refused = {"inputs": [{"properties": {"hs_tags": "b"}}, {"properties": {"nope": "1"}}]}
    assert http.post("/crm/v3/objects/orders/batch/create", json=refused).status_code == 400
    assert http.get(SUMMARY).json()["orders"] == {"live": 2, "archived": 0, "created": 4}


def test_values_that_records_share(http: httpx.Client) -> None:
    """Values of a property that more than one live record has are told with the records."""
    first, second, third = (make(http, "carts", hs_cart_name=name) for name in "AAB")
    archived = make(http, "carts", hs_cart_name="B")
    http.delete(f"/crm/v3/objects/carts/{archived}")
    make(http, "carts")
    make(http, "carts", hs_cart_name="")
    told = http.get(SUMMARY, params={"property": "hs_cart_name"}).json()
    assert told["carts"]["shared"] == {"count": 1, "values": {"A": [first, second]}}
    assert told["orders"]["shared"] == {"count": 0, "values": {}}
    http.patch(f"/crm/v3/objects/carts/{third}", json={"properties": {"hs_cart_name": "A"}})
    told = http.get(SUMMARY, params={"property": "hs_cart_name"}).json()
    assert told["carts"]["shared"]["values"] == {"A": [first, second, third]}
    odd = http.get(SUMMARY, params={"property": "'\"$.x"})
    assert odd.json()["carts"]["shared"] == {"count": 0, "values": {}}


def test_line_items_and_their_parents(http: httpx.Client) -> None:
    """A line item whose last live parent is gone is an orphan; one with two is torn."""
    one, other = make(http, "orders"), make(http, "orders")
    fine, alone = make(http, "line_items", one), make(http, "line_items")
    torn, bereft = make(http, "line_items", one, other), make(http, "line_items", other)
    told = http.get(SUMMARY).json()["line_items"]
    assert told["orphans"] == {"count": 1, "ids": [alone]}
    assert told["torn"] == {"count": 1, "ids": [torn]}
    http.delete(f"/crm/v3/objects/orders/{other}")
    told = http.get(SUMMARY).json()["line_items"]
    assert told["orphans"] == {"count": 2, "ids": sorted([alone, bereft])}
    assert told["torn"]["count"] == 0
    http.delete(f"/crm/v3/objects/line_items/{alone}")
    assert http.get(SUMMARY).json()["line_items"]["orphans"]["ids"] == [bereft]
    assert fine not in told["orphans"]["ids"]


def test_it_is_no_request(sandbox: Sandbox, http: httpx.Client) -> None:
    """Counting takes no part in log, limits or faults, and needs a token."""
    sandbox.faults.add(faults.Refuse(503))
    assert http.get(SUMMARY).status_code == 200
    assert httpx.get(f"{sandbox.url}{SUMMARY}").status_code == 401
    assert sandbox.requests() == []
    assert sandbox.limits.used_today(sandbox.clock.now_ms()) == 0


def test_half_done_creates_count(start: Callable[[Switches], Sandbox]) -> None:
    """What a refusal left behind was created."""
    sandbox = start(Switches(create_associations="half_done"))
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=headers) as client:
        body = {"properties": {}, "associations": [{"to": {"id": "7"}, "types": [OF_ORDER]}]}
        assert client.post("/crm/v3/objects/line_items", json=body).status_code == 400
        assert sandbox.requests()[-1].committed
        told = client.get(SUMMARY).json()["line_items"]
    assert (told["created"], told["orphans"]["count"]) == (1, 1)

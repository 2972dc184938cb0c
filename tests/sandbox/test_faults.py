"""Faults on request, each as a plain httpx client sees it, and what the server knows of it."""

import json
import time
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Sandbox, faults
from reconcile.sandbox.faults import Fault
from reconcile.sandbox.faults import concurrent_changes as people

ORDERS = "/crm/v3/objects/orders"
CREATE = f"{ORDERS}/batch/create"
READ = f"{ORDERS}/batch/read"
ONE = {"inputs": [{"properties": {"hs_order_name": "A"}}]}


def stored(http: httpx.Client) -> int:
    """Count the orders there are."""
    return len(http.get(ORDERS, params={"limit": 100}).json()["results"])


def made(http: httpx.Client, kind: str = "orders", **properties: str) -> str:
    """Create a record; return its id."""
    answer = http.post(f"/crm/v3/objects/{kind}", json={"properties": properties})
    return str(answer.raise_for_status().json()["id"])


def name_of(http: httpx.Client, order: str) -> str | None:
    """Read an order's name."""
    answer = http.get(f"{ORDERS}/{order}?properties=hs_order_name").raise_for_status()
    name: str | None = answer.json()["properties"]["hs_order_name"]
    return name


CLOSED: list[tuple[Fault, type[httpx.HTTPError], int, int]] = [
    (faults.CloseBefore(), httpx.RemoteProtocolError, 0, 0),
    (faults.CloseBefore(resets=True), httpx.ReadError, 0, 0),
    (faults.CloseAfterCommit(), httpx.RemoteProtocolError, 1, 0),
    (faults.CloseAfterCommit(resets=True), httpx.ReadError, 1, 0),
    (faults.CloseDuring(), httpx.RemoteProtocolError, 1, 201),
]


@pytest.mark.parametrize(("fault", "error", "written", "status"), CLOSED)
def test_closed_connections(
    sandbox: Sandbox,
    http: httpx.Client,
    *,
    fault: Fault,
    error: type[httpx.HTTPError],
    written: int,
    status: int,
) -> None:
    """A closed connection is an error to the client; the log tells whether it was written."""
    sandbox.faults.add(fault, path="*/batch/create", times=1)
    with pytest.raises(error):
        http.post(CREATE, json=ONE)
    seen = sandbox.requests()[-1]
    assert (seen.status, seen.committed) == (status, bool(written))
    assert seen.faults.startswith("close_")
    assert stored(http) == written
    assert http.post(CREATE, json=ONE).status_code == 201  # the rule struck once


def test_the_ambiguous_create_can_be_resolved(
    sandbox: Sandbox, http: httpx.Client, make_key: Any
) -> None:
    """After a create whose answer was lost, a read by key finds the record."""
    make_key(http, "orders")
    sandbox.faults.add(faults.CloseAfterCommit(), path="*/batch/upsert", nth=1)
    one = {"id": "K", "idProperty": "reconcile_key", "properties": {"reconcile_key": "K"}}
    with pytest.raises(httpx.RemoteProtocolError):
        http.post(f"{ORDERS}/batch/upsert", json={"inputs": [one]})
    body = {"idProperty": "reconcile_key", "inputs": [{"id": "K"}]}
    assert http.post(READ, json=body).status_code == 200
    repeated = http.post(f"{ORDERS}/batch/upsert", json={"inputs": [one]}).json()
    assert repeated["results"][0]["new"] is False


@pytest.mark.parametrize("status", [502, 504, 524])
def test_gateway_after_commit(sandbox: Sandbox, http: httpx.Client, status: int) -> None:
    """A gateway's error may hide that everything was written."""
    sandbox.faults.add(faults.GatewayAfterCommit(status), writes=True, times=1)
    answer = http.post(CREATE, json=ONE)
    assert (answer.status_code, stored(http)) == (status, 1)
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("committed", [True, False])
def test_empty_results(sandbox: Sandbox, http: httpx.Client, *, committed: bool) -> None:
    """A success may have neither results nor errors, whatever was written (ref §4)."""
    sandbox.faults.add(faults.EmptyResults(committed=committed), path="*/create", times=1)
    answer = http.post(CREATE, json=ONE)
    assert (answer.status_code, answer.json()["results"]) == (201, [])
    assert "errors" not in answer.json()
    assert stored(http) == int(committed)
    assert sandbox.requests()[-2].committed is committed


@pytest.mark.parametrize("kind", [faults.TruncatedJson, faults.InvalidJson])
@pytest.mark.parametrize("committed", [True, False])
def test_spoilt_json(
    sandbox: Sandbox,
    http: httpx.Client,
    kind: type[faults.TruncatedJson],
    *,
    committed: bool,
) -> None:
    """A whole answer may hold no JSON, whatever was written."""
    sandbox.faults.add(kind(committed=committed), path="*/create", times=1)
    answer = http.post(CREATE, json=ONE)
    assert answer.status_code == 201
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert stored(http) == int(committed)


def test_slowness(sandbox: Sandbox, http: httpx.Client) -> None:
    """A request may wait, and a body dribble; others are answered meanwhile."""
    sandbox.faults.add(faults.Latency(0.2), path=ORDERS, times=1)
    started = time.perf_counter()
    assert http.get(ORDERS).status_code == 200
    assert time.perf_counter() - started >= 0.2
    sandbox.faults.add(faults.SlowBody(3600), path=ORDERS, times=1)
    with http.stream("GET", ORDERS) as answer:  # at once, or the client's patience would end
        assert answer.status_code == 200
        assert http.get("/account-info/v3/details").status_code == 200
    sandbox.faults.add(faults.SlowBody(0.2), path=ORDERS, times=2)
    started = time.perf_counter()
    assert http.get(ORDERS).json() == {"results": []}
    assert time.perf_counter() - started >= 0.2
    with pytest.raises(httpx.ReadTimeout):
        http.get(ORDERS, timeout=0.01)


REFUSALS: list[tuple[faults.Refuse, dict[str, str | None]]] = [
    (faults.Refuse(429), {"policyName": "TEN_SECONDLY_ROLLING", "category": None}),
    (faults.Refuse(429, "daily"), {"policyName": "DAILY", "errorType": "RATE_LIMIT"}),
    (faults.Refuse(429, "search"), {"category": "RATE_LIMITS", "policyName": None}),
    (faults.Refuse(423), {"status": "error"}),
    (faults.Refuse(477), {"status": "error"}),
    (faults.Refuse(500), {"status": "error"}),
    (faults.Refuse(503), {"status": "error"}),
]


@pytest.mark.parametrize(("fault", "told"), REFUSALS)
def test_bursts_of_refusals(
    sandbox: Sandbox, http: httpx.Client, fault: faults.Refuse, told: dict[str, str | None]
) -> None:
    """A burst refuses some requests, each with its body, and nothing is written."""
    sandbox.faults.add(fault, path="*/create", times=3)
    for _ in range(3):
        answer = http.post(CREATE, json=ONE)
        assert answer.status_code == fault.status
        assert {name: answer.json().get(name) for name in told} == told
    assert answer.headers.get("Retry-After") == ("86400" if fault.status == 477 else None)
    assert stored(http) == 0
    assert http.post(CREATE, json=ONE).status_code == 201


@pytest.mark.parametrize("status", [502, 504, 521, 523, 524])
def test_gateway_refusals(sandbox: Sandbox, http: httpx.Client, status: int) -> None:
    """Errors of the network before HubSpot are HTML, and nothing is written."""
    sandbox.faults.add(faults.Refuse(status, retry_after="3"), path="*/create")
    answer = http.post(CREATE, json=ONE)
    assert (answer.status_code, answer.text[:6]) == (status, "<html>")
    assert stored(http) == 0


def test_a_burst_for_some_seconds(sandbox: Sandbox, http: httpx.Client) -> None:
    """A rule may last some seconds of the sandbox's clock from its first match."""
    sandbox.faults.add(faults.Refuse(423), path=ORDERS, lasting=2)
    assert http.get(ORDERS).status_code == 423
    sandbox.clock.advance(1.5)
    assert http.get(ORDERS).status_code == 423
    sandbox.clock.advance(1)
    assert http.get(ORDERS).status_code == 200


def test_which_requests_are_struck(sandbox: Sandbox, http: httpx.Client) -> None:
    """A rule is about a method, a path, a text, writes; it strikes all, the nth or every nth."""
    third = sandbox.faults.add(faults.Refuse(503), method="get", path=f"{ORDERS}*", nth=3)
    answers = [http.get(ORDERS).status_code for _ in range(5)]
    assert answers == [200, 200, 503, 200, 200]
    assert sandbox.faults.struck(third) == 1
    sandbox.faults.clear()
    sandbox.faults.add(faults.Refuse(503), every=2, writes=True)
    answers = [http.post(CREATE, json=ONE).status_code for _ in range(4)]
    assert answers == [201, 503, 201, 503]
    assert http.get(ORDERS).status_code == 200
    sandbox.faults.clear()
    sandbox.faults.add(faults.Refuse(503), contains="BAD")
    assert http.post(CREATE, json=ONE).status_code == 201
    body = {"inputs": [{"properties": {"hs_order_name": "BAD"}}]}
    assert http.post(CREATE, json=body).status_code == 503


def test_chance_has_a_seed(sandbox: Sandbox, http: httpx.Client) -> None:
    """With a seed the same requests are struck again."""
    runs = []
    for seed in (7, 7, 8):
        sandbox.faults.clear()
        sandbox.faults.seed(seed)
        sandbox.faults.add(faults.Refuse(503), probability=0.5)
        runs.append([http.get(ORDERS).status_code for _ in range(30)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 503}


def test_stale_reads(sandbox: Sandbox, http: httpx.Client, make_key: Any) -> None:
    """For a while after a write every read shows the former version, or nothing (ref §13)."""
    make_key(http, "orders")
    old = made(http, hs_order_name="old", reconcile_key="O")
    gone = made(http, hs_order_name="gone", reconcile_key="G")
    sandbox.clock.advance(60)
    http.patch(f"{ORDERS}/{old}", json={"properties": {"hs_order_name": "new"}})
    http.delete(f"{ORDERS}/{gone}")
    fresh = made(http, hs_order_name="fresh", reconcile_key="F")
    sandbox.faults.add(faults.StaleReads(5))
    assert name_of(http, old) == "old"
    assert http.get(f"{ORDERS}/{fresh}").status_code == 404
    assert name_of(http, gone) == "gone"
    ids = [one["id"] for one in http.get(ORDERS).json()["results"]]
    assert ids == [old, gone]
    body: dict[str, Any] = {"inputs": [{"id": old}, {"id": fresh}], "properties": ["hs_order_name"]}
    answer = http.post(READ, json=body)
    assert answer.status_code == 207
    assert [one["properties"]["hs_order_name"] for one in answer.json()["results"]] == ["old"]
    body = {"idProperty": "reconcile_key", "inputs": [{"id": "F"}, {"id": "G"}]}
    answer = http.post(READ, json=body)
    assert [one["id"] for one in answer.json()["results"]] == [gone]
    sandbox.clock.advance(5)
    assert name_of(http, old) == "new"
    assert http.get(f"{ORDERS}/{fresh}").status_code == 200
    assert http.get(f"{ORDERS}/{gone}").status_code == 404


def test_keys_that_lag(sandbox: Sandbox, http: httpx.Client, make_key: Any) -> None:
    """Reads by key find records late, and by a former key still; reads by id are true."""
    make_key(http, "orders")
    moved = made(http, reconcile_key="A")
    sandbox.clock.advance(60)
    http.patch(f"{ORDERS}/{moved}", json={"properties": {"reconcile_key": "B"}})
    fresh = made(http, reconcile_key="F")
    sandbox.faults.add(faults.LaggingKeys(5))

    def found(key: str) -> str | None:
        answer = http.get(f"{ORDERS}/{key}?idProperty=reconcile_key&properties=reconcile_key")
        return answer.json()["properties"]["reconcile_key"] if answer.is_success else None

    assert (found("A"), found("B"), found("F")) == ("B", None, None)
    assert http.get(f"{ORDERS}/{fresh}").status_code == 200
    # A write by key is no read: the server itself knows its keys.
    one = {"id": "F", "idProperty": "reconcile_key", "properties": {"reconcile_key": "F"}}
    upserted = http.post(f"{ORDERS}/batch/upsert", json={"inputs": [one]}).json()["results"][0]
    assert (upserted["id"], upserted["new"]) == (fresh, False)
    sandbox.clock.advance(5)
    assert (found("A"), found("B"), found("F")) == (None, "B", "F")


def test_links_that_lag(sandbox: Sandbox, http: httpx.Client) -> None:
    """For a while after a write every read of associations shows the former ones."""
    order, line, late = made(http), made(http, "line_items"), made(http, "line_items")
    kept, gone = made(http, "contacts"), made(http, "contacts")
    one = f"/crm/v4/objects/orders/{order}/associations"
    for contact in (kept, gone):
        http.put(f"{one}/default/contacts/{contact}").raise_for_status()
    http.put(f"{one}/default/line_items/{line}").raise_for_status()
    sandbox.clock.advance(60)
    http.delete(f"{one}/contacts/{gone}").raise_for_status()
    http.put(f"{one}/default/line_items/{late}").raise_for_status()
    company = made(http, "companies")
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 509}]
    http.put(f"{one}/companies/{company}", json=primary).raise_for_status()

    def seen(kind: str) -> list[set[str]]:
        """What each of the ways to read links tells."""
        body = {"inputs": [{"id": order}]}
        batch = http.post(f"/crm/v4/associations/orders/{kind}/batch/read", json=body).json()
        older = http.post(f"/crm/v3/associations/orders/{kind}/batch/read", json=body).json()
        record = http.get(f"{ORDERS}/{order}?associations={kind}").json().get("associations", {})
        listed = http.get(f"{one}/{kind}").json()["results"]
        return [
            {str(to["toObjectId"]) for to in listed},
            {str(to["toObjectId"]) for found in batch["results"] for to in found["to"]},
            {to["id"] for found in older["results"] for to in found["to"]},
            {to["id"] for found in record.values() for to in found["results"]},
        ]

    for fault in (faults.LaggingLinks(5), faults.StaleReads(5)):
        sandbox.faults.clear()
        sandbox.faults.add(fault)
        assert seen("contacts") == [{kept, gone}] * 4
        assert seen("line_items") == [{line}] * 4
        assert seen("companies") == [set()] * 4
    # A write knows better: the line item stays where it is, and its labels are replaced.
    http.put(f"{one}/default/line_items/{late}").raise_for_status()
    sandbox.clock.advance(5)
    assert seen("contacts") == [{kept}] * 4
    assert seen("line_items") == [{line, late}] * 4
    assert seen("companies") == [{company}] * 4


def test_links_of_a_new_record_lag_with_it(sandbox: Sandbox, http: httpx.Client) -> None:
    """The links a record is created with show no sooner than the record, from both ends."""
    order = made(http)
    sandbox.clock.advance(60)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
    body = {"properties": {}, "associations": [{"to": {"id": order}, "types": types}]}
    line = http.post("/crm/v3/objects/line_items", json=body).json()["id"]
    sandbox.faults.add(faults.LaggingLinks(5))
    paths = (
        f"/crm/v4/objects/orders/{order}/associations/line_items",
        f"/crm/v4/objects/line_items/{line}/associations/orders",
    )
    assert [http.get(path).json()["results"] for path in paths] == [[], []]
    sandbox.clock.advance(5)
    assert [len(http.get(path).json()["results"]) for path in paths] == [1, 1]


def test_definitions_that_lag(sandbox: Sandbox, http: httpx.Client, make_key: Any) -> None:
    """A property shows in reads of definitions a moment after it was made; writes know it."""
    sandbox.faults.add(faults.LaggingDefinitions())
    make_key(http, "orders")
    path = "/crm/v3/properties/orders"
    names = {"inputs": [{"name": "reconcile_key"}, {"name": "hs_tags"}]}

    def shown() -> list[int]:
        return [
            sum(one["name"] == "reconcile_key" for one in http.get(path).json()["results"]),
            int(http.get(f"{path}/reconcile_key").is_success),
            len(http.post(f"{path}/batch/read", json=names).json()["results"]) - 1,
        ]

    assert shown() == [0, 0, 0]
    assert http.post(ORDERS, json={"properties": {"reconcile_key": "K"}}).status_code == 201
    sandbox.clock.advance(0.7)
    assert shown() == [1, 1, 1]


def test_somebody_edits_in_between(sandbox: Sandbox, http: httpx.Client, make_key: Any) -> None:
    """When a request comes, a person may have edited, cleared a key, or do so just after."""
    make_key(http, "orders")
    order = made(http, hs_order_name="mine", reconcile_key="K")
    sandbox.faults.add(
        people.Edit("orders/reconcile_key=K", {"hs_order_name": "theirs", "reconcile_key": ""}),
        path="*/batch/update",
        times=1,
    )
    body = {"inputs": [{"id": order, "properties": {"hs_tags": "a"}}]}
    assert http.post(f"{ORDERS}/batch/update", json=body).status_code == 200
    assert name_of(http, order) == "theirs"
    assert http.get(f"{ORDERS}/K?idProperty=reconcile_key").status_code == 404
    late = people.Edit(f"orders/{order}", {"hs_order_name": "later"}, after=True)
    sandbox.faults.add(late, method="GET", times=1)
    assert name_of(http, order) == "theirs"
    assert name_of(http, order) == "later"
    history = http.get(f"{ORDERS}/{order}?propertiesWithHistory=hs_order_name").json()
    sources = [one["sourceType"] for one in history["propertiesWithHistory"]["hs_order_name"]]
    assert sources == ["CRM_UI", "CRM_UI", "INTEGRATION"]


def test_somebody_archives_merges_and_unlinks(sandbox: Sandbox, http: httpx.Client) -> None:
    """A record may be archived, merged or unlinked when the request comes."""
    one, two, three = (made(http, hs_order_name=name) for name in "ABC")
    contact = made(http, "contacts", email="a@example.com")
    links = f"/crm/v4/objects/orders/{one}/associations/contacts"
    http.put(f"/crm/v4/objects/orders/{one}/associations/default/contacts/{contact}")
    assert len(http.get(links).json()["results"]) == 1
    sandbox.faults.add(people.Unlink(f"orders/{one}", f"contacts/{contact}"), path=links)
    assert http.get(links).json()["results"] == []
    sandbox.faults.add(people.Archive(f"orders/{three}"), path=f"{ORDERS}/{three}", times=1)
    assert http.get(f"{ORDERS}/{three}").status_code == 404
    sandbox.faults.add(people.Merge(f"orders/{one}", f"orders/{two}"), path=READ, times=1)
    answer = http.post(READ, json={"inputs": [{"id": one}]}).json()
    assert answer["results"][0]["id"] not in {one, two}


def test_definitions_change_in_between(sandbox: Sandbox, http: httpx.Client) -> None:
    """An option may be removed, a definition changed or archived when the request comes."""
    body = {
        "name": "channel",
        "label": "Channel",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "order_information",
        "options": [{"label": "Web", "value": "web"}, {"label": "Shop", "value": "shop"}],
    }
    http.post("/crm/v3/properties/orders", json=body).raise_for_status()
    create = {"properties": {"channel": "web"}}
    sandbox.faults.add(people.RemoveOption("orders", "channel", "web"), path=ORDERS, nth=2)
    assert http.post(ORDERS, json=create).status_code == 201
    refused = http.post(ORDERS, json=create)
    assert (refused.status_code, "INVALID_OPTION" in refused.text) == (400, True)
    change = people.ChangeDefinition("orders", "channel", {"label": "Way"})
    sandbox.faults.add(change, path="*/properties/*", nth=1)
    assert http.get("/crm/v3/properties/orders/channel").json()["label"] == "Way"
    sandbox.faults.add(people.ArchiveDefinition("orders", "channel"), path=ORDERS, nth=1)
    refused = http.post(ORDERS, json={"properties": {"channel": "shop"}})
    assert "PROPERTY_DOESNT_EXIST" in refused.text


def test_token_revoked_mid_run(sandbox: Sandbox, http: httpx.Client) -> None:
    """The token may be revoked when the nth request comes: that one is 401, and all later."""
    sandbox.faults.add(people.RevokeToken(), path=f"{ORDERS}*", nth=3)
    statuses = [http.post(CREATE, json=ONE).status_code for _ in range(4)]
    assert statuses == [201, 201, 401, 401]


def test_half_done_create(sandbox: Sandbox, http: httpx.Client) -> None:
    """A create may succeed without the associations that it was to come with."""
    order = made(http)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
    one = {"properties": {"name": "A"}, "associations": [{"to": {"id": order}, "types": types}]}
    create = "/crm/v3/objects/line_items/batch/create"
    sandbox.faults.add(faults.LoseAssociations(), path=create, nth=1)
    assert http.post(create, json={"inputs": [one]}).status_code == 201
    links = f"/crm/v4/objects/orders/{order}/associations/line_items"
    assert http.get(links).json()["results"] == []
    http.post(create, json={"inputs": [one]})
    assert len(http.get(links).json()["results"]) == 1


def test_refused_and_half_done_create(sandbox: Sandbox, http: httpx.Client) -> None:
    """Two faults together: an error is the answer, and the record is there without its links."""
    order = made(http)
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
    one = {"properties": {"name": "A"}, "associations": [{"to": {"id": order}, "types": types}]}
    create = "/crm/v3/objects/line_items/batch/create"
    sandbox.faults.add(faults.LoseAssociations(), path=create, times=1)
    sandbox.faults.add(faults.GatewayAfterCommit(504), path=create, times=1)
    assert http.post(create, json={"inputs": [one]}).status_code == 504
    seen = sandbox.requests()[-1]
    assert (seen.committed, seen.faults) == (True, "lose_associations, gateway_after_commit")
    counted = http.get("/_sandbox/summary").json()["line_items"]
    assert (counted["created"], counted["orphans"]["count"]) == (1, 1)


def test_delivered_twice(sandbox: Sandbox, http: httpx.Client, make_key: Any) -> None:
    """A request may be handled twice: two records, or with a unique key one and a refusal."""
    sandbox.faults.add(faults.DeliverTwice(), path=CREATE, nth=1)
    assert http.post(CREATE, json=ONE).status_code == 201
    assert stored(http) == 2
    make_key(http, "orders")
    sandbox.faults.add(faults.DeliverTwice(answer="second"), path=CREATE, nth=1)
    keyed = {"inputs": [{"properties": {"reconcile_key": "K"}}]}
    assert http.post(CREATE, json=keyed).status_code == 400
    assert stored(http) == 3
    assert sandbox.requests()[-2].committed


def test_rules_as_json(sandbox: Sandbox, http: httpx.Client) -> None:
    """Any language can add rules, see what came of them, and remove them."""
    rules = [
        {"fault": "refuse", "status": 503, "when": {"path": "*/create", "every": 2}},
        {"fault": "edit", "record": "orders/1", "properties": {"hs_tags": "a"}, "when": {"nth": 1}},
        {"fault": "latency", "seconds": 0.01, "when": {"probability": 0.5}},
    ]
    added = http.post("/_sandbox/faults", json={"seed": 3, "rules": rules})
    assert added.status_code == 201
    first, second, _ = added.json()["numbers"]
    assert [http.post(CREATE, json=ONE).status_code for _ in range(2)] == [201, 503]
    shown = http.get("/_sandbox/faults").json()["results"]
    assert [one["fault"] for one in shown] == ["refuse", "edit", "latency"]
    assert (shown[0]["matched"], shown[0]["struck"]) == (2, 1)
    assert shown[1]["problems"] == ["record orders/1 does not exist"]
    assert http.delete(f"/_sandbox/faults/{first}").status_code == 204
    assert http.delete(f"/_sandbox/faults/{first}").status_code == 404
    single = http.post("/_sandbox/faults", json={"fault": "close_before"})
    assert single.json()["numbers"] == [second + 2]
    assert http.delete("/_sandbox/faults").status_code == 204
    assert http.get("/_sandbox/faults").json() == {"results": []}


@pytest.mark.parametrize(
    "body",
    [
        {"fault": "flood"},
        {"status": 503},
        {"fault": "refuse", "status": 200},
        {"fault": "refuse", "colour": "red"},
        {"fault": "latency"},
        {"fault": "refuse", "when": {"nth": 0}},
        {"fault": "refuse", "when": {"probability": 2}},
        {"fault": "refuse", "when": {"colour": "red"}},
        {"rules": {}},
        {"seed": "x"},
    ],
)
def test_bad_rules(http: httpx.Client, body: dict[str, Any]) -> None:
    """A rule that makes no sense is 400, and none is added."""
    answer = http.post("/_sandbox/faults", json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert http.get("/_sandbox/faults").json() == {"results": []}


def test_another_value_is_stored_than_is_sent(sandbox: Sandbox, http: httpx.Client) -> None:
    """The answer echoes what was sent; what is stored, or that nothing is, shows afterwards."""
    order = made(http, hs_order_name="A", hs_tags="a", hs_tax="1")
    stored = {"hs_tags": "b", "hs_tax": None}
    sandbox.faults.add(faults.StoreAs(stored), method="PATCH", times=1)
    sent = {"hs_tags": "B ", "hs_tax": "2", "hs_order_name": "C"}
    path = f"{ORDERS}/{order}"
    answer = http.patch(path, json={"properties": sent}).json()["properties"]
    assert {name: answer[name] for name in sent} == sent
    body = http.get(f"{path}?propertiesWithHistory=hs_tags,hs_tax,hs_order_name").json()
    values = {
        name: [one["value"] for one in versions]
        for name, versions in body["propertiesWithHistory"].items()
    }
    assert values == {"hs_tags": ["b", "a"], "hs_tax": ["1"], "hs_order_name": ["C", "A"]}
    http.patch(path, json={"properties": {"hs_tax": "2"}}).raise_for_status()
    assert http.get(f"{path}?properties=hs_tax").json()["properties"]["hs_tax"] == "2"


def test_what_is_stored_instead_can_be_said_as_json(http: httpx.Client) -> None:
    """Null is nothing."""
    rule = {"fault": "store_as", "properties": {"hs_order_name": "b", "hs_tags": None}}
    http.post("/_sandbox/faults", json=rule).raise_for_status()
    order = made(http, hs_order_name="a", hs_tags="c")
    answer = http.get(f"{ORDERS}/{order}?properties=hs_order_name,hs_tags").json()["properties"]
    assert (answer["hs_order_name"], answer["hs_tags"]) == ("b", None)

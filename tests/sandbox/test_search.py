"""Search: what filters find, what the index has seen, the limits of a search."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Sandbox, Switches

Filled = tuple[httpx.Client, dict[str, str]]

ORDERS = "/crm/v3/objects/orders"
SEARCH = f"{ORDERS}/search"
NAMED: dict[str, dict[str, str]] = {
    "one": {
        "hs_order_name": "Blue Lamp, large",
        "hs_total_price": "9.50",
        "hs_processed_date": "2026-01-05T10:00:00Z",
        "hs_currency_code": "USD",
    },
    "two": {
        "hs_order_name": "blue chair",
        "hs_total_price": "100",
        "hs_processed_date": "2026-01-05T10:00:00.500Z",
        "hs_currency_code": "EUR",
        "topics": "a;b",
        "due": "2026-02-01",
    },
    "three": {"hs_order_name": "Red sofa", "topics": "bb", "due": "2026-02-02"},
    "four": {"hs_external_order_id": "X-4"},
}
OPTIONS = [{"label": value, "value": value} for value in ("a", "b", "bb")]
DEFINITIONS: list[dict[str, Any]] = [
    {"name": "topics", "type": "enumeration", "fieldType": "checkbox", "options": OPTIONS},
    {"name": "due", "type": "date", "fieldType": "date"},
]


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """Return a client of four orders that the index has seen, and their names by id."""
    path = tmp_path_factory.mktemp("search") / "sandbox.db"
    with Sandbox(path, switches=Switches(search_index_lag=0)) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with httpx.Client(base_url=sandbox.url, headers=headers) as client:
            for definition in DEFINITIONS:
                body = {**definition, "label": "L", "groupName": "order_information"}
                client.post("/crm/v3/properties/orders", json=body).raise_for_status()
            names = {}
            for name, properties in NAMED.items():
                made = client.post(ORDERS, json={"properties": properties}).raise_for_status()
                names[made.json()["id"]] = name
            contact = client.post("/crm/v3/objects/contacts", json={"properties": {}}).json()["id"]
            three = next(id_ for id_, name in names.items() if name == "three")
            link = f"/crm/v4/objects/orders/{three}/associations/default/contacts/{contact}"
            client.put(link).raise_for_status()
            names["contact"] = contact
            yield client, names


def found(filled: Filled, **body: Any) -> list[str]:
    """Search; return the names of what is found, in order."""
    client, names = filled
    answer = client.post(SEARCH, json=body).raise_for_status().json()
    assert answer["total"] == len(answer["results"])
    return [names[one["id"]] for one in answer["results"]]


def only(name: str, operator: str, *values: str, **more: Any) -> dict[str, Any]:
    """Return one filter."""
    if operator in {"IN", "NOT_IN"}:
        return {"propertyName": name, "operator": operator, "values": list(values)}
    one: dict[str, Any] = {"propertyName": name, "operator": operator}
    return one | ({"value": values[0]} if values else {}) | more


FILTERS = [
    (only("hs_order_name", "EQ", "BLUE CHAIR"), ["two"]),
    (only("hs_order_name", "NEQ", "BLUE CHAIR"), ["one", "three"]),
    (only("hs_order_name", "IN", "blue chair", "red sofa"), ["two", "three"]),
    (only("hs_order_name", "IN", "Blue Chair"), []),
    (only("hs_order_name", "NOT_IN", "blue chair"), ["one", "three"]),
    (only("hs_order_name", "CONTAINS_TOKEN", "lamp"), ["one"]),
    (only("hs_order_name", "CONTAINS_TOKEN", "large blue"), ["one"]),
    (only("hs_order_name", "CONTAINS_TOKEN", "lam"), []),
    (only("hs_order_name", "CONTAINS_TOKEN", "*la*"), ["one"]),
    (only("hs_order_name", "CONTAINS_TOKEN", "b*r"), ["two"]),
    (only("hs_order_name", "NOT_CONTAINS_TOKEN", "blue"), ["three"]),
    (only("hs_order_name", "HAS_PROPERTY"), ["one", "two", "three"]),
    (only("hs_order_name", "NOT_HAS_PROPERTY"), ["four"]),
    (only("hs_order_name", "GT", "c"), ["three"]),
    (only("hs_total_price", "EQ", "9.5"), ["one"]),
    (only("hs_total_price", "LT", "100"), ["one"]),
    (only("hs_total_price", "LTE", "100"), ["one", "two"]),
    (only("hs_total_price", "GTE", "100"), ["two"]),
    (only("hs_total_price", "BETWEEN", "9", highValue="10"), ["one"]),
    (only("hs_total_price", "IN", "100.0", "7"), ["two"]),
    (only("hs_processed_date", "GT", "1767607200000"), ["two"]),
    (only("hs_processed_date", "LTE", "2026-01-05T10:00:00Z"), ["one"]),
    (only("due", "EQ", "2026-02-01"), ["two"]),
    (only("due", "GT", "1769904000000"), ["three"]),
    (only("hs_currency_code", "EQ", "USD"), ["one"]),
    (only("hs_currency_code", "IN", "usd"), []),
    (only("hs_currency_code", "NOT_IN", "USD"), ["two"]),
    (only("topics", "IN", "b"), ["two"]),
    (only("topics", "NEQ", "a"), ["three"]),
    (only("hs_createdate", "GT", "2020-01-01"), ["one", "two", "three", "four"]),
    (only("hs_object_id", "LT", "5"), []),
]


@pytest.mark.parametrize(("one", "names"), FILTERS, ids=[str(row[0]) for row in FILTERS])
def test_filters(filled: Filled, one: dict[str, Any], names: list[str]) -> None:
    """Each operator finds what it says, by the type of the property."""
    assert found(filled, filterGroups=[{"filters": [one]}]) == names


def test_groups(filled: Filled) -> None:
    """Filters of a group must all hold; of the groups one."""
    blue = only("hs_order_name", "CONTAINS_TOKEN", "blue")
    dear = only("hs_total_price", "GT", "50")
    assert found(filled, filterGroups=[{"filters": [blue, dear]}]) == ["two"]
    red = {"filters": [only("hs_order_name", "EQ", "red sofa")]}
    assert found(filled, filterGroups=[{"filters": [blue, dear]}, red]) == ["two", "three"]


def test_query(filled: Filled) -> None:
    """A query finds records by the beginnings of words of what names them."""
    assert found(filled, query="BLUE la") == ["one"]
    assert found(filled, query="x-4") == ["four"]
    assert found(filled, query="nothing") == []


def test_linked(filled: Filled) -> None:
    """Records are found by what they are associated with."""
    contact = filled[1]["contact"]
    one = only("associations.contact", "EQ", contact)
    assert found(filled, filterGroups=[{"filters": [one]}]) == ["three"]


def test_sorts(filled: Filled) -> None:
    """Numbers sort by value and texts without case; records without a value come last."""
    down = [{"propertyName": "hs_total_price", "direction": "DESCENDING"}]
    assert found(filled, sorts=down)[:2] == ["two", "one"]
    assert found(filled, sorts=["hs_order_name"]) == ["two", "one", "three", "four"]
    assert found(filled, sorts=["-hs_createdate"]) == ["four", "three", "two", "one"]


def test_limits_of_a_search(http: httpx.Client) -> None:
    """Five groups of six filters, 18 in all; a body of 3,000 characters (ref §3, H)."""
    one = only("hs_tags", "HAS_PROPERTY")

    def status(*sizes: int, **more: Any) -> int:
        groups = [{"filters": [one] * size} for size in sizes]
        return http.post(SEARCH, json={"filterGroups": groups, **more}).status_code

    assert [status(*sizes) for sizes in ((6, 6, 6), (1,) * 5)] == [200, 200]
    assert [status(*sizes) for sizes in ((7,), (1,) * 6, (6, 6, 6, 1))] == [400, 400, 400]
    assert status(1, query="x" * 2800) == 200
    assert status(1, query="x" * 3000) == 400


def test_search_limits_are_a_switch(start: Callable[[Switches], Sandbox]) -> None:
    """Older pages say three groups, the changelog of 2024 ten filters and 25 in all."""
    sandbox = start(Switches(search_limits=(3, 10, 25)))
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    group = {"filters": [only("hs_tags", "HAS_PROPERTY")] * 8}
    for groups, status in (([group] * 3, 200), ([group] * 4, 400)):
        answer = httpx.post(
            f"{sandbox.url}{SEARCH}", headers=headers, json={"filterGroups": groups}
        )
        assert answer.status_code == status


def test_not_equal_may_find_the_unset(start: Callable[[Switches], Sandbox]) -> None:
    """Whether NEQ finds records without a value is unverified, so it is a switch."""
    sandbox = start(Switches(search_index_lag=0, search_not_equal_needs_value=False))
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=headers) as client:
        client.post(ORDERS, json={"properties": {}})
        body = {"filterGroups": [{"filters": [only("hs_tags", "NEQ", "a")]}]}
        assert client.post(SEARCH, json=body).json()["total"] == 1


def test_the_index_lags(sandbox: Sandbox, http: httpx.Client) -> None:
    """A create, a change, an archiving and a merge are seen three seconds late, by the clock."""

    def seen() -> list[tuple[str, str | None]]:
        results = http.post(SEARCH, json={"properties": ["hs_tags"]}).json()["results"]
        return [(one["id"], one["properties"]["hs_tags"]) for one in results]

    ids = [
        http.post(ORDERS, json={"properties": {"hs_tags": tag}}).json()["id"] for tag in ("a", "b")
    ]
    assert seen() == []
    sandbox.clock.advance(3.1)
    before = [(ids[0], "a"), (ids[1], "b")]
    assert seen() == before
    http.patch(f"{ORDERS}/{ids[0]}", json={"properties": {"hs_tags": "new"}})
    http.delete(f"{ORDERS}/{ids[1]}")
    third = http.post(ORDERS, json={"properties": {"hs_tags": "c"}}).json()["id"]
    sandbox.clock.advance(2)
    assert seen() == before
    sandbox.clock.advance(1.1)
    assert seen() == [(ids[0], "new"), (third, "c")]
    body = {"primaryObjectId": ids[0], "objectIdToMerge": third}
    merged = http.post("/crm/objects/2026-03/orders/merge", json=body).json()["id"]
    assert seen() == [(ids[0], "new"), (third, "c")]
    sandbox.clock.advance(3.1)
    assert seen() == [(merged, "new")]


def test_several_changes_within_the_lag(sandbox: Sandbox, http: httpx.Client) -> None:
    """The index goes through every version in turn."""
    order = http.post(ORDERS, json={"properties": {"hs_tags": "v0"}}).json()["id"]
    seen = []
    for number in range(1, 8):
        sandbox.clock.advance(1.01)
        if number < 5:
            http.patch(f"{ORDERS}/{order}", json={"properties": {"hs_tags": f"v{number}"}})
        found = http.post(SEARCH, json={"properties": ["hs_tags"]}).json()["results"]
        seen += [one["properties"]["hs_tags"] for one in found]
    assert seen == ["v0", "v1", "v2", "v3", "v4"]

"""Measure the sandbox at size; not a test. Run: python tests/sandbox/bench_sandbox.py [ORDERS]

Fills a database with orders (100,000 by default) of three line items each, all with a unique key,
then times the calls a reconciler makes, over a real socket.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from reconcile.sandbox import Sandbox, describe

GROUPS = {"orders": "order_information", "line_items": "lineiteminformation"}
ROUNDS = 50
OF_ORDER = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]


def report(name: str, call: Callable[[], httpx.Response]) -> None:
    """Time a call and print its median and worst."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = call()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.is_success, answer.text
    print(f"{name:<44} median {statistics.median(times):6.2f} ms  worst {max(times):6.2f} ms")  # noqa: T201


def define_keys(client: httpx.Client) -> None:
    """Make the unique property of both types."""
    for kind, group in GROUPS.items():
        body = {"name": "reconcile_key", "label": "K", "type": "string", "fieldType": "text"}
        body |= {"groupName": group, "hasUniqueValue": True}
        client.post(f"/crm/v3/properties/{kind}", json=body).raise_for_status()


def order(key: int) -> dict[str, object]:
    """Return the input of one order."""
    properties = {
        "reconcile_key": f"NW-{key}",
        "hs_order_name": f"Order {key}",
        "hs_total_price": f"{key % 1000}.50",
        "hs_currency_code": "USD",
        "hs_shipping_address_city": "Reims",
        "hs_shipping_address_country": "France",
    }
    return {"properties": properties}


def line(key: int, number: int, order_id: str) -> dict[str, object]:
    """Return the input of one line item."""
    return {
        "properties": {
            "reconcile_key": f"NW-{key}:{number}",
            "name": f"Product {number}",
            "quantity": "2",
            "price": "10.50",
        },
        "associations": [{"to": {"id": order_id}, "types": OF_ORDER}],
    }


def fill(client: httpx.Client, orders: int) -> None:
    """Write every order and line through the API, in batches of 100."""
    for start in range(0, orders, 100):
        inputs = [order(key) for key in range(start, start + 100)]
        made = client.post("/crm/v3/objects/orders/batch/create", json={"inputs": inputs}).json()
        ids = {one["properties"]["reconcile_key"]: one["id"] for one in made["results"]}
        for number in range(3):
            inputs = [line(key, number, ids[f"NW-{key}"]) for key in range(start, start + 100)]
            path = "/crm/v3/objects/line_items/batch/create"
            client.post(path, json={"inputs": inputs}).raise_for_status()


def measure(client: httpx.Client, orders: int) -> None:
    """Time the calls of a plan and of an apply."""
    properties = ["reconcile_key", "hs_order_name", "hs_total_price", "hs_currency_code"]

    def keys() -> list[dict[str, str]]:
        return [{"id": f"NW-{key}"} for key in random.sample(range(orders), 100)]

    def read(path: str, **body: object) -> Callable[[], httpx.Response]:
        return lambda: client.post(path, json={**body, "inputs": keys()})

    objects = "/crm/v3/objects/orders/batch"
    by_key = read(f"{objects}/read", idProperty="reconcile_key", properties=properties)
    report("batch read of 100 orders by unique key", by_key)
    ids = [one["id"] for _ in range(5) for one in by_key().json()["results"]]

    def some() -> list[dict[str, str]]:
        return [{"id": one} for one in random.sample(list(set(ids)), 100)]

    body = {"properties": properties}
    report(
        "batch read of 100 orders by id",
        lambda: client.post(f"{objects}/read", json={**body, "inputs": some()}),
    )
    report(
        "associations of 100 orders to line items",
        lambda: client.post(
            "/crm/v4/associations/orders/line_items/batch/read", json={"inputs": some()}
        ),
    )
    report(
        "batch update of 100 orders",
        lambda: client.post(
            f"{objects}/update",
            json={
                "inputs": [
                    {**one, "properties": {"hs_tags": random.randbytes(4).hex()}} for one in some()
                ]
            },
        ),
    )
    report(
        "batch upsert of 100 unchanged orders",
        lambda: client.post(
            f"{objects}/upsert",
            json={
                "inputs": [
                    {**one, "idProperty": "reconcile_key", "properties": {"hs_tax": ""}}
                    for one in keys()
                ]
            },
        ),
    )
    one = {"propertyName": "hs_order_name", "operator": "EQ", "value": f"order {orders // 2}"}
    report(
        "search of all orders by one filter",
        lambda: client.post("/crm/v3/objects/orders/search", json={"filters": [one]}),
    )
    report(
        "list page of 100 in the middle",
        lambda: client.get(
            "/crm/v3/objects/line_items", params={"limit": 100, "after": random.choice(ids)}
        ),
    )


def main() -> None:
    """Fill a temporary database and measure it."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        started = time.perf_counter()
        with Sandbox(path) as sandbox:
            print(f"start {(time.perf_counter() - started) * 1000:.0f} ms (imports included)")  # noqa: T201
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            with httpx.Client(base_url=sandbox.url, headers=headers, timeout=60) as client:
                define_keys(client)
                started = time.perf_counter()
                fill(client, orders)
                spent = time.perf_counter() - started
                print(f"filled in {spent:.0f} s, {orders * 4 / spent:.0f} records/s")  # noqa: T201
                measure(client, orders)
            stopping = time.perf_counter()
        print(f"stop {(time.perf_counter() - stopping) * 1000:.0f} ms")  # noqa: T201
        info = describe(path)
        print(f"{info.counts}, {info.size_bytes / 1e6:.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()

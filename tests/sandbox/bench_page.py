"""Measure the page at size; not a test. Run: python tests/sandbox/bench_page.py [ORDERS]

Fills a database as bench_sandbox.py does (100,000 orders of three lines by default) and a full log
of requests, then times each view over a real socket. Every view stays under 100 ms.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
from bench_sandbox import define_keys, fill, report

from reconcile.sandbox import Sandbox

PAGE = "/_sandbox/page"


def views(client: httpx.Client, orders: int) -> dict[str, str]:
    """Name the views, the slowest kinds of each among them."""
    some = client.post(
        "/crm/v3/objects/orders/batch/read",
        json={"idProperty": "reconcile_key", "inputs": [{"id": f"NW-{orders // 2}"}]},
    ).json()["results"][0]["id"]
    lines, found = f"{PAGE}/records/line_items", f"{PAGE}/records/line_items?q="
    return {
        "overview": "/",
        "list of orders": f"{PAGE}/records/orders",
        "list of line items, far down": f"{lines}?after=9999999999999-{some}",
        "line items of one key": f"{found}NW-{orders // 2}",
        "line items, a key most have": f"{found}NW-",
        "line items, part of every name": f"{found}product",
        "line items, nothing like it": f"{found}zzz",
        "one order with its lines": f"{PAGE}/records/orders/{some}",
        "request log": f"{PAGE}/requests",
        "request log, failures": f"{PAGE}/requests?only=failures",
        "one request": f"{PAGE}/requests/25000",
        "properties of line items": f"{PAGE}/properties/line_items",
        "pipelines": f"{PAGE}/pipelines",
    }


def main() -> None:
    """Fill a temporary database and measure every view of it."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder, Sandbox(Path(folder) / "bench.db") as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with httpx.Client(base_url=sandbox.url, headers=headers, timeout=60) as client:
            define_keys(client)
            started = time.perf_counter()
            fill(client, orders)
            spent = time.perf_counter() - started
            print(f"filled in {spent:.0f} s, {orders * 4 / spent:.0f} records/s")  # noqa: T201
            for _ in range(26_000):
                client.get(f"/crm/v3/objects/orders/{random.randrange(orders)}")
            client.get(sandbox.page_url)
            for name, path in views(client, orders).items():
                report(name, lambda path=path: client.get(path))


if __name__ == "__main__":
    main()

"""The least that planning can cost in Python: a bare loop over the same files and calls.

    BENCH_TOKEN=... .venv/bin/python tests/benchmarks/floor.py PROJECT URL

Reads the manifests with libyaml into dicts, makes the same batch reads through httpx, decodes them
with json and compares with ``==``. It knows no types, positions, problems, state or plan. Run by
``plan.py``, which prints how many times as much planning costs.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

BATCH = 100
ASSOCIATIONS = 1000


def main() -> None:
    """Read, fetch and compare; print the number of records that are as declared."""
    project, url = Path(sys.argv[1]), sys.argv[2]
    orders: dict[str, dict[str, str]] = {}
    lines: dict[str, dict[str, str]] = {}
    for path in sorted((project / "orders").glob("*.yaml")):
        for document in yaml.load_all(path.read_bytes(), yaml.CBaseLoader):
            orders[document["key"]] = document["properties"]
            for line in document["line_items"]:
                lines[line["key"]] = line["properties"]
    with httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
    ) as http:
        equal = 0
        ids: list[str] = []
        for found in _read(http, "orders", orders):
            ids.append(found["id"])
            equal += _same(found["properties"], orders)
        for some in _batches(ids, ASSOCIATIONS):
            body = {"inputs": [{"id": one} for one in some]}
            json.loads(
                http.post("/crm/v4/associations/orders/line_items/batch/read", json=body).content
            )
        for found in _read(http, "line_items", lines):
            equal += _same(found["properties"], lines)
    print(equal)


def _read(
    http: httpx.Client, object_: str, wanted: dict[str, dict[str, str]]
) -> Iterator[dict[str, Any]]:
    names = sorted({"reconcile_key", *(name for values in wanted.values() for name in values)})
    for some in _batches(list(wanted), BATCH):
        body = {
            "properties": names,
            "idProperty": "reconcile_key",
            "inputs": [{"id": key} for key in some],
        }
        response = http.post(f"/crm/v3/objects/{object_}/batch/read", json=body)
        yield from json.loads(response.content)["results"]


def _same(found: dict[str, str], wanted: dict[str, dict[str, str]]) -> bool:
    declared = wanted[found["reconcile_key"]]
    return {name: found[name] for name in declared} == declared


def _batches(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


if __name__ == "__main__":
    main()

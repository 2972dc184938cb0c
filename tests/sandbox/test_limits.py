"""Limits that need many requests or two writers to reach."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox import Sandbox
from reconcile.sandbox.storage import database_file

LINK = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}]


def definition(name: str) -> dict[str, object]:
    """Return the body of a unique definition."""
    kind = {"type": "string", "fieldType": "text", "groupName": "order_information"}
    return {"name": name, "label": name, "hasUniqueValue": True, **kind}


def test_ten_unique_properties(http: httpx.Client) -> None:
    """An object type has at most 10 unique properties of one's own (ref §3, H)."""
    answers = [
        http.post("/crm/v3/properties/orders", json=definition(f"key_{n}")) for n in range(11)
    ]
    assert [one.status_code for one in answers] == [201] * 10 + [400]


def test_ten_labels(http: httpx.Client) -> None:
    """A pair of object types has at most 10 labels (ref §3, H)."""
    path = "/crm/v4/associations/orders/contacts/labels"
    answers = [http.post(path, json={"label": f"L{n}", "name": f"l{n}"}) for n in range(11)]
    assert [one.status_code for one in answers] == [200] * 10 + [400]


def test_thirty_stages(http: httpx.Client) -> None:
    """An order pipeline has at most 30 stages, made at once or one by one (ref §3, M)."""
    stages = [{"label": f"S{n}", "displayOrder": n} for n in range(31)]
    body = {"label": "Long", "displayOrder": 1, "stages": stages}
    assert http.post("/crm/v3/pipelines/orders", json=body).status_code == 400
    body["stages"] = stages[:30]
    made = http.post("/crm/v3/pipelines/orders", json=body).json()
    path = f"/crm/v3/pipelines/orders/{made['id']}/stages"
    assert http.post(path, json=stages[30]).status_code == 400


def test_five_hundred_links_a_page(http: httpx.Client) -> None:
    """A batch read of links pages each record's at 500 (ref §3, §11, H)."""
    order = http.post("/crm/v3/objects/orders", json={"properties": {}}).json()["id"]
    contacts: list[str] = []
    for _ in range(6):
        body = {"inputs": [{"properties": {}} for _ in range(100)]}
        made = http.post("/crm/v3/objects/contacts/batch/create", json=body).json()["results"]
        contacts += [one["id"] for one in made]
    pairs = [{"from": {"id": order}, "to": {"id": one}, "types": LINK} for one in contacts]
    path = "/crm/v4/associations/orders/contacts/batch"
    http.post(f"{path}/create", json={"inputs": pairs}).raise_for_status()
    first = http.post(f"{path}/read", json={"inputs": [{"id": order}]}).json()["results"][0]
    after = first["paging"]["next"]["after"]
    body = {"inputs": [{"id": order, "after": after}]}
    second = http.post(f"{path}/read", json=body).json()["results"][0]
    assert (len(first["to"]), len(second["to"])) == (500, 100)
    assert "paging" not in second
    read = [str(one["toObjectId"]) for one in first["to"] + second["to"]]
    assert read == sorted(contacts, key=int)


def test_archiving_twice_keeps_the_first_time(http: httpx.Client) -> None:
    """A record archived again keeps the time of the first."""
    path = "/crm/v3/objects/orders"
    order = http.post(path, json={"properties": {}}).json()["id"]
    http.delete(f"{path}/{order}")
    first = http.get(f"{path}/{order}?archived=true").json()["archivedAt"]
    http.delete(f"{path}/{order}")
    assert http.get(f"{path}/{order}?archived=true").json()["archivedAt"] == first


def test_locked_database_is_423(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the database a write is 423, and a read is answered (ref §3)."""
    monkeypatch.setattr(database_file, "_BUSY_SECONDS", 0.05)
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with (
            httpx.Client(base_url=sandbox.url, headers=headers) as client,
            closing(sqlite3.connect(path, isolation_level=None)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            answer = client.post("/crm/v3/objects/orders", json={"properties": {}})
            assert answer.status_code == 423
            assert answer.json()["status"] == "error"
            assert client.get("/crm/v3/objects/orders").json() == {"results": []}
            other.execute("ROLLBACK")
            assert client.post("/crm/v3/objects/orders", json={"properties": {}}).is_success

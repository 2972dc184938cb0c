"""What HubSpot does by itself a moment after a write, and what it remembers of former values."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Sandbox, Switches

ORDERS = "/crm/v3/objects/orders"


@pytest.fixture
def opened(start: Callable[[Switches], Sandbox]) -> Callable[..., tuple[Sandbox, httpx.Client]]:
    """Return what starts a sandbox with switches, and a client of it."""

    def opener(**switches: Any) -> tuple[Sandbox, httpx.Client]:
        sandbox = start(Switches(**switches))
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        return sandbox, httpx.Client(base_url=sandbox.url, headers=headers)

    return opener


def test_updated_at_drifts(opened: Callable[..., tuple[Sandbox, httpx.Client]]) -> None:
    """updatedAt moves 0.2 to 0.9 s after a create, once, and a later write is not touched (§6)."""
    sandbox, client = opened()
    with client:
        made = client.post(ORDERS, json={"properties": {"hs_tags": "a"}}).json()
        sandbox.clock.advance(1)
        first = client.get(f"{ORDERS}/{made['id']}").json()
        assert first["createdAt"] == made["updatedAt"]
        assert datetime.fromisoformat(made["updatedAt"]) < datetime.fromisoformat(
            first["updatedAt"]
        )
        sandbox.clock.advance(60)
        assert client.get(f"{ORDERS}/{made['id']}").json() == first
        changed = client.patch(f"{ORDERS}/{made['id']}", json={"properties": {"hs_tags": "b"}})
        sandbox.clock.advance(60)
        again = client.get(f"{ORDERS}/{made['id']}").json()
        assert again["updatedAt"] == changed.json()["updatedAt"]


def test_drift_is_the_same_in_every_answer(sandbox: Sandbox, http: httpx.Client) -> None:
    """Reads, the answer to a write that changes nothing, and search tell the same moment."""
    made = http.post(ORDERS, json={"properties": {"hs_tags": "a"}}).json()
    sandbox.clock.advance(60)
    path = f"{ORDERS}/{made['id']}"
    read = http.get(path).json()
    assert read["properties"]["hs_lastmodifieddate"] == read["updatedAt"]
    assert (
        http.patch(path, json={"properties": {"hs_tags": "a"}}).json()["updatedAt"]
        == (read["updatedAt"])
    )
    for value, total in ((made["updatedAt"], 0), (read["updatedAt"], 1)):
        one = {"propertyName": "hs_lastmodifieddate", "operator": "EQ", "value": value}
        assert http.post(f"{ORDERS}/search", json={"filters": [one]}).json()["total"] == total


def test_no_drift_with_the_switch(opened: Callable[..., tuple[Sandbox, httpx.Client]]) -> None:
    """An account may be one whose records stand still."""
    sandbox, client = opened(updated_at_drifts=False)
    with client:
        made = client.post(ORDERS, json={"properties": {}}).json()
        sandbox.clock.advance(60)
        assert client.get(f"{ORDERS}/{made['id']}").json()["updatedAt"] == made["updatedAt"]


@pytest.mark.parametrize(
    ("kind", "name", "most"), [("orders", "hs_tags", 20), ("contacts", "firstname", 45)]
)
def test_history_is_bounded(http: httpx.Client, kind: str, name: str, most: int) -> None:
    """The latest 20 values of a property are remembered, of a contact's 45 (ref §6)."""
    made = http.post(f"/crm/v3/objects/{kind}", json={"properties": {name: "0"}}).json()
    path = f"/crm/v3/objects/{kind}/{made['id']}"
    for number in range(1, most + 2):
        http.patch(path, json={"properties": {name: str(number)}}).raise_for_status()
    entries = http.get(f"{path}?propertiesWithHistory={name}").json()["propertiesWithHistory"]
    assert [one["value"] for one in entries[name]] == [str(n) for n in range(most + 1, 1, -1)]


def test_currency_side_comes_later(
    opened: Callable[..., tuple[Sandbox, httpx.Client]],
) -> None:
    """The home amount follows the total a moment later, and moves updatedAt (ref §12)."""
    sandbox, client = opened(home_currency_comes_later=True)
    with client:

        def amount(order: str) -> tuple[str | None, datetime]:
            answer = client.get(f"{ORDERS}/{order}?properties=hs_homecurrency_amount").json()
            return answer["properties"]["hs_homecurrency_amount"], datetime.fromisoformat(
                answer["updatedAt"]
            )

        made = client.post(ORDERS, json={"properties": {"hs_total_price": "5"}}).json()
        order = made["id"]
        assert "hs_homecurrency_amount" not in made["properties"]
        sandbox.clock.advance(0.9)
        after, moved = amount(order)
        assert (after, moved > datetime.fromisoformat(made["updatedAt"])) == ("5.0", True)
        changed = client.patch(f"{ORDERS}/{order}", json={"properties": {"hs_total_price": "7"}})
        assert changed.json()["properties"]["hs_homecurrency_amount"] == "5.0"
        sandbox.clock.advance(0.9)
        assert amount(order)[0] == "7.0"
        history = client.get(f"{ORDERS}/{order}?propertiesWithHistory=hs_homecurrency_amount")
        entries = history.json()["propertiesWithHistory"]["hs_homecurrency_amount"]
        assert [one["value"] for one in entries] == ["7.0", "5.0"]


def test_currency_side_is_there_at_once_by_default(http: httpx.Client) -> None:
    """Recorded write answers carry the home amount (ref §1)."""
    made = http.post(ORDERS, json={"properties": {"hs_total_price": "5"}}).json()
    assert made["properties"]["hs_homecurrency_amount"] == "5.0"


def test_history_has_the_time_of_each_change(sandbox: Sandbox, http: httpx.Client) -> None:
    """The first value dates from the create, each other from its write; a no-op adds nothing."""
    made = http.post(ORDERS, json={"properties": {"hs_tags": "a"}}).json()
    path = f"{ORDERS}/{made['id']}"
    sandbox.clock.advance(10)
    for tag in ("b", "b"):
        changed = http.patch(path, json={"properties": {"hs_tags": tag}}).json()
        sandbox.clock.advance(10)
    entries = http.get(f"{path}?propertiesWithHistory=hs_tags").json()["propertiesWithHistory"]
    assert [(one["value"], one["timestamp"]) for one in entries["hs_tags"]] == [
        ("b", changed["updatedAt"]),
        ("a", made["createdAt"]),
    ]


def test_history_of_more_than_fifty(http: httpx.Client) -> None:
    """A batch read with histories takes 50 inputs (gh activepieces#9359)."""
    body = {"propertiesWithHistory": ["hs_tags"], "inputs": [{"id": str(n)} for n in range(51)]}
    answer = http.post(f"{ORDERS}/batch/read", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "The maximum number of inputs supported in a batch request for property histories is 50. "
        "Please reduce the number of items and try again"
    )


def test_archiving_keeps_history(http: httpx.Client) -> None:
    """An archived record is read with its history."""
    order = http.post(ORDERS, json={"properties": {"hs_tags": "a"}}).json()["id"]
    http.patch(f"{ORDERS}/{order}", json={"properties": {"hs_tags": "b"}})
    http.delete(f"{ORDERS}/{order}")
    answer = http.get(f"{ORDERS}/{order}?archived=true&propertiesWithHistory=hs_tags").json()
    values = [one["value"] for one in answer["propertiesWithHistory"]["hs_tags"]]
    assert values == ["b", "a"]

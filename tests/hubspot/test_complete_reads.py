"""Ids missing from a batch response are read again, and never treated as absent.

All against the sandbox, through a proxy that takes results and errors out of its answers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from proxy import Proxy

from reconcile.errors import HubSpotError, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Pair, Write, Written
from reconcile.sandbox import Sandbox
from reconcile.sandbox.faults import EmptyResults, Refuse

KEY = "reconcile_key"
KEYS = ("A-1", "A-2", "A-3", "A/4", "A-5")
GONE = "A-none"
LINE_OF_ORDER = (("HUBSPOT_DEFINED", 513),)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with Sandbox(folder / "hs.sqlite") as running:
        yield running


@pytest.fixture(scope="module")
def orders(sandbox: Sandbox) -> dict[str, str]:
    """Five orders, id by key; the first two have lines, the others none."""
    with HubSpot(sandbox.url, sandbox.token, rate_limit=None) as client:
        client.definitions.define_unique("orders", KEY, "Reconcile key", "order_information")
        answers = client.records.upsert("orders", KEY, [Write(key, key, {}) for key in KEYS])
        made = {key: one.id for key, one in answers.items() if isinstance(one, Written)}
        assert len(made) == len(KEYS)
        for key in KEYS[:2]:
            writes = [
                Write(f"t{n}", "", {"name": f"{key}:{n}"}, ((made[key], "HUBSPOT_DEFINED", 514),))
                for n in range(2)
            ]
            client.records.create("line_items", writes, match="name")
        return made


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(sandbox.url) as running:
        yield running
    sandbox.faults.clear()


@pytest.fixture(params=["v3", "2026-03"])
def hubspot(
    request: pytest.FixtureRequest, orders: object, proxy: Proxy, sandbox: Sandbox
) -> Iterator[HubSpot]:
    with HubSpot(
        proxy.url, sandbox.token, api=request.param, rate_limit=None, sleep=lambda _: None
    ) as client:
        yield client


def called(proxy: Proxy) -> list[str]:
    """Whether each call was about many records or about one."""
    return ["many" if one.method == "POST" else "one" for one in proxy.seen]


class Silence:
    """Leaves records out of batch answers, results and errors alike; all of them or these."""

    def __init__(self, *left_out: str, times: int = 1_000) -> None:
        self.left_out = left_out
        self.times = times

    def __call__(self, method: str, _: str, answer: Any) -> Any:
        if method != "POST" or not self.times:
            return answer
        self.times -= 1
        results = [one for one in answer["results"] if not self._is_meant(one)]
        return {"status": "COMPLETE", "results": results}

    def _is_meant(self, one: Any) -> bool:
        names = {one.get("id"), one.get("properties", {}).get(KEY), one.get("from", {}).get("id")}
        return not self.left_out or not names.isdisjoint(self.left_out)


# Records


def test_an_answer_that_names_what_is_missing_costs_no_further_call(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """As documented: a 207 with the keys, or the ids, that are not there."""
    found = hubspot.records.read("orders", [*KEYS, GONE], [], id_property=KEY)
    assert {key: actual.id for key, actual in found.items()} == orders
    assert hubspot.records.read("orders", ["999999", orders["A-1"]], []).keys() == {orders["A-1"]}
    assert called(proxy) == ["many", "many"]


def test_one_record_left_out_is_asked_for_alone(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """It is found with its properties, as if the batch had returned it."""
    whole = hubspot.records.read("orders", KEYS, ["hs_order_name"], id_property=KEY)
    proxy.seen.clear()
    proxy.edit = Silence("A-2", orders["A-3"])
    assert hubspot.records.read("orders", KEYS[1:2], ["hs_order_name"], id_property=KEY) == {
        "A-2": whole["A-2"]
    }
    ids = [orders["A-1"], orders["A-3"]]
    assert hubspot.records.read("orders", ids, []).keys() == set(ids)
    assert called(proxy) == ["many", "one"] * 2


def test_a_record_left_out_and_not_there_is_absent(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """If batches leave out missing records, a 404 of the single read reports them."""
    proxy.edit = Silence(GONE)
    found = hubspot.records.read("orders", ["A-1", GONE], [], id_property=KEY)
    assert found["A-1"].id == orders["A-1"]
    assert found.keys() == {"A-1"}
    assert called(proxy) == ["many", "one"]


def test_an_archived_record_left_out_is_asked_for_among_the_archived(
    hubspot: HubSpot, proxy: Proxy
) -> None:
    """The single read looks where the batch looked."""
    key = f"archived-{len(proxy.url)}-{id(proxy)}"
    (made,) = hubspot.records.upsert("orders", KEY, [Write("t", key, {})]).values()
    assert isinstance(made, Written)
    hubspot.transport.call("DELETE", f"/crm/v3/objects/orders/{made.id}", repeatable=True)
    proxy.edit = Silence()
    assert hubspot.records.read("orders", [made.id], [], archived=True)[made.id].archived
    assert hubspot.records.read("orders", [made.id], []) == {}


def test_several_left_out_are_asked_for_together_once_more(
    hubspot: HubSpot, proxy: Proxy, sandbox: Sandbox, orders: dict[str, str]
) -> None:
    """An answer that was empty by mistake costs one call, not one for each record."""
    sandbox.faults.add(EmptyResults(), path="*/batch/read", nth=1)
    found = hubspot.records.read("orders", [*KEYS, GONE], [], id_property=KEY)
    assert {key: actual.id for key, actual in found.items()} == orders
    assert called(proxy) == ["many", "many"]


def test_what_stays_left_out_costs_a_call_each_at_most(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """Twice in a batch, then alone, and never again."""
    proxy.edit = Silence("A-1", "A-2", GONE)
    keys = [key for key in (*KEYS, GONE) if key != "A/4"]
    found = hubspot.records.read("orders", keys, [], id_property=KEY)
    assert found.keys() == orders.keys() - {"A/4"}
    assert called(proxy) == ["many", "many", "one", "one", "one"]


def test_a_merged_record_left_out_is_not_there(
    hubspot: HubSpot, proxy: Proxy, sandbox: Sandbox
) -> None:
    """The single read answers for it under another id: what was asked for is gone."""
    ids = [
        one.id
        for n in range(2)
        for one in hubspot.records.upsert(
            "orders", KEY, [Write("t", f"m{n}-{id(proxy)}", {})]
        ).values()
        if isinstance(one, Written)
    ]
    merge = {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]}
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    url = f"{sandbox.url}/crm/objects/2026-03/orders/merge"
    became = httpx.post(url, json=merge, headers=headers, trust_env=False).json()["id"]
    assert hubspot.records.read("orders", [*ids, became], []).keys() == {became}
    proxy.edit = Silence()
    assert hubspot.records.read("orders", [*ids, became], []).keys() == {became}


def test_an_empty_answer_to_everything_is_an_error(
    hubspot: HubSpot, sandbox: Sandbox, orders: dict[str, str]
) -> None:
    """Where even the single read says nothing, nobody knows, and the error names the records."""
    assert orders
    sandbox.faults.add(EmptyResults(), path="*/orders/*")
    with pytest.raises(
        HubSpotError, match="orders is incomplete: it leaves out 'A-1', 'A-2'"
    ) as caught:
        hubspot.records.read("orders", ["A-1", "A-2"], [], id_property=KEY)
    assert "try again" in caught.value.hint


def test_a_key_that_no_path_can_carry_is_not_guessed_about(hubspot: HubSpot, proxy: Proxy) -> None:
    """A server that splits paths at quoted slashes would answer for something else."""
    proxy.edit = Silence()
    for key in ("A/4", ".."):
        with pytest.raises(HubSpotError, match="cannot be part of a path"):
            hubspot.records.read("orders", [key], [], id_property=KEY)
    assert called(proxy) == ["many", "many"]


def test_no_answer_to_the_single_read_is_no_answer(
    hubspot: HubSpot, proxy: Proxy, sandbox: Sandbox
) -> None:
    """A failing server is distinguished from an incomplete answer."""
    proxy.edit = Silence()
    sandbox.faults.add(Refuse(503), method="GET")
    with pytest.raises(Unreachable):
        hubspot.records.read("orders", ["A-1"], [], id_property=KEY)


# Associations


def test_records_said_to_have_no_associations_cost_no_further_call(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """As live answers have it: an error for each record without any."""
    found = hubspot.associations.links("orders", "line_item", "line_items", list(orders.values()))
    assert [len(found[id_]) for id_ in orders.values()] == [2, 2, 0, 0, 0]
    assert called(proxy) == ["many"]


def test_associations_left_out_are_listed_for_the_record_alone(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """With the same answer in the end, whether there are any or not."""
    ids = list(orders.values())
    whole = hubspot.associations.links("orders", "line_item", "line_items", ids)
    proxy.seen.clear()
    proxy.edit = Silence(ids[0])
    assert hubspot.associations.links("orders", "line_item", "line_items", ids[:2]) == {
        id_: whole[id_] for id_ in ids[:2]
    }
    assert called(proxy) == ["many", "one"]


def test_where_batches_never_tell_of_none_each_record_is_asked(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """Once more together, then alone: the three without lines."""
    ids = list(orders.values())
    whole = hubspot.associations.links("orders", "line_item", "line_items", ids)
    proxy.seen.clear()
    proxy.edit = Silence("nobody")
    assert hubspot.associations.links("orders", "line_item", "line_items", ids) == whole
    assert called(proxy) == ["many", "many", "one", "one", "one"]


def test_an_empty_association_answer_is_asked_for_again(
    hubspot: HubSpot, proxy: Proxy, sandbox: Sandbox, orders: dict[str, str]
) -> None:
    """A 2xx without results is not an account without associations."""
    sandbox.faults.add(EmptyResults(), path="*/batch/read", nth=1)
    found = hubspot.associations.links("orders", "line_item", "line_items", list(orders.values()))
    assert [len(found[id_]) for id_ in orders.values()] == [2, 2, 0, 0, 0]
    assert called(proxy) == ["many", "many"]


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("spoilt", [2, 3])
def test_pages_left_out_are_not_the_end(
    hubspot: HubSpot, proxy: Proxy, sandbox: Sandbox, spoilt: int
) -> None:
    """A record whose second or third page is missing is listed from the start, page by page."""
    order, *_ = hubspot.records.upsert(
        "orders", KEY, [Write("t", f"long-{id(proxy)}", {})]
    ).values()
    assert isinstance(order, Written)
    lines = [Write(f"t{n}", "", {"name": str(n)}) for n in range(1_100)]
    made = [
        one.id
        for start in range(0, len(lines), 100)
        for one in hubspot.records.create(
            "line_items", lines[start : start + 100], match="name"
        ).values()
        if isinstance(one, Written)
    ]
    pairs = [Pair(line, order.id, line, LINE_OF_ORDER) for line in made]
    hubspot.associations.associate("orders", "line_items", pairs)
    proxy.seen.clear()
    sandbox.faults.add(EmptyResults(), path="*/batch/read", nth=spoilt)
    found = hubspot.associations.links("orders", "line_item", "line_items", [order.id])[order.id]
    assert {link.id for link in found} == set(made)
    assert called(proxy) == ["many"] * spoilt + ["one"] * 3


def test_a_list_without_results_is_an_error(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """A 2xx without results is an error, wherever it comes from."""
    proxy.edit = lambda *_: {"status": "COMPLETE"}
    with pytest.raises(HubSpotError, match=r"is incomplete: it leaves out .* has no results"):
        hubspot.associations.links("orders", "line_item", "line_items", [orders["A-1"]])


def test_a_record_that_cannot_be_listed_is_an_error(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """A 404 for the list may be about the path, so it is not a record without associations."""
    body = {"category": "OBJECT_NOT_FOUND", "message": "resource not found"}
    proxy.hook = lambda method, *_: (404, body) if method == "GET" else None
    proxy.edit = Silence()
    with pytest.raises(HubSpotError, match="is incomplete") as caught:
        hubspot.associations.links("orders", "line_item", "line_items", [orders["A-1"]])
    assert caught.value.status == 404


def test_pages_of_a_list_do_not_go_round_in_a_circle(
    hubspot: HubSpot, proxy: Proxy, orders: dict[str, str]
) -> None:
    """A cursor that comes back ends the reading, with an error."""
    page = {"results": [], "paging": {"next": {"after": "7"}}}
    proxy.edit = Silence()
    proxy.hook = lambda method, *_: (200, page) if method == "GET" else None
    with pytest.raises(HubSpotError, match="a cursor came twice"):
        hubspot.associations.links("orders", "line_item", "line_items", [orders["A-1"]])

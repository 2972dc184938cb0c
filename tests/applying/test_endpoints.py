"""Which calls an apply makes, and what is in them."""

from collections.abc import Callable, Iterable

import pytest
from proxy import Proxy, Seen
from world import KEY, World, cart, incomplete, line, order

from reconcile.sandbox import Switches

APIS = {"v3": "/crm/v3/objects", "2026-03": "/crm/objects/2026-03"}


@pytest.fixture(params=sorted(APIS))
def api(request: pytest.FixtureRequest, build: Callable[..., World]) -> World:
    """Return a watched world for each version of the API."""
    return build(proxy=Proxy, api=request.param)


def apply(world: World, *documents: object) -> list[Seen]:
    """Apply ``documents`` and return the calls that wrote."""
    world.declare(*documents)
    plan = world.plan()
    world.proxy.seen.clear()
    assert incomplete(world.apply(plan)) == ()
    reads = ("/batch/read", "/access-token-info")
    return [c for c in world.proxy.seen if c.method != "GET" and not c.path.endswith(reads)]


def called(world: World, calls: Iterable[Seen]) -> list[str]:
    """The calls as METHOD and path, the API's version left out."""
    return [f"{c.method} {c.path.removeprefix(APIS[world.api])}" for c in calls]


def test_orders_and_carts_are_made_by_upsert_and_lines_by_create(api: World) -> None:
    """Creating by key is safe to repeat; a line's create makes its association too."""
    calls = apply(
        api,
        order("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"),
        order("B", memo="2"),
        cart("C", [line("C:1", name="z")], memo="3"),
    )

    assert called(api, calls) == [
        "POST /orders/batch/upsert",
        "POST /carts/batch/upsert",
        "POST /line_items/batch/create",
    ]
    orders, carts, lines = calls
    assert sorted(
        (one["id"], one["idProperty"], one["properties"][KEY]) for one in orders.inputs
    ) == [("A", KEY, "A"), ("B", KEY, "B")]
    assert [one["id"] for one in carts.inputs] == ["C"]
    parents = {
        one["properties"][KEY]: [
            (a["to"]["id"], a["types"][0]["associationTypeId"]) for a in one["associations"]
        ]
        for one in lines.inputs
    }
    order_id, cart_id = api.id_of("orders", "A"), api.id_of("carts", "C")
    assert {
        "A:1": [(order_id, 514)],
        "A:2": [(order_id, 514)],
        "C:1": [(cart_id, 591)],
    } == parents


@pytest.mark.parametrize(
    ("make", "path"), [(order, "/orders"), (cart, "/carts")], ids=["order", "cart"]
)
def test_several_changed_records_are_updated_in_a_batch(
    api: World, make: Callable[..., object], path: str
) -> None:
    """By id, since that is what was compared."""
    api.converge(make("A", memo="1"), make("B", memo="1"), make("C", memo="1"))
    calls = apply(api, make("A", memo="2"), make("B", memo="3"), make("C", memo="1"))
    assert [f"POST {path}/batch/update"] == called(api, calls)
    ids = {api.id_of(path[1:], "A"): {"memo": "2"}, api.id_of(path[1:], "B"): {"memo": "3"}}
    assert ids == {one["id"]: one["properties"] for one in calls[0].inputs}


def test_several_changed_lines_are_updated_in_a_batch(api: World) -> None:
    """Lines of orders and of carts together."""
    api.converge(
        order("A", [line("A:1", quantity="1")]),
        cart("C", [line("C:1", quantity="1")]),
    )
    calls = apply(
        api,
        order("A", [line("A:1", quantity="2")]),
        cart("C", [line("C:1", quantity="2")]),
    )
    assert called(api, calls) == ["POST /line_items/batch/update"]
    assert len(calls[0].inputs) == 2


@pytest.mark.parametrize(
    ("make", "path"), [(order, "/orders"), (cart, "/carts")], ids=["order", "cart"]
)
def test_a_single_changed_record_is_patched_by_its_key(
    api: World, make: Callable[..., object], path: str
) -> None:
    """So that a key cleared this instant means no write at all."""
    api.converge(make("A é:1", memo="1"), make("B", memo="1"))
    calls = apply(api, make("A é:1", memo="2"), make("B", memo="1"))
    (call,) = calls
    assert (call.method, call.query) == ("PATCH", {"idProperty": KEY})
    assert call.body == {"properties": {"memo": "2"}}
    assert api.record(path[1:], "A é:1")["memo"] == "2"


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("key", ["A/1", "..", ".", "a%2Fb", "a?b#c", "a+b", "\\"])
def test_a_key_that_no_path_can_hold_is_patched_by_id(watched: World, key: str) -> None:
    """Servers differ in what they make of an encoded slash, and dots name other paths."""
    watched.converge(order(key, memo="1"))
    (record,) = watched.dump("orders")
    (call,) = apply(watched, order(key, memo="2"))
    assert ("PATCH", f"/crm/v3/objects/orders/{record}") == (call.method, call.path)
    assert watched.dump("orders")[record]["memo"] == "2"


def test_a_rekey_is_patched_by_id(api: World) -> None:
    """The key is what is wrong with it."""
    api.converge(order("A", memo="1"))
    record = api.id_of("orders", "A")
    api.edit("orders", record, **{KEY: ""})
    calls = apply(api, order("A", memo="2"))
    assert [f"PATCH /orders/{record}"] == called(api, calls)
    assert calls[0].query == {}
    assert calls[0].body == {"properties": {KEY: "A", "memo": "2"}}


def test_a_record_found_by_id_is_patched_by_id(build: Callable[..., World]) -> None:
    """With the identity `id` there is no other way."""
    world = build(proxy=Proxy, identity={"order": "id"})
    record = world.make("orders", memo="1")
    world.converge(order(record, memo="1"))
    calls = apply(world, order(record, memo="2"))
    assert [f"PATCH /orders/{record}"] == called(world, calls)
    assert calls[0].query == {}


def test_associations_are_made_and_removed_in_batches(api: World) -> None:
    """Each in one call for a pair of kinds."""
    company = {"company": [{"id": "501", "label": "primary"}]}
    links = {"v3": "/crm/v4/associations", "2026-03": "/crm/associations/2026-03"}[api.api]
    calls = apply(api, *(order(key, associations=company) for key in "AB"))
    assert [f"{links}/orders/companies/batch/create"] == [
        c.path for c in calls if "associations" in c.path
    ]
    calls = apply(api, *(order(key) for key in "AB"))
    assert [f"{links}/orders/companies/batch/labels/archive"] == [c.path for c in calls]


def test_batches_hold_a_hundred_inputs_each_with_a_trace_of_its_own(watched: World) -> None:
    """Without a trace one bad input would refuse its whole batch."""
    several = range(130)
    first = [order(f"O{n}", [line(f"O{n}:1", name="x")], memo="1") for n in several]
    calls = apply(watched, *first, *(cart(f"C{n}", memo="1") for n in several))
    changed = [order(f"O{n}", [line(f"O{n}:1", name="y")], memo="2") for n in several]
    calls += apply(watched, *changed, *(cart(f"C{n}", memo="2") for n in several))

    sizes: dict[str, list[int]] = {}
    for call in calls:
        sizes.setdefault(call.path.removeprefix(APIS["v3"]), []).append(len(call.inputs))
    assert {path: sorted(found) for path, found in sizes.items()} == {
        "/orders/batch/upsert": [30, 100],
        "/carts/batch/upsert": [30, 100],
        "/line_items/batch/create": [30, 100],
        "/orders/batch/update": [30, 100],
        "/carts/batch/update": [30, 100],
        "/line_items/batch/update": [30, 100],
    }
    traces = [one["objectWriteTraceId"] for call in calls for one in call.inputs]
    assert 6 * 130 == len(set(traces)) == len(traces)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_results_are_matched_whatever_their_order(build: Callable[..., World], seed: int) -> None:
    """The state binds each key to its own record."""
    world = build(switches=Switches(shuffle_seed=seed))
    documents = [order(f"O{n}", [line(f"L{n}", name=str(n))], memo=str(n)) for n in range(30)]
    world.converge(*documents)
    for values in world.dump("orders").values():
        assert values["memo"] == values[KEY].removeprefix("O")
    with world.session() as session:
        state = session.state()
        for _, record, entry in state.entries():
            object_ = {"order": "orders", "line_item": "line_items"}[record.kind]
            assert entry.key == world.dump(object_)[entry.id][KEY]

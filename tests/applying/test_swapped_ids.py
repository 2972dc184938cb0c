"""An answer that gives a record another record's id: nothing is built on it."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy import Proxy
from world import (
    EMAILS,
    KEY,
    Document,
    World,
    actions,
    cart,
    incomplete,
    line,
    messages,
    order,
    statuses,
)

from reconcile.sandbox import Switches
from reconcile.sandbox.faults import StaleReads

pytestmark = pytest.mark.long  # answers that HubSpot is not known to give

APIS = ("v3", "2026-03")
OBJECTS = {"order": "orders", "cart": "carts", "line_item": "line_items"}


def swap(results: list[dict[str, Any]], *also: str) -> None:
    """Give each result the id of the next one, and of its properties those in ``also``."""
    ids = [one["id"] for one in results]
    values = [{name: one["properties"].get(name) for name in also} for one in results]
    for one, id_, value in zip(results, ids[1:] + ids[:1], values[1:] + values[:1], strict=True):
        one["id"] = id_
        one["properties"] |= value | {"hs_object_id": id_}


def swapping(ending: str) -> Callable[[str, str, Any], Any]:
    """Return what swaps the ids in answers of calls whose path ends so."""

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith(ending) and answer and answer.get("results"):
            swap(answer["results"])
        return answer

    return edit


def remembered(world: World) -> dict[str, str]:
    """The ids in the state, by folded address."""
    with world.session() as session:
        return {str(address): entry.id for _, address, entry in session.state().entries()}


def lines_of(world: World, kind: str, key: str) -> dict[str, str]:
    """Return the keys of the lines under a record, by their identity property."""
    object_ = OBJECTS[kind]
    under = world.links((object_, world.by_key(object_, key)), "line_items")
    lines = world.dump("line_items")
    return {lines[one]["name"]: one for one in under}


def is_right(world: World, kind: str, *keys: str) -> None:
    """Check that each record has its two lines and no others, and that the state knows them."""
    state = remembered(world)
    for key in keys:
        found = lines_of(world, kind, key)
        assert set(found) == {f"{key}:1", f"{key}:2"}
        assert state[f"{kind}/{key.lower()}"] == world.by_key(OBJECTS[kind], key)
        assert {n: state[f"line_item/{n.lower()}"] for n in found} == found
    assert len(world.ever("line_items")) == 2 * len(keys)
    assert set(world.keys(OBJECTS[kind]).values()) == {1}


def unit(kind: str, key: str, **more: Any) -> Document:
    """A record with two lines."""
    make = {"order": order, "cart": cart}[kind]
    lines = [line(f"{key}:{n}", name=f"{key}:{n}", hs_sku=f"{n}") for n in (1, 2)]
    return make(key, lines, memo=key, **more)


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("kind", ["order", "cart"])
def test_ids_swapped_among_the_results_of_an_upsert_do_no_harm(
    build: Callable[..., World], kind: str, api: str
) -> None:
    """Lines and associations are made of the right records, and the state knows the right ids."""
    world = build(proxy=Proxy, api=api)
    contact = {"contact": [{"email": EMAILS[0]}]}
    world.declare(unit(kind, "A", associations=contact), *(unit(kind, key) for key in "BCD"))
    world.proxy.edit = swapping(f"{OBJECTS[kind]}/batch/upsert")

    assert incomplete(world.apply()) == ()

    world.proxy.edit = None
    is_right(world, kind, *"ABCD")
    here = OBJECTS[kind], world.by_key(OBJECTS[kind], "A")
    assert len(world.links(here, "contacts")) == 1
    assert sum(kind == "0-1" or other == "0-1" for kind, _, other, *_ in world.dump_links()) in (
        1,
        2,
    )
    assert world.plan().empty
    world.converge(*(unit(kind, key) for key in "ABCD"))


@pytest.mark.parametrize("api", APIS)
def test_ids_swapped_among_the_results_of_new_lines_do_no_harm(
    build: Callable[..., World], api: str
) -> None:
    """Each line stays where its create put it, under its own name in the state."""
    world = build(proxy=Proxy, api=api)
    world.declare(*(unit("order", key) for key in "ABC"))
    world.proxy.edit = swapping("line_items/batch/create")
    assert incomplete(world.apply()) == ()
    world.proxy.edit = None
    is_right(world, "order", *"ABC")
    assert world.plan().empty


@pytest.mark.parametrize("same", [True, False], ids=["the same SKUs", "SKUs of their own"])
@pytest.mark.parametrize("echoed", [True, False], ids=["traces echoed", "no traces"])
def test_ids_swapped_among_lines_without_keys_do_no_harm(
    build: Callable[..., World],
    same: bool,  # noqa: FBT001
    echoed: bool,  # noqa: FBT001
) -> None:
    """They are identified by their values, or by their parents if several have the same value."""
    world = build(
        switches=Switches(line_items_may_have_unique_properties=False),
        identity={"line_item": "within_parent:hs_sku"},
        proxy=Proxy,
    )
    documents = [
        order(
            key,
            [
                line(f"{key}:{n}", name=f"{key}:{n}", hs_sku=f"{n}" if same else f"{key}{n}")
                for n in (1, 2)
            ],
        )
        for key in "ABC"
    ]
    plan = world.plan(*documents)

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith("line_items/batch/create"):
            made = {one["properties"]["name"]: one for one in answer["results"]}
            if echoed:
                for one in pending.pop():
                    result = made[one["properties"]["name"]]
                    result["objectWriteTraceId"] = one["objectWriteTraceId"]
            swap(answer["results"])
        return answer

    def hook(method: str, path: str, body: Any) -> None:
        if path.endswith("line_items/batch/create"):
            pending.append(body["inputs"])

    pending: list[list[dict[str, Any]]] = []
    world.proxy.edit, world.proxy.hook = edit, hook
    assert incomplete(world.apply(plan)) == ()
    world.proxy.edit = world.proxy.hook = None
    is_right(world, "order", *"ABC")
    assert world.plan().empty


@pytest.mark.parametrize("kind", ["order", "line_item"])
def test_the_id_of_somebody_elses_record_in_an_answer_does_no_harm(
    watched: World, kind: str
) -> None:
    """The record is found by its key, and theirs stays as it is."""
    object_, verb = {"order": ("orders", "upsert"), "line_item": ("line_items", "create")}[kind]
    theirs = watched.make(object_, memo="theirs")
    before = watched.dump(object_)[theirs]

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith(f"{object_}/batch/{verb}"):
            answer["results"][0]["id"] = theirs
        return answer

    watched.declare(unit("order", "A"), unit("order", "B"))
    watched.proxy.edit = edit
    assert incomplete(watched.apply()) == ()
    watched.proxy.edit = None
    assert watched.dump(object_)[theirs] == before
    assert watched.links((object_, theirs), "line_items" if kind == "order" else "orders") == {}
    for key in "AB":
        assert set(lines_of(watched, "order", key)) == {f"{key}:1", f"{key}:2"}
    assert watched.plan().empty


def test_the_id_of_a_line_under_another_order_is_not_taken(build: Callable[..., World]) -> None:
    """It has the SKU that was sent, and nothing but its parent shows that it is another one."""
    world = build(
        switches=Switches(line_items_may_have_unique_properties=False),
        identity={"line_item": "within_parent:hs_sku"},
        proxy=Proxy,
    )
    elsewhere = world.make("orders", memo="theirs")
    theirs = world.make("line_items", hs_sku="1")
    world.link(("line_items", theirs), ("orders", elsewhere))
    documents = [order("A", [line("A:1", name="x", hs_sku="1")])]

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith("line_items/batch/create"):
            answer["results"][0]["id"] = theirs
        return answer

    world.declare(*documents)
    world.proxy.edit = edit
    report = world.apply()
    assert statuses(report) == {"order/A": "done", "line_item/A:1": "unknown"}
    assert (
        f"record {theirs}, which belongs to order {elsewhere}" in messages(report)["line_item/A:1"]
    )
    assert set(world.links(("line_items", theirs), "orders")) == {elsewhere}
    assert "line_item/a:1" not in remembered(world)

    world.proxy.edit = None
    assert incomplete(world.apply()) == ()
    (mine,) = world.links(("orders", world.by_key("orders", "A")), "line_items")
    assert remembered(world)["line_item/a:1"] == mine
    assert len(world.ever("line_items")) == 2
    assert world.plan().empty


def test_what_cannot_be_found_is_unknown_and_nothing_is_made_under_it(watched: World) -> None:
    """Its key shows nowhere for now; once it does, the run goes on without a second record."""
    watched.make("orders", memo="theirs")
    plan = watched.plan(unit("order", "A"), unit("order", "B"))
    asked: list[str] = []

    def hook(method: str, path: str, body: Any) -> Any:
        by_key = isinstance(body, dict) and body.get("idProperty") == KEY
        if path.endswith("orders/batch/read") and by_key and watched.keys("orders")["A"]:
            asked.append(path)
            missing = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "no"}]
            missing[0]["context"] = {"ids": [one["id"] for one in body["inputs"]]}  # type: ignore[assignment]
            return 207, {"status": "COMPLETE", "results": [], "errors": missing, "numErrors": 1}
        return None

    watched.proxy.edit, watched.proxy.hook = swapping("orders/batch/upsert"), hook
    report = watched.apply(plan)

    assert asked
    assert statuses(report) == {
        f"{kind}/{key}": status
        for key in "AB"
        for kind, key, status in (
            ("order", key, "unknown"),
            ("line_item", f"{key}:1", "skipped"),
            ("line_item", f"{key}:2", "skipped"),
        )
    }
    assert f"whose {KEY} is another" in messages(report)["order/A"]
    assert remembered(watched) == {}
    assert watched.dump("line_items") == {}

    watched.proxy.edit = watched.proxy.hook = None
    assert incomplete(watched.apply(plan)) == ()
    is_right_but_for_theirs(watched, "A", "B")
    assert watched.plan().empty


def is_right_but_for_theirs(world: World, *keys: str) -> None:
    """Check lines, keys and state where somebody else has an order without a key."""
    state = remembered(world)
    for key in keys:
        assert set(lines_of(world, "order", key)) == {f"{key}:1", f"{key}:2"}
        assert state[f"order/{key.lower()}"] == world.by_key("orders", key)
    assert world.keys("orders") == {"": 1} | dict.fromkeys(keys, 1)
    assert len(world.ever("line_items")) == 2 * len(keys)


def test_swapped_ids_that_cannot_be_read_yet_are_found_out_later(watched: World) -> None:
    """Neither shows for long: the next run reads them, and does not believe the answer then."""
    watched.make("orders", memo="theirs")
    plan = watched.plan(unit("order", "A"), unit("order", "B"))
    watched.sleep(60)
    rule = watched.sandbox.faults.add(StaleReads(30.0), path="*/orders/batch/read")
    watched.proxy.edit = swapping("orders/batch/upsert")
    report = watched.apply(plan)
    assert statuses(report)["order/A"] == statuses(report)["order/B"] == "unknown"
    assert watched.dump("line_items") == {}
    assert remembered(watched) == {}

    watched.sandbox.faults.remove(rule)
    watched.proxy.edit = None
    assert incomplete(watched.apply(plan)) == ()
    is_right_but_for_theirs(watched, "A", "B")
    assert watched.plan().empty


def test_an_update_by_key_that_is_answered_with_another_id_is_read(watched: World) -> None:
    """The record holds what was sent, so the answer alone was wrong."""
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    other = watched.by_key("orders", "B")

    def edit(method: str, path: str, answer: Any) -> Any:
        if method == "PATCH":
            answer["id"] = other
        return answer

    watched.proxy.edit = edit
    assert statuses(watched.apply(watched.plan(order("A", memo="2"), order("B", memo="1")))) == {
        "order/A": "done"
    }
    assert watched.plan().empty


def test_ids_swapped_among_the_results_of_associations_do_no_harm(watched: World) -> None:
    """Associations are matched by both ends and read back."""
    contacts = [{"contact": [{"email": email}]} for email in EMAILS]
    watched.declare(*(order(k, associations=c) for k, c in zip("ABC", contacts, strict=True)))

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith("/orders/contacts/batch/create"):
            ids = [one["toObjectId"] for one in answer["results"]]
            for one, id_ in zip(answer["results"], ids[1:] + ids[:1], strict=True):
                one["toObjectId"] = id_
        return answer

    watched.proxy.edit = edit
    assert incomplete(watched.apply()) == ()
    watched.proxy.edit = None
    emails = {id_: values["email"] for id_, values in watched.dump("contacts").items()}
    for key, email in zip("ABC", EMAILS, strict=True):
        (contact,) = watched.links(("orders", watched.by_key("orders", key)), "contacts")
        assert emails[contact] == email
    assert watched.plan().empty


def test_confirming_costs_no_call_of_its_own(watched: World) -> None:
    """A hundred creations of a kind take three: the re-check, the write and the read-back."""
    plan = watched.plan(*(order(f"O{n:03}", [line(f"L{n:03}", name="x")]) for n in range(100)))
    watched.proxy.seen.clear()
    assert incomplete(watched.apply(plan)) == ()
    calls = [
        c.path.removeprefix("/crm/v3/objects") for c in watched.proxy.seen if "batch" in c.path
    ]
    assert calls == [
        "/orders/batch/read",
        "/orders/batch/upsert",
        "/orders/batch/read",
        "/line_items/batch/read",
        "/line_items/batch/create",
        "/line_items/batch/read",
        "/crm/v4/associations/line_items/orders/batch/read",
    ]
    assert actions(plan)["order/O000"] == "create"

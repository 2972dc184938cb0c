"""``adopt``: a document takes over an existing record, and never creates a second one."""

from collections.abc import Callable
from typing import Any

import pytest
from held import guards, held, left
from world import KEY, World, actions, cart, explained, incomplete, line, order, statuses

from reconcile.model.plan import Action, Plan

INDEXED = 60.0
"""Seconds after which search shows what was written."""


def make(world: World, object_: str = "orders", /, **properties: str) -> str:
    """Make a record without a key, as a shop's sync does; return its id."""
    return world.make(object_, **properties)


def why(plan: Plan) -> str:
    """Why the only record of a plan is in conflict."""
    (change,) = plan.records()
    assert change.action is Action.CONFLICT
    return explained(change)


def test_an_existing_order_is_adopted_with_its_lines(world: World) -> None:
    """By id, by property, by property among its lines: they get their keys and nothing else."""
    first = make(world, hs_order_name="Old one", memo="1")
    second = make(world, hs_order_name="Old two", memo="2")
    item = make(world, "line_items", name="Mug", hs_sku="M")
    world.link(("line_items", item), ("orders", first))
    world.sleep(INDEXED)
    lines = [{**line("A:1", name="Mug"), "adopt": {"hs_sku": "M"}}]
    plan = world.plan(
        order("A", lines, memo="1", adopt={"id": first}),
        order("B", memo="2", adopt={"hs_order_name": "old two"}),
        order("C", memo="3"),
        allow={},
    )
    assert (guards(plan), left(plan), held(plan)) == ({}, {}, {})
    assert actions(plan) == {
        "order/A": "update",
        "line_item/A:1": "update",
        "order/B": "update",
        "order/C": "create",
    }
    assert {change.title for change in plan.records() if change.adopts} == {
        "Old one",
        "Old two",
        "Mug",
    }
    before = world.dump("orders"), world.dump("line_items")
    assert incomplete(world.apply(plan)) == ()
    assert world.id_of("orders", "A") == first
    assert world.id_of("orders", "B") == second
    assert world.id_of("line_items", "A:1") == item
    for was, object_ in zip(before, ("orders", "line_items"), strict=True):
        now = world.dump(object_)
        for record, values in was.items():
            assert {n: v for n, v in now[record].items() if n != KEY} == values
    assert world.plan(allow={}).units == ()


def test_without_stamps_nothing_is_written(build: Callable[..., World]) -> None:
    """Only the state knows the record; changes, drift and removal work as for any other."""
    world = build(stamp="false")
    record = make(world, memo="1")
    before = world.dump("orders")
    world.forget_calls()
    plan = world.plan(order("A", memo="1", adopt={"id": record}), allow={})
    assert actions(plan) == {"order/A": "adopt"}
    assert world.apply(plan).complete
    assert world.writes() == []
    assert world.dump("orders") == before
    assert world.plan(allow={}).units == ()

    world.edit("orders", record, memo="9")
    assert left(world.plan(allow={})) == {"order/A": {"memo"}}
    world.edit("orders", record, memo="1")
    assert world.apply(world.plan(order("A", memo="2", adopt={"id": record}), allow={})).complete
    assert world.dump("orders")[record]["memo"] == "2"
    assert world.plan(order("A", memo="2"), allow={}).units == ()
    gone = world.plan(order("A", lifecycle={"state": "absent"}), allow={})
    assert (actions(gone), guards(gone)) == ({"order/A": "archive"}, {})
    assert world.apply(gone).complete
    assert world.dump("orders") == {}


def test_values_that_git_declares_otherwise_wait_with_the_adoption(world: World) -> None:
    """A value that reconcile has never seen is not overwritten by binding the record."""
    record = make(world, memo="theirs")
    plan = world.plan(order("A", memo="2", adopt={"id": record}), allow={})
    assert (guards(plan), list(held(plan))) == ({"adopt-update": 1}, ["order/A"])
    world.apply(plan)
    assert KEY not in world.dump("orders")[record]
    assert world.apply(world.plan(allow={"adopt-update": 1})).complete
    assert world.dump("orders")[record]["memo"] == "2"


def test_a_known_line_item_waits_with_the_order_that_adopts_it(world: World) -> None:
    """It was declared by itself, under an order that no document had."""
    record = make(world, memo="theirs")
    mug = {"key": "S", "properties": {"name": "Mug"}}
    world.converge({"kind": "line_item", "parent": {"order": {"id": record}}, **mug})
    plan = world.plan(order("A", [mug], memo="2", adopt={"id": record}), allow={})
    assert set(held(plan)) == {"order/A", "line_item/S"}
    assert statuses(world.apply(plan)) == {}
    assert world.apply(world.plan(allow={"adopt-update": 1})).complete
    assert world.plan(allow={}).units == ()


def archived(world: World) -> dict[str, str]:
    """An archived order."""
    record = make(world, memo="1")
    world.archive("orders", record)
    return {"id": record}


def keyed(world: World) -> dict[str, str]:
    """An order with another key."""
    return {"id": world.make("orders", "X", memo="1")}


def of_two(world: World) -> dict[str, str]:
    """A value that two orders have."""
    make(world, memo="7")
    make(world, memo="7")
    world.sleep(INDEXED)
    return {"memo": "7"}


def changed_since(world: World) -> dict[str, str]:
    """A value that the index still shows."""
    record = make(world, memo="7")
    world.sleep(INDEXED)
    world.edit("orders", record, memo="8")
    return {"memo": "7"}


@pytest.mark.parametrize(
    ("adopt", "reason"),
    [
        (archived, "is archived in HubSpot"),
        (keyed, "has the key 'X' already"),
        (of_two, "2 orders have memo '7': "),
        (changed_since, "no order has memo '7'"),
        (lambda _: {"id": "99999999"}, "no order has the id 99999999"),
        (lambda _: {"memo": "nobody has it"}, "no order has memo 'nobody has it'"),
    ],
    ids=["archived", "has a key", "two hits", "stale hit", "no such id", "no such value"],
)
def test_what_is_not_one_live_record_is_a_conflict(
    world: World, adopt: Callable[[World], dict[str, str]], reason: str
) -> None:
    """Nothing is created in its place, however often it is applied."""
    world.declare(order("A", memo="1", adopt=adopt(world)))
    there = world.dump("orders")
    for _ in range(2):
        plan = world.plan(allow={})
        assert reason in why(plan)
        assert "manifests/all.yaml:1:" in why(plan)
        world.apply(plan)
    assert world.dump("orders") == there


def test_a_merged_record_is_not_adopted(world: World) -> None:
    """The conflict names the record that it was merged into."""
    one, other = make(world, memo="1"), make(world, memo="2")
    into = world.merge("orders", other, one)
    assert f"was merged into record {into}" in why(
        world.plan(order("A", memo="1", adopt={"id": one}), allow={})
    )


def test_a_key_that_another_record_has_is_a_conflict(world: World) -> None:
    """The key leads to one order and adopt to another: neither is touched."""
    taken, free = world.make("orders", "A", memo="1"), make(world, memo="1")
    plan = world.plan(order("A", memo="1", adopt={"id": free}), allow={})
    assert f"it is record {taken} already, and adopt leads to record {free}" in why(plan)


def test_one_record_is_not_adopted_twice(world: World) -> None:
    """Neither by two documents nor beside one that the state has."""
    record = make(world, memo="1", hs_order_name="One")
    world.sleep(INDEXED)
    plan = world.plan(
        order("A", memo="1", adopt={"id": record}),
        order("B", memo="1", adopt={"hs_order_name": "One"}),
        allow={},
    )
    assert set(actions(plan).values()) == {"conflict"}
    world.converge(order("A", memo="1", adopt={"id": record}))
    world.edit("orders", record, **{KEY: ""})
    assert f"the state has record {record} as order/" in why(
        world.plan(order("B", memo="1", adopt={"id": record}), allow={})
    )


def test_a_record_adopted_by_somebody_else_meanwhile_is_left_to_them(world: World) -> None:
    """It got another key between plan and apply."""
    record = make(world, memo="1")
    plan = world.plan(order("A", memo="1", adopt={"id": record}), allow={})
    world.edit("orders", record, **{KEY: "theirs"})
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert world.dump("orders")[record][KEY] == "theirs"


def test_a_line_of_another_order_is_not_adopted(world: World) -> None:
    """A line item belongs to one parent."""
    mine, theirs = make(world, memo="1"), make(world, memo="2")
    item = make(world, "line_items", name="Mug")
    world.link(("line_items", item), ("orders", theirs))
    lines = [{**line("A:1", name="Mug"), "adopt": {"id": item}}]
    plan = world.plan(order("A", lines, memo="1", adopt={"id": mine}), allow={})
    found = {str(change.address): change.action for change in plan.records()}
    assert found == {"order/A": Action.UPDATE, "line_item/A:1": Action.CONFLICT}


def test_creating_beside_records_without_a_key_is_noted(world: World) -> None:
    """A plan that adopts or changes nothing new says nothing of them."""
    record = make(world, memo="1")
    make(world, memo="2")
    make(world, "carts", hs_external_cart_id="c")
    world.sleep(INDEXED)
    assert world.plan(order("A", memo="3"), allow={}).unkeyed == (("order", 2),)
    plan = world.plan(order("A", memo="1", adopt={"id": record}), allow={})
    assert plan.unkeyed == ()


@pytest.mark.parametrize("kind", [order, cart])
def test_an_adoption_survives_a_lost_state(world: World, kind: Callable[..., Any]) -> None:
    """The key leads to the record again, and adopt names the same one."""
    object_ = "orders" if kind is order else "carts"
    record = make(world, object_)
    world.converge(kind("A", adopt={"id": record}))
    world.lose_state()
    plan = world.plan(allow={})
    assert [change.id for change in plan.records()] == [record]
    assert world.apply(plan).complete
    assert list(world.dump(object_)) == [record]


def test_what_it_was_found_by_is_read_again(world: World) -> None:
    """Somebody gave the value to another order meanwhile: neither gets the key."""
    record = make(world, memo="7")
    world.sleep(INDEXED)
    plan = world.plan(order("A", weight="", adopt={"memo": "7"}), allow={})
    world.edit("orders", record, memo="8")
    other = make(world, memo="7")
    report = world.apply(plan)
    assert statuses(report) == {"order/A": "conflict"}
    assert all(KEY not in world.dump("orders")[one] for one in (record, other))


@pytest.mark.parametrize(
    ("adopt", "words"),
    [
        ({"memmo": "7"}, "orders have no property 'memmo'; did you mean 'memo'?"),
        ({"weight": "abc"}, "weight 'abc' cannot be looked up"),
    ],
)
def test_one_bad_adoption_stops_no_other_record(
    world: World, adopt: dict[str, str], words: str
) -> None:
    """It is a conflict with its place."""
    plan = world.plan(order("A", memo="1", adopt=adopt), order("B", memo="1"), allow={})
    assert actions(plan) == {"order/A": "conflict", "order/B": "create"}
    (change,) = (one for one in plan.records() if one.address.key == "A")
    assert words in explained(change)


def test_an_adoption_that_was_carried_out_is_history(world: World) -> None:
    """Whatever has become of the record: it can be made again, and no plan complains of the id."""
    record = make(world, memo="1")
    world.converge(order("A", memo="1", adopt={"id": record}))
    world.archive("orders", record)
    assert "is archived in HubSpot" in why(world.plan(allow={}))
    assert world.apply(world.plan(recreate=["order/A"], allow={"recreate": 1})).complete
    assert world.plan(allow={}).units == ()
    assert world.id_of("orders", "A") != record


@pytest.mark.parametrize("stamp", [True, False])
@pytest.mark.parametrize("by", ["id", "hs_order_name"])
def test_another_record_to_adopt_is_a_conflict(
    build: Callable[..., World], by: str, *, stamp: bool
) -> None:
    """The values are meant for that one, so the one that the state has does not get them."""
    world = build(stamp=str(stamp).lower())
    first, second = make(world, memo="1", hs_order_name="a"), make(world, hs_order_name="b")
    world.sleep(INDEXED)
    world.converge(order("A", memo="1", adopt={"id": first}))
    adopt = {by: second if by == "id" else "b"}
    plan = world.plan(order("A", memo="2", adopt=adopt), allow={})
    assert f"it is record {first} already, and adopt leads to record {second}" in why(plan)
    world.archive("orders", second)
    world.sleep(INDEXED)
    assert actions(world.plan(allow={})) == {"order/A": "update"}


def test_another_line_item_to_adopt_is_a_conflict(world: World) -> None:
    """Of those under its order."""
    record = make(world, memo="1")
    items = [make(world, "line_items", name="Mug", hs_sku=sku) for sku in ("M", "N")]
    for item in items:
        world.link(("line_items", item), ("orders", record))
    mug = line("A:1", name="Mug")
    world.converge(order("A", [{**mug, "adopt": {"hs_sku": "M"}}], adopt={"id": record}))
    plan = world.plan(
        order("A", [{**mug, "adopt": {"hs_sku": "N"}}], adopt={"id": record}), allow={}
    )
    assert f"it is record {items[0]} already, and adopt leads to record {items[1]}" in why(plan)


def test_a_value_that_led_to_the_record_may_change(world: World) -> None:
    """It was adopted by that, and is the same record as long as no other one has the value."""
    record = make(world, memo="1", hs_order_name="One")
    world.sleep(INDEXED)
    adopting = order("A", memo="1", adopt={"hs_order_name": "One"})
    world.converge(adopting)
    world.edit("orders", record, hs_order_name="Two")
    world.sleep(INDEXED)
    assert world.plan(adopting, allow={}).units == ()

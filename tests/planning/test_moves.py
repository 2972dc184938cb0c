"""A line item that git moves to another order or cart: it gets the new parent, then leaves the old.

At no time it is without a parent, and an order that it leaves is not archived before it has gone.
"""

from collections.abc import Callable
from typing import Any

import pytest
from held import guards, held
from proxy import DROP
from world import World, actions, cart, changes, line, order, statuses

from reconcile.model.line_parent import former_parent
from reconcile.model.plan import Plan

REFUSAL = {"status": "error", "message": "Down for maintenance", "correlationId": "c-9"}


def shop(world: World) -> str:
    """Order A with two line items, order B without; return the id of the one that will move."""
    world.converge(
        order("A", [line("L1", name="x"), line("L2", name="y")], memo="1"), order("B", memo="1")
    )
    return world.id_of("line_items", "L1")


def moved(*, name: str = "x", **more: str) -> tuple[Any, ...]:
    """The same with L1 under B."""
    return (
        order("A", [line("L2", name="y")], memo="1"),
        order("B", [line("L1", name=name)], **{"memo": "1", **more}),
    )


def parents(world: World, record: str) -> set[str]:
    """The keys of the orders that a line item is under."""
    keys = {world.id_of("orders", key): key for key in world.keys("orders")}
    return {keys[end] for end in world.links(("line_items", record), "orders")}


def sources(plan: Plan) -> dict[str, str]:
    """Where the moved line items of a plan come from, held back or not."""
    return {
        str(change.address): str(source)
        for unit in plan.units
        for change in (*unit.changes, *unit.held)
        if (source := former_parent(change)) is not None
    }


@pytest.mark.parametrize("name", ["x", "x2"], ids=["only moved", "and changed"])
def test_a_line_moves_to_another_order(watched: World, name: str) -> None:
    """The new association is made before the old one is removed."""
    record = shop(watched)
    plan = watched.plan(*moved(name=name), allow={})
    assert sources(plan) == {"line_item/L1": "order/A"}
    assert plan.others == 0
    watched.forget_calls()
    assert watched.apply(plan).complete
    assert parents(watched, record) == {"B"}
    paths = [call.path for call in watched.writes() if "/associations/" in call.path]
    assert [path.rsplit("/", 1)[-1] for path in paths] == ["create", "archive"]
    assert watched.plan(allow={}).units == ()
    assert len(watched.ever("line_items")) == 2


def test_a_line_moves_to_a_new_cart_and_its_order_goes(world: World) -> None:
    """The order that it leaves is archived in the same apply, and nobody's line with it."""
    record = shop(world)
    gone = order("A", lifecycle={"state": "absent"})
    plan = world.plan(gone, order("B", memo="1"), cart("C", [line("L1", name="x")]), allow={})
    assert changes(plan)["order/A"].action == "archive"
    assert [unit.others for unit in plan.units] == [0] * len(plan.units)
    assert world.apply(plan).complete
    assert world.keys("orders") == {"B": 1}
    assert list(world.links(("line_items", record), "carts")) == [world.id_of("carts", "C")]
    assert world.plan(allow={}).units == ()


def test_the_two_units_go_or_stay_together(world: World) -> None:
    """Whichever of them is held back, and whatever else of them would change."""
    record = shop(world)
    world.edit("orders", world.id_of("orders", "B"), memo="9")
    price = order("A", [line("L2", name="z")], memo="1")
    plan = world.plan(price, moved(memo="2")[1], allow={})
    assert held(plan).keys() == {"line_item/L2", "order/B", "line_item/L1"}
    assert guards(plan) == {"both": 1}
    world.apply(plan)
    assert parents(world, record) == {"A"}
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert parents(world, record) == {"B"}
    assert world.plan(allow={}).units == ()


@pytest.mark.parametrize("guard", ["foreign", "prune", "rekey"])
def test_a_line_moves_beside_another_one_that_is_held_back(world: World, guard: str) -> None:
    """Only what holds a whole order holds the orders that its line items move to."""
    third = line("L3", name="z")
    lines = [line("L1", name="x"), line("L2", name="y"), third]
    world.converge(order("A", lines, memo="1"), order("B", memo="1"))
    first, second = moved()
    if guard == "foreign":
        extra = world.make("line_items", name="Extra")
        world.link(("line_items", extra), ("orders", world.id_of("orders", "A")))
        first["lines"] = "exact"
    if guard != "prune":
        first["line_items"].append(third)
    if guard == "rekey":
        world.edit("line_items", world.id_of("line_items", "L3"), reconcile_key="other")
    plan = world.plan(first, second, prune=guard == "prune", allow={})
    assert guards(plan) == {guard: 1}
    assert "line_item/L1" not in held(plan)
    world.apply(plan)
    assert parents(world, world.id_of("line_items", "L1")) == {"B"}


def test_a_line_that_others_moved_elsewhere_is_left_there(world: World) -> None:
    """Git moves it to B, and somebody moved it to C."""
    record = shop(world)
    third = world.make("orders", "C")
    world.unlink(("line_items", record), ("orders", world.id_of("orders", "A")))
    world.link(("line_items", record), ("orders", third))
    plan = world.plan(*moved(), allow={})
    assert actions(plan) == {"line_item/L1": "conflict"}
    world.apply(plan)
    assert parents(world, record) == {"C"}


def test_a_line_moved_between_plan_and_apply_is_left_there(world: World) -> None:
    """It no longer belongs to the order that it was to leave."""
    record = shop(world)
    plan = world.plan(*moved(), allow={})
    third = world.make("orders", "C")
    world.unlink(("line_items", record), ("orders", world.id_of("orders", "A")))
    world.link(("line_items", record), ("orders", third))
    assert statuses(world.apply(plan)) == {"line_item/L1": "conflict"}
    assert parents(world, record) == {"C"}


def test_what_others_did_already_is_only_remembered(world: World) -> None:
    """Somebody moved it to B by hand before git did."""
    record = shop(world)
    world.unlink(("line_items", record), ("orders", world.id_of("orders", "A")))
    world.link(("line_items", record), ("orders", world.id_of("orders", "B")))
    plan = world.plan(*moved(), allow={})
    assert actions(plan) == {"line_item/L1": "adopt"}
    assert world.apply(plan).complete
    assert world.plan(allow={}).units == ()


def refuse(world: World, verb: str) -> None:
    """Refuse every association write of a sort."""

    def hook(method: str, path: str, _: Any) -> tuple[int, object] | None:
        wanted = method == "POST" and "/associations/" in path and path.endswith(verb)
        return (400, {**REFUSAL, "category": "VALIDATION_ERROR"}) if wanted else None

    world.proxy.hook = hook


@pytest.mark.parametrize(("verb", "there"), [("create", {"A"}), ("archive", {"A", "B"})])
def test_half_a_move_is_finished_by_the_next_apply(
    watched: World, verb: str, there: set[str]
) -> None:
    """If it cannot be put under the new order it stays under the old one."""
    record = shop(watched)
    plan = watched.plan(*moved(), allow={})
    refuse(watched, verb)
    assert not watched.apply(plan).complete
    assert parents(watched, record) == there
    watched.proxy.hook = None
    again = watched.plan(allow={})
    assert sources(again).keys() == {"line_item/L1"}
    assert watched.apply(again).complete
    assert parents(watched, record) == {"B"}
    assert watched.plan(allow={}).units == ()


@pytest.mark.parametrize("verb", ["create", "archive"])
@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("resumes", [True, False])
def test_a_run_that_dies_in_a_move_is_recovered(
    watched: World, verb: str, *, carried_out: bool, resumes: bool
) -> None:
    """Whether it is resumed or planned again: in the end the line is under B alone."""
    record = shop(watched)
    plan = watched.plan(*moved(), allow={})
    down: list[str] = []

    def lose(method: str, path: str, _: Any) -> str | tuple[int, object] | None:
        if method == "POST" and "/associations/" in path and path.endswith(verb) and not down:
            down.append(path)
            return DROP if carried_out else (503, REFUSAL)
        return (503, REFUSAL) if down else None

    watched.proxy.hook = lose
    assert watched.apply(plan).resumable
    watched.proxy.hook = None
    if not resumes:
        watched.recover()
        plan = watched.plan(allow={})
    watched.apply(plan)
    assert parents(watched, record) == {"B"}
    assert watched.plan(allow={}).units == ()


@pytest.mark.parametrize("identity", [None, {"line_item": "within_parent:name"}])
def test_a_line_found_within_its_parent_moves_too(
    build: Callable[..., World], identity: dict[str, str] | None
) -> None:
    """By the id in the state; no second one is made."""
    world = build(identity=identity)
    world.converge(
        order("A", [line("L1", name="x"), line("L2", name="y")], memo="1"), order("B", memo="1")
    )
    before = world.dump("line_items").keys()
    plan = world.plan(*moved(), allow={})
    world.apply(plan)
    assert world.dump("line_items").keys() == before
    assert world.plan(allow={}).units == ()


def test_an_order_stays_as_long_as_a_line_of_another_document_is_under_it(world: World) -> None:
    """Where the move is in conflict, and where only the order is planned."""
    record = shop(world)
    world.archive("orders", world.id_of("orders", "B"))
    gone = order("A", lifecycle={"state": "absent"})
    plan = world.plan(gone, order("B", [line("L1", name="x")], memo="1"), allow={})
    assert set(actions(plan).values()) == {"conflict"}
    world.apply(plan)
    assert parents(world, record) == {"A"}
    assert len(world.dump("line_items")) == 2


def test_a_label_that_others_gave_to_the_pair_goes_with_it(world: World) -> None:
    """A line item has one parent, whatever the association is called."""
    record = shop(world)
    label = {"name": "gift", "label": "Gift"}
    made = world.http.post("/crm/v4/associations/line_items/orders/labels", json=label)
    number = made.raise_for_status().json()["results"][0]["typeId"]
    ends = ("line_items", record), ("orders", world.id_of("orders", "A"))
    world.link(*ends, ("USER_DEFINED", number))
    assert world.apply(world.plan(*moved(), allow={})).complete
    assert parents(world, record) == {"B"}
    assert world.plan(allow={}).units == ()


def test_a_line_that_others_took_out_and_git_moves_is_both(world: World) -> None:
    """Both sides changed its parent."""
    record = shop(world)
    world.unlink(("line_items", record), ("orders", world.id_of("orders", "A")))
    plan = world.plan(*moved(), allow={})
    assert guards(plan) == {"both": 1}
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert parents(world, record) == {"B"}


@pytest.mark.parametrize("to", ["A", "C"], ids=["back", "on"])
def test_half_a_move_that_git_thinks_better_of_is_cleared_up(watched: World, to: str) -> None:
    """It is under two orders of ours: in the end it is under the one that git says alone."""
    record = shop(watched)
    watched.converge(
        order("A", [line("L1", name="x"), line("L2", name="y")], memo="1"),
        order("B", memo="1"),
        order("C", memo="1"),
    )
    plan = watched.plan(*moved(), order("C", memo="1"), allow={})
    refuse(watched, "archive")
    assert not watched.apply(plan).complete
    watched.proxy.hook = None
    assert parents(watched, record) == {"A", "B"}
    lines = {"A": [line("L2", name="y")], "B": [], "C": []}
    lines[to] = [*lines[to], line("L1", name="x")]
    plan = watched.plan(*(order(key, some, memo="1") for key, some in lines.items()), allow={})
    assert not plan.empty
    assert watched.apply(plan).complete
    assert parents(watched, record) == {to}
    assert watched.plan(allow={}).units == ()

"""``lines: exact``: what others add to an order is held back from staying, never lost unseen."""

from typing import Any

import pytest
from held import guards, held, holds
from world import World, actions, line, order

from reconcile.model.plan import Action, Plan


def added(world: World, key: str = "A", **properties: str) -> str:
    """Somebody adds a line item to an order by hand; its id."""
    record = world.make("line_items", **{"name": "Extra", **properties})
    world.link(("line_items", record), ("orders", world.id_of("orders", key)))
    return record


def exact(*lines: Any, key: str = "A", **more: str) -> dict[str, Any]:
    """An order whose lines are exact."""
    return {**order(key, lines, memo="1", **more), "lines": "exact"}


def others(plan: Plan) -> list[int]:
    """How many undeclared line items each unit has beside."""
    return [unit.others for unit in plan.units]


def test_what_others_add_waits_until_it_is_allowed(world: World) -> None:
    """Then it is archived, and nothing else; without exact lines it is left alone."""
    world.converge(exact(line("L1", name="x")))
    record = added(world)
    plan = world.plan(allow={})
    assert guards(plan) == {"foreign": 1}
    (change,) = held(plan).values()
    assert (str(change.address), change.id) == (f"line_item/id:{record}", record)
    assert (change.action, change.title) == (Action.ARCHIVE, "Extra")
    assert others(plan) == [0]
    holds(world, world.plan(allow={"foreign": 1}), "foreign")
    assert world.apply(world.plan(allow={"foreign": 1})).complete
    assert record not in world.dump("line_items")
    assert world.keys("line_items") == {"L1": 1}
    assert world.plan(allow={}).units == ()
    added(world)
    assert world.plan(order("A", [line("L1", name="x")], memo="1"), allow={}).units == ()


def test_other_changes_go_while_it_waits(world: World) -> None:
    """It is held back alone."""
    world.converge(exact(line("L1", name="x")))
    added(world)
    plan = world.plan({**exact(line("L1", name="y"))}, allow={})
    assert actions(plan) == {"line_item/L1": "update"}
    assert len(held(plan)) == 1
    assert not world.apply(plan).complete
    assert len(world.dump("line_items")) == 2


def test_an_order_without_declared_lines_can_be_exact(world: World) -> None:
    """Nothing is allowed under it."""
    world.converge(exact())
    added(world)
    assert guards(world.plan(allow={})) == {"foreign": 1}
    assert world.apply(world.plan(allow={"foreign": 1})).complete
    assert world.dump("line_items") == {}


def test_what_belongs_to_a_document_is_not_foreign(world: World) -> None:
    """Neither a line that others moved here, nor one that is no longer declared."""
    world.converge(exact(line("L1", name="x"), line("L2", name="y")), exact(line("L3"), key="B"))
    item = world.id_of("line_items", "L3")
    world.unlink(("line_items", item), ("orders", world.id_of("orders", "B")))
    world.link(("line_items", item), ("orders", world.id_of("orders", "A")))
    plan = world.plan(exact(line("L1", name="x")), exact(line("L3"), key="B"), allow={})
    assert "foreign" not in guards(plan)
    assert [str(address) for address in plan.undeclared] == ["line_item/L2"]


def test_a_line_of_a_deal_too_is_left_alone(world: World) -> None:
    """Archiving it would take it from the deal."""
    world.converge(exact(line("L1", name="x")))
    record = added(world)
    deal = world.make("deals", dealname="D")
    world.link(("line_items", record), ("deals", deal))
    plan = world.plan(allow={})
    assert actions(plan) == {f"line_item/id:{record}": "conflict"}
    world.apply(plan)
    assert record in world.dump("line_items")


def test_what_somebody_edits_meanwhile_is_not_archived(world: World) -> None:
    """Between plan and apply it got another title."""
    world.converge(exact(line("L1", name="x")))
    record = added(world)
    plan = world.plan(allow={"foreign": 1})
    world.edit("line_items", record, name="Important")
    assert not world.apply(plan).complete
    assert record in world.dump("line_items")


@pytest.mark.parametrize("api", ["v3", "2026-03"])
def test_many_are_removed_at_once(build: Any, api: str) -> None:
    """In batches, in every version of the API."""
    world = build(api=api)
    world.converge(exact(line("L1", name="x")))
    for number in range(7):
        added(world, name=f"Extra {number}")
    plan = world.plan(allow={"foreign": 7})
    assert world.apply(plan).complete
    assert world.keys("line_items") == {"L1": 1}

"""Key conflicts: keys that move to another record, change their case, or collide."""

from dataclasses import replace

import pytest
from held import guards
from world import KEY, World, cart, changes, explained, incomplete, line, order, statuses

from reconcile.errors import StalePlan, UsageError
from reconcile.model.identity import UniqueProperty
from reconcile.model.plan import Action
from reconcile.workflow import plan_steps


def test_a_key_spelled_otherwise_in_the_manifest_is_the_same_record(world: World) -> None:
    """The key is written anew onto the record there is, and asks for the guard."""
    world.converge(order("NW-1", [line("NW-1:1", name="x")], memo="1"))
    record = world.id_of("orders", "NW-1")

    plan = world.plan(order("nw-1", [line("nw-1:1", name="x")], memo="1"))

    assert {str(c.address): (c.action, c.rekey) for c in plan.records()} == {
        "order/nw-1": (Action.UPDATE, True),
        "line_item/nw-1:1": (Action.UPDATE, True),
    }
    assert guards(plan) == {"rekey": 2}
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("orders") == {"nw-1": 1}
    assert world.id_of("orders", "nw-1") == record
    assert world.plan().units == ()


def test_a_key_that_moved_while_its_record_lives_is_a_conflict(world: World) -> None:
    """Neither the one that has it now nor the one that had it is touched."""
    world.converge(order("A", memo="1"))
    ours = world.id_of("orders", "A")
    world.edit("orders", ours, **{KEY: ""})
    theirs = world.make("orders", "A", memo="theirs")
    change = changes(world.plan())["order/A"]
    assert change.action is Action.CONFLICT
    assert ours in explained(change)
    assert theirs in explained(change)


def test_swapped_keys_are_conflicts(world: World) -> None:
    """Each record would get the other's values."""
    world.converge(order("A", memo="a"), order("B", memo="b"))
    one, other = world.id_of("orders", "A"), world.id_of("orders", "B")
    world.edit("orders", one, **{KEY: "X"})
    world.edit("orders", other, **{KEY: "A"})
    world.edit("orders", one, **{KEY: "B"})
    assert {c.action for c in changes(world.plan()).values()} == {Action.CONFLICT}


def test_two_declared_records_with_one_id_in_the_state_are_conflicts(world: World) -> None:
    """Which of the two records is meant is ambiguous."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, **{KEY: "B"})
    world.converge(order("B", memo="1"))
    world.edit("orders", record, **{KEY: ""})
    plan = world.plan(order("A", memo="new"), order("B", memo="1"))
    assert {c.action for c in changes(plan).values()} == {Action.CONFLICT}
    world.apply(plan)
    assert len(world.dump("orders")) == 1


def test_a_line_that_moved_is_known_by_its_former_unit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the units are cut into chunks, it is never made a second time."""
    world.converge(order("A", [line("L", name="x")]), order("B"))
    world.archive("line_items", world.id_of("line_items", "L"))
    monkeypatch.setattr(plan_steps, "CHUNK", 1)
    plan = world.plan(order("A"), order("B", [line("L", name="x")]))
    assert changes(plan)["line_item/L"].action is Action.CONFLICT


def test_a_root_in_conflict_holds_its_lines_back(world: World) -> None:
    """Half a unit is nothing anybody planned."""
    world.converge(order("A", [line("A:1", quantity="1")], memo="1"))
    plan = world.plan(order("A", [line("A:1", quantity="2"), line("A:2")], memo="2"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    assert statuses(world.apply(plan)) == {
        "order/A": "conflict",
        "line_item/A:1": "skipped",
        "line_item/A:2": "skipped",
    }
    assert world.record("line_items", "A:1")["quantity"] == "1"


def test_lines_of_a_parent_archived_meanwhile_are_left_alone(world: World) -> None:
    """A new line needs a parent that lives."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", [line("A:1", name="x")], memo="1"))
    world.archive("orders", world.id_of("orders", "A"))
    assert statuses(world.apply(plan)) == {"line_item/A:1": "conflict"}
    assert world.dump("line_items") == {}


def test_a_failed_dissociation_is_owed_and_tried_again(world: World) -> None:
    """The state forgets an association of ours only when it is gone."""
    document = order("A", memo="1", associations={"company": [{"id": "501", "label": "Payer"}]})
    world.converge(document)
    plan = world.plan(order("A", memo="2"))
    (change,) = plan.records()
    assert [link.add for link in change.links] == [False]
    world.apply(replace(plan, units=()))
    assert world.plan().units == plan.units
    assert incomplete(world.apply(plan)) == ()
    assert world.links(("orders", world.id_of("orders", "A")), "companies") == {}
    assert world.plan().units == ()


def test_a_plan_made_with_another_identity_is_stale(world: World) -> None:
    """Its records were found by other properties."""
    plan = world.plan(order("A"))
    kinds = {**world.settings.target.identity, "order": UniqueProperty("other")}
    target = world.settings.target.model_copy(update={"identity": kinds})
    world.settings = replace(world.settings, target=target)
    with pytest.raises(StalePlan):
        world.apply(plan)


def test_recreate_names_declared_records_only(world: World) -> None:
    """A mistyped address is reported, not ignored."""
    world.declare(cart("C"))
    with pytest.raises(UsageError, match="order/X"):
        world.plan(recreate=["order/X"])

"""What guards hold back of a plan, and how it is let in."""

import pytest
from world import World

from reconcile.errors import GuardRefused
from reconcile.model.guarded import counts, guards_of
from reconcile.model.plan import Plan, RecordChange
from reconcile.model.policy import DRIFT


def guards(plan: Plan) -> dict[str, int]:
    """How many records each guard concerns, held back or let in."""
    return {name: number for name, number in counts(plan).items() if number and name != DRIFT}


def held(plan: Plan) -> dict[str, RecordChange]:
    """The changes that a plan holds back, by address."""
    return {str(change.address): change for unit in plan.units for change in unit.held}


def left(plan: Plan) -> dict[str, set[str]]:
    """What a plan leaves alone: by address, the properties and the ends of associations."""
    return {
        str(one.address): {field.name for field in one.fields}
        | {f"{link.to}/{link.id}" for link in one.links}
        for unit in plan.units
        for one in unit.left_alone
    }


def holds(world: World, plan: Plan, name: str, *, prune: bool = False) -> None:
    """Assert that a guard holds back what it concerns although every other one is allowed.

    ``plan`` lets everything in. Without its number nothing is written of what is held back; with a
    wrong one nothing at all; with the exact one the plan is the same.
    """
    numbers = guards(plan)
    others = {one: number for one, number in numbers.items() if one != name}
    concerned = {str(one.address) for one in plan.records() if name in guards_of(one)}
    assert len(concerned) == numbers[name] > 0

    without = world.plan(prune=prune, allow=others | {DRIFT: 999})
    assert concerned <= held(without).keys()
    assert {*held(without), *(str(one.address) for one in without.records())} == {
        str(one.address) for one in plan.records()
    }
    assert not without.empty
    ids = {one.id for one in held(without).values() if one.id}
    before = world.dump_links(), _records(world, ids)
    report = world.apply(without)
    assert {str(address) for address in report.held} == held(without).keys()
    assert not report.complete
    assert before == (world.dump_links(), _records(world, ids))

    for wrong in (numbers[name] - 1, numbers[name] + 1):
        if not wrong:
            continue
        refused = world.plan(prune=prune, allow=others | {DRIFT: 999, name: wrong})
        world.forget_calls()
        with pytest.raises(GuardRefused, match=f"{name}={wrong} was given, but the plan has"):
            world.apply(refused)
        assert world.writes() == []

    allowed = world.plan(prune=prune, allow=others | {DRIFT: 999, name: numbers[name]})
    assert held(allowed) == {}
    assert {one.address for one in allowed.records()} >= {
        one.address for one in plan.records() if name in guards_of(one)
    }


def _records(world: World, ids: set[str]) -> dict[str, dict[str, str]]:
    """The live records with these ids, as they are stored."""
    objects = ("orders", "carts", "line_items")
    return {
        f"{object_}/{id_}": values
        for object_ in objects
        for id_, values in world.dump(object_).items()
        if id_ in ids
    }

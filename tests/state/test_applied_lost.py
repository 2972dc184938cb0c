"""The list of plans that were applied is lost: an old plan file does nothing a second time."""

import pytest
from world import World, incomplete, order

from reconcile.errors import StalePlan


def test_an_old_plan_is_refused_without_the_list(world: World) -> None:
    """It could make again what somebody removed since; also once later runs began a new list."""
    old = world.plan(order("O-1", memo="a"))
    world.apply(old)
    world.archive("orders", world.id_of("orders", "O-1"))
    (world.settings.local_folder / "applied.json").unlink()
    world.forget_calls()
    with pytest.raises(StalePlan, match="older than the runs that the state remembers"):
        world.apply(old)
    assert world.writes() == []

    world.converge(order("O-2"))

    with pytest.raises(StalePlan, match="older than the runs that the state remembers"):
        world.apply(old)
    assert world.keys("orders") == {"O-2": 1}


def test_a_plan_made_now_is_applied_without_the_list(world: World) -> None:
    """Applying it again is no error either."""
    world.converge(order("O-1", memo="a"))
    (world.settings.local_folder / "applied.json").unlink()
    new = world.plan(order("O-1", memo="b"))
    assert incomplete(world.apply(new)) == ()
    assert world.apply(new).already

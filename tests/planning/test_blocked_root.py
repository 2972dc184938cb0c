"""A root that is held since what it is associated with is in conflict holds its lines."""

from world import World, actions, cart, line, order

from reconcile.model.plan import Action


def test_lines_of_a_root_that_cannot_be_associated_stay_with_it(world: World) -> None:
    """The plan shows no change that apply would skip, and the second apply has no news."""
    there = order("A", memo="1")
    world.converge(there, cart("C", [line("C:1", name="x")], memo="1"))
    world.archive("orders", world.id_of("orders", "A"))
    to_it = {"order": [{"key": "A"}]}
    world.declare(there, cart("C", [line("C:1", name="y")], memo="1", associations=to_it))
    assert set(actions(world.plan()).values()) == {Action.CONFLICT}
    assert not world.apply().complete
    assert world.apply().complete

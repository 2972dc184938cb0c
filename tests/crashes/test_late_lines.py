"""Lines without a key that a dead run's last call makes, and that show under their order late."""

from collections.abc import Callable

from test_late_arrivals import Holding, arrive, killed_while_held, lines
from world import World

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.sandbox.faults import LaggingLinks

MADE = "/line_items/batch/create"


def test_lines_that_arrive_at_the_last_moment_and_show_late_are_not_made_twice(
    build: Callable[..., World],
) -> None:
    """Only their association shows them: after the last call may have come it is waited for."""
    world = build(proxy=Holding, identity={"line_item": "within_parent:name"})
    world.converge(lines(1))
    world.declare(lines(3))
    sleep = world.sleep

    def sleeping(seconds: float) -> None:
        sleep(seconds)
        if seconds > CALL_LIMIT * 2 / 3 and not world.proxy.let_go.is_set():
            world.sandbox.faults.add(LaggingLinks(10.0))
            arrive(world, MADE)

    with killed_while_held(world, MADE):
        world.sleep = sleeping  # type: ignore[method-assign]
        world.apply()
        assert world.proxy.let_go.is_set()
    world.sleep = sleep  # type: ignore[method-assign]
    world.sleep(60.0)
    assert sorted(one["name"] for one in world.dump("line_items").values()) == [
        f"thing {n}" for n in range(3)
    ]
    assert world.plan().empty

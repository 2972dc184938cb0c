"""A run that was killed, and whose resumption ends early as well."""

from collections.abc import Callable

from scene import Scene, save_plan
from world import EMAILS, World, line, order


def test_a_record_that_a_recovery_found_written_is_said_to_be_there(
    build: Callable[..., World],
) -> None:
    """Nobody reads that it was skipped who would then look for it in vain in HubSpot."""
    scene = Scene(build())
    world = scene.world
    world.converge(order("O-1", [line("O-1:1", name="thing", price="1")]))
    to_contact = {"contact": [{"email": EMAILS[0]}]}
    world.declare(
        order("O-1", [line("O-1:1", name="thing", price="2")]),
        order("O-2", memo="new", associations=to_contact),
    )
    save_plan(scene)
    assert scene.run("apply", "plan.bin", crash="upsert:1:after").killed
    ((record_id, _),) = world.dump("line_items").items()
    world.edit("line_items", record_id, price="3")
    ended = scene.run("resume", "--on-error", "halt")
    assert ended.code == 5
    assert "order/O-2  created, then skipped: written, but its associations" in ended.out
    assert "1 order created" in ended.out
    logged = scene.run("audit", "log", "--address", "order/O-2").out
    assert "written, then" not in logged
    assert scene.run("resume").code == 5
    assert all(unit.address.key != "O-2" for unit in world.plan().units)

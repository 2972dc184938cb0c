"""What a plan costs in calls."""

from collections import Counter
from math import ceil

import pytest
from world import EMAILS, World, cart, line, order


def documents(size: int) -> list[object]:
    """``size`` orders with two lines and a contact each, a fifth as many carts with a line."""
    return [
        order(
            f"O{n}",
            [line(f"O{n}:{m}", name="x") for m in (1, 2)],
            memo="1",
            associations={"contact": [{"email": EMAILS[n % 3]}], "cart": [{"key": f"C{n // 5}"}]},
        )
        for n in range(size)
    ] + [cart(f"C{n}", [line(f"C{n}:1", name="y")], memo="1") for n in range(size // 5)]


def calls(world: World) -> Counter[str]:
    """The calls of one plan, by method and path."""
    world.forget_calls()
    world.plan()
    return Counter(f"{call.method} {call.path}" for call in world.sandbox.requests())


def expected(size: int) -> dict[str, int]:
    """What may grow with the number of records, and how."""
    carts = size // 5
    # References are resolved for all, records for a thousand units at a time.
    wholes = [size + carts]
    assert wholes[0] <= 1000
    objects, links = "POST /crm/v3/objects", "POST /crm/v4/associations"
    return {
        f"{objects}/orders/batch/read": ceil(size / 100),
        f"{objects}/carts/batch/read": ceil(carts / 100) + ceil(carts / 100),  # as references too
        f"{objects}/line_items/batch/read": ceil((2 * size + carts) / 100),
        f"{objects}/contacts/batch/read": 1,
        f"{links}/orders/contacts/batch/read": ceil(size / 1000),
        f"{links}/orders/carts/batch/read": ceil(size / 1000),
        f"{links}/orders/line_items/batch/read": ceil(size / 1000),
        f"{links}/carts/line_items/batch/read": ceil(carts / 1000),
    }


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("applied", [True, False], ids=["unchanged", "new"])
def test_a_plan_costs_a_call_for_each_full_batch_and_a_constant(
    world: World,
    applied: bool,  # noqa: FBT001
) -> None:
    """Nothing grows with the records but batches of 100 and of 1,000 parents."""
    rests = []
    for size in (250, 550):
        world.declare(*documents(size))
        if applied:
            world.apply()
        found = calls(world)
        wanted = expected(size)
        if not applied:
            wanted = {path: n for path, n in wanted.items() if "associations" not in path}
        assert wanted == {path: found.pop(path, 0) for path in wanted}
        rests.append(found)
    small, large = rests
    assert small == large
    assert sum(small.values()) <= 15


def test_lines_of_one_order_beyond_a_page_are_all_seen(world: World) -> None:
    """HubSpot answers 500 associations at a time."""
    world.converge(order("A", [line(f"A:{n}", name="x") for n in range(620)]))
    here = ("orders", world.id_of("orders", "A"))
    world.forget_calls()
    assert world.plan().units == ()
    pages = [c for c in world.sandbox.requests() if "/associations/" in c.path]
    assert len(pages) == 2
    assert len(world.links(here, "line_items")) == 500  # the first page, as a person sees it

"""What an apply is said to cost, against what it costs."""

from collections.abc import Callable

import pytest
from world import EMAILS, KEY, World, cart, line, order

from reconcile.planning.cost import calls, seconds


def documents(size: int, memo: str) -> list[object]:
    """Orders with two lines and a contact each, a fifth as many carts."""
    return [
        order(
            f"O{n}",
            [line(f"O{n}:{m}", name=memo, hs_sku=f"{m}") for m in (1, 2)],
            memo=memo,
            associations={"contact": [{"email": EMAILS[n % 3]}]},
        )
        for n in range(size)
    ] + [
        cart(f"C{n}", [line(f"C{n}:1", name="y", hs_sku="1")], memo=memo) for n in range(size // 5)
    ]


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("size", [1, 30, 250])
@pytest.mark.parametrize("lines", [f"unique:{KEY}", "within_parent:hs_sku"])
def test_an_apply_takes_about_as_many_calls_as_the_plan_says(
    build: Callable[..., World], size: int, lines: str
) -> None:
    """Creating everything, then changing everything; within a tenth, or four calls."""
    world = build(identity={"line_item": lines})
    for memo in ("1", "2"):
        world.declare(*documents(size, memo))
        plan = world.plan()
        world.forget_calls()
        world.apply(plan)
        estimated, took = calls(plan), len(world.sandbox.requests())
        assert abs(estimated - took) <= max(4, took / 10), (estimated, took)


def test_nothing_to_do_costs_nothing(world: World) -> None:
    """An empty plan is not applied."""
    world.converge(*documents(3, "1"))
    assert calls(world.plan()) == 0


@pytest.mark.parametrize(
    ("number", "limit", "about"), [(40, None, 2), (190, 190, 9.5), (3990, 190, 200), (10, 190, 0.5)]
)
def test_the_limit_makes_large_applies_wait(number: int, limit: int | None, about: float) -> None:
    """A window's worth goes at once; from then on the limit counts."""
    assert seconds(number, limit) == pytest.approx(about)

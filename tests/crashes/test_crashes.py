"""Applies killed with SIGKILL at a chosen point, then gone on with: nothing lost, nothing twice."""

import random
from collections.abc import Callable

import pytest
from scene import Scene, after, before, is_right, save_plan
from world import World

ORDERS = 12
"""Enough for lines, carts and associations, and few enough for a process per test."""

POINTS = [
    *(f"append:{n}:{when}" for n in range(1, 13) for when in ("before", "after")),
    *(f"call:{n}:after" for n in range(3, 15, 2)),
    "write:1:before",
    "write:2:after",
    "write:5:after",
]


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project with an account, and the program."""
    return Scene(build())


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("point", POINTS)
def test_creating_everything(scene: Scene, point: str) -> None:
    """Killed while making every record for the first time."""
    documents = before(ORDERS)
    scene.world.declare(*documents)
    save_plan(scene)
    ended = scene.run("apply", "plan.bin", crash=point)
    assert ended.killed or ended.code == 0, ended.err
    scene.blames_nobody()
    scene.finish(random.Random(point), crashes=1)
    is_right(scene.world, documents)


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("point", POINTS[::2])
def test_changing_some(scene: Scene, point: str) -> None:
    """Killed while editing, adding lines, adding and removing associations."""
    scene.world.converge(*before(ORDERS))
    documents = after(ORDERS)
    scene.world.declare(*documents)
    save_plan(scene)
    ended = scene.run("apply", "plan.bin", crash=point)
    assert ended.killed or ended.code == 0, ended.err
    scene.blames_nobody()
    scene.finish(random.Random(point), crashes=1)
    is_right(scene.world, documents)

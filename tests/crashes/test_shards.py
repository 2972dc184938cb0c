"""Applies killed while they write the state: gone on with, and every shard is missed once lost."""

from collections.abc import Callable

import pytest
from scene import Scene, before, is_right
from world import World

from reconcile.errors import UsageError
from reconcile.state.state import State

ORDERS = 2
POINTS = [f"write:{number}:after" for number in range(1, 9)]
"""Writes of the first apply: of its plan, of the head, of shards."""


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project with an account, and the program."""
    return Scene(build())


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("point", POINTS)
def test_a_state_is_whole_after_a_kill_at_any_of_its_writes(scene: Scene, point: str) -> None:
    """It has every record, and says so of no shard that is gone."""
    scene.world.declare(*before(ORDERS))
    assert scene.run("apply", "--auto-approve", crash=point).killed
    for _ in range(2):
        done = scene.run("apply", "--auto-approve", *scene.allowances())
    assert done.code == 0, done.err
    is_right(scene.world, before(ORDERS))
    store = scene.world.store
    names = list(store.names("shards/"))
    assert len(names) == ORDERS
    for name in names:
        data, _ = store.read(name) or (b"", "")
        store.remove(name)
        with pytest.raises(UsageError, match=f"{name} is missing"):
            list(State(store, b"").entries())
        store.write(name, data, None)
    assert len(list(State(store, b"").entries())) == 3 * ORDERS

"""A state that an earlier version wrote: what its error says to do leads to a state that works."""

import json
import shutil

import pytest
from world import World, incomplete, order

from reconcile.errors import UsageError


def test_following_the_hint_leads_to_a_state_that_can_be_applied(world: World) -> None:
    """No plan is refused because of plans that a state which is gone remembers."""
    home = world.settings.local_folder
    world.converge(order("O-1", memo="a"))
    (home / "applied.json").unlink()
    world.converge(order("O-1", memo="b"))
    head = json.loads((home / "head.json").read_bytes())
    (home / "head.json").write_text(json.dumps(head | {"format": head["format"] - 1}))
    with pytest.raises(UsageError, match="this version reads") as caught:
        world.plan(order("O-1", memo="c"))
    files = ("head.json", "applied.json")
    for name in files:
        if name in caught.value.hint:
            (home / name).unlink()
    assert "shards/" in caught.value.hint
    shutil.rmtree(home / "shards")
    assert incomplete(world.apply()) == ()
    assert world.plan().units == ()

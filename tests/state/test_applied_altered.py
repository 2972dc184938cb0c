"""An altered or older list of applied plans is refused: a finished plan never runs again."""

import json

import pytest
from world import World, incomplete, order

from reconcile.errors import UsageError
from reconcile.state.applied_plans import AppliedPlans
from reconcile.state.state import State

DAMAGES = {
    "another object": b'{"a":1}',
    "empty": b"",
    "an empty object": b"{}",
    "not an object": b"[]",
    "garbled": b"\x00\xff",
    "text that UTF-8 cannot spell": b'{"checksum":"","format":3,"plans":[],"x":"\\ud800"}',
    "deep": b"[" * 100_000,
}


def refused(world: World, how: str) -> None:
    """See that both planning and applying name the file, and that nothing is sent."""
    file = world.settings.local_folder / "applied.json"
    before = file.read_bytes()
    world.forget_calls()
    for act in (world.plan, world.apply):
        with pytest.raises(UsageError, match=rf"is damaged: applied\.json, .* {how}") as caught:
            act()
        assert "restore it from a backup; or remove it" in caught.value.hint
    assert world.writes() == []
    assert file.read_bytes() == before


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("data", DAMAGES.values(), ids=DAMAGES)
def test_an_altered_list_is_refused(world: World, data: bytes) -> None:
    """By `plan` too, which would make a plan that cannot be applied; without the list both work."""
    old = world.plan(order("O-1", memo="a"))
    world.apply(old)
    world.archive("orders", world.id_of("orders", "O-1"))
    file = world.settings.local_folder / "applied.json"
    file.write_bytes(data)
    with pytest.raises(UsageError, match="is damaged"):
        world.apply(old)
    assert world.keys("orders") == {}
    refused(world, "was altered")
    file.unlink()
    world.converge(order("O-2"))


def test_a_changed_entry_is_refused(world: World) -> None:
    """One plan forgotten by hand, with all else in order."""
    world.converge(order("O-1"))
    file = world.settings.local_folder / "applied.json"
    content = json.loads(file.read_bytes())
    assert content["plans"]
    file.write_text(json.dumps(content | {"plans": []}), encoding="utf-8")
    refused(world, "was altered")


def test_an_old_copy_is_refused(world: World) -> None:
    """It does not know what was applied since."""
    world.converge(order("O-1", memo="a"))
    file = world.settings.local_folder / "applied.json"
    old = file.read_bytes()
    planned = world.plan(order("O-2"))
    world.apply(planned)
    world.archive("orders", world.id_of("orders", "O-2"))
    file.write_bytes(old)
    with pytest.raises(UsageError, match=r"applied\.json, .* is an old copy"):
        world.apply(planned)
    assert world.keys("orders") == {"O-1": 1}
    refused(world, "is an old copy")


def test_the_list_of_another_state_is_refused(world: World) -> None:
    """A state that was begun anew has nothing to do with what another one applied."""
    world.converge(order("O-1"))
    file = world.settings.local_folder / "applied.json"
    other = file.read_bytes()
    world.lose_state()
    world.converge(order("O-1"), order("O-2"))
    file.write_bytes(other)
    refused(world, "was altered")


def test_a_list_that_is_newer_than_the_head_is_taken(world: World) -> None:
    """It is written first: a run that died before it wrote the head leaves that."""
    world.converge(order("O-1"))
    head = (world.settings.local_folder / "head.json").read_bytes()
    planned = world.plan(order("O-2"))
    assert incomplete(world.apply(planned)) == ()
    assert world.apply(planned).already
    content = json.loads((world.settings.local_folder / "applied.json").read_bytes())
    assert content["serial"] > json.loads(head)["applied_plans"]
    assert world.plan().units == ()


def test_a_reader_keeps_up_with_a_run_that_writes_meanwhile(world: World) -> None:
    """What a plan reads is at times between two writes of a run: no such moment looks damaged."""
    before = State(world.store, b"k" * 32)
    world.converge(order("O-1"))
    AppliedPlans(world.store, before)
    world.converge(order("O-2"))
    AppliedPlans(world.store, before)

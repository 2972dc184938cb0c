"""How often a plan and an apply read the state: each shard once, and an apply under its lock."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from world import World, incomplete, line, order

from reconcile.state.hash_key import find_key
from reconcile.state.state import State
from reconcile.stores.local import LocalStore

Read = Callable[[], Counter[str]]
KEYS = [f"A{number}" for number in range(9)]


@pytest.fixture
def shards_read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return a function that says how often each shard was read since the last time."""
    reads: Counter[str] = Counter()
    read = LocalStore.read

    def counting(self: LocalStore, name: str) -> tuple[bytes, str] | None:
        reads[name] += name.startswith("shards/")
        return read(self, name)

    def since() -> Counter[str]:
        found = +reads
        reads.clear()
        return found

    monkeypatch.setattr(LocalStore, "read", counting)
    return since


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan and apply a few units at a time, so that shards are unloaded in between."""
    monkeypatch.setattr("reconcile.workflow.plan_steps.CHUNK", 4)
    monkeypatch.setattr("reconcile.model.batches.SLICE", 4)
    monkeypatch.setattr("reconcile.applying.executor.SLICE", 4)


@pytest.mark.usefixtures("in_pieces")
def test_each_shard_is_read_once(world: World, shards_read: Read) -> None:
    """By a plan, and again by an apply under its lock: others may have written it before that."""
    first = [order(key, [line(f"{key}:1", name="Mug")], memo="1") for key in KEYS]
    second = [order(key, [line(f"{key}:1", name="Cup")], memo="2") for key in KEYS]
    renamed = [
        order(f"B{key}", [line(f"{key}:1", name="Cup")], memo="2", moved_from=key) for key in KEYS
    ]
    for documents in (first, second, renamed):
        plan = world.plan(*documents)
        planning = shards_read()
        assert incomplete(world.apply(plan)) == ()
        applying = shards_read()
        assert len(applying) > 5
        assert planning.keys() <= applying.keys()
        assert {*planning.values(), *applying.values()} == {1}
    plan = world.plan(*renamed[:4], prune=True)
    assert set(shards_read().values()) == {1}
    assert incomplete(world.apply(plan, allow=frozenset({"prune=10"}))) == ()
    assert set(shards_read().values()) == {1}
    assert world.plan().units == ()
    assert set(shards_read().values()) == {1}


def test_what_was_written_is_not_read_again(world: World, shards_read: Read) -> None:
    """An unloaded shard is as this process wrote it."""
    world.converge(order("A", memo="1"))
    shards_read()
    key = find_key(world.settings.local_folder, {}) or b""
    state = State(world.store, key)
    state.begin(state.portal_id or 0)
    ((unit, record, entry),) = state.entries()
    for run in ("1", "2"):
        now = replace(entry, run=run)
        state.put(unit, record, now)
        state.flush()
        state.release()
        assert [found for _, _, found in state.entries()] == [now]
    assert list(shards_read().values()) == [1]
    assert [found for _, _, found in State(world.store, key).entries()] == [now]

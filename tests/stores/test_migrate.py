"""Moving a state to another store: killed anywhere, it is repeated, and nobody uses two stores."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from backends import Backend
from dying import Dead, DyingProcess

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.records import LastApplied
from reconcile.state.applied_plans import AppliedPlan, AppliedPlans
from reconcile.state.migrate import move
from reconcile.state.state import State
from reconcile.stores.contract import Store
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

KEY = b"k" * 32
UNITS = [Address("order", f"O-{number}") for number in range(3)]
CHANGES = 13
"""How many changes a move makes of what ``fill`` makes, to an empty store."""


def fill(store: Store) -> None:
    """Make a state with its logs."""
    state = State(store, KEY)
    state.begin(7)
    for unit in UNITS:
        state.put(unit, unit, LastApplied("1", unit.key))
    state.flush()
    store.write("applied.json", b"{}", None)
    for position in range(2):
        Log(store, "audit/000000").append(position, b"event")
    Log(store, "runs/20260102T030405-1f").append(0, b"line")


def contents(store: Store) -> dict[str, object]:
    """Return all that a store holds, but for its head."""
    blobs: dict[str, object] = dict(store.read_many(list(store.names(""))))
    blobs.pop("head.json", None)
    return blobs


def usable(store: Store) -> bool:
    """Whether there is a state that can be gone on with."""
    try:
        return bool(State(store, KEY).lineage)
    except UsageError:
        return False


def push(source: Store, target: Store, process: DyingProcess | None = None) -> None:
    """Do what `state push` does, in a process of its own."""
    process = process or DyingProcess()
    here, there = process.store(source), process.store(target)

    def record() -> None:
        state = State(here, KEY)
        log = Log(here, "audit/000000")
        log.append(len(list(log.entries())), b"pushed")
        state.flush()

    move(here, there, record)


@pytest.fixture
def source(tmp_path: Path) -> LocalStore:
    """Return a store that has a state."""
    store = LocalStore(tmp_path / "source")
    fill(store)
    return store


@pytest.fixture
def target(backend: Backend) -> Iterator[Store]:
    """Return each kind of store in turn, empty."""
    yield backend.client()


def test_the_kills_below_are_between_every_two_changes(source: Store, target: Store) -> None:
    """There are no more changes than those before which the process is killed."""
    process = DyingProcess()
    push(source, target, process)
    assert process.made == CHANGES


@pytest.mark.parametrize("left", range(CHANGES))
def test_a_killed_move_is_repeated(source: Store, target: Store, left: int) -> None:
    """At no moment can both stores be used, and the same move again completes it."""
    with pytest.raises(Dead):
        push(source, target, DyingProcess(left))
    assert not usable(target)
    push(source, target)
    assert usable(target)
    assert not usable(source)
    assert len(list(State(target, KEY).entries())) == len(UNITS)
    assert contents(target) == contents(source)
    push(source, target)
    assert usable(target)


@pytest.mark.parametrize("left", range(CHANGES))
def test_a_state_is_used_on_after_a_killed_move(source: Store, target: Store, left: int) -> None:
    """Where it still can be, its later writes are what the repeated move takes along."""
    with pytest.raises(Dead):
        push(source, target, DyingProcess(left))
    later = Address("order", "later")
    if used := usable(source):
        state = State(source, KEY)
        state.begin(7)
        state.put(later, later, LastApplied("2", later.key))
        state.flush()
    push(source, target)
    assert (State(target, KEY).find(later) is not None) == used


@pytest.mark.parametrize("first", range(0, CHANGES, 2))
def test_kills_one_after_the_other_are_no_obstacle(
    source: Store, target: Store, first: int
) -> None:
    """Each try gets a different way; the last one is left alone."""
    for left in (first, CHANGES - 1, 3, first + 1, CHANGES - 2):
        with suppress(Dead):
            push(source, target, DyingProcess(left))
        assert not (usable(source) and usable(target))
    push(source, target)
    assert usable(target)
    assert not usable(source)
    assert contents(target) == contents(source)


@pytest.mark.parametrize("left", range(CHANGES + 1))
def test_it_comes_back_the_same_way(source: Store, target: Store, left: int) -> None:
    """To a store that was left behind; a kill there is no obstacle either."""
    push(source, target)
    with suppress(Dead):
        push(target, source, DyingProcess(left))
    assert not (usable(source) and usable(target))
    push(target, source)
    assert usable(source)
    assert not usable(target)


def test_a_move_elsewhere_is_not_taken_for_a_repeated_one(
    source: Store, target: Store, tmp_path: Path
) -> None:
    """What was moved away is moved on from where it is."""
    push(source, target)
    other = LocalStore(tmp_path / "other")
    with pytest.raises(UsageError, match="was moved to"):
        push(source, other)
    push(target, other)
    with pytest.raises(UsageError, match="was moved to"):
        push(source, target)
    assert usable(other)


def test_a_copy_is_not_written_over(source: Store, target: Store) -> None:
    """Two stores that both hold the state: which one counts is for people to say."""
    for name in source.names(""):
        target.write(name, (source.read(name) or (b"",))[0], None)
    with pytest.raises(UsageError, match="both hold this state"):
        push(source, target)


def test_a_half_moved_state_names_the_way_out(source: Store, target: Store) -> None:
    """Using the store that it is being moved to is an error whose hint is to repeat the move."""
    with pytest.raises(Dead):
        push(source, target, DyingProcess(CHANGES - 3))
    with pytest.raises(UsageError, match="is incomplete: moving it there from") as caught:
        State(target, KEY)
    assert "the same `reconcile state push` or `state pull` again" in caught.value.hint


def test_what_is_logged_during_a_move_is_moved_too(
    source: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals are logged without the lock that a move holds, by others who meet it."""
    target = LocalStore(tmp_path / "target")
    write_many, late = target.write_many, [2]

    def refused_meanwhile(blobs: Iterable[tuple[str, bytes]]) -> None:
        write_many(blobs)
        for position in late:
            Log(source, "audit/000000").append(position, b"refused")
        late.clear()

    monkeypatch.setattr(target, "write_many", refused_meanwhile)
    move(source, target, lambda: None)
    entries = [entry for _, entry in Log(target, "audit/000000").entries()]
    assert entries == [b"event", b"event", b"refused"]
    assert usable(target)


def test_a_completed_plan_is_not_superseded_by_what_is_left_of_its_run(source: LocalStore) -> None:
    """A process that dies while it removes a journal leaves a part of it."""
    state = State(source, KEY)
    source.remove("applied.json")
    applied = AppliedPlans(source, state)
    applied.begin("p", "run", 1, after=None)
    ended = AppliedPlan("p", 1, ("run",), "2026-01-02T03:04:05+00:00", ("order/a",))
    applied.end("run", ended)
    applied.supersede("run", 2)
    assert applied.find("p", 0) == ended
    applied.begin("q", "other", 1, after=None)
    applied.supersede("other", 2)
    assert (found := applied.find("q", 1)) and (found.ended, found.not_applied) == ("", ())

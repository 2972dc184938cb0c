"""The shards of a state: loss, changes and old copies are detected, and a crash blocks nothing."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from backends import Backend
from dying import Dead, DyingProcess
from world import World, actions, order

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.plan import Action
from reconcile.model.records import LastApplied
from reconcile.state.state import State
from reconcile.stores.contract import Store
from reconcile.stores.local import LocalStore

KEY = b"k" * 32
UNITS = [Address("order", f"O-{number}") for number in range(6)]
SHARDS = sorted({f"shards/{shard_of(unit)}.json" for unit in UNITS})
RUN = 2
"""The run that every unit has last been written by, once ``write_all`` came to its end."""
WRITES = 19
"""How many writes ``write_all`` makes."""


def write_some(store: Store, run: int, units: list[Address], *, begin: bool = True) -> None:
    """Do as a process does that writes a state: begin, put, flush; twice."""
    state = State(store, KEY)
    if begin:
        state.begin(7)
    for part in (units[::2], units[1::2]):
        for unit in part:
            state.put(unit, unit, LastApplied("1", unit.key, run=str(run)))
        state.flush()
        state.release()


def write_all(store: Store) -> None:
    """Make a state in two runs, the second of which also makes shards of its own."""
    write_some(store, 1, UNITS[:3])
    write_some(store, RUN, UNITS)


def runs(store: Store) -> dict[str, str]:
    """Return the run that last wrote each unit, by its key, as another process reads them."""
    return {entry.key: entry.run for _, _, entry in State(store, KEY).entries()}


def put_back(store: Store, name: str, data: bytes) -> None:
    """Replace a file from outside."""
    there = store.read(name)
    store.write(name, data, there[1] if there else None)


def refused(store: Store, match: str) -> str:
    """Expect that going through the state is refused; return the hint."""
    with pytest.raises(UsageError, match=match) as caught:
        runs(store)
    return caught.value.hint


@pytest.fixture
def store(backend: Backend) -> Store:
    """Return each kind of store in turn, with a state in it."""
    store = backend.client()
    write_all(store)
    return store


def test_a_lost_shard_is_refused(store: Store) -> None:
    """Whichever it is, by whoever goes through the state and by whoever reads that shard alone."""
    for name in SHARDS:
        data, _ = store.read(name) or (b"", "")
        store.remove(name)
        hint = refused(store, f"{name} is missing")
        assert "restore head.json, applied.json and shards/ from one backup" in hint
        unit = next(unit for unit in UNITS if shard_of(unit) in name)
        with pytest.raises(UsageError, match=f"{name} is missing"):
            State(store, KEY).unit(unit)
        store.write(name, data, None)
    assert set(runs(store).values()) == {str(RUN)}


def test_an_altered_shard_is_refused(store: Store) -> None:
    """One digit of an id is enough; white space changes nothing."""
    data, _ = store.read(SHARDS[0]) or (b"", "")
    put_back(store, SHARDS[0], json.dumps(json.loads(data), indent=2).encode())
    assert len(runs(store)) == len(UNITS)
    put_back(store, SHARDS[0], data.replace(b'"id":"1"', b'"id":"2"'))
    refused(store, f"{SHARDS[0]} was altered")


def test_a_shard_in_the_place_of_another_is_refused(store: Store) -> None:
    """Also one of the same name that belongs to another state."""
    data, _ = store.read(SHARDS[1]) or (b"", "")
    put_back(store, SHARDS[0], data)
    refused(store, f"{SHARDS[0]} was altered")


def test_a_shard_of_another_state_is_refused(backend: Backend) -> None:
    """Its checksum covers which state it belongs to."""
    store = backend.client()
    write_all(store)
    data, _ = store.read(SHARDS[0]) or (b"", "")
    for name in ("head.json", *SHARDS):
        store.remove(name)
    write_all(store)
    put_back(store, SHARDS[0], data)
    refused(store, f"{SHARDS[0]} was altered")


def test_an_old_copy_of_a_shard_is_refused(store: Store) -> None:
    """Put back alone, it would forget what was written since."""
    data, _ = store.read(SHARDS[0]) or (b"", "")
    write_some(store, RUN + 1, UNITS)
    put_back(store, SHARDS[0], data)
    refused(store, f"{SHARDS[0]} is an old copy")


def test_an_old_copy_of_the_head_is_refused(store: Store) -> None:
    """Put back alone, it would not miss the shards that were made since."""
    data, _ = store.read("head.json") or (b"", "")
    write_some(store, RUN + 1, [*UNITS, Address("order", "later")])
    put_back(store, "head.json", data)
    refused(store, "head.json is an old copy")


def test_a_head_from_before_a_shard_was_made_is_refused(backend: Backend) -> None:
    """However little was written since."""
    store = backend.client()
    State(store, KEY).begin(7)
    data, _ = store.read("head.json") or (b"", "")
    write_some(store, 1, UNITS[:1])
    put_back(store, "head.json", data)
    refused(store, "head.json is an old copy that does not list shards/")


def test_all_of_a_backup_is_accepted(store: Store) -> None:
    """The hint's first way out."""
    backup = {name: (store.read(name) or (b"", ""))[0] for name in ("head.json", *SHARDS)}
    write_some(store, RUN + 1, UNITS)
    store.remove(SHARDS[0])
    refused(store, "is missing")
    for name, data in backup.items():
        put_back(store, name, data)
    assert set(runs(store).values()) == {str(RUN)}
    write_some(store, RUN + 2, UNITS)
    assert set(runs(store).values()) == {str(RUN + 2)}


def test_the_kills_below_are_between_every_two_writes(backend: Backend) -> None:
    """There are no more writes than those before which the process is killed."""
    process = DyingProcess()
    write_all(process.store(backend.client()))
    assert process.made == WRITES


@pytest.mark.parametrize("begin", [True, False], ids=["by a run", "by hand"])
@pytest.mark.parametrize("left", range(WRITES))
def test_a_kill_between_two_writes_blocks_nothing(
    backend: Backend, left: int, *, begin: bool
) -> None:
    """Whoever comes next reads the state, completes it, and then misses every shard.

    By hand there is no ``begin`` before the next writes, as in ``state rm``.
    """
    store = backend.client()
    with pytest.raises(Dead):
        write_all(DyingProcess(left).store(store))
    seen = runs(store)
    assert set(seen.values()) <= {"1", "2"}
    if not begin and not State(store, KEY).lineage:
        return
    write_some(store, RUN, UNITS, begin=begin)
    assert runs(store) == {unit.key: str(RUN) for unit in UNITS}
    for name in SHARDS:
        data, _ = store.read(name) or (b"", "")
        store.remove(name)
        refused(store, f"{name} is missing")
        store.write(name, data, None)


@pytest.mark.parametrize("first", range(2, 9))
def test_kills_one_after_the_other_block_nothing(backend: Backend, first: int) -> None:
    """Each process gets one write further than the one before, or not even that far."""
    store = backend.client()
    write_some(store, 1, UNITS[:3])
    for left in (first, first, first - 1, first + 1):
        with suppress(Dead):
            write_some(DyingProcess(left).store(store), RUN, UNITS)
        runs(store)
    write_some(store, RUN, UNITS)
    assert runs(store) == {unit.key: str(RUN) for unit in UNITS}


@pytest.mark.parametrize("left", range(1, 16))
@pytest.mark.parametrize("fails", range(2, 9))
def test_a_write_that_fails_does_not_spoil_the_next(tmp_path: Path, fails: int, left: int) -> None:
    """The same process tries again, and is killed then: every shard was named before."""
    store = LocalStore(tmp_path)
    writing = DyingProcess(left, fails=frozenset({fails})).store(store)
    with suppress(Dead):
        state = State(writing, KEY)
        state.begin(7)
        for unit in UNITS:
            state.put(unit, unit, LastApplied("1", unit.key, run="1"))
        for _ in range(2):
            with suppress(UsageError):
                state.flush()
    runs(store)
    write_some(store, RUN, UNITS)
    assert runs(store) == {unit.key: str(RUN) for unit in UNITS}


def test_reading_while_a_run_writes_is_not_refused(backend: Backend) -> None:
    """Who reads has no lock: the head as first read is soon an old one, and a shard is new."""
    writer, reader = backend.client(), backend.client()
    before = State(reader, KEY)
    write_some(writer, 1, UNITS[:3])
    assert {entry.run for _, _, entry in before.entries()} == {"1"}
    before = State(reader, KEY)
    for run in range(RUN, RUN + 4):
        write_some(writer, run, UNITS)
    assert {unit: entry.run for unit, _, entry in before.entries()} == {
        unit.folded(): str(RUN + 3) for unit in UNITS
    }


def test_files_of_others_among_the_shards_are_left_alone(backend: Backend) -> None:
    """A copy that a program for synchronising made is not a shard."""
    store = backend.client()
    write_all(store)
    store.write("shards/copy-of-3f.json", b"{}", None)
    assert len(runs(store)) == len(UNITS)
    assert store.read("shards/copy-of-3f.json") is not None


@pytest.mark.parametrize(
    "damage",
    [
        {"shards": []},
        {"shards": {"../key": 1}},
        {"shards": {"3f": -1}},
        {"serial": "x"},
        {"associated": 5},
        {"audit": [1]},
        {"lineage": {}},
    ],
)
def test_a_head_of_another_shape_is_refused(backend: Backend, damage: dict[str, object]) -> None:
    """Good JSON can be damaged too."""
    store = backend.client()
    write_all(store)
    data, _ = store.read("head.json") or (b"", "")
    put_back(store, "head.json", json.dumps(json.loads(data) | damage).encode())
    refused(store, "head.json is not a head")


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"format":4,"units":{"\\ud800":1}}', b"\x00"])
def test_a_shard_that_cannot_be_read_is_refused(backend: Backend, data: bytes) -> None:
    """Whatever the file holds."""
    store = backend.client()
    write_all(store)
    put_back(store, SHARDS[0], data)
    refused(store, SHARDS[0])


def test_a_lost_shard_stops_plans_and_applies(world: World) -> None:
    """What it held is gone: an association that was made would never be removed again."""
    made = order("A", memo="1", associations={"contact": [{"email": "ana@example.com"}]})
    world.converge(made)
    world.declare(order("A", memo="2"))
    saved = world.plan()
    lost = world.settings.local_folder / "shards" / f"{shard_of(Address('order', 'A'))}.json"
    lost.unlink()
    with pytest.raises(UsageError, match="is missing") as caught:
        world.plan()
    with pytest.raises(UsageError, match="is missing"):
        world.apply(saved)
    assert str(world.settings.local_folder) in str(caught.value)

    for name in ("head.json", "applied.json"):
        (world.settings.local_folder / name).unlink()
    shutil.rmtree(world.settings.local_folder / "shards")
    world.declare(order("A", memo="1"))

    assert "associations that reconcile made" in caught.value.hint
    assert actions(world.plan()) == {"order/A": Action.ADOPT}
    assert {one.status.value for one in world.apply().outcomes} == {"done"}
    assert world.plan().empty
    assert world.links(("orders", world.id_of("orders", "A")), "contacts")

"""What the state remembers, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples
from world import World, actions, changes, line, order

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.plan import Action
from reconcile.model.records import LastApplied, Link, ValueHashes
from reconcile.state.head import FORMAT, HEAD, OLDEST_WRITER, NewerVersionNeeded, read_head
from reconcile.state.state import State
from reconcile.stores.contract import VersionMoved
from reconcile.stores.local import LocalStore

KEY = b"k" * 32
UNIT = Address("order", "A")

_TEXT = st.text("0123456789abcdef", min_size=1, max_size=8)
_ADDRESSES = st.builds(
    Address, st.sampled_from(["order", "cart", "line_item"]), st.text(min_size=1, max_size=5)
)
ENTRIES = st.builds(
    LastApplied,
    id=_TEXT,
    value_hashes=st.dictionaries(_TEXT, st.builds(ValueHashes, _TEXT, _TEXT), max_size=3),
    fingerprint=_TEXT,
    links=st.frozensets(
        st.builds(Link, st.sampled_from(["contact", "cart"]), _TEXT, st.integers(1, 999)),
        max_size=3,
    ),
    parent=st.none() | _ADDRESSES,
    protect=st.booleans(),
    run=st.just("") | _TEXT,
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Return an empty store."""
    return LocalStore(tmp_path / "state")


def begun(store: LocalStore, portal: int = 7) -> State:
    """A state that may be written."""
    state = State(store, KEY)
    state.begin(portal)
    return state


@examples(60)
@given(st.dictionaries(_ADDRESSES, ENTRIES, max_size=6))
def test_what_is_put_is_there_for_the_next_run(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[Address, LastApplied]
) -> None:
    """Every field, whatever the shard."""
    store = LocalStore(tmp_path_factory.mktemp("state"))
    state = begun(store)
    folded = {
        a.folded(): (a, replace(entry, key=a.key)) for a, entry in entries.items() if a.key.strip()
    }
    entries = dict(folded.values())
    units = {address: Address("order", address.key) for address in entries}
    for address, entry in entries.items():
        state.put(units[address], address, entry)
    state.flush()

    again = State(store, KEY)

    assert entries == {a: again.unit(units[a])[a.folded()] for a in entries}
    found = {(unit, record) for unit, record, _ in again.entries()}
    assert {record for _, record in found} == {a.folded() for a in entries}
    assert {(a.kind, link.to) for a, e in entries.items() for link in e.links} == again.associated()


def test_nothing_is_written_before_it_is_flushed(store: LocalStore) -> None:
    """The head says from the beginning whose state it is."""
    state = begun(store)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    assert list(store.names("shards/")) == []
    state.flush()
    assert list(store.names("")) == ["head.json", f"shards/{shard_of(UNIT)}.json"]


def test_a_unit_is_found_however_its_key_is_spelled(store: LocalStore) -> None:
    """Keys that differ in case only are one key."""
    state = begun(store)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    assert {UNIT.folded(): LastApplied("1", UNIT.key)} == state.unit(Address("order", " a "))


def test_unloading_shards_loses_no_unwritten_change(store: LocalStore) -> None:
    """A long run keeps its memory small."""
    state = begun(store)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    state.release()
    assert {UNIT.folded(): LastApplied("1", UNIT.key)} == state.unit(UNIT)
    state.flush()
    state.release()
    assert {UNIT.folded(): LastApplied("1", UNIT.key)} == state.unit(UNIT)


def test_a_state_keeps_its_lineage_and_counts_its_writes(store: LocalStore, tmp_path: Path) -> None:
    """Another state of the same account has another lineage."""
    state = begun(store)
    assert state.lineage
    state.flush()
    again = begun(store)
    again.flush()
    assert state.lineage == again.lineage
    assert json.loads((store.read("head.json") or (b"", ""))[0])["serial"] == 4
    assert state.lineage != begun(LocalStore(tmp_path / "other")).lineage


def test_no_order_data_lies_in_the_state(world: World) -> None:
    """Ids and keyed hashes only, once a run is over; values are where they can be erased."""
    world.converge(order("A", [line("A:1", name="Secret name")], memo="Rue de la Paix 5"))
    kept = world.settings.local_folder.rglob("*")
    files = [p.read_bytes() for p in kept if p.is_file() and "audit-values" not in p.parts]
    assert files
    for secret in (b"Secret", b"Paix"):
        assert not any(secret in content for content in files)


@pytest.mark.parametrize("name", ["head.json", f"shards/{shard_of(UNIT)}.json"])
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"format": "1"}', b"\xff\x00"])
def test_a_damaged_file_is_one_clear_error(store: LocalStore, name: str, damage: bytes) -> None:
    """Never a crash, never "nothing was applied"."""
    state = begun(store)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    state.flush()
    _, version = store.read(name) or (b"", "")
    store.write(name, damage, version)
    with pytest.raises(UsageError, match="damaged"):
        State(store, KEY).unit(UNIT)


@pytest.mark.parametrize(
    "units",
    [
        [],
        {"order/a": []},
        {"order/a": {"order/A": {}}},
        {"order/a": {"order/A": {"id": "1", "value_hashes": 5, "fingerprint": ""}}},
        {"order/a": {"nonsense": {"id": "1", "value_hashes": {}, "fingerprint": ""}}},
    ],
)
def test_a_shard_of_another_shape_is_one_clear_error(store: LocalStore, units: object) -> None:
    """Good JSON can be damaged too."""
    begun(store).flush()
    data = json.dumps({"format": FORMAT, "units": units}).encode()
    store.write(f"shards/{shard_of(UNIT)}.json", data, None)
    with pytest.raises(UsageError, match="damaged"):
        State(store, KEY).unit(UNIT)


@pytest.mark.parametrize("name", ["head.json", f"shards/{shard_of(UNIT)}.json"])
def test_a_newer_format_is_refused(store: LocalStore, name: str) -> None:
    """And never guessed at."""
    state = begun(store)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    state.flush()
    data, version = store.read(name) or (b"", "")
    later = FORMAT + 1
    store.write(name, json.dumps(json.loads(data) | {"format": later}).encode(), version)
    with pytest.raises(UsageError, match=f"format {later}"):
        State(store, KEY).unit(UNIT)


@pytest.mark.parametrize("name", ["head.json", f"shards/{shard_of(UNIT)}.json"])
def test_an_earlier_format_is_refused_with_the_way_out(world: World, name: str) -> None:
    """Its keys were folded otherwise; without it records are found by their keys, and adopted."""
    world.converge(order("A", memo="1"))
    file = world.settings.local_folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 1}))
    with pytest.raises(UsageError, match=f"{name} has format 1") as caught:
        world.plan()
    with pytest.raises(UsageError, match="format 1"):
        world.apply()
    assert (
        f"remove head.json, applied.json and shards/ from {world.settings.local_folder}"
        in caught.value.hint
    )

    (world.settings.local_folder / "head.json").unlink()
    (world.settings.local_folder / "applied.json").unlink()
    shutil.rmtree(world.settings.local_folder / "shards")

    assert actions(world.plan()) == {"order/A": Action.ADOPT}
    assert {o.status.value for o in world.apply().outcomes} == {"done"}
    assert world.plan().units == ()
    assert len(world.dump("orders")) == 1


def test_the_state_of_another_account_is_refused(build: Callable[..., World]) -> None:
    """A target name that moved to another account must not take its state along."""
    world = build()
    world.converge(order("A"))
    head = world.settings.local_folder / "head.json"
    head.write_text(json.dumps(json.loads(head.read_text()) | {"portal_id": 12}))
    with pytest.raises(UsageError, match="belongs to account 12"):
        world.plan()
    with pytest.raises(UsageError, match="belongs to account 12"):
        world.apply()


def test_a_lost_key_makes_reasons_unknown_and_records_adopted(world: World) -> None:
    """The ids still count, so nothing is made twice; the next apply makes hashes anew."""
    documents = [order("A", [line("A:1", name="x")], memo="1"), order("B", memo="1")]
    world.converge(*documents)
    world.edit("orders", world.id_of("orders", "B"), memo="theirs")
    (world.settings.local_folder / "key").unlink()

    plan = world.plan()

    assert actions(plan) == {
        "line_item/A:1": Action.ADOPT,
        "order/A": Action.ADOPT,
        "order/B": Action.UPDATE,
    }
    assert [field.reason.value for field in changes(plan)["order/B"].fields] == ["unknown"]
    assert {o.status.value for o in world.apply(plan).outcomes}.pop() == "done"
    assert world.plan().units == ()
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    fields = changes(world.plan())["order/A"].fields
    assert [field.reason.value for field in fields] == ["drift"]


def test_a_lost_key_does_not_lose_the_ids(world: World) -> None:
    """A record whose key was cleared is still found by the id in the state."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, reconcile_key="")
    (world.settings.local_folder / "key").unlink()
    assert changes(world.plan())["order/A"].rekey
    world.apply()
    assert record == world.id_of("orders", "A")
    assert len(world.dump("orders")) == 1


def test_two_runs_that_write_the_same_shard_do_not_overwrite_each_other(
    store: LocalStore,
) -> None:
    """The lock keeps them apart; should it fail, the version does."""
    begun(store).flush()
    one, other = State(store, KEY), State(store, KEY)
    one.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    other.put(UNIT, UNIT, LastApplied("2", UNIT.key))
    one.flush()
    with pytest.raises(VersionMoved):
        other.flush()
    assert {UNIT.folded(): LastApplied("1", UNIT.key)} == State(store, KEY).unit(UNIT)


def name_writer(store: LocalStore, version: str) -> None:
    """Have the head of a new state name an oldest writer."""
    begun(store).flush()
    found = store.read(HEAD)
    assert found is not None
    head = json.loads(found[0]) | {"oldest_writer": version}
    store.write(HEAD, json.dumps(head).encode(), found[1])


def test_a_state_that_only_newer_versions_may_write_is_not_written(store: LocalStore) -> None:
    """Whoever forgot to ask before is stopped by the write of the head, which comes first."""
    name_writer(store, "999.0.0")
    state = State(store, KEY)
    state.put(UNIT, UNIT, LastApplied("1", UNIT.key))
    with pytest.raises(NewerVersionNeeded, match=r"only reconcile 999\.0\.0 or newer may write"):
        state.flush()
    assert list(store.names("shards/")) == []


def test_a_write_names_the_oldest_version_that_may_follow(store: LocalStore) -> None:
    """A state of an older version may not be written by that version any more, if it says so."""
    name_writer(store, "0.0.1")
    State(store, KEY).flush()
    written = read_head(store)
    assert written is not None
    assert written.oldest_writer == OLDEST_WRITER

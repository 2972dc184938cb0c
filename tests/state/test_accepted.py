"""Values that manifests took over from HubSpot, in the state: kept, replaced, and forgotten."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reconcile.model.address import Address
from reconcile.model.digest import state_digest
from reconcile.model.records import LastApplied, ValueHashes
from reconcile.state.accepted import MOST, Accepted, accept
from reconcile.state.state import State
from reconcile.stores.local import LocalStore

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
ORDER, LINE, CART = Address("order", "A"), Address("line_item", "A:1"), Address("cart", "C")
WRITTEN = {"memo": ValueHashes("a" * 16, "a" * 16), "tags": ValueHashes("b" * 16, "c" * 16)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state of an order with a line item, and a cart."""
    state = State(LocalStore(tmp_path), KEY)
    state.begin(1)
    for number, (unit, address) in enumerate([(ORDER, ORDER), (ORDER, LINE), (CART, CART)], 1):
        state.put(unit, address, LastApplied(str(number), address.key, WRITTEN, "f" * 32))
    state.flush()
    return tmp_path


def accepted(folder: Path, key: bytes = KEY) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """What the state has accepted of each record."""
    found = State(LocalStore(folder), key).entries()
    return {str(address): dict(entry.accepted) for _, address, entry in found}


def put(folder: Path, *records: Accepted) -> None:
    """Accept values, as a process of its own does."""
    state = State(LocalStore(folder), KEY)
    accept(state, records)
    state.flush()


def test_values_are_remembered_beside_those_that_were_written(folder: Path) -> None:
    """Of the record with this id, also under the address it had before; others stay."""
    before = dict(State(LocalStore(folder), KEY).unit(ORDER))
    former = (Address("line_item", "new").folded(), LINE.folded())
    put(
        folder,
        Accepted((ORDER.folded(),), "1", {"memo": "d" * 16, "more": "e" * 16}),
        Accepted(former, "2", {"tags": "c" * 16}),
        Accepted((CART.folded(),), "99", {"memo": "d" * 16}),
        Accepted((Address("order", "unknown"),), "7", {"memo": "d" * 16}),
    )
    assert accepted(folder) == {
        "order/a": {"memo": ("d" * 16,), "more": ("e" * 16,)},
        "line_item/a:1": {"tags": ("c" * 16,)},
        "cart/c": {},
    }
    after = State(LocalStore(folder), KEY).unit(ORDER)
    assert {name: replace(entry, accepted={}) for name, entry in after.items()} == {
        name: replace(entry, accepted={}) for name, entry in before.items()
    }


def test_earlier_values_of_a_property_stay(folder: Path) -> None:
    """The newest is the last, also if it was accepted before or is what was written."""
    put(folder, Accepted((ORDER.folded(),), "1", {"memo": "d" * 16, "tags": "e" * 16}))
    for value in "fad":
        put(folder, Accepted((ORDER.folded(),), "1", {"memo": value * 16}))
    assert accepted(folder)["order/a"] == {
        "memo": ("f" * 16, "a" * 16, "d" * 16),
        "tags": ("e" * 16,),
    }


def test_only_the_newest_values_stay(folder: Path) -> None:
    """Otherwise a pull that is discarded every night would make the state grow for ever."""
    values = [f"{number:016}" for number in range(MOST + 3)]
    for value in values:
        put(folder, Accepted((ORDER.folded(),), "1", {"memo": value}))
    assert accepted(folder)["order/a"] == {"memo": (*values[3:],)}


def test_hashes_of_another_key_are_forgotten(folder: Path) -> None:
    """As those of what was written; they mean nothing any more."""
    put(folder, Accepted((ORDER.folded(),), "1", {"memo": "d" * 16}))
    assert accepted(folder, OTHER_KEY)["order/a"] == {}
    state = State(LocalStore(folder), OTHER_KEY)
    state.begin(1)
    state.flush()
    assert accepted(folder, KEY)["order/a"] == accepted(folder, OTHER_KEY)["order/a"] == {}


def test_plans_from_before_stay_valid() -> None:
    """Accepting a value changes nothing that a plan of another manifest was made from."""
    entry = LastApplied("1", "A", WRITTEN, "f" * 32)
    assert state_digest(replace(entry, accepted={"memo": ("d" * 16,)})) == state_digest(entry)


def test_base_is_the_accepted_value_for_the_manifest_that_has_it() -> None:
    """For every other one it is what was written."""
    entry = LastApplied(
        "1",
        "A",
        WRITTEN,
        accepted={"memo": ("d" * 16, "c" * 16), "more": ("e" * 16,), "tags": ("b" * 16,)},
    )
    assert entry.base("memo", "d" * 16) == ValueHashes("d" * 16, "d" * 16)
    assert entry.base("memo", "c" * 16) == ValueHashes("c" * 16, "c" * 16)
    assert entry.base("memo", "e" * 16) == WRITTEN["memo"]
    assert entry.base("tags", "b" * 16) == WRITTEN["tags"]
    assert entry.base("more", "e" * 16) == ValueHashes("e" * 16, "e" * 16)
    assert entry.base("more", "d" * 16) is None

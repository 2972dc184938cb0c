"""A state whose hash key is another one now, and a process that dies while taking that in."""

from contextlib import suppress
from pathlib import Path

import pytest

from reconcile.model.address import Address
from reconcile.model.records import NO_HASHES, LastApplied, ValueHashes
from reconcile.state.state import State
from reconcile.stores.local import LocalStore

OLD, NEW = b"o" * 32, b"n" * 32
UNITS = [Address("order", f"O-{number}") for number in range(8)]


class Dead(Exception):
    """The process ended here."""


class Mortal(LocalStore):
    """A store whose process dies instead of writing once ``left`` writes are made."""

    left = 0

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Write, or die."""
        if not self.left:
            raise Dead
        self.left -= 1
        return super().write(name, data, expected)


def made(folder: Path) -> None:
    """A state of some units, made with the old key."""
    state = State(LocalStore(folder), OLD)
    state.begin(1)
    for unit in UNITS:
        entry = LastApplied("7", unit.key, {"memo": ValueHashes("a" * 16, "a" * 16)}, "b" * 32)
        state.put(unit, unit, entry)
    state.flush()


def entries(folder: Path, key: bytes) -> list[LastApplied]:
    """What a process with this key reads."""
    return [entry for _, _, entry in State(LocalStore(folder), key).entries()]


@pytest.mark.parametrize("writes", range(len(UNITS) + 2))
def test_hashes_of_a_former_key_are_never_compared(tmp_path: Path, writes: int) -> None:
    """Wherever the first run with another key dies: values then look edited by nobody."""
    made(tmp_path)
    store = Mortal(tmp_path)
    store.left = writes
    with suppress(Dead):
        State(store, NEW).begin(1)
    assert {
        (entry.fingerprint, entry.value_hashes["memo"]) for entry in entries(tmp_path, NEW)
    } == {("", NO_HASHES)}
    again = State(LocalStore(tmp_path), NEW)
    again.begin(1)
    again.flush()
    for key in (NEW, OLD):
        found = entries(tmp_path, key)
        assert [entry.id for entry in found] == ["7"] * len(UNITS)
        assert {(entry.fingerprint, entry.value_hashes["memo"]) for entry in found} == {
            ("", NO_HASHES)
        }

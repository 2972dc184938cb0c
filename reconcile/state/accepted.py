"""Values of HubSpot that were taken over into manifests, remembered until an apply has seen them.

What is remembered counts only for a manifest that has the value, so it may be written before the
manifest is, and does no harm if that never happens: what was accepted earlier stays remembered too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.records import LastApplied
from reconcile.state.state import State

MOST = 8
"""Accepted values of one property that are remembered: the newest."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record's values that a manifest takes over, as keyed hashes by property.

    ``addresses`` are its folded addresses, a former one too.
    """

    addresses: tuple[Address, ...]
    id: str
    hashes: Mapping[str, str]


def accept(state: State, records: Iterable[Accepted]) -> None:
    """Put accepted values into the state's entries, to be flushed by the caller.

    A record that the state does not have, or under another id, has nothing to be compared with.
    """
    found = {address: one for one in records for address in one.addresses}
    for unit, address, entry in state.entries():
        one = found.get(address)
        if one is None or one.id != entry.id:
            continue
        state.put(unit, address, with_accepted(entry, one.hashes))


def with_accepted(entry: LastApplied, hashes: Mapping[str, str]) -> LastApplied:
    """Return an entry in which these values are accepted, besides earlier ones.

    The manifest of a branch may still have an earlier one, or keep it if the edit is discarded.
    """
    new = {
        name: (*(one for one in entry.accepted.get(name, ()) if one != value), value)[-MOST:]
        for name, value in hashes.items()
    }
    return replace(entry, accepted={**entry.accepted, **new})

"""Values of HubSpot that were taken over into manifests, remembered until an apply has seen them.

What is remembered counts only for a manifest that has the value, so it may be written before the
manifest is, and does no harm if that never happens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconcile.model.address import Address
from reconcile.model.records import LastApplied
from reconcile.state.state import State


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
    """Return an entry in which these values are accepted, in place of earlier ones.

    One that was written last needs no remembering.
    """
    new = {
        name: value
        for name, value in hashes.items()
        if name not in entry.value_hashes or entry.value_hashes[name].written != value
    }
    kept = {name: value for name, value in entry.accepted.items() if name not in hashes}
    return replace(entry, accepted=kept | new)

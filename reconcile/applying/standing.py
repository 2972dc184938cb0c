"""What the state remembers of conflicts once a run has ended.

A conflict that stood at the end of one run is not news in the next one of the same manifest text.
"""

from collections.abc import Mapping

from reconcile.model.address import Address
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Plan
from reconcile.stores.state import State, shard_of


def remember_standing(state: State, planned: Plan, outcomes: Mapping[Address, Outcome]) -> None:
    """Put into the state, not yet durably, which records of a plan stayed in conflict.

    ``outcomes`` are those of the records that came to an end. A unit with a record that did not
    keeps what is remembered of it: nobody knows yet what stands in its way.
    """
    stood: dict[Address, tuple[str, dict[Address, str]]] = {
        address: ("", {}) for address in planned.resolved
    }
    for unit in planned.units:
        ended = [outcomes.get(change.address) for change in unit.changes]
        if None in ended:
            stood.pop(unit.address, None)
            continue
        conflicts = {
            one.address: str(one.status)
            for one in ended
            if one is not None and one.status is Status.CONFLICT
        }
        if conflicts or unit.address in stood:
            stood[unit.address] = unit.manifest, conflicts
    for address in sorted(stood, key=shard_of):
        state.put_standing(address, *stood[address])

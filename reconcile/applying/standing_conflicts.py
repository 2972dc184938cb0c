"""What the state remembers of conflicts once a run has ended.

A conflict that stood at the end of one run is not news in the next one of the same manifest text.
"""

from collections.abc import Container

from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.plan import Action, Plan
from reconcile.state.state import State


def remember_standing(state: State, planned: Plan, outcomes: Container[Address]) -> None:
    """Put into the state, not yet durably, which records of a plan are in conflict.

    ``outcomes`` are those of the records that came to an end. A unit with a record that did not
    keeps what is remembered of it: the run did not get to its end. What moved between planning and
    writing is not remembered: it says something of the plan, and planning again shows what it is.
    """
    stood: dict[Address, tuple[str, dict[Address, str]]] = {
        address: ("", {}) for address in planned.resolved
    }
    for unit in planned.units:
        conflicts = {
            change.address: str(change.action)
            for change in unit.changes
            if change.action is Action.CONFLICT
        }
        if any(change.address not in outcomes for change in unit.changes):
            stood.pop(unit.address, None)
        elif conflicts:
            stood[unit.address] = unit.manifest, conflicts
    for address in sorted(stood, key=shard_of):
        state.put_standing(address, *stood[address])

"""Which guards concern a change, and how many records of a plan each of them concerns."""

from collections import Counter
from collections.abc import Mapping

from reconcile.model.identity import Identity
from reconcile.model.plan import Action, Effect, Plan, Reason, RecordChange, UnitChange
from reconcile.model.policy import DRIFT


def guards_of(change: RecordChange) -> frozenset[str]:
    """Return the guards that hold a change back unless they are allowed."""
    if change.action is Action.CONFLICT:
        return frozenset()
    reasons = {field.reason for field in change.fields}
    both = Reason.BOTH in reasons | {link.reason for link in change.links}
    archives = change.action is Action.ARCHIVE
    trips = {
        # What is to be archived, and somebody edited since, moved on both sides.
        "both": both or (archives and Reason.DRIFT in _reasons_of_values(change)),
        "adopt-update": Reason.UNSEEN in reasons
        or (archives and change.adopts and not change.foreign),
        "unknown": Reason.UNKNOWN in reasons,
        "rekey": change.rekey,
        "recreate": change.recreates,
        "prune": archives and change.pruned,
        "foreign": change.foreign,
    }
    return frozenset(name for name, does in trips.items() if does)


def may_be_bound_elsewhere(change: Effect, identity: Identity) -> bool:
    """Return whether a record is adopted by something else than its own key.

    Then another address may be bound to it as well.
    """
    key = identity.key_property
    gets_key = any(field.name == key and not field.before for field in change.fields)
    return change.adopts and (not key or gets_key or identity.may_lack_key)


def _reasons_of_values(change: RecordChange) -> set[Reason]:
    """Return the reasons of a change's fields but for that of a key changed in HubSpot."""
    keys = 1 if change.rekey else 0
    return {field.reason for field in change.fields[keys:]}


def counts(plan: Plan) -> Mapping[str, int]:
    """Return how many records each guard concerns, held back or let in, and how many drifted."""
    found: Counter[str] = Counter()
    for unit in plan.units:
        for change in (*unit.changes, *unit.held):
            found.update(guards_of(change))
        found[DRIFT] += len(drifted(unit))
    return found


def drifted(unit: UnitChange) -> frozenset[str]:
    """Return the records of a unit that others changed, as text: left alone, or put back."""
    left = {str(one.address) for one in unit.left_alone}
    back = {str(change.address) for change in unit.changes if puts_back(change)}
    return frozenset(left | back)


def puts_back(change: RecordChange) -> bool:
    """Return whether a change reverts drift, of which a key changed in HubSpot is not part."""
    return any(link.reason is Reason.DRIFT for link in change.links) or (
        change.action is Action.UPDATE and Reason.DRIFT in _reasons_of_values(change)
    )

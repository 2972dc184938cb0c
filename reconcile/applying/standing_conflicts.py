"""Remember in the state, once a run has ended, what was in conflict or held back.

What stood at the end of one run is not news in the next one of the same manifest text.
"""

from collections.abc import Container

from reconcile.model.address import Address
from reconcile.model.batches import shard_of
from reconcile.model.plan import Action, Plan
from reconcile.state.state import State

HELD_BACK = "held back"


def held_back(planned: Plan, state: State) -> tuple[tuple[Address, ...], int]:
    """Return the records that a plan holds back for the first time, and the number of the others.

    The others were held back already when the last run that applied their manifest text ended.
    """
    held = [(unit, change.address) for unit in planned.units for change in unit.held]
    news = tuple(
        address
        for unit, address in held
        if address.folded() not in state.standing(unit.address, unit.manifest)
    )
    state.release()
    return news, len(held) - len(news)


def remember_standing(state: State, planned: Plan, outcomes: Container[Address]) -> None:
    """Put into the state, not durably yet, which records of a plan are in conflict or held back.

    ``outcomes`` holds the records with a final outcome. A unit with another record keeps what is
    remembered of it, since the run did not finish it. Conflicts that arose between planning and
    writing are not remembered: the next plan shows what they are.
    """
    stood: dict[Address, tuple[str, dict[Address, str]]] = {
        address: ("", {}) for address in planned.resolved
    }
    for unit in planned.units:
        conflicts = {
            change.address: str(change.action)
            for change in unit.changes
            if change.action is Action.CONFLICT
        } | {change.address: HELD_BACK for change in unit.held}
        if any(change.address not in outcomes for change in unit.changes):
            stood.pop(unit.address, None)
        elif conflicts:
            stood[unit.address] = unit.manifest, conflicts
    for address in sorted(stood, key=shard_of):
        state.put_standing(address, *stood[address])

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
        if state.standing(unit.address, unit.manifest).get(address.folded()) != HELD_BACK
    )
    state.release()
    return news, len(held) - len(news)


def remember_standing(
    state: State, planned: Plan, outcomes: Container[Address], *, ended: bool = True
) -> None:
    """Put into the state, not durably yet, which records of a plan are in conflict or held back.

    ``outcomes`` holds the records with a final outcome. A unit with another record keeps what is
    remembered of it, since the run did not finish it. So does one with held changes in a run that
    has not ``ended``: they are still news when it is resumed. Conflicts that arose between planning
    and writing are not remembered: the next plan shows what they are.
    """
    stood = _standing(planned, outcomes, ended=ended)
    for address in sorted(stood, key=shard_of):
        state.put_standing(address, *stood[address])


def remembers_standing(state: State, planned: Plan) -> bool:
    """Return whether the state has already what is to be remembered of a plan without changes."""
    found = all(
        state.standing(address, manifest) == {one.folded(): what for one, what in records.items()}
        and state.has_standing(address) == bool(records)
        for address, (manifest, records) in _standing(planned, (), ended=True).items()
    )
    state.release()
    return found


def _standing(
    planned: Plan, outcomes: Container[Address], *, ended: bool
) -> dict[Address, tuple[str, dict[Address, str]]]:
    """Return what is to be remembered of units: the manifest's digest, and what each record is."""
    stood: dict[Address, tuple[str, dict[Address, str]]] = {
        address: ("", {}) for address in planned.resolved
    }
    for unit in planned.units:
        conflicts = {
            change.address: str(change.action)
            for change in unit.changes
            if change.action is Action.CONFLICT
        } | {change.address: HELD_BACK for change in unit.held}
        is_unfinished = any(change.address not in outcomes for change in unit.changes)
        if is_unfinished or (unit.held and not ended):
            stood.pop(unit.address, None)
        elif conflicts:
            stood[unit.address] = unit.manifest, conflicts
    return stood

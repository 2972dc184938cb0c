"""Check whether what a plan did still holds, in the state and in HubSpot."""

from collections import defaultdict

from reconcile.applying.prepare import is_written
from reconcile.applying.state_entries import Entries
from reconcile.hubspot.client import HubSpot
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan
from reconcile.state.applied_plans import AppliedPlan
from reconcile.state.relocation import EntryFinder
from reconcile.state.state import State


def is_still_applied(
    plan: Plan, applied: AppliedPlan, state: State, entries: Entries, hubspot: HubSpot
) -> bool:
    """Return whether every record that the plan's runs changed is still as they left it.

    That is so if its entry has not changed since, and HubSpot has neither lost nor restored it.
    """
    left = frozenset(applied.not_applied or ())
    finder = EntryFinder(state)
    live: dict[str, set[str]] = defaultdict(set)
    gone: dict[str, set[str]] = defaultdict(set)
    for unit in plan.units:
        for change in unit.changes:
            kind = change.address.kind
            if change.action is Action.CONFLICT or str(change.address.folded()) in left:
                continue
            found = finder.find(unit, change)
            if change.action.removes:
                if found is not None:
                    return False
                if change.action is Action.ARCHIVE:
                    gone[kind].add(change.id)
            elif found is None or not (
                found.entry.run in applied.runs or is_written(change, found.entry, entries)
            ):
                return False
            else:
                live[kind].add(found.entry.id)
        state.release()
    for kind in live.keys() | gone.keys():
        ids = sorted(live[kind] | gone[kind])
        there = hubspot.records.read(kinds()[kind].object, ids, []).keys()
        if live[kind] - there or gone[kind] & there:
            return False
    return True

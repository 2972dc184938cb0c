"""Keep a plan from being carried out twice."""

from collections.abc import Sequence

from reconcile.applying.state_entries import Entries
from reconcile.errors import StalePlan
from reconcile.hubspot.client import HubSpot
from reconcile.model.plan import Plan
from reconcile.planning.plan_file import pinned_digest
from reconcile.recovery.runs import OpenRun, as_applied
from reconcile.recovery.still_applied import is_still_applied
from reconcile.state.applied_plans import AppliedPlans
from reconcile.state.state import State
from reconcile.stores.contract import Store

_AGAIN = "plan again: what is left to do is in the new plan"


def already_applied(
    planned: Plan,
    runs: Sequence[OpenRun],
    *,
    store: Store,
    hubspot: HubSpot,
    state: State,
    entries: Entries,
) -> str:
    """Return the run that carried out a plan completely, if everything it did still holds.

    Return ``""`` for a plan that is new, that one of the open ``runs`` is to continue, or that left
    something to be tried again. Raises StalePlan for a plan whose records were changed or removed
    since, or whose run was superseded by another: carried out again, it could recreate them.
    """
    digest = pinned_digest(planned)
    for one in runs:
        if one.run.head.plan == digest:
            if not one.run.open:
                done = as_applied(one, state.serial)
                if not is_still_applied(planned, done, state, entries, hubspot):
                    raise _removed(one.run.head.run)
            return ""
    applied = AppliedPlans(store, state)
    found = applied.find(digest, planned.serial)
    if found is None:
        if applied.may_have_forgotten(planned.serial):
            raise StalePlan("the plan is older than the runs that the state remembers", hint=_AGAIN)
        return ""
    run = found.runs[-1]
    if not found.ended:
        raise StalePlan(
            f"the plan was begun by run {run}, which was interrupted, and other plans were applied "
            "since",
            hint=_AGAIN,
        )
    if found.not_applied is None or not is_still_applied(planned, found, state, entries, hubspot):
        raise _removed(run)
    return "" if found.not_applied else run


def _removed(run: str) -> StalePlan:
    return StalePlan(
        f"the plan was applied by run {run}, and what it did has been changed or removed since",
        hint=_AGAIN,
    )

"""A plan that was carried out before: it is not carried out twice."""

from collections.abc import Sequence

from reconcile.applying.state_entries import Entries
from reconcile.errors import StalePlan
from reconcile.hubspot.client import HubSpot
from reconcile.model.plan import Plan
from reconcile.planning.plan_file import content_digest
from reconcile.recovery.runs import OpenRun, as_applied
from reconcile.recovery.still_applied import stands
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
    """Return the run that carried a plan out as a whole, if all that it did still stands.

    Return nothing for a plan that is new, that one of the open ``runs`` is to continue, or that
    left something to be tried again. Raises StalePlan for one whose records were changed or removed
    since, or whose run another one superseded: carried out again, it could make them again.
    """
    digest = content_digest(planned)
    for one in runs:
        if one.run.head.plan == digest:
            if not one.run.open:
                done = as_applied(one, state.serial)
                if not stands(planned, done, state, entries, hubspot):
                    raise _removed(one.run.head.run)
            return ""
    applied = AppliedPlans(store, state)
    found = applied.find(digest, planned.serial)
    if found is None:
        if applied.forgot(planned.serial):
            raise StalePlan("the plan is older than the runs that the state remembers", hint=_AGAIN)
        return ""
    run = found.runs[-1]
    if not found.ended:
        raise StalePlan(
            f"the plan was begun by run {run}, which ended in the middle, and others were applied "
            "since",
            hint=_AGAIN,
        )
    if found.left is None or not stands(planned, found, state, entries, hubspot):
        raise _removed(run)
    return "" if found.left else run


def _removed(run: str) -> StalePlan:
    return StalePlan(
        f"the plan was applied by run {run}, and what it did has been changed or removed since",
        hint=_AGAIN,
    )

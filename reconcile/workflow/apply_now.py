"""An apply without a plan file: the steps before and after carrying out a plan made now."""

import time
from collections.abc import Callable, Collection

from reconcile.applying.preconditions import require_lineage, require_target
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan
from reconcile.project.declared import Declared
from reconcile.session import Session
from reconcile.state.head import require_writable
from reconcile.workflow.apply_steps import remember_without_run
from reconcile.workflow.plan_steps import Advance, plan
from reconcile.workflow.unfinished_runs import close_unfinished, recover_unfinished


def plan_to_apply(
    session: Session,
    declared: Declared,
    origin: Origin,
    *,
    recreate: frozenset[Address] = frozenset(),
    prune: bool = False,
    allow: Collection[str] = (),
    who: str = "",
    wait: float = 0.0,
    run: str = "apply",
    sleep: Callable[[float], None] = time.sleep,
    advance: Advance = lambda _: None,
) -> Plan:
    """Resolve the in-doubt writes of interrupted runs, and return the plan to apply then.

    Nothing is left out of such a plan, unless another run is interrupted meanwhile. With problems
    in the manifests nothing is written. For what it raises see ``plan`` and ``recover_unfinished``;
    NewerVersionNeeded comes first, since planning can take long.
    """
    require_writable(session.store)
    if not declared.problems:
        recover_unfinished(session, origin, who=who, wait=wait, sleep=sleep, by=run)
    return plan(
        session,
        declared.units,
        declared=declared.everything,
        recreate=recreate,
        prune=prune,
        allow=allow,
        broken=declared.problems,
        advance=advance,
    )


def finish(
    session: Session,
    planned: Plan,
    origin: Origin,
    *,
    whole: bool = True,
    who: str = "",
    wait: float = 0.0,
    run: str = "apply",
) -> Report:
    """Close the interrupted runs of which an idle plan leaves nothing to apply.

    No run begins for what it holds back: that is reported, and remembered. What interrupted runs
    left in doubt is only resolved if the plan leaves that out, or is not of the ``whole`` that is
    declared: it says nothing of the rest. Raises UsageError for a plan of another account, and
    StalePlan for one of another state.
    """
    require_target(planned, session.pin)
    require_lineage(planned, session.state())
    if planned.in_doubt or not whole:
        recover_unfinished(session, origin, who=who, wait=wait, by=run)
    else:
        close_unfinished(session, planned, origin, who=who, wait=wait, by=run)
    held, still_held = remember_without_run(session, planned, who=who, wait=wait)
    return Report(session.pin, (), left_out=planned.in_doubt, held=held, still_held=still_held)

"""An apply without a plan file: the steps before and after carrying out a plan made now."""

import time
from collections.abc import Callable, Collection

from reconcile.applying.preconditions import require_lineage, require_target
from reconcile.model.address import Address
from reconcile.model.audit import Origin
from reconcile.model.plan import Plan
from reconcile.project.declared import Declared
from reconcile.session import Session
from reconcile.state.head import require_writable
from reconcile.workflow.apply_steps import forget_resolved
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
    who: str = "",
    wait: float = 0.0,
    run: str = "apply",
) -> None:
    """Close what interrupted runs left, for an empty plan: nothing of theirs is left to apply.

    If the plan leaves out what they left in doubt, that is only resolved. Raises UsageError for a
    plan of another account, and StalePlan for one of another state.
    """
    require_target(planned, session.pin)
    require_lineage(planned, session.state())
    if planned.in_doubt:
        recover_unfinished(session, origin, who=who, wait=wait, by=run)
        return
    close_unfinished(session, origin, who=who, wait=wait, by=run)
    forget_resolved(session, planned, who=who, wait=wait)

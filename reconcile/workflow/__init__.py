"""What the commands do in an account, step by step: plan, apply, recover."""

from reconcile.workflow.apply_now import finish, plan_to_apply
from reconcile.workflow.apply_steps import apply, refusals_logged, remember_without_run
from reconcile.workflow.drift_steps import drift_report, with_drift_sources
from reconcile.workflow.plan_steps import plan
from reconcile.workflow.unfinished_runs import close_unfinished, recover_unfinished

__all__ = [
    "apply",
    "close_unfinished",
    "drift_report",
    "finish",
    "plan",
    "plan_to_apply",
    "recover_unfinished",
    "refusals_logged",
    "remember_without_run",
    "with_drift_sources",
]

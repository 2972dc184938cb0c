"""A repository with everything on that the gate relies on, by rulesets or by classic protection."""

from typing import Any

from forge.bodies import ACTIONS_APP
from forge.content import Environment, Protection, Repository, Ruleset


def pull_request_rule(**parameters: Any) -> dict[str, Any]:
    """``repository-rule-pull-request``."""
    usual = {
        "required_approving_review_count": 1,
        "require_last_push_approval": True,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "required_review_thread_resolution": False,
    }
    return {"type": "pull_request", "parameters": usual | parameters}


def check_rule(name: str = "reconcile", app: int | None = ACTIONS_APP) -> dict[str, Any]:
    """``repository-rule-required-status-checks``."""
    check: dict[str, Any] = {"context": name}
    if app is not None:
        check["integration_id"] = app
    parameters = {
        "required_status_checks": [check],
        "strict_required_status_checks_policy": False,
    }
    return {"type": "required_status_checks", "parameters": parameters}


def guard(repository: Repository) -> None:
    """Turn everything on, by one ruleset."""
    rules = [
        pull_request_rule(),
        check_rule(),
        {"type": "non_fast_forward"},
        {"type": "deletion"},
    ]
    repository.rulesets = [Ruleset(7, rules, name="protect main")]
    repository.environments = {"hubspot-write": Environment([("branch", "main")])}


def guard_classic(repository: Repository) -> Protection:
    """Turn everything on, by classic protection, and return it."""
    repository.rulesets = []
    repository.protection["main"] = Protection(checks={"reconcile": ACTIONS_APP})
    repository.environments = {"hubspot-write": Environment([("branch", "main")])}
    return repository.protection["main"]

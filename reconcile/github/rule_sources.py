"""Rulesets and classic branch protection as one thing: sources of rules for a branch. Pure.

GitHub applies all of them at once, and the strictest counts ("About rulesets",
docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets).
Whoever may bypass one source is still held by the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reconcile.errors import GitHubRefused
from reconcile.github.repository_bodies import (
    BypassActor,
    ProtectionBody,
    PullRequestParameters,
    RuleBody,
    RulesetBody,
    StatusCheckParameters,
)
from reconcile.model.printable import clean

Parameters = TypeVar("Parameters", bound=BaseModel)

ACTIONS_APP = 15368
"""The id of the app GitHub Actions, the same everywhere on github.com: GET /apps/github-actions
(integrations/terraform-provider-github#2474, rust-lang/team#2200)."""
ACTIONS_SLUG = "github-actions"

_ROLES = {
    1: "the role Read",
    2: "the role Maintain",
    3: "the role Triage",
    4: "the role Write",
    5: "repository admins",
}
"""Ids of ``RepositoryRole``: documented for Maintain, Write and Admin by the provider of Terraform
(``github_repository_ruleset``)."""
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class RuleSource:
    """What one ruleset, or the classic protection, demands of a branch.

    ``approvals`` is None where no pull request is needed. ``checks`` has each required check with
    the id of the app that must report it, None for any. ``dismissers`` are who may dismiss reviews,
    None for everybody who can write. ``bypass`` names who is not held by it; None is unknown.
    """

    name: str
    approvals: int | None = None
    last_push: bool = False
    dismissers: tuple[str, ...] | None = None
    checks: Mapping[str, int | None] = field(default_factory=dict)
    no_force_push: bool = False
    no_deletion: bool = False
    merge_queue: bool = False
    bypass: tuple[str, ...] | None = ()


def classic_source(protection: ProtectionBody) -> RuleSource:
    """Return what classic protection demands, read with the right to administer."""
    reviews = protection.required_pull_request_reviews
    bypass = [] if protection.enforce_admins.enabled else ["repository admins"]
    if reviews is not None and reviews.bypass_pull_request_allowances is not None:
        bypass += reviews.bypass_pull_request_allowances.names
    dismissers = None
    if reviews is not None and reviews.dismissal_restrictions is not None:
        dismissers = _short(reviews.dismissal_restrictions.names)
    return RuleSource(
        "branch protection",
        approvals=None if reviews is None else reviews.required_approving_review_count,
        last_push=reviews is not None and reviews.require_last_push_approval,
        dismissers=dismissers,
        checks=classic_checks(protection),
        no_force_push=not protection.allow_force_pushes.enabled,
        no_deletion=not protection.allow_deletions.enabled,
        bypass=_short(bypass),
    )


def classic_checks(protection: ProtectionBody) -> dict[str, int | None]:
    """Return the checks that classic protection requires, which every reader may see."""
    required = protection.required_status_checks
    checks = [] if required is None else required.checks
    return {one.context: one.app_id if (one.app_id or 0) > 0 else None for one in checks}


def ruleset_sources(
    rules: Iterable[RuleBody], rulesets: Mapping[int, RulesetBody | None]
) -> list[RuleSource]:
    """Return a source for each ruleset; those that could not be read are None.

    Raises GitHubRefused for parameters that are not as documented.
    """
    by_set: dict[int, list[RuleBody]] = {}
    for rule in rules:
        by_set.setdefault(rule.ruleset_id, []).append(rule)
    return [_source(found, rulesets.get(number), number) for number, found in by_set.items()]


def _source(rules: list[RuleBody], ruleset: RulesetBody | None, number: int) -> RuleSource:
    types = {rule.type for rule in rules}
    pulls = [_parameters(rule, PullRequestParameters) for rule in rules if _is_pull(rule)]
    checks = [
        check
        for rule in rules
        if rule.type == "required_status_checks"
        for check in _parameters(rule, StatusCheckParameters).required_status_checks
    ]
    restrictions = [one.dismissal_restriction for one in pulls if one.dismissal_restriction.enabled]
    return RuleSource(
        f"ruleset {clean(ruleset.name, _LONGEST)!r}" if ruleset else f"ruleset {number}",
        approvals=max((one.required_approving_review_count for one in pulls), default=None),
        last_push=any(one.require_last_push_approval for one in pulls),
        dismissers=tuple(
            f"{actor.type} {actor.id}" for one in restrictions for actor in one.allowed_actors
        )
        if restrictions
        else None,
        checks={one.context: one.integration_id for one in checks},
        no_force_push="non_fast_forward" in types,
        no_deletion="deletion" in types,
        merge_queue="merge_queue" in types,
        bypass=_bypass(ruleset),
    )


def _is_pull(rule: RuleBody) -> bool:
    return rule.type == "pull_request"


def _parameters(rule: RuleBody, shape: type[Parameters]) -> Parameters:
    try:
        return shape.model_validate(rule.parameters)
    except ValidationError:
        raise GitHubRefused(
            f"the parameters of a rule {rule.type} are not as GitHub documents them",
            status=200,
            hint="GitHub's API has changed: upgrade reconcile",
        ) from None


def _bypass(ruleset: RulesetBody | None) -> tuple[str, ...] | None:
    """Return who may bypass a ruleset, None if GitHub does not say it to this token.

    GitHub always says whether the caller itself may.
    """
    if ruleset is None:
        return None
    if ruleset.bypass_actors is not None:
        return tuple(_actor(one) for one in ruleset.bypass_actors)
    is_own = ruleset.current_user_can_bypass not in ("", "never")
    return ("the owner of this token",) if is_own else None


def _actor(actor: BypassActor) -> str:
    if actor.actor_type == "RepositoryRole" and actor.actor_id in _ROLES:
        return _ROLES[actor.actor_id]
    words = {"OrganizationAdmin": "organization owners", "DeployKey": "deploy keys"}
    plain = words.get(actor.actor_type)
    return plain or clean(f"{actor.actor_type} {actor.actor_id or ''}".strip(), _LONGEST)


def _short(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean(name, _LONGEST) for name in names)

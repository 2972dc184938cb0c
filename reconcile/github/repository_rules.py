"""Read the settings of a repository that the gate relies on, as far as the token may.

What each call needs is from docs.github.com/rest/authentication/permissions-required-for-fine-
grained-personal-access-tokens. A job's own token cannot have the permission Administration
(docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#permissions).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from reconcile.errors import GitHubRefused, UsageError
from reconcile.github.job import Repository
from reconcile.github.reply_decisions import NO_PLAN
from reconcile.github.repository_bodies import (
    BranchBody,
    BranchPolicy,
    EnvironmentBody,
    ProtectionBody,
    RepositoryBody,
    RuleBody,
    RulesetBody,
    WorkflowPermissions,
)
from reconcile.github.rest_client import GitHub, path_of
from reconcile.github.rule_sources import (
    RuleSource,
    classic_checks,
    classic_source,
    ruleset_sources,
)
from reconcile.model.printable import clean
from reconcile.model.values import show

Found = TypeVar("Found")

_ADMINISTRATION = "`administration: read`"
_ACTIONS = "`actions: read`"


@dataclass(frozen=True, slots=True)
class EnvironmentRules:
    """Which branches and tags may use an environment.

    ``patterns`` are None where they are not limited by name. ``is_protected_only`` says that every
    protected branch may.
    """

    is_protected_only: bool
    patterns: tuple[BranchPolicy, ...] | None


@dataclass(frozen=True, slots=True)
class RepositoryRules:
    """What could be read.

    ``hides_classic`` says that there is classic protection of which only the required checks could
    be read. ``lacks_plan`` is GitHub's message where the plan has no protection for this
    repository. ``environment`` is None if there is none of that name; ``hidden_environment`` is
    why it could not be read. ``workflow`` is None where the token may not read it.
    """

    repository: str
    default_branch: str
    branch: str
    sources: tuple[RuleSource, ...]
    hides_classic: bool
    hidden_rules: str
    lacks_plan: str
    environment: EnvironmentRules | None
    hidden_environment: str
    workflow: WorkflowPermissions | None


def read_rules(
    github: GitHub, named: Repository, *, branch: str, environment: str
) -> RepositoryRules:
    """Return the rules for a branch, the default one if ``branch`` is empty.

    Raises UsageError if the branch does not exist, GitHubRefused if the repository cannot be read,
    and GitHubUnavailable.
    """
    root = path_of("repos", named.owner, named.name)
    repository = github.get(root, RepositoryBody, needs="`metadata: read`")
    branch = branch or repository.default_branch
    seen = _branch(github, root, branch)
    rules, lacks_plan, hidden_rules = _rules(github, root, branch)
    sources = ruleset_sources(rules, _rulesets(github, root, rules))
    classic, hides_classic = _classic(github, root, seen)
    if classic is not None:
        sources.append(classic)
    of_environment, hidden_environment = _environment(github, root, environment)
    return RepositoryRules(
        repository=clean(repository.full_name),
        default_branch=repository.default_branch,
        branch=branch,
        sources=tuple(sources),
        hides_classic=hides_classic,
        hidden_rules=hidden_rules,
        lacks_plan=lacks_plan,
        environment=of_environment,
        hidden_environment=hidden_environment,
        workflow=_permitted(
            lambda: github.get(
                f"{root}/actions/permissions/workflow", WorkflowPermissions, needs=_ADMINISTRATION
            )
        ),
    )


def _permitted(read: Callable[[], Found]) -> Found | None:
    """Return what is read, None where GitHub refuses because of who asks."""
    try:
        return read()
    except GitHubRefused as error:
        if error.status in (403, 404):
            return None
        raise


def _branch(github: GitHub, root: str, branch: str) -> BranchBody:
    path = root + path_of("branches", branch)
    try:
        return github.get(path, BranchBody, needs="`contents: read`")
    except GitHubRefused as error:
        if error.status != 404:
            raise
        raise UsageError(
            f"there is no branch {show(branch)}, or the token may not read it",
            hint="name the branch that merges go to with --branch; the token needs "
            "`contents: read`",
        ) from None


def _rules(github: GitHub, root: str, branch: str) -> tuple[list[RuleBody], str, str]:
    """Return the rules of all rulesets, GitHub's message if the plan has none, and if hidden."""
    path = root + path_of("rules", "branches", branch)
    try:
        return github.pages(path, RuleBody, needs="`metadata: read`"), "", ""
    except GitHubRefused as error:
        if error.status not in (403, 404):
            raise
        if NO_PLAN in error.reason.lower():
            return [], error.reason, ""
        return [], "", str(error)


def _rulesets(github: GitHub, root: str, rules: list[RuleBody]) -> dict[int, RulesetBody | None]:
    def read(number: int) -> RulesetBody:
        path = root + path_of("rulesets", number)
        return github.get(path, RulesetBody, needs="`metadata: read`")

    numbers = sorted({rule.ruleset_id for rule in rules})
    return {number: _permitted(partial(read, number)) for number in numbers}


def _classic(github: GitHub, root: str, branch: BranchBody) -> tuple[RuleSource | None, bool]:
    """Return the classic protection, and whether more of it is there than could be read.

    A branch says to every reader whether it is protected in the classic way, and by which checks
    (``protection.enabled``, mondoohq/mql#4296). One that only rulesets protect is ``protected``
    too, and its protection is then answered with 404 "Branch not protected"
    (hub4j/github-api#2062).
    """
    if not branch.protected or branch.protection.enabled is False:
        return None, False
    path = root + path_of("branches", branch.name, "protection")
    try:
        return classic_source(github.get(path, ProtectionBody, needs=_ADMINISTRATION)), False
    except GitHubRefused as error:
        if error.status == 404 and error.reason == "Branch not protected":
            return None, False
        if error.status not in (403, 404):
            raise
    required = branch.protection.required_status_checks
    spares_admins = required is not None and required.enforcement_level == "non_admins"
    return (
        RuleSource(
            "branch protection",
            checks=classic_checks(branch.protection),
            bypass=("repository admins",) if spares_admins else None,
        ),
        True,
    )


def _environment(github: GitHub, root: str, name: str) -> tuple[EnvironmentRules | None, str]:
    path = root + path_of("environments", name)
    try:
        found = github.get(path, EnvironmentBody, needs=_ACTIONS)
    except GitHubRefused as error:
        if error.status == 404:
            return None, ""
        if error.status == 403:
            return None, str(error)
        raise
    return _limits(github, path, found), ""


def _limits(github: GitHub, path: str, environment: EnvironmentBody) -> EnvironmentRules:
    policy = environment.deployment_branch_policy
    if policy is None or policy.protected_branches:
        return EnvironmentRules(is_protected_only=policy is not None, patterns=None)
    policies = f"{path}/deployment-branch-policies"
    patterns = github.pages(policies, BranchPolicy, needs=_ACTIONS, key="branch_policies")
    return EnvironmentRules(is_protected_only=False, patterns=tuple(patterns))

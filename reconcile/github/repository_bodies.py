"""What is read of a repository's settings, as GitHub's OpenAPI description has it.

Each model names the schema it follows (npm package ``@octokit/openapi``); what is not needed is
left out. Rules of other types than these are read without their parameters.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RepositoryBody(_Body):
    """``full-repository``."""

    full_name: str
    default_branch: str
    private: bool


class RequiredCheck(_Body):
    """A check of ``protected-branch-required-status-check``; ``app_id`` null or -1 is any app."""

    context: str
    app_id: int | None = None


class RequiredChecks(_Body):
    """``protected-branch-required-status-check``.

    ``enforcement_level`` is ``off``, ``non_admins`` or ``everyone`` (the webhook of branch
    protection rules documents these words).
    """

    enforcement_level: str = ""
    checks: list[RequiredCheck] = []


class Switch(_Body):
    """A setting that is on or off."""

    enabled: bool = False


class Actor(_Body):
    """A user, team or app that a classic rule names."""

    login: str = ""
    slug: str = ""


class Actors(_Body):
    """Users, teams and apps that a classic rule names."""

    users: list[Actor] = []
    teams: list[Actor] = []
    apps: list[Actor] = []

    @property
    def names(self) -> list[str]:
        """Return how people know them."""
        return [one.login or one.slug for one in (*self.users, *self.teams, *self.apps)]


class ReviewProtection(_Body):
    """``protected-branch-pull-request-review``."""

    dismissal_restrictions: Actors | None = None
    bypass_pull_request_allowances: Actors | None = None
    required_approving_review_count: int = 0
    require_last_push_approval: bool = False


class ProtectionBody(_Body):
    """``branch-protection``, in full where the token may administer the repository.

    Everybody who may read a branch gets ``enabled`` and ``required_status_checks``.
    """

    enabled: bool | None = None
    required_status_checks: RequiredChecks | None = None
    enforce_admins: Switch = Switch()
    required_pull_request_reviews: ReviewProtection | None = None
    allow_force_pushes: Switch = Switch()
    allow_deletions: Switch = Switch()


class BranchBody(_Body):
    """``branch-with-protection``."""

    name: str
    protected: bool
    protection: ProtectionBody = ProtectionBody()


class RuleBody(_Body):
    """``repository-rule-detailed``."""

    type: str
    ruleset_id: int = 0
    parameters: dict[str, Any] | None = None


class DismissalActor(_Body):
    """``repository-rule-params-actor``."""

    id: int
    type: str


class DismissalRestriction(_Body):
    """``repository-rule-params-dismissal-restriction``."""

    enabled: bool = False
    allowed_actors: list[DismissalActor] = []


class PullRequestParameters(_Body):
    """Parameters of ``repository-rule-pull-request``."""

    required_approving_review_count: int
    require_last_push_approval: bool
    dismissal_restriction: DismissalRestriction = DismissalRestriction()


class StatusCheck(_Body):
    """``repository-rule-params-status-check-configuration``."""

    context: str
    integration_id: int | None = None


class StatusCheckParameters(_Body):
    """Parameters of ``repository-rule-required-status-checks``."""

    required_status_checks: list[StatusCheck] = []


class BypassActor(_Body):
    """``repository-ruleset-bypass-actor``."""

    actor_id: int | None = None
    actor_type: str


class RulesetBody(_Body):
    """``repository-ruleset``.

    ``bypass_actors`` is absent unless the caller may edit the ruleset ("Get a repository ruleset").
    ``current_user_can_bypass`` speaks of the caller.
    """

    id: int
    name: str
    bypass_actors: list[BypassActor] | None = None
    current_user_can_bypass: str = ""


class BranchPolicySettings(_Body):
    """``deployment-branch-policy-settings``; null stands for every branch."""

    protected_branches: bool
    custom_branch_policies: bool


class EnvironmentBody(_Body):
    """``environment``."""

    name: str
    deployment_branch_policy: BranchPolicySettings | None = None


class BranchPolicy(_Body):
    """``deployment-branch-policy``."""

    name: str
    type: str = "branch"


class WorkflowPermissions(_Body):
    """``actions-get-default-workflow-permissions``."""

    default_workflow_permissions: str
    can_approve_pull_request_reviews: bool

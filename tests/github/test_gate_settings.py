"""Each setting that the gate relies on: on, off or unknown, by rulesets and classic protection."""

from collections.abc import Callable
from typing import Any

import pytest
from forge.answers import answer
from forge.bodies import ACTIONS_APP
from forge.content import Environment, Protection, Repository, Ruleset
from forge.guarded import check_rule, guard, guard_classic, pull_request_rule
from forge.server import Forge

from reconcile.errors import GitHubUnavailable
from reconcile.github.access import access
from reconcile.github.gate_settings import gate_report
from reconcile.github.job import Repository as JobRepository
from reconcile.github.repository_rules import read_rules
from reconcile.github.rest_client import GitHub
from reconcile.model.gate import GateReport, GateSetting, SettingState

OFF, UNKNOWN, ON = SettingState.OFF, SettingState.UNKNOWN, SettingState.ON
SHOP = JobRepository("acme", "shop")
Change = Callable[[Repository], object]


def report(forge: Forge, *, token: str = Forge.admin, branch: str = "") -> GateReport:
    """Read the settings with a token, an administrator's if none is given."""
    with GitHub(access(forge.environment(token)), sleep=lambda _: None) as github:
        rules = read_rules(github, SHOP, branch=branch, environment="hubspot-write")
    return gate_report(rules, environment="hubspot-write", check="reconcile")


def setting(name: str, found: GateReport) -> GateSetting:
    """Return one setting of a report."""
    return next(one for one in found.settings if one.name == name)


def rules(*kept: dict[str, Any]) -> Change:
    """Have the ruleset hold other rules."""

    def change(repository: Repository) -> None:
        repository.rulesets[0].rules = list(kept)

    return change


def bypass(**actor: Any) -> Change:
    """Let somebody bypass the ruleset."""

    def change(repository: Repository) -> None:
        repository.rulesets[0].bypass = [{"bypass_mode": "pull_request", **actor}]

    return change


def limited(environment: Environment) -> Change:
    """Have another environment of that name."""

    def change(repository: Repository) -> None:
        repository.environments["hubspot-write"] = environment

    return change


def has(**values: Any) -> Change:
    """Change members of the repository."""

    def change(repository: Repository) -> None:
        for name, value in values.items():
            setattr(repository, name, value)

    return change


RESTRICTED: dict[str, Any] = {"enabled": True, "allowed_actors": []}
AN_APP: dict[str, Any] = {
    "enabled": True,
    "allowed_actors": [{"id": 4, "type": "IntegrationInstallation"}],
}

OF_RULESETS = {
    "no rules": ("pull-request", OFF, rules()),
    "no approval": ("approval", OFF, rules(pull_request_rule(required_approving_review_count=0))),
    "last push": ("last-push", OFF, rules(pull_request_rule(require_last_push_approval=False))),
    "no check": ("required-check", OFF, rules(pull_request_rule())),
    "another check": ("required-check", OFF, rules(check_rule("tests"))),
    "any source": ("required-check", OFF, rules(check_rule(app=None))),
    "another app": ("required-check", OFF, rules(check_rule(app=1))),
    "restricted": ("dismissal", OFF, rules(pull_request_rule(dismissal_restriction=RESTRICTED))),
    "an app may": ("dismissal", UNKNOWN, rules(pull_request_rule(dismissal_restriction=AN_APP))),
    "not restricted": (
        "dismissal",
        ON,
        rules(pull_request_rule(dismissal_restriction={"enabled": False})),
    ),
    "admins": ("no-bypass", OFF, bypass(actor_type="RepositoryRole", actor_id=5)),
    "owners": ("no-bypass", OFF, bypass(actor_type="OrganizationAdmin", actor_id=None)),
    "nothing to bypass": ("no-bypass", OFF, rules()),
    "force pushes": ("history", OFF, rules({"type": "deletion"})),
    "deletions": ("history", OFF, rules({"type": "non_fast_forward"})),
    "other branches": ("pull-request", OFF, has(rulesets=[Ruleset(8, [], ("dev",))])),
    "no environment": ("environment", OFF, has(environments={})),
    "all branches": ("environment", OFF, limited(Environment())),
    "protected ones": ("environment", OFF, limited(Environment(protected_branches=True))),
    "a pattern": ("environment", OFF, limited(Environment([("branch", "*")]))),
    "a tag": ("environment", OFF, limited(Environment([("branch", "main"), ("tag", "main")]))),
    "no branch": ("environment", OFF, limited(Environment([]))),
    "approving": ("workflow-approval", OFF, has(workflow_approves=True)),
    "writing": ("workflow-token", OFF, has(workflow_default="write")),
}


@pytest.mark.parametrize(("name", "state", "change"), OF_RULESETS.values(), ids=OF_RULESETS)
def test_what_rulesets_say(forge: Forge, name: str, state: SettingState, change: Change) -> None:
    """Each setting is found off by itself; what is off says where to change it."""
    assert setting(name, report(forge)).state is ON or name == "dismissal"
    change(forge.repository)
    found = setting(name, report(forge))
    assert found.state is state
    assert state is ON or found.hint


def classic(**values: Any) -> Change:
    """Change the classic protection."""

    def change(repository: Repository) -> None:
        for name, value in values.items():
            setattr(repository.protection["main"], name, value)

    return change


OF_CLASSIC = {
    "no pull request": ("pull-request", OFF, classic(approvals=None)),
    "no approval": ("approval", OFF, classic(approvals=0)),
    "last push": ("last-push", OFF, classic(last_push=False)),
    "no check": ("required-check", OFF, classic(checks={})),
    "any source": ("required-check", OFF, classic(checks={"reconcile": None})),
    "any source, as a number": ("required-check", OFF, classic(checks={"reconcile": -1})),
    "restricted": ("dismissal", OFF, classic(dismissers={"users": ["olga"]})),
    "restricted to nobody": ("dismissal", OFF, classic(dismissers={})),
    "a user of that name": ("dismissal", ON, classic(dismissers={"apps": ["github-actions"]})),
    "admins": ("no-bypass", OFF, classic(enforce_admins=False)),
    "somebody": ("no-bypass", OFF, classic(bypass={"users": ["ana"]})),
    "force pushes": ("history", OFF, classic(force_pushes=True)),
    "deletions": ("history", OFF, classic(deletions=True)),
    "none": ("pull-request", OFF, has(protection={})),
}


@pytest.mark.parametrize(("name", "state", "change"), OF_CLASSIC.values(), ids=OF_CLASSIC)
def test_what_classic_protection_says(
    forge: Forge, name: str, state: SettingState, change: Change
) -> None:
    """The same settings, in the classic place."""
    guard_classic(forge.repository)
    assert report(forge).is_complete
    change(forge.repository)
    assert setting(name, report(forge)).state is state


def test_everything_on(forge: Forge) -> None:
    """All is on, seen by who administers the repository."""
    assert report(forge).is_complete


def test_what_is_off_stands_first(forge: Forge) -> None:
    """Off, then what cannot be seen, then on."""
    forge.repository.rulesets[0].rules = [check_rule(), {"type": "merge_queue"}]
    states = [one.state for one in report(forge).settings]
    assert states == sorted(states, key=[OFF, UNKNOWN, ON].index)
    assert {*states} == {OFF, UNKNOWN, ON}


def test_a_second_source_holds_who_may_bypass_the_first(forge: Forge) -> None:
    """A ruleset that admins may bypass is backed by one that nobody may."""
    bypass(actor_type="RepositoryRole", actor_id=5)(forge.repository)
    assert setting("no-bypass", report(forge)).state is OFF
    forge.repository.rulesets.append(Ruleset(8, [pull_request_rule(), check_rule()]))
    assert setting("no-bypass", report(forge)).state is ON


def test_a_bypass_of_other_rules_does_not_matter(forge: Forge) -> None:
    """A ruleset that demands neither approval nor check may be bypassed."""
    actor = {"actor_type": "RepositoryRole", "actor_id": 5, "bypass_mode": "always"}
    signatures = Ruleset(8, [{"type": "required_signatures"}], bypass=[actor])
    forge.repository.rulesets.append(signatures)
    assert report(forge).is_complete


def test_rulesets_and_classic_protection_add_up(forge: Forge) -> None:
    """What one lacks the other may have."""
    rules(pull_request_rule())(forge.repository)
    forge.repository.protection["main"] = Protection(
        approvals=None, checks={"reconcile": ACTIONS_APP}
    )
    assert report(forge).is_complete


def test_a_jobs_own_token_sees_rulesets(forge: Forge) -> None:
    """It lacks what only administrators may read, and says which setting that is."""
    found = report(forge, token=forge.token)
    unknown = {one.name for one in found.of(UNKNOWN)}
    assert unknown == {"no-bypass", "workflow-approval", "workflow-token"}
    assert not list(found.of(OFF))


def test_a_jobs_own_token_sees_only_the_checks_of_classic_protection(forge: Forge) -> None:
    """Everything else of it is unknown, not off."""
    protection = guard_classic(forge.repository)
    found = report(forge, token=forge.token)
    assert not list(found.of(OFF))
    assert setting("required-check", found).state is ON
    assert setting("approval", found).state is UNKNOWN
    protection.enforce_admins = False
    assert setting("no-bypass", report(forge, token=forge.token)).state is OFF


def test_a_jobs_own_token_knows_where_there_is_no_protection(forge: Forge) -> None:
    """A branch says to every reader whether it is protected: then off is off."""
    forge.repository.rulesets = []
    found = report(forge, token=forge.token)
    assert setting("pull-request", found).state is OFF
    assert setting("approval", found).state is OFF


def test_an_environment_that_cannot_be_seen(forge: Forge) -> None:
    """Without `actions: read` it is unknown, with the permission named."""
    del forge.tokens[forge.token].permissions["actions"]
    found = setting("environment", report(forge, token=forge.token))
    assert found.state is UNKNOWN
    assert "`actions: read`" in found.hint


def test_a_plan_without_protection(forge: Forge) -> None:
    """On GitHub Free a private repository has none: off, with that reason."""
    forge.repository.has_protection = False
    forge.repository.rulesets = []
    found = report(forge)
    off = {one.name for one in found.of(OFF)}
    assert {"pull-request", "approval", "required-check", "no-bypass", "history"} <= off
    assert "plan" in setting("approval", found).hint


def test_a_merge_queue_needs_another_trigger(forge: Forge) -> None:
    """Whether the workflow has it is not known from settings."""
    forge.repository.rulesets[0].rules.append({"type": "merge_queue"})
    found = setting("merge-queue", report(forge))
    assert (found.state, "merge_group" in found.hint) == (UNKNOWN, True)


def test_another_branch_is_judged_by_its_own_rules(forge: Forge) -> None:
    """A branch with a slash in its name is reached, and has no rules here."""
    forge.repository.branches["release/1"] = "0" * 40
    found = report(forge, branch="release/1")
    assert found.branch == "release/1"
    assert setting("approval", found).state is OFF


def test_many_rules_are_read_to_the_last_page(forge: Forge) -> None:
    """A rule on the second page counts."""
    first = [{"type": "required_linear_history"}] * 100
    forge.repository.rulesets = [Ruleset(n, first) for n in (1, 2)]
    guard(other := Repository())
    forge.repository.rulesets += other.rulesets
    assert report(forge).is_complete


def test_rules_that_are_refused_are_unknown(forge: Forge) -> None:
    """Whatever the reason; GitHub's own words are the hint."""
    forge.refusals = [None, None, answer({"message": "Resource protected by SAML"}, 403)]
    found = report(forge)
    unknown = {"pull-request", "approval", "last-push", "required-check", "dismissal"}
    assert {one.name for one in found.of(UNKNOWN)} == unknown | {"no-bypass", "history"}
    assert "Resource protected by SAML" in setting("approval", found).hint


def test_what_fails_is_not_unknown(forge: Forge) -> None:
    """A report that lacks a part because a call failed would look like one of a poor token."""
    forge.refusals = [None, None, None, *[answer({"message": "Oops"}, 500)] * 9]
    with pytest.raises(GitHubUnavailable, match="500 Oops"):
        report(forge)


@pytest.mark.parametrize("mode", ["always", "pull_requests_only", "exempt"])
def test_a_job_that_may_bypass_the_rules_is_reported(forge: Forge, mode: str) -> None:
    """GitHub names the others to administrators only, and says to everybody what they may."""
    forge.repository.rulesets[0].caller_bypass = mode
    found = setting("no-bypass", report(forge, token=forge.token))
    assert (found.state, "the owner of this token" in found.text) == (OFF, True)

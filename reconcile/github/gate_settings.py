"""Say for each setting that the gate relies on whether it is on, and what it means if not. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reconcile.github.repository_rules import RepositoryRules
from reconcile.github.rule_sources import ACTIONS_APP, ACTIONS_SLUG, RuleSource
from reconcile.model.gate import GateReport, GateSetting, SettingState
from reconcile.model.printable import clean

_RULES = "Settings > Rules > Rulesets"
_CLASSIC = "Settings > Branches"
_ACTIONS = "Settings > Actions > General > Workflow permissions"
_ENVIRONMENTS = "Settings > Environments"

SEE_CLASSIC = (
    "set RECONCILE_GITHUB_TOKEN to a token with `Administration: read`; a job's own token "
    "cannot have it"
)
SEE_BYPASS = (
    "GitHub says it only to who may edit the rules: set RECONCILE_GITHUB_TOKEN to such a "
    "person's token, with `Administration: write`"
)


def gate_report(rules: RepositoryRules, *, environment: str, check: str) -> GateReport:
    """Return every setting, the ones that are off first."""
    judge = _Judge(rules, check)
    settings = (
        judge.pull_request(),
        judge.approval(),
        judge.last_push(),
        judge.required_check(),
        judge.dismissal(),
        judge.bypass(),
        judge.history(),
        _environment(rules, environment),
        *_workflow(rules),
        judge.merge_queue(),
    )
    order = list(SettingState)
    return GateReport(
        repository=rules.repository,
        branch=rules.branch,
        environment=environment,
        check=check,
        settings=tuple(sorted(settings, key=lambda one: order.index(one.state))),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges what the rules for the branch demand."""

    rules: RepositoryRules
    check: str

    def pull_request(self) -> GateSetting:
        return self._demanded(
            "pull-request",
            lambda source: source.approvals is not None,
            on="a pull request is required",
            off="no pull request is required: whoever can push can change orders unseen",
            hint=f"{_RULES}: Require a pull request before merging",
        )

    def approval(self) -> GateSetting:
        return self._demanded(
            "approval",
            _needs_approval,
            on="an approving review is required",
            off="no approving review is required: who opens a pull request can merge it alone",
            hint=f"{_RULES}: Required approvals: 1 or more",
        )

    def last_push(self) -> GateSetting:
        return self._demanded(
            "last-push",
            lambda source: source.last_push,
            on="the last push needs the approval of somebody else",
            off="who pushed last can approve it: a reviewer can add a change and approve it alone",
            hint=f"{_RULES}: Require approval of the most recent reviewable push",
        )

    def required_check(self) -> GateSetting:
        name = "required-check"
        shown = clean(self.check, 60)
        apps = [source.checks[self.check] for source in self._sources if self._has_check(source)]
        if ACTIONS_APP in apps:
            return _on(name, f"the check {shown} is required, and GitHub Actions must report it")
        if apps:
            return _off(
                name,
                f"the check {shown} is required from any source or another app: whoever can write "
                "can report it as passed",
                f"{_RULES}: Require status checks to pass: {shown}, source GitHub Actions",
            )
        return self._off_or_unknown(
            name,
            f"the check {shown} is not required: a red one does not stop a merge",
            f"{_RULES}: Require status checks to pass: {shown}, source GitHub Actions",
            is_unknown=bool(self.rules.hidden_rules),
        )

    def dismissal(self) -> GateSetting:
        name = "dismissal"
        lists = [one.dismissers for one in self._sources if one.dismissers is not None]
        hint = (
            f"{_RULES} or {_CLASSIC}: Restrict who can dismiss pull request reviews: "
            "turn it off, or add GitHub Actions"
        )
        off = (
            "the workflow may not dismiss reviews: when a plan has changed since an approval, the "
            "check stays red instead"
        )
        if any(not _may_be_actions(who) for who in lists):
            return _off(name, off, hint)
        if any(ACTIONS_SLUG not in who for who in lists):
            text = "who may dismiss reviews is restricted: whether GitHub Actions may is not said"
            return _unknown(name, text, hint)
        if self._hides:
            text = "whether the workflow may dismiss reviews cannot be seen"
            return _unknown(name, text, self._see)
        return _on(name, "the workflow may dismiss reviews")

    def bypass(self) -> GateSetting:
        """Say whether each of the two rules that make the gate holds for everybody."""
        name = "no-bypass"
        demands = (_needs_approval, self._has_check)
        given = [
            held for demand in demands if (held := [one for one in self._sources if demand(one)])
        ]
        if not given:
            return self._off_or_unknown(
                name,
                "neither an approval nor the check is required of anybody",
                f"{_RULES}: require both, with an empty bypass list",
                is_unknown=self._hides,
            )
        unsure = [held for held in given if not any(one.bypass == () for one in held)]
        if not unsure:
            return _on(name, "nobody may bypass what is required")
        names = dict.fromkeys(who for held in unsure for one in held for who in one.bypass or ())
        if names:
            return _off(
                name,
                f"some may merge without approval or check: {', '.join(names)}",
                f"{_RULES}: empty the bypass list; or {_CLASSIC}: Do not allow bypassing the "
                "above settings",
            )
        see = self._see if self._hides else SEE_BYPASS
        return _unknown(name, "who may bypass the rules cannot be seen", see)

    def history(self) -> GateSetting:
        forced = any(one.no_force_push for one in self._sources)
        deleted = any(one.no_deletion for one in self._sources)
        if forced and deleted:
            return _on("history", "force pushes and deletions are blocked")
        missing = [
            word for word, is_on in (("force pushes", forced), ("deletions", deleted)) if not is_on
        ]
        return self._off_or_unknown(
            "history",
            f"{' and '.join(missing)} of the branch are not blocked: what was reviewed and applied "
            "can vanish from it",
            f"{_RULES}: Block force pushes, and Restrict deletions",
            is_unknown=self._hides,
        )

    def merge_queue(self) -> GateSetting:
        if any(one.merge_queue for one in self._sources):
            return _unknown(
                "merge-queue",
                "merges go through a queue: whether the workflow reports there is not known",
                "the workflow needs `merge_group:` under `on:`, or no merge gets through",
            )
        return _on("merge-queue", "no merge queue waits for the check")

    @property
    def _sources(self) -> tuple[RuleSource, ...]:
        return self.rules.sources

    @property
    def _hides(self) -> bool:
        return self.rules.hides_classic or bool(self.rules.hidden_rules)

    @property
    def _see(self) -> str:
        return self.rules.hidden_rules or SEE_CLASSIC

    def _has_check(self, source: RuleSource) -> bool:
        return self.check in source.checks

    def _demanded(
        self, name: str, demand: Callable[[RuleSource], bool], *, on: str, off: str, hint: str
    ) -> GateSetting:
        if any(demand(source) for source in self._sources):
            return _on(name, on)
        return self._off_or_unknown(name, off, hint, is_unknown=self._hides)

    def _off_or_unknown(self, name: str, text: str, hint: str, *, is_unknown: bool) -> GateSetting:
        if self.rules.lacks_plan:
            plan = "GitHub's plan for this repository has no protected branches"
            return _off(name, text, f"{plan}: see `reconcile docs github`")
        if is_unknown:
            return _unknown(name, f"if it is off: {text}", self._see)
        return _off(name, text, hint)


def _needs_approval(source: RuleSource) -> bool:
    return (source.approvals or 0) > 0


def _may_be_actions(who: Iterable[str]) -> bool:
    """Return whether GitHub Actions is, or may be, among those who may dismiss reviews.

    A ruleset names an app by the id of its installation, which GitHub says to nobody else.
    """
    return any(one == ACTIONS_SLUG or one.startswith("IntegrationInstallation ") for one in who)


def _environment(rules: RepositoryRules, environment: str) -> GateSetting:
    name, shown, branch = "environment", clean(environment, 60), clean(rules.default_branch, 60)
    place = f"{_ENVIRONMENTS} > {shown} > Deployment branches and tags"
    hint = f"{place}: Selected branches and tags, and only {branch}"
    if rules.hidden_environment:
        text = f"the environment {shown} cannot be seen"
        return _unknown(name, text, "the token needs `actions: read`")
    found = rules.environment
    if found is None:
        return _off(
            name,
            f"there is no environment {shown}: GitHub makes one without limits for the first job "
            "that names it",
            f"{_ENVIRONMENTS} > New environment; or name another one with --environment",
        )
    every = f"the token in {shown}"
    if found.is_protected_only:
        text = f"{every} reaches workflows of every protected branch, not only {branch}"
        return _off(name, text, hint)
    if found.patterns is None:
        text = f"{every} reaches workflows of every branch: whoever can push can use it"
        return _off(name, text, hint)
    others = [
        clean(f"{one.type} {one.name}", 60)
        for one in found.patterns
        if (one.type, one.name) != ("branch", rules.default_branch)
    ]
    if others:
        return _off(name, f"{every} also reaches workflows of {', '.join(others)}", hint)
    if not found.patterns:
        return _off(name, f"{every} reaches no branch at all: the merge job cannot run", hint)
    return _on(name, f"{every} reaches workflows of {branch} only")


def _workflow(rules: RepositoryRules) -> tuple[GateSetting, GateSetting]:
    approves, default = "workflow-approval", "workflow-token"
    found = rules.workflow
    if found is None:
        return (
            _unknown(approves, "whether workflows may approve cannot be seen", SEE_CLASSIC),
            _unknown(default, "what workflows may do by default cannot be seen", SEE_CLASSIC),
        )
    return (
        _off(
            approves,
            "workflows may approve pull requests: a pull request can bring its own approval",
            f"{_ACTIONS}: Allow GitHub Actions to create and approve pull requests: off",
        )
        if found.can_approve_pull_request_reviews
        else _on(approves, "workflows may not approve pull requests"),
        _on(default, "workflows can only read unless they say otherwise")
        if found.default_workflow_permissions == "read"
        else _off(
            default,
            "every workflow may write by default: any of them can report the check as passed",
            f"{_ACTIONS}: Read repository contents and packages permissions",
        ),
    )


def _on(name: str, text: str) -> GateSetting:
    return GateSetting(name, SettingState.ON, text)


def _off(name: str, text: str, hint: str) -> GateSetting:
    return GateSetting(name, SettingState.OFF, text, hint)


def _unknown(name: str, text: str, hint: str) -> GateSetting:
    return GateSetting(name, SettingState.UNKNOWN, text, hint)

"""What a repository on the forge holds: its rules, environments, pull requests and checks."""

from dataclasses import dataclass, field
from typing import Any

from forge.bodies import API, WEB, WHEN, Body, app, commit_id, repository, user


@dataclass
class Ruleset:
    """A ruleset that is active for every branch in ``branches``.

    ``caller_bypass`` is whether whoever asks may bypass it: never, always, pull_requests_only.
    """

    id: int
    rules: list[dict[str, Any]]
    branches: tuple[str, ...] = ("main",)
    name: str = "main"
    bypass: list[dict[str, Any]] = field(default_factory=list)
    caller_bypass: str = "never"


@dataclass
class Protection:
    """Classic protection of a branch."""

    approvals: int | None = 1
    last_push: bool = True
    dismissers: dict[str, list[str]] | None = None
    bypass: dict[str, list[str]] | None = None
    checks: dict[str, int | None] = field(default_factory=dict)
    enforce_admins: bool = True
    force_pushes: bool = False
    deletions: bool = False


@dataclass
class Environment:
    """An environment; ``policies`` None is every branch, an empty list is none."""

    policies: list[tuple[str, str]] | None = None
    protected_branches: bool = False


@dataclass
class Review:
    """A review of a pull request."""

    id: int
    user: str
    state: str
    commit: str
    submitted_at: str = WHEN


@dataclass
class PullRequest:
    """A pull request; ``head_repository`` is the fork that it is from."""

    number: int
    user: str
    head: str
    base: str = "main"
    head_ref: str = "change"
    head_repository: str = ""
    merged: bool = False
    reviews: list[Review] = field(default_factory=list)
    comments: list[Body] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass
class Repository:
    """A repository; tests change it, as people do."""

    full_name: str = "acme/shop"
    default_branch: str = "main"
    private: bool = True
    has_protection: bool = True
    """Whether the plan has protected branches and rulesets for it."""
    branches: dict[str, str] = field(default_factory=lambda: {"main": commit_id("main")})
    rulesets: list[Ruleset] = field(default_factory=list)
    protection: dict[str, Protection] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    workflow_default: str = "read"
    workflow_approves: bool = False
    people: dict[str, str] = field(default_factory=lambda: {"ana": "write", "olga": "admin"})
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    checks: list[Body] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address in the API."""
        return f"{API}/repos/{self.full_name}"

    def body(self) -> Body:
        """``full-repository``."""
        return repository(self.full_name, self.default_branch, private=self.private)

    def pull(self, pull: PullRequest, *, full: bool) -> Body:
        """``pull-request``, or ``pull-request-simple``."""
        url, page = f"{self.url}/pulls/{pull.number}", f"{WEB}/{self.full_name}/pull/{pull.number}"
        issue = f"{self.url}/issues/{pull.number}"
        statuses = f"{self.url}/statuses/{pull.head}"
        links = {
            "self": url,
            "html": page,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self.url}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        names = ("comments", "review_comments", "review_comment", "commits", "statuses", "issue")
        simple: Body = {
            "id": pull.number,
            "node_id": f"PR_{pull.number}",
            "number": pull.number,
            "url": url,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            **{f"{name}_url": links[name] for name in names},
            "_links": {name: {"href": address} for name, address in links.items()},
            "state": "closed" if pull.merged else "open",
            "locked": False,
            "title": "Change an order",
            "body": None,
            "user": user(pull.user),
            "labels": [],
            "assignee": None,
            "milestone": None,
            "auto_merge": None,
            "author_association": "MEMBER",
            "created_at": WHEN,
            "updated_at": WHEN,
            "closed_at": WHEN if pull.merged else None,
            "merged_at": WHEN if pull.merged else None,
            "merge_commit_sha": commit_id(f"merge of {pull.number}"),
            "head": self._end(pull.head_ref, pull.head, pull.head_repository or self.full_name),
            "base": self._end(pull.base, self.branches[pull.base], self.full_name),
        }
        if not full:
            return simple
        counts = ("additions", "deletions", "review_comments", "commits")
        return {
            **simple,
            **dict.fromkeys(counts, 1),
            "changed_files": len(pull.files),
            "comments": len(pull.comments),
            "merged": pull.merged,
            "merged_by": user("olga") if pull.merged else None,
            "mergeable": None,
            "mergeable_state": "unknown",
            "maintainer_can_modify": False,
        }

    def _end(self, ref: str, sha: str, full_name: str) -> Body:
        owner = full_name.partition("/")[0]
        return {
            "label": f"{owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": user(owner),
            "repo": repository(full_name, self.default_branch, private=self.private),
        }

    def review(self, pull: PullRequest, review: Review) -> Body:
        """``pull-request-review``."""
        page = f"{WEB}/{self.full_name}/pull/{pull.number}#pullrequestreview-{review.id}"
        address = f"{self.url}/pulls/{pull.number}"
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": user(review.user),
            "body": "",
            "state": review.state,
            "html_url": page,
            "pull_request_url": address,
            "_links": {"html": {"href": page}, "pull_request": {"href": address}},
            "submitted_at": review.submitted_at,
            "commit_id": review.commit,
            "author_association": "MEMBER",
        }

    def comment(self, pull: PullRequest, number: int, login: str, text: str) -> Body:
        """``issue-comment``."""
        return {
            "id": number,
            "node_id": f"IC_{number}",
            "url": f"{self.url}/issues/comments/{number}",
            "html_url": f"{WEB}/{self.full_name}/pull/{pull.number}#issuecomment-{number}",
            "issue_url": f"{self.url}/issues/{pull.number}",
            "user": user(login),
            "body": text,
            "author_association": "MEMBER",
            "created_at": WHEN,
            "updated_at": WHEN,
        }

    def branch_protection(self, name: str) -> Body:
        """``branch-protection``, as who administers the repository gets it."""
        found = self.protection[name]
        url = f"{self.url}/branches/{name}/protection"
        body: Body = {
            "url": url,
            "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": found.enforce_admins},
            "allow_force_pushes": {"enabled": found.force_pushes},
            "allow_deletions": {"enabled": found.deletions},
        }
        if found.checks:
            body["required_status_checks"] = self.classic_checks(found)
        if found.approvals is not None:
            reviews: Body = {
                "url": f"{url}/required_pull_request_reviews",
                "dismiss_stale_reviews": False,
                "require_code_owner_reviews": False,
                "required_approving_review_count": found.approvals,
                "require_last_push_approval": found.last_push,
            }
            if found.dismissers is not None:
                reviews["dismissal_restrictions"] = _actors(found.dismissers)
            if found.bypass is not None:
                reviews["bypass_pull_request_allowances"] = _actors(found.bypass)
            body["required_pull_request_reviews"] = reviews
        return body

    def classic_checks(self, protection: Protection) -> Body:
        """``protected-branch-required-status-check``."""
        return {
            "enforcement_level": "everyone" if protection.enforce_admins else "non_admins",
            "contexts": list(protection.checks),
            "checks": [
                {"context": name, "app_id": number} for name, number in protection.checks.items()
            ],
        }


def _actors(names: dict[str, list[str]]) -> Body:
    return {
        "users": [user(name) for name in names.get("users", [])],
        "teams": [],
        "apps": [app(name, 1) for name in names.get("apps", [])],
    }

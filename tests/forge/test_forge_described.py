"""The forge answers as GitHub's published description of its API says."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from forge.bodies import ACTIONS_APP, commit_id
from forge.content import Environment, Protection, PullRequest, Review
from forge.description import Description, install
from forge.guarded import check_rule, pull_request_rule
from forge.server import Forge

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

REPOSITORY = "/repos/{owner}/{repo}"
PULL = f"{REPOSITORY}/pulls/{{pull_number}}"
SHA = commit_id("head")

READS = (
    (REPOSITORY, {}),
    (f"{REPOSITORY}/branches/{{branch}}", {"branch": "main"}),
    (f"{REPOSITORY}/branches/{{branch}}", {"branch": "classic"}),
    (f"{REPOSITORY}/branches/{{branch}}", {"branch": "none"}),
    (f"{REPOSITORY}/branches/{{branch}}/protection", {"branch": "classic"}),
    (f"{REPOSITORY}/branches/{{branch}}/protection", {"branch": "open"}),
    (f"{REPOSITORY}/branches/{{branch}}/protection", {"branch": "main"}),
    (f"{REPOSITORY}/rules/branches/{{branch}}", {"branch": "main"}),
    (f"{REPOSITORY}/rules/branches/{{branch}}", {"branch": "no%2Fsuch"}),
    (f"{REPOSITORY}/rulesets/{{ruleset_id}}", {"ruleset_id": "7"}),
    (f"{REPOSITORY}/rulesets/{{ruleset_id}}", {"ruleset_id": "8"}),
    (f"{REPOSITORY}/environments/{{environment_name}}", {"environment_name": "hubspot-write"}),
    (f"{REPOSITORY}/environments/{{environment_name}}", {"environment_name": "open"}),
    (f"{REPOSITORY}/environments/{{environment_name}}", {"environment_name": "none"}),
    (
        f"{REPOSITORY}/environments/{{environment_name}}/deployment-branch-policies",
        {"environment_name": "hubspot-write"},
    ),
    (f"{REPOSITORY}/actions/permissions/workflow", {}),
    (f"{REPOSITORY}/pulls", {}),
    (PULL, {"pull_number": "1"}),
    (PULL, {"pull_number": "2"}),
    (PULL, {"pull_number": "9"}),
    (f"{PULL}/files", {"pull_number": "1"}),
    (f"{PULL}/reviews", {"pull_number": "1"}),
    (f"{REPOSITORY}/commits/{{commit_sha}}/pulls", {"commit_sha": SHA}),
    (f"{REPOSITORY}/commits/{{ref}}/check-runs", {"ref": SHA}),
    (f"{REPOSITORY}/issues/{{issue_number}}/comments", {"issue_number": "1"}),
    (f"{REPOSITORY}/collaborators/{{username}}/permission", {"username": "ana"}),
    (f"{REPOSITORY}/collaborators/{{username}}/permission", {"username": "nobody"}),
)
OUTPUT = {"title": "1 change", "summary": "text"}
WRITES: tuple[tuple[str, str, dict[str, str], dict[str, Any]], ...] = (
    ("POST", f"{REPOSITORY}/check-runs", {}, {"name": "reconcile", "head_sha": SHA}),
    ("POST", f"{REPOSITORY}/check-runs", {}, {"name": "reconcile"}),
    (
        "PATCH",
        f"{REPOSITORY}/check-runs/{{check_run_id}}",
        {"check_run_id": "1"},
        {"conclusion": "success", "output": OUTPUT},
    ),
    (
        "POST",
        f"{REPOSITORY}/issues/{{issue_number}}/comments",
        {"issue_number": "1"},
        {"body": "a"},
    ),
    (
        "POST",
        f"{REPOSITORY}/issues/{{issue_number}}/comments",
        {"issue_number": "1"},
        {"body": "a" * 70_000},
    ),
    (
        "PATCH",
        f"{REPOSITORY}/issues/comments/{{comment_id}}",
        {"comment_id": "1"},
        {"body": "b"},
    ),
    *(
        (
            "PUT",
            f"{PULL}/reviews/{{review_id}}/dismissals",
            {"pull_number": "1", "review_id": review},
            {"message": "The effects changed."},
        )
        for review in ("5", "5", "6", "9")
    ),
)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Description:
    """GitHub's description."""
    return Description(install(tmp_path_factory.mktemp("octokit") / "packages"))


@pytest.fixture
def filled(forge: Forge) -> Iterator[Forge]:
    """A forge with one of everything."""
    shop = forge.repository
    shop.branches |= {"classic": commit_id("classic"), "open": commit_id("open")}
    actor = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}
    shop.rulesets[0].bypass = [actor]
    queue = {
        "check_response_timeout_minutes": 60,
        "grouping_strategy": "ALLGREEN",
        "max_entries_to_build": 5,
        "max_entries_to_merge": 5,
        "merge_method": "MERGE",
        "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 5,
    }
    shop.rulesets[0].rules += [
        check_rule("tests", None),
        pull_request_rule(dismissal_restriction={"enabled": True, "allowed_actors": []}),
        {"type": "merge_queue", "parameters": queue},
    ]
    shop.protection["classic"] = Protection(
        dismissers={"users": ["ana"], "apps": ["github-actions"]},
        bypass={"users": ["ana"]},
        checks={"reconcile": ACTIONS_APP, "tests": None},
    )
    shop.protection["open"] = Protection(approvals=None)
    shop.environments["open"] = Environment()
    shop.pulls[1] = PullRequest(
        1,
        "ana",
        SHA,
        reviews=[
            Review(5, "olga", "APPROVED", SHA),
            Review(6, "olga", "COMMENTED", SHA),
        ],
        files=["orders/a.yaml"],
    )
    shop.pulls[1].comments = [shop.comment(shop.pulls[1], 1, "ana", "/reconcile allow drift=3")]
    fork = "eve/shop"
    shop.pulls[2] = PullRequest(2, "eve", commit_id("fork"), head_repository=fork, merged=True)
    yield forge


def ask(
    forge: Forge,
    token: str,
    method: str,
    template: str,
    names: dict[str, str],
    *,
    body: object = None,
) -> httpx.Response:
    """Make one call."""
    path = template.format(owner="acme", repo="shop", **names)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=forge.url, headers=headers, trust_env=False) as client:
        return client.request(method, path, json=body)


def test_everything_that_is_read_is_as_described(filled: Forge, described: Description) -> None:
    """For who may everything, for a job's own token, and for a wrong one."""
    wrong = []
    for token in (filled.admin, filled.token, "wrong"):
        for template, names in READS:
            got = ask(filled, token, "GET", template, names)
            wrong += [
                f"{token} {template} {names} {got.status_code} {problem}"
                for problem in described.problems("GET", template, got.status_code, got.json())
            ]
    assert wrong == []


def test_everything_that_is_written_is_answered_as_described(
    filled: Forge, described: Description
) -> None:
    """Also what is refused."""
    wrong = []
    statuses = []
    for method, template, names, body in WRITES:
        got = ask(filled, filled.token, method, template, names, body=body)
        statuses.append(got.status_code)
        wrong += [
            f"{method} {template} {names} {got.status_code} {problem}"
            for problem in described.problems(method, template, got.status_code, got.json())
        ]
    assert wrong == []
    assert statuses == [201, 422, 200, 201, 422, 200, 200, 422, 422, 404]


def test_every_route_is_asked() -> None:
    """What the forge can answer is compared with the description."""
    from forge import pull_routes, settings_routes  # noqa: PLC0415

    names = re.compile(r"\{[^}]*\}")
    asked = {("GET", names.sub("{}", template)) for template, _ in READS}
    asked |= {(method, names.sub("{}", template)) for method, template, *_ in WRITES}
    served = {
        (method, names.sub("{}", route.path))
        for route in (*settings_routes.ROUTES, *pull_routes.ROUTES)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == asked


def test_the_description_finds_what_is_wrong(filled: Forge, described: Description) -> None:
    """Otherwise the tests above would say nothing."""
    body = ask(filled, filled.admin, "GET", REPOSITORY, {}).json()
    for damaged in (body | {"private": "yes"}, {k: v for k, v in body.items() if k != "owner"}):
        assert described.problems("GET", REPOSITORY, 200, damaged)
    assert described.problems("GET", REPOSITORY, 418, body)

"""Settings of a repository: branches, protection, rulesets, environments, workflow permissions.

Each handler names the operation of GitHub's OpenAPI description that it follows. Permissions are
from docs.github.com, "Permissions required for fine-grained personal access tokens".
"""

from forge.answers import Refusal, answer, page
from forge.bodies import WEB, WHEN, Body, commit, number_of
from forge.content import Repository, Ruleset
from forge.seen import seen
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

UPGRADE = "Upgrade to GitHub Pro or make this repository public to enable this feature."
"""Both for protected branches and for rulesets (SoftEtherApp/SoftEther-Web#37)."""


async def repository(request: Request) -> Response:
    """``repos/get``."""
    return answer(seen(request, "metadata").repository.body())


async def branch(request: Request) -> Response:
    """``repos/get-branch``: shows which checks classic protection requires to every reader."""
    found = seen(request, "contents").repository
    name = request.path_params["branch"]
    sha = _branch(found, name)
    url = f"{found.url}/branches/{name}"
    protection: Body = {"enabled": False}
    if name in found.protection:
        checks = found.classic_checks(found.protection[name])
        protection = {"enabled": True, "required_status_checks": checks}
    rules = any(name in one.branches for one in found.rulesets)
    body = {
        "name": name,
        "commit": commit(found.full_name, sha),
        "_links": {"self": url, "html": f"{WEB}/{found.full_name}/tree/{name}"},
        "protected": name in found.protection or rules,
        "protection": protection,
        "protection_url": f"{url}/protection",
    }
    return answer(body)


async def protection(request: Request) -> Response:
    """``repos/get-branch-protection``."""
    found = seen(request, "administration").repository
    _require_plan(found)
    name = request.path_params["branch"]
    _branch(found, name)
    if name not in found.protection:
        raise Refusal(404, "Branch not protected")
    return answer(found.branch_protection(name))


async def rules(request: Request) -> Response:
    """``repos/get-branch-rules``: the active rules of all rulesets; the branch need not exist."""
    found = seen(request, "metadata").repository
    _require_plan(found)
    name = request.path_params["branch"]
    source = {"ruleset_source_type": "Repository", "ruleset_source": found.full_name}
    items = [
        {**rule, **source, "ruleset_id": one.id}
        for one in found.rulesets
        if name in one.branches
        for rule in one.rules
    ]
    return page(request, items)


async def ruleset(request: Request) -> Response:
    """``repos/get-repo-ruleset``: who may bypass it is shown to who may edit it."""
    access = seen(request, "metadata")
    _require_plan(access.repository)
    number = int(request.path_params["number"])
    for one in access.repository.rulesets:
        if one.id == number:
            return answer(_ruleset(access.repository, one, edits=access.may("administration")))
    raise Refusal(404, "Not Found")


def _ruleset(repository: Repository, one: Ruleset, *, edits: bool) -> Body:
    body: Body = {
        "id": one.id,
        "name": one.name,
        "target": "branch",
        "source_type": "Repository",
        "source": repository.full_name,
        "enforcement": "active",
        "conditions": {
            "ref_name": {"include": [f"refs/heads/{name}" for name in one.branches], "exclude": []}
        },
        "rules": one.rules,
        "current_user_can_bypass": one.caller_bypass,
    }
    return {**body, "bypass_actors": one.bypass} if edits else body


async def environment(request: Request) -> Response:
    """``repos/get-environment``."""
    found = seen(request, "actions").repository
    name = request.path_params["name"]
    if name not in found.environments:
        raise Refusal(404, "Not Found")
    one = found.environments[name]
    limits = None
    rules: list[Body] = []
    if one.protected_branches or one.policies is not None:
        limits = {
            "protected_branches": one.protected_branches,
            "custom_branch_policies": not one.protected_branches,
        }
        rules = [{"id": 1, "node_id": "GA_1", "type": "branch_policy"}]
    body = {
        "id": number_of(name),
        "node_id": f"EN_{number_of(name)}",
        "name": name,
        "url": f"{found.url}/environments/{name}",
        "html_url": f"{WEB}/{found.full_name}/deployments/activity_log?environments_filter={name}",
        "created_at": WHEN,
        "updated_at": WHEN,
        "protection_rules": rules,
        "deployment_branch_policy": limits,
    }
    return answer(body)


async def policies(request: Request) -> Response:
    """``repos/list-deployment-branch-policies``."""
    found = seen(request, "actions").repository
    name = request.path_params["name"]
    if name not in found.environments:
        raise Refusal(404, "Not Found")
    items = [
        {"id": number, "node_id": f"GP_{number}", "name": pattern, "type": kind}
        for number, (kind, pattern) in enumerate(found.environments[name].policies or (), 1)
    ]
    return page(request, items, "branch_policies")


async def workflow(request: Request) -> Response:
    """``actions/get-github-actions-default-workflow-permissions-repository``."""
    found = seen(request, "administration").repository
    body = {
        "default_workflow_permissions": found.workflow_default,
        "can_approve_pull_request_reviews": found.workflow_approves,
    }
    return answer(body)


def _branch(found: Repository, name: str) -> str:
    if name not in found.branches:
        raise Refusal(404, "Branch not found")
    return found.branches[name]


def _require_plan(found: Repository) -> None:
    if not found.has_protection:
        raise Refusal(403, UPGRADE)


BASE = "/repos/{owner}/{repo}"
ROUTES = [
    Route(f"{BASE}/branches/{{branch:path}}/protection", protection),
    Route(f"{BASE}/branches/{{branch:path}}", branch),
    Route(f"{BASE}/rules/branches/{{branch:path}}", rules),
    Route(f"{BASE}/rulesets/{{number:int}}", ruleset),
    Route(f"{BASE}/environments/{{name}}/deployment-branch-policies", policies),
    Route(f"{BASE}/environments/{{name}}", environment),
    Route(f"{BASE}/actions/permissions/workflow", workflow),
    Route(BASE, repository),
]

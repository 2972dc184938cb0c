"""Pull requests, reviews, comments, who may write, and check runs.

Each handler names the operation of GitHub's OpenAPI description that it follows.
"""

from forge.answers import Refusal, answer, body_of, missing, page
from forge.bodies import ACTIONS_APP, WEB, WHEN, Body, app, commit_id, user
from forge.content import PullRequest, Repository
from forge.seen import Access, seen
from forge.settings_routes import BASE
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PULLS = ("pull_requests",)
COMMENTS = ("issues", "pull_requests")
TOO_LONG = 65_536
"""Characters of a comment: beyond, 422 "Body is too long" (hashicorp/terraform-cdk-action#150)."""


async def pulls(request: Request) -> Response:
    """``pulls/list``: the open ones, unless ``state`` says otherwise."""
    found = seen(request, *PULLS).repository
    state = request.query_params.get("state", "open")
    shown = [one for one in found.pulls.values() if state in ("all", _state(one))]
    return page(request, [found.pull(one, full=False) for one in shown])


async def pull(request: Request) -> Response:
    """``pulls/get``."""
    found = seen(request, *PULLS).repository
    return answer(found.pull(_pull(request, found), full=True))


async def pulls_of_commit(request: Request) -> Response:
    """``repos/list-pull-requests-associated-with-commit``."""
    found = seen(request, *PULLS).repository
    sha = request.path_params["sha"]
    shown = [
        one
        for one in found.pulls.values()
        if sha in (one.head, commit_id(f"merge of {one.number}"))
    ]
    return page(request, [found.pull(one, full=False) for one in shown])


async def files(request: Request) -> Response:
    """``pulls/list-files``."""
    found = seen(request, *PULLS).repository
    one = _pull(request, found)
    return page(request, [_file(found, one, name) for name in one.files])


async def reviews(request: Request) -> Response:
    """``pulls/list-reviews``: in the order of time."""
    found = seen(request, *PULLS).repository
    one = _pull(request, found)
    return page(request, [found.review(one, review) for review in one.reviews])


async def dismissal(request: Request) -> Response:
    """``pulls/dismiss-review``.

    Refused where protection restricts who may dismiss (MorrisonCole/pr-lint-action#371), and for
    reviews that approve or refuse nothing (cpp-linter/cpp-linter-action#290).
    """
    access = seen(request, *PULLS, level="write")
    one = _pull(request, access.repository)
    number = request.path_params["review"]
    review = next((review for review in one.reviews if review.id == number), None)
    if review is None:
        raise Refusal(404, "Not Found")
    if not (await body_of(request)).get("message"):
        raise missing("PullRequestReview", "message")
    if not _may_dismiss(access, one):
        raise Refusal(403, "Branch protections do not permit dismissing this review")
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        text = f"Can not dismiss a {review.state.lower()} pull request review"
        raise Refusal(422, "Unprocessable Entity", errors=[text])
    review.state = "DISMISSED"
    return answer(access.repository.review(one, review))


def _may_dismiss(access: Access, one: PullRequest) -> bool:
    """Everybody who can write may, unless somebody is named: then those, and admins."""
    protection = access.repository.protection.get(one.base)
    if protection is None or protection.dismissers is None or access.may("administration"):
        return True
    named = {*protection.dismissers.get("users", []), *protection.dismissers.get("apps", [])}
    return access.caller.login.removesuffix("[bot]") in named


async def comments(request: Request) -> Response:
    """``issues/list-comments``: in the order of their ids."""
    found = seen(request, *COMMENTS).repository
    return page(request, _pull(request, found).comments)


async def new_comment(request: Request) -> Response:
    """``issues/create-comment``."""
    access = seen(request, *COMMENTS, level="write")
    one = _pull(request, access.repository)
    text = await _text(request)
    number = 1 + sum(len(pull.comments) for pull in access.repository.pulls.values())
    made = access.repository.comment(one, number, access.caller.login, text)
    one.comments.append(made)
    return answer(made, 201)


async def edit_comment(request: Request) -> Response:
    """``issues/update-comment``."""
    found = seen(request, *COMMENTS, level="write").repository
    number = request.path_params["number"]
    for one in found.pulls.values():
        for comment in one.comments:
            if comment["id"] == number:
                comment["body"] = await _text(request)
                return answer(comment)
    raise Refusal(404, "Not Found")


async def permission(request: Request) -> Response:
    """``repos/get-collaborator-permission-level``: ``none`` for who has no role."""
    found = seen(request, "metadata").repository
    login = request.path_params["user"]
    role = found.people.get(login, "none")
    level = {"maintain": "write", "triage": "read"}.get(role, role)
    body = {"permission": level, "role_name": role, "user": {**user(login), "role_name": role}}
    return answer(body)


async def new_check(request: Request) -> Response:
    """``checks/create``: the check is of the app whose token it is."""
    found = seen(request, "checks", level="write").repository
    given = await body_of(request)
    for name in ("name", "head_sha"):
        if not given.get(name):
            raise missing("CheckRun", name)
    made = _check(found, len(found.checks) + 1, given)
    found.checks.append(made)
    return answer(made, 201)


async def edit_check(request: Request) -> Response:
    """``checks/update``."""
    found = seen(request, "checks", level="write").repository
    number = request.path_params["number"]
    for index, one in enumerate(found.checks):
        if one["id"] == number:
            given = {"name": one["name"], "head_sha": one["head_sha"], **await body_of(request)}
            found.checks[index] = _check(found, number, given)
            return answer(found.checks[index])
    raise Refusal(404, "Not Found")


async def checks(request: Request) -> Response:
    """``checks/list-for-ref``: a commit's runs, the newest first."""
    found = seen(request, "checks").repository
    ref = request.path_params["ref"]
    sha = found.branches.get(ref, ref)
    name = request.query_params.get("check_name")
    shown = [one for one in found.checks if one["head_sha"] == sha and name in (None, one["name"])]
    return page(request, shown[::-1], "check_runs")


def _check(found: Repository, number: int, given: Body) -> Body:
    conclusion = given.get("conclusion")
    output = given.get("output") or {}
    assert isinstance(output, dict)
    url = f"{found.url}/check-runs/{number}"
    return {
        "id": number,
        "node_id": f"CR_{number}",
        "name": given["name"],
        "head_sha": given["head_sha"],
        "url": url,
        "html_url": f"{WEB}/{found.full_name}/runs/{number}",
        "details_url": given.get("details_url") or f"{WEB}/{found.full_name}/runs/{number}",
        "external_id": given.get("external_id") or "",
        "status": "completed" if conclusion else given.get("status") or "queued",
        "conclusion": conclusion,
        "started_at": WHEN,
        "completed_at": WHEN if conclusion else None,
        "check_suite": {"id": 1},
        "app": app("github-actions", ACTIONS_APP),
        "pull_requests": [],
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": len(output.get("annotations") or ()),
            "annotations_url": f"{url}/annotations",
        },
    }


def _file(found: Repository, one: PullRequest, name: str) -> Body:
    return {
        "sha": commit_id(name),
        "filename": name,
        "status": "modified",
        "additions": 1,
        "deletions": 1,
        "changes": 2,
        "blob_url": f"{WEB}/{found.full_name}/blob/{one.head}/{name}",
        "raw_url": f"{WEB}/{found.full_name}/raw/{one.head}/{name}",
        "contents_url": f"{found.url}/contents/{name}?ref={one.head}",
        "patch": "@@ -1 +1 @@\n-a\n+b",
    }


def _state(one: PullRequest) -> str:
    return "closed" if one.merged else "open"


def _pull(request: Request, found: Repository) -> PullRequest:
    one = found.pulls.get(request.path_params["pull"])
    if one is None:
        raise Refusal(404, "Not Found")
    return one


async def _text(request: Request) -> str:
    text = (await body_of(request)).get("body")
    if not isinstance(text, str) or not text:
        raise missing("IssueComment", "body")
    if len(text) > TOO_LONG:
        error = {
            "resource": "IssueComment",
            "code": "unprocessable",
            "field": "data",
            "message": "Body is too long (maximum is 65536 characters)",
        }
        raise Refusal(422, "Validation Failed", errors=[error])
    return text


_PULL = f"{BASE}/pulls/{{pull:int}}"
_COMMENTS = f"{BASE}/issues/{{pull:int}}/comments"
ROUTES = [
    Route(f"{BASE}/pulls", pulls),
    Route(_PULL, pull),
    Route(f"{_PULL}/files", files),
    Route(f"{_PULL}/reviews", reviews),
    Route(f"{_PULL}/reviews/{{review:int}}/dismissals", dismissal, methods=["PUT"]),
    Route(f"{BASE}/commits/{{sha}}/pulls", pulls_of_commit),
    Route(f"{BASE}/commits/{{ref:path}}/check-runs", checks),
    Route(_COMMENTS, comments),
    Route(_COMMENTS, new_comment, methods=["POST"]),
    Route(f"{BASE}/issues/comments/{{number:int}}", edit_comment, methods=["PATCH"]),
    Route(f"{BASE}/collaborators/{{user}}/permission", permission),
    Route(f"{BASE}/check-runs", new_check, methods=["POST"]),
    Route(f"{BASE}/check-runs/{{number:int}}", edit_check, methods=["PATCH"]),
]

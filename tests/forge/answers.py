"""How the forge answers: tokens and their permissions, refusals, pages, rate limits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from forge.bodies import Body
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DOCS = "https://docs.github.com/rest"
LEVELS = ("none", "read", "write")


@dataclass(frozen=True)
class Caller:
    """A token: whose it is, and what it may do.

    ``kind`` is "integration" for a job's own token, "personal access token" for a fine-grained one:
    the words of GitHub's refusals.
    """

    login: str
    permissions: dict[str, str] = field(default_factory=dict)
    kind: str = "integration"

    def may(self, permission: str, level: str) -> bool:
        """Return whether it has a permission."""
        return LEVELS.index(self.permissions.get(permission, "none")) >= LEVELS.index(level)


class Refusal(Exception):
    """An answer that is not the one that was asked for."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: Body = {"message": message, "documentation_url": DOCS, **more}
        if status != 422:
            self.body["status"] = str(status)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return JSON, with the headers that every answer has ("Rate limits for the REST API")."""
    limits = {
        "x-ratelimit-limit": "1000",
        "x-ratelimit-remaining": "999",
        "x-ratelimit-used": "1",
        "x-ratelimit-reset": "1900000000",
        "x-ratelimit-resource": "core",
    }
    return JSONResponse(body, status, headers={**limits, **(headers or {})})


def primary_limit(resets: int) -> Response:
    """Return the answer beyond the primary rate limit ("Rate limits for the REST API")."""
    body = Refusal(403, "API rate limit exceeded for installation ID 1.").body
    return answer(body, 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(resets)})


def secondary_limit(after: int | None = None, status: int = 403) -> Response:
    """Return the answer beyond a secondary rate limit; its wait is not always said."""
    text = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    headers = {} if after is None else {"retry-after": str(after)}
    return answer(Refusal(status, text).body, status, headers)


def page(request: Request, items: Sequence[object], key: str = "") -> Response:
    """Return one page of a list with its Link header ("Using pagination in the REST API").

    30 items without ``per_page``, at most 100. With ``key`` the answer is an object that counts.
    """
    size = min(int(request.query_params.get("per_page", "30")), 100)
    number = int(request.query_params.get("page", "1"))
    shown = list(items[(number - 1) * size : number * size])
    last = max((len(items) + size - 1) // size, 1)
    links = {}
    if number > 1:
        links |= {"prev": number - 1, "first": 1}
    if number < last:
        links |= {"next": number + 1, "last": last}
    line = ", ".join(
        f'<{request.url.include_query_params(page=to)}>; rel="{name}"' for name, to in links.items()
    )
    body: object = {"total_count": len(items), key: shown} if key else shown
    return answer(body, headers={"link": line} if line else None)


async def body_of(request: Request) -> Body:
    """Return the JSON of a request; GitHub answers others with 400."""
    try:
        found = json.loads(await request.body())
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "Body should be a JSON object")
    return found


def missing(resource: str, name: str) -> Refusal:
    """Return the refusal of a body without a member that it needs."""
    error = {"resource": resource, "code": "missing_field", "field": name}
    return Refusal(422, "Validation Failed", errors=[error])

"""Calls to GitHub's REST API: reading, pages, writing; waiting and repeating where that is safe."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from reconcile.errors import GitHubRefused, GitHubUnavailable
from reconcile.github.access import Access
from reconcile.github.reply_decisions import decide
from reconcile.hubspot.connection import Connection, NoReply, NotSent, Reply

Body = TypeVar("Body", bound=BaseModel)

API_VERSION = "2022-11-28"
"""Sent as X-GitHub-Api-Version. docs.github.com/rest/about-the-rest-api/api-versions."""

ATTEMPTS = 4
PER_PAGE = 100
"""The most that GitHub gives (docs.github.com/rest/using-the-rest-api/using-pagination)."""
MAX_PAGES = 100
"""Pages of one list: 10,000 things, more than a pull request can have of anything."""
_MAX_BODY = 16 * 1024 * 1024


class GitHub:
    """GitHub's REST API, called with one token.

    Every method raises GitHubRefused where GitHub refuses this call or answers it with what cannot
    be used, and GitHubUnavailable where the token is wrong, a rate limit is used up or no usable
    response came. ``needs`` is the permission that a call needs, for the hint of a refusal
    ("`contents: read`"). ``timeout`` is the seconds that one attempt may take in total. ``sleep``
    and ``now`` (seconds since 1970) are for tests.
    """

    def __init__(
        self,
        access: Access,
        *,
        timeout: float = 30.0,
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = access.url
        self._variable = access.variable
        self._sleep = sleep
        self._now = now
        self._connection = Connection(
            access.url,
            access.token.reveal(),
            timeout=timeout,
            environment=access.url.startswith("https://"),
            max_body=_MAX_BODY,
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": API_VERSION,
            },
            service="GitHub",
        )

    def __enter__(self) -> "GitHub":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str, shape: type[Body], *, needs: str) -> Body:
        """Return what is at a path, which is from ``path_of``."""
        return self._body(self._call("GET", path, None, needs), shape, path)

    def pages(
        self,
        path: str,
        item: type[Body],
        *,
        needs: str,
        key: str = "",
        params: Mapping[str, str] | None = None,
    ) -> list[Body]:
        """Return every item of a list, from all of its pages.

        ``key`` is the name of the list in an answer that is an object.
        """
        found: list[Body] = []
        next_path = f"{path}?{urlencode({'per_page': str(PER_PAGE), **(params or {})})}"
        for _ in range(MAX_PAGES):
            reply = self._call("GET", next_path, None, needs)
            items = self._json(reply, path)
            if key:
                items = items.get(key) if isinstance(items, dict) else None
            if not isinstance(items, list):
                raise _unusable(reply, path)
            found += [self._item(reply, one, item, path) for one in items]
            following = self._next(reply, path)
            if not following:
                return found
            next_path = following
        raise GitHubRefused(f"GitHub's list {path} has more than {MAX_PAGES} pages", status=200)

    def write(
        self, method: str, path: str, body: Mapping[str, object], shape: type[Body], *, needs: str
    ) -> Body:
        """Send a call that changes something, and return GitHub's answer.

        It is sent again only where GitHub certainly did not carry it out.
        """
        return self._body(self._call(method, path, body, needs), shape, path)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None, needs: str) -> Reply:
        content = None if body is None else json.dumps(body).encode()
        attempt = 0
        while True:
            attempt += 1
            outcome: Reply | NotSent | NoReply
            try:
                outcome = self._connection.send(
                    method, path, params=None, content=content, name=f"{method} {path}"
                )
            except NotSent as error:
                outcome = self._with_hint(error)
            except NoReply as error:
                outcome = error
            if isinstance(outcome, Reply) and outcome.status < 300:
                return outcome
            decision = decide(
                outcome,
                repeatable=method == "GET",
                attempt=attempt,
                now=self._now(),
                needs=needs,
                variable=self._variable,
            )
            if decision.wait is None or attempt == ATTEMPTS:
                raise decision.error
            self._sleep(decision.wait)

    def _with_hint(self, error: NotSent) -> NotSent:
        """Return the failure; on this machine with a hint that is not about HubSpot's sandbox."""
        if self._url.startswith("https://"):
            return error
        return NotSent(
            str(error), permanent=error.permanent, hint=f"is a server running at {self._url}?"
        )

    def _next(self, reply: Reply, path: str) -> str:
        """Return the path of the next page, empty if there is none.

        Raises GitHubUnavailable if it is on another host: the token goes to one host only.
        """
        for part in reply.headers.get("link", "").split(","):
            address, _, parameters = part.partition(";")
            if 'rel="next"' in parameters:
                url = address.strip().removeprefix("<").removesuffix(">")
                if not url.startswith(f"{self._url}/"):
                    raise GitHubUnavailable(f"GitHub's list {path} goes on at another address")
                return url.removeprefix(self._url)
        return ""

    def _body(self, reply: Reply, shape: type[Body], path: str) -> Body:
        return self._item(reply, self._json(reply, path), shape, path)

    def _json(self, reply: Reply, path: str) -> Any:
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise _unusable(reply, path) from None

    def _item(self, reply: Reply, data: object, shape: type[Body], path: str) -> Body:
        try:
            return shape.model_validate(data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise _unusable(reply, path, where) from None


def path_of(*parts: str | int) -> str:
    """Return a path of the API: each part is escaped as a whole."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _unusable(reply: Reply, path: str, where: str = "") -> GitHubRefused:
    at = f": {where} is not as documented" if where else ": it is not the documented JSON"
    return GitHubRefused(
        f"GitHub's answer for {path} cannot be used{at}",
        status=reply.status,
        hint="if GITHUB_API_URL leads to GitHub, its API has changed: upgrade reconcile",
    )

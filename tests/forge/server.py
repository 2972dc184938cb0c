"""A forge in a box: the parts of GitHub's REST API that the gate uses, on a real socket.

Tests change ``forge.repository`` as people change their repository, and read it again.
"""

import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn
from forge import pull_routes, settings_routes
from forge.answers import Caller, Refusal, answer
from forge.content import Repository
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

JOB = {
    "metadata": "read",
    "contents": "read",
    "actions": "read",
    "pull_requests": "write",
    "checks": "write",
}
"""What the workflow's ``permissions:`` give a job's own token; it can have no administration."""
ADMIN = {**JOB, "administration": "write"}


class Forge:
    """The server, with one repository, until the ``with`` block ends.

    ``token`` is a job's own; ``admin`` is that of somebody who administers the repository.
    """

    token = "ghs_the-tokenOfAJob"
    admin = "github_pat_the-tokenOfAnAdmin"

    def __init__(self) -> None:
        self.repository = Repository()
        self.repositories = {self.repository.full_name: self.repository}
        self.tokens = {
            self.token: Caller("github-actions[bot]", dict(JOB)),
            self.admin: Caller("olga", dict(ADMIN), "personal access token"),
        }
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.refusals: list[Response | Callable[[Request], Response] | None] = []
        """Answers to the next calls, instead of the right ones; None is the right one."""
        self._socket = socket.socket()

    def environment(self, token: str = "") -> dict[str, str]:
        """Return the variables of a job."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_TOKEN": token or self.token,
            "GITHUB_REPOSITORY": self.repository.full_name,
        }

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "Forge":
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(128)  # who calls before the server runs waits for it
        app = Starlette(
            routes=[*settings_routes.ROUTES, *pull_routes.ROUTES],
            exception_handlers={Refusal: _refused, 404: _unknown},
        )
        app.state.forge = self
        app.add_middleware(_Recording, forge=self)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="forge"
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class _Recording:
    """Records each call, and gives the answer that a test has set for it."""

    def __init__(self, app: Callable[..., object], forge: Forge) -> None:
        self.app = app
        self.forge = forge

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        assert isinstance(scope, dict)
        request = Request(scope)
        query = f"?{request.url.query}" if request.url.query else ""
        self.forge.calls.append(f"{request.method} {request.url.path}{query}")
        self.forge.headers.append(dict(request.headers))
        given = self.forge.refusals.pop(0) if self.forge.refusals else None
        if given is not None:
            response = given if isinstance(given, Response) else given(request)
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer(error.body, error.status)


async def _unknown(_: Request, __: Exception) -> Response:
    return answer(Refusal(404, "Not Found").body, 404)

"""What a token may see and do of a repository."""

from dataclasses import dataclass

from forge.answers import Caller, Refusal
from forge.content import Repository
from starlette.requests import Request


@dataclass(frozen=True)
class Access:
    """A repository as one caller reaches it."""

    caller: Caller
    repository: Repository

    def may(self, permission: str, level: str = "write") -> bool:
        """Return whether the caller has a permission."""
        return self.caller.may(permission, level)


def seen(request: Request, *permissions: str, level: str = "read") -> Access:
    """Return the repository of a request, if the token has one of some permissions.

    "Troubleshooting the REST API": 401 for a wrong token, 404 for a private repository that the
    token does not reach, 403 where it lacks a permission. What is public can be read without one.
    """
    forge = request.app.state.forge
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    caller: Caller | None = forge.tokens.get(token)
    if caller is None:
        raise Refusal(401, "Bad credentials")
    name = f"{request.path_params['owner']}/{request.path_params['repo']}"
    found: Repository | None = forge.repositories.get(name)
    if found is None or (found.private and not caller.may("metadata", "read")):
        raise Refusal(404, "Not Found")
    is_public = not found.private and level == "read" and "administration" not in permissions
    if not is_public and not any(caller.may(one, level) for one in permissions):
        raise Refusal(403, f"Resource not accessible by {caller.kind}")
    return Access(caller, found)

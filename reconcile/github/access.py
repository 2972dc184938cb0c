"""Where GitHub's API is and with which token it is called, from the environment.

A job on GitHub has ``GITHUB_API_URL`` set (docs.github.com/actions/reference/workflows-and-actions/
variables); a GitHub Enterprise Server has an address of its own. ``RECONCILE_GITHUB_TOKEN`` goes
before ``GITHUB_TOKEN``, since a job's own token cannot have every permission that a person's can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from reconcile.errors import UsageError
from reconcile.model.loopback import is_loopback
from reconcile.model.values import show
from reconcile.project.token import Token

PUBLIC = "https://api.github.com"
URL_VARIABLE = "GITHUB_API_URL"
TOKEN_VARIABLES = ("RECONCILE_GITHUB_TOKEN", "GITHUB_TOKEN")
"""The first that is set counts."""


@dataclass(frozen=True, slots=True)
class Access:
    """The API's address, without a slash at its end, and the token with the variable's name."""

    url: str
    token: Token
    variable: str


def access(environ: Mapping[str, str]) -> Access:
    """Return where and as whom to call GitHub.

    Raises UsageError without a token, or for an address that a token must not be sent to.
    """
    url = _address(environ.get(URL_VARIABLE) or PUBLIC)
    for name in TOKEN_VARIABLES:
        if text := environ.get(name):
            return Access(url, Token(text, origin=name), name)
    raise UsageError(
        "no token for GitHub: neither RECONCILE_GITHUB_TOKEN nor GITHUB_TOKEN is set",
        hint="in a workflow, set GITHUB_TOKEN: ${{ github.token }} in the step's env",
    )


def _address(text: str) -> str:
    """Return the address of the API. Raises UsageError unless it is https, or on this machine."""
    wrong = UsageError(
        f"{URL_VARIABLE} cannot be used: {show(text)}",
        hint=f"it must be https://HOST, with a path at most; unset it to use {PUBLIC}",
    )
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        raise wrong from None
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    plain = text.isascii() and text.isprintable() and not set(text) & set(" @?#\\")
    if not (is_allowed and parts.hostname and plain):
        raise wrong
    return text.rstrip("/")

"""Hosts that a token may be sent to: https hosts, and loopback for the sandbox."""

from urllib.parse import urlsplit

from reconcile.errors import UsageError
from reconcile.model.loopback import is_loopback
from reconcile.model.printable import clean


def checked_url(url: str) -> tuple[str, bool]:
    """Return the base URL without a trailing slash, and whether it is loopback.

    Raise UsageError if the token must not be sent there.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    local = is_loopback(host)
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"{clean(parts.geturl().rpartition('@')[2], 200)!r} is not a base URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise UsageError(
            f"{clean(url, 200)!r} is refused: the token is sent over https only",
            hint="plain http is allowed to this machine only, for the sandbox",
        )
    return url.rstrip("/"), local


def checked_token(token: str) -> str:
    """Return the token. Raise UsageError, without quoting it, if it cannot be in a header."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            "the token is empty or contains characters that are not allowed in a token",
            hint="check for a line break, a space or quotation marks around it",
        )
    return token

"""The identity of a GitHub Actions job, where the job may request an identity token.

The claims come over TLS from a host of GitHub's own, by an address and a token that the runner gave
to the job, and they name the issuer that belongs to this host. Their signature is not verified, so
they are called unverified wherever they are shown: whoever controls the job's environment can put
another job's address and token there. Neither the runner's token nor the identity token is stored.

GitHub documents the request as a GET of ``ACTIONS_ID_TOKEN_REQUEST_URL`` with ``&audience=`` added
and ``ACTIONS_ID_TOKEN_REQUEST_TOKEN`` as the bearer; the answer is ``{"value": JWT}``. The issuer
is ``token.`` and the domain that the address lies in, for github.com as for a company's ghe.com. A
GitHub Enterprise Server has a host of its own, which is unknown here: it is not asked.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from reconcile.model.loopback import is_loopback

AUDIENCE = "reconcile"
CLAIMS = (
    "repository",
    "ref",
    "sha",
    "actor",
    "run_id",
    "environment",
    "workflow_ref",
    "iss",
    "sub",
)
TIMEOUT = 10.0
"""Seconds to wait for the issuer."""

_LARGEST = 64 * 1024
_DOMAIN = re.compile(
    r"(?:[a-z0-9-]+\.)+?(actions\.githubusercontent\.com|actions\.[a-z0-9-]+\.ghe\.com)"
)
"""GitHub's hosts that issue identity tokens."""
_TEST_DOMAIN = "actions.githubusercontent.com"
"""The domain whose issuer a test on loopback replaces."""
_PLAIN = re.compile(r"[\x21-\x7e]+")


def claims(environ: Mapping[str, str], *, loopback: bool = False) -> dict[str, str]:
    """Return the job's claims; none without an identity, or without a valid response.

    The address must be https and one of GitHub's own; ``loopback`` allows http to this machine.
    """
    url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    token = environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not (_PLAIN.fullmatch(url) and _PLAIN.fullmatch(token)):
        return {}
    try:
        domain = _domain(url, loopback=loopback)
        found = _payload(json.loads(_ask(url, token))["value"])
        _require_issuer(found, domain)
        return {name: found[name] for name in CLAIMS if isinstance(found.get(name), str)}
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return {}


def _domain(url: str, *, loopback: bool) -> str:
    """Return the GitHub domain of an address. Raise ValueError for others."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if loopback and is_loopback(host) and parts.scheme == "http":
        return _TEST_DOMAIN
    found = _DOMAIN.fullmatch(host)
    if (
        found is None
        or parts.scheme != "https"
        or parts.port not in (None, 443)
        or "@" in parts.netloc
    ):
        raise ValueError("the issuer's address must be https, and a host of GitHub's")
    return found[1]


def _require_issuer(found: Any, domain: str) -> None:
    """Raise ValueError where claims are not from the domain's issuer, or not for reconcile."""
    issuer, audience = found["iss"], found["aud"]
    own = f"https://token.{domain}"
    # An enterprise may add its name to the issuer's address.
    if not (issuer == own or str(issuer).startswith(f"{own}/")) or audience != AUDIENCE:
        raise ValueError("the claims are from another issuer, or for another audience")


def _ask(url: str, token: str) -> bytes:
    """Return the issuer's response. Raise ValueError for an unusable one."""
    from reconcile.hubspot.connection import Connection, NoReply, NotSent  # noqa: PLC0415  (rarely used)

    parts = urlsplit(url)
    query = f"{parts.query}&audience={AUDIENCE}" if parts.query else f"audience={AUDIENCE}"
    connection = Connection(
        f"{parts.scheme}://{parts.netloc}",
        token,
        timeout=TIMEOUT,
        environment=not is_loopback(parts.hostname),
        max_body=_LARGEST,
    )
    try:
        reply = connection.send("GET", f"{parts.path or '/'}?{query}", params=None, content=None)
    except (NotSent, NoReply) as error:
        raise ValueError("the issuer does not answer") from error
    finally:
        connection.close()
    if reply.status != 200:
        raise ValueError("the issuer refuses")
    return reply.body


def _payload(token: str) -> Any:
    payload = token.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    return json.loads(base64.urlsafe_b64decode(padded))

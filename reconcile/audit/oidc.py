"""What GitHub itself says about the job that runs this, where the job may ask for an identity.

The claims come straight from the issuer over TLS, by an address and a token that the runner gave
to the job alone. Their signature is not verified: whoever controls the job's environment can put
another issuer there. Neither the runner's token nor the identity token is kept or shown.

GitHub documents the request as a GET of ``ACTIONS_ID_TOKEN_REQUEST_URL`` with ``&audience=`` added
and ``ACTIONS_ID_TOKEN_REQUEST_TOKEN`` as the bearer; the answer is ``{"value": JWT}``.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PLAIN = re.compile(r"[\x21-\x7e]+")


def claims(environ: Mapping[str, str], *, loopback: bool = False) -> dict[str, str]:
    """The job's claims; none where it has no identity or the issuer does not answer in order.

    The address must be https; ``loopback`` allows http to this machine.
    """
    url = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
    token = environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not (_PLAIN.fullmatch(url) and _PLAIN.fullmatch(token)):
        return {}
    try:
        body = _ask(url, token, loopback=loopback)
        return _claims(json.loads(body)["value"])
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return {}


def _ask(url: str, token: str, *, loopback: bool) -> bytes:
    """The issuer's answer. Raises ValueError for an address or an answer that cannot be used."""
    from reconcile.hubspot._http import Connection, NoReply, NotSent  # noqa: PLC0415  (rarely used)

    parts = urlsplit(url)
    local = parts.hostname in _LOOPBACK
    _ = parts.port  # a ValueError where it is none
    if not (parts.scheme == "https" or (loopback and local and parts.scheme == "http")):
        raise ValueError("the issuer's address must be https")
    query = f"{parts.query}&audience={AUDIENCE}" if parts.query else f"audience={AUDIENCE}"
    connection = Connection(
        f"{parts.scheme}://{parts.netloc}",
        token,
        timeout=TIMEOUT,
        environment=not local,
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


def _claims(token: str) -> dict[str, str]:
    payload = token.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    found: Any = json.loads(base64.urlsafe_b64decode(padded))
    return {name: found[name] for name in CLAIMS if isinstance(found.get(name), str)}

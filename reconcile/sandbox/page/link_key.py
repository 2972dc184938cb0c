"""Who may look: whoever has the link that `sandbox serve` prints.

Any program on the machine can reach a loopback port, and so can any web site through the visitor's
browser once its name points at 127.0.0.1 (DNS rebinding). Hence a key, and a check of Host.

The key is made from the account's token and leads nowhere else: a link in a browser's history or a
screenshot lets nobody write, and a browser sends its cookies to every port of a host, so the token
itself must not be one.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

_PURPOSE = b"the sandbox's page"
_HOST = re.compile(
    r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)


def key_of(token: str) -> str:
    """Return the key of the page, which is constant for one database."""
    return hmac.new(token.encode(), _PURPOSE, hashlib.sha256).hexdigest()[:32]


def is_loopback(host: str) -> bool:
    """Return whether a Host header names this machine; no other name can be bound to it by DNS."""
    return _HOST.fullmatch(host) is not None


def is_key(offered: str | None, key: str) -> bool:
    """Compare keys in constant time."""
    return offered is not None and hmac.compare_digest(offered.encode(), key.encode())


def cookie_name(portal_id: int) -> str:
    """Return the cookie's name, by account: ports of one host share a browser's cookies."""
    return f"sandbox-{portal_id}"


def may_look(cookies: Mapping[str, str], portal_id: int, key: str) -> bool:
    """Return whether the browser has opened the link before."""
    return is_key(cookies.get(cookie_name(portal_id)), key)

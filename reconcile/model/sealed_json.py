"""JSON objects with a checksum of their text, and of what they are the content of.

Damage is detected, and so is a file that lies where another one belongs. A checksum is not a
signature: whoever can write the file can make one.
"""

import json
import re
from collections.abc import Mapping
from hashlib import blake2b

from reconcile.model.digest import canonical

_SEALED = re.compile(rb'{"checksum":"([0-9a-f]{32})",(.*)', re.DOTALL)


def seal(content: Mapping[str, object], *about: str) -> bytes:
    """Return the JSON of an object that has at least one member, with its checksum.

    ``about`` says what the content is of; it is not in the JSON, and needed to unseal it.
    """
    body = canonical(content)
    return b'{"checksum":"%b",%b' % (_checksum(body, about), body[1:])


def unseal(data: bytes, *about: str) -> bytes:
    """Return the canonical JSON without its checksum, however the JSON is laid out.

    Raise ValueError where the checksum is missing or wrong.
    """
    found = _SEALED.fullmatch(data)
    if found and found[1] == _checksum(body := b"{" + found[2], about):
        return body
    # Not as it was written; somebody may have formatted the file, which changes nothing.
    checksum, body = _parsed(data)
    if checksum != _checksum(body, about):
        raise ValueError("its checksum is wrong")
    return body


def _parsed(data: bytes) -> tuple[bytes, bytes]:
    """Return the checksum and the canonical JSON without it. Raise ValueError for other data."""
    try:
        content = json.loads(data)
        return content.pop("checksum").encode(), canonical(content)
    except (AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError("it has no checksum") from error


def _checksum(body: bytes, about: tuple[str, ...]) -> bytes:
    named = blake2b(canonical(about), digest_size=16)
    named.update(body)
    return named.hexdigest().encode()

"""Plan files as somebody changes them who knows how their digests are made."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from reconcile.model.digest import canonical

Line = dict[str, Any]


def parsed(data: bytes) -> list[Line]:
    """A plan file's lines but for the last."""
    return [json.loads(one) for one in data.splitlines()[:-1]]


def sealed(lines: Sequence[bytes]) -> bytes:
    """A plan file of these lines, with the digests that they have."""
    body, content = b"".join(lines), b"".join(lines[1:])
    last = {"content": sha256(content).hexdigest(), "file": sha256(body).hexdigest()}
    return body + canonical(last) + b"\n"


def written(lines: Iterable[Line]) -> bytes:
    """The same from parsed lines."""
    return sealed([canonical(one) + b"\n" for one in lines])


def unit_of(lines: Sequence[Line], key: str) -> Line:
    """The line of one unit."""
    return next(one for one in lines[2:] if one["address"][1] == key)

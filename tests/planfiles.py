"""Plan files as somebody changes them who knows how their digests are made."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from reconcile.model.digest import Hasher, canonical
from reconcile.planning.effect_digests import with_effect_digests
from reconcile.planning.plan_file import _HEAD, _SHARED, _plan

Line = dict[str, Any]


def parsed(data: bytes) -> list[Line]:
    """A plan file's lines but for the last."""
    return [json.loads(one) for one in data.splitlines()[:-1]]


def sealed(lines: Sequence[bytes], key: bytes | None = None) -> bytes:
    """A plan file of these lines, with the digests that match them.

    Only who has the state's key can make the effect digests of a plan that was made with it: else
    its units keep the old ones.
    """
    lines = _with_effect_digests(lines, key)
    body, pinned = b"".join(lines), b"".join(lines[1:])
    digests = {"pinned": sha256(pinned).hexdigest(), "file": sha256(body).hexdigest()}
    return body + canonical({**_counted(lines), **digests}) + b"\n"


def _with_effect_digests(lines: Sequence[bytes], key: bytes | None) -> Sequence[bytes]:
    """The lines with other effect digests, where they can be made and the lines be understood."""
    try:
        head, shared = _HEAD.validate_json(lines[0]), _SHARED.validate_json(lines[1])
        made = _plan(head, shared, list(lines[2:]))
    except (ValueError, KeyError, IndexError):
        return lines
    if made.keyed and key is None:
        return lines
    now = with_effect_digests(made.units, made.target, Hasher(key) if made.keyed else None)
    pairs = zip(lines[2:], made.units, now, strict=True)
    changed = (
        line.replace(old.effect_digest.encode(), new.effect_digest.encode())
        for line, old, new in pairs
    )
    return [*lines[:2], *changed]


def _counts(change: Line) -> bool:
    """Whether a change is more than what every apply remembers unasked."""
    quiet = not any(change.get(name) for name in ("adopts", "moved_from", "why"))
    return not (change["action"] == "adopt" and quiet)


def _counted(lines: Sequence[bytes]) -> Line:
    """The rest of the footer, as far as the lines can be understood."""
    counts: dict[str, dict[str, int]] = {}
    try:
        shared, *units = map(json.loads, lines[1:])
        policy = {name: shared[name] for name in _POLICY}
        digests = sorted(
            str(one["effect_digest"]) for one in units if any(map(_counts, one["changes"]))
        )
        for change in (change for one in units for change in one["changes"]):
            of_kinds = counts.setdefault(str(change["action"]), {})
            kind = str(change["address"][0])
            of_kinds[kind] = of_kinds.get(kind, 0) + 1
    except (ValueError, LookupError, TypeError, AttributeError):
        return {"content": "0" * 64, "counts": {}}
    effects = "".join(f"{digest}\n" for digest in digests).encode("utf-8", "surrogatepass")
    content = sha256(canonical(policy) + b"\n" + effects)
    return {"content": content.hexdigest(), "counts": counts}


_POLICY = ("target", "identities", "limits", "allowed", "reverts", "manage", "keyed", "personal")


def written(lines: Iterable[Line], key: bytes | None = None) -> bytes:
    """The same from parsed lines."""
    return sealed([canonical(one) + b"\n" for one in lines], key)


def unit_of(lines: Sequence[Line], key: str) -> Line:
    """The line of one unit."""
    return next(one for one in lines[2:] if one["address"][1] == key)

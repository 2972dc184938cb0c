"""Limits: how many records a plan archives, creates and updates, and which limits that exceeds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, RecordChange

Limits = Mapping[tuple[str, str], int]
"""The most records that may have an action: by its name, and a kind or ``""`` for all."""

_NAMES = {
    Action.ARCHIVE: "archive",
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.ASSOCIATE: "update",  # an association changes a record as well
}


class Exceeded(NamedTuple):
    """A limit that a plan exceeds. ``kind`` is ``""`` for one of all kinds together."""

    kind: str
    number: int
    most: int


def as_limits(limits: Iterable[tuple[str, str, int]]) -> Limits:
    """Return the limits that a plan was made with, from the form that it has them in."""
    return {(name, kind): most for name, kind, most in limits}


def limited_as(change: RecordChange) -> str:
    """Return the limited action that a change counts as, or ``""``. Adoptions do not count."""
    name = _NAMES.get(change.action, "")
    return "" if name == "update" and change.adopts else name


def counted(changes: Iterable[RecordChange]) -> Counter[tuple[str, str]]:
    """Return how many records get each limited action, by its name, and a kind or ``""``."""
    found: Counter[tuple[str, str]] = Counter()
    for change in changes:
        if name := limited_as(change):
            found[name, change.address.kind] += 1
            found[name, ""] += 1
    return found


def exceeded(numbers: Counter[tuple[str, str]], limits: Limits, name: str) -> list[Exceeded]:
    """Return the limits of one action that the numbers of ``counted`` exceed."""
    return [
        Exceeded(kind, numbers[name, kind], limits[name, kind])
        for kind in ("", *kinds())
        if (name, kind) in limits and numbers[name, kind] > limits[name, kind]
    ]

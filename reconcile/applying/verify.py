"""After writing: what does HubSpot hold now?

Write responses prove nothing: values are echoed that a fresh read does not show (reference §6).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconcile.applying.entries import Done
from reconcile.applying.history import read_histories
from reconcile.applying.tools import Tools
from reconcile.applying.verified import Verified
from reconcile.model.kinds import Kind

if TYPE_CHECKING:
    from reconcile.model.records import Actual

WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each reading. Reads right after a write may be stale (reference §13)."""

LONG_WAITS = (*WAITS, 4.0, 8.0, 16.0)
"""The same where a record shows through its association alone, and nothing else would refuse a
second one.
"""


def verify(tools: Tools, kind: Kind, done: Sequence[Done]) -> list[Verified]:
    """Return what each record shows, in order.

    What differs is read again after each of ``WAITS``; then its property history decides.
    """
    entries = tools.entries
    changes = {item.id: item.change for item in done}
    identity = tools.identity(kind)
    managed = {name for item in done for name in entries.managed(item.change)}
    names = sorted({*managed, *((identity.name,) if identity.unique else ())})
    seen: dict[str, Actual] = {}
    left = list(changes)
    for wait in WAITS:
        if not left:
            break
        tools.sleep(wait)
        seen |= tools.hubspot.read(kind.object, left, names)
        left = [i for i in left if i not in seen or entries.unlike(changes[i], seen[i])]
    differing = [(changes[i], seen[i]) for i in left if i in seen]
    histories = read_histories(tools.hubspot, entries, differing)
    return [
        entries.verified(item, seen.get(item.id), histories.get(item.change.address, {}))
        for item in done
    ]

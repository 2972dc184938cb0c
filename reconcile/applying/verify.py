"""After writing: what does HubSpot hold now?

Write responses prove nothing: values are echoed that a fresh read does not show (reference §6).
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from reconcile.applying.context import ApplyContext
from reconcile.applying.explain_mismatch import read_histories
from reconcile.applying.readback import Verified
from reconcile.applying.state_entries import AppliedChange
from reconcile.model.kinds import Kind
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual

WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each reading. Reads right after a write may be stale (reference §13)."""

LONG_WAITS = (*WAITS, 4.0, 8.0, 16.0)
"""The same where a record shows through its association alone, and nothing else would refuse a
second one.
"""


_NOTHING: Mapping[str, Actual] = MappingProxyType({})


def to_read(context: ApplyContext, kind: Kind, changes: Iterable[RecordChange]) -> list[str]:
    """The properties that show what became of changes, and which record is which."""
    managed = {name for change in changes for name in context.entries.managed(change)}
    return sorted(managed.union(context.identity(kind).properties))


def verify(
    context: ApplyContext,
    kind: Kind,
    done: Sequence[AppliedChange],
    seen: Mapping[str, Actual] = _NOTHING,
) -> list[Verified]:
    """Return what each record shows, in order.

    What differs is read again after each of ``WAITS``; then its property history decides. ``seen``
    are readings since the writes, by id: what they show needs no other one.
    """
    entries = context.entries
    changes = {item.id: item.change for item in done}
    names = to_read(context, kind, changes.values())
    now = dict(seen)
    left = _unshown(context, changes, now)
    for wait in WAITS:
        if not left:
            break
        context.sleep(wait)
        now |= context.hubspot.read(kind.object, left, names)
        left = _unshown(context, changes, now)
    differing = [(changes[i], now[i]) for i in left if i in now]
    histories = read_histories(context.hubspot, entries, differing)
    return [
        entries.verified(item, now.get(item.id), histories.get(item.change.address, {}))
        for item in done
    ]


def _unshown(
    context: ApplyContext, changes: Mapping[str, RecordChange], now: Mapping[str, Actual]
) -> list[str]:
    return [
        record_id
        for record_id, change in changes.items()
        if record_id not in now or context.entries.mismatches(change, now[record_id])
    ]

"""Read back what was written: what does HubSpot hold now?

Write responses prove nothing: they echo values that a fresh read does not show (reference §6).
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from reconcile.applying.context import ApplyContext
from reconcile.applying.explain_mismatch import read_histories
from reconcile.applying.readback import Verified
from reconcile.applying.rereads import until_shown
from reconcile.applying.state_entries import AppliedChange
from reconcile.model.kinds import Kind
from reconcile.model.plan import Effect, Refresh
from reconcile.model.records import Actual

_NOTHING: Mapping[str, Actual] = MappingProxyType({})


def to_read(
    context: ApplyContext, kind: Kind, changes: Iterable[tuple[Effect, Refresh]]
) -> list[str]:
    """Return the properties to read: the managed ones and those that identify a record."""
    managed = {name for one in changes for name in context.entries.managed(*one)}
    return sorted(managed.union(context.identity(kind).properties))


def verify(
    context: ApplyContext,
    kind: Kind,
    done: Sequence[AppliedChange],
    seen: Mapping[str, Actual] = _NOTHING,
) -> list[Verified]:
    """Return the verified entry of each applied change, in order.

    A record that differs is read again after each of ``WAITS``; then its property history decides.
    ``seen`` has records read since the writes, by id: those that match are not read again.
    """
    entries = context.entries
    changes = {one.id: one.change for one in done}
    names = to_read(context, kind, [(one.change, one.refresh) for one in done])
    now = dict(seen)

    def read(left: Sequence[str]) -> Sequence[str]:
        now.update(context.hubspot.records.read(kind.object, left, names))
        return _unshown(context, changes, now)

    left = until_shown(_unshown(context, changes, now), read, context.sleep)
    differing = [(changes[i], now[i]) for i in left if i in now]
    histories = read_histories(context.hubspot, entries, differing)
    return [
        entries.verified(one, now.get(one.id), histories.get(one.change.address, {}))
        for one in done
    ]


def _unshown(
    context: ApplyContext, changes: Mapping[str, Effect], now: Mapping[str, Actual]
) -> Sequence[str]:
    return [
        record_id
        for record_id, change in changes.items()
        if record_id not in now or context.entries.mismatches(change, now[record_id])
    ]

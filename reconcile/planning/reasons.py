"""Why a field differs: the manifest changed, others changed it, or reconcile cannot know.

``guards`` counts what is unseen or unknown here.
"""

from reconcile.model.plan import Reason
from reconcile.model.records import LastApplied, ValueHashes
from reconcile.model.values import normalise
from reconcile.planning.record_input import RecordInput


def reason_of(record: RecordInput, name: str, before: str, after: str) -> Reason | None:
    """Return who changed the value since the last apply; None if HubSpot only rewrote ours.

    A value that was accepted from HubSpot counts as applied, even if nothing else can be compared.
    """
    last = record.last
    wanted = _hash(record, name, after)
    hashes = last.base(name, wanted) if last is not None else None
    if last is not None and not last.fingerprint and not (hashes and hashes.written):
        return Reason.UNKNOWN
    if hashes is None:  # the record is adopted, or the property is managed for the first time
        return Reason.UNSEEN if before else Reason.CHANGE
    manifest_changed = name not in record.unchanged and hashes.written != wanted
    if differs(record, name, before, hashes):
        return Reason.BOTH if manifest_changed else Reason.DRIFT
    return Reason.CHANGE if manifest_changed else None


def removal_reason(record: RecordInput, name: str, now: str) -> Reason:
    """Return whether the value of a record that is to be archived was changed by others."""
    if record.last is None or not record.last.fingerprint:
        return Reason.UNKNOWN
    hashes = record.last.value_hashes.get(name)
    drifted = hashes is not None and differs(record, name, now, hashes)
    return Reason.DRIFT if drifted else Reason.CHANGE


def differs(record: RecordInput, name: str, now: str, hashes: ValueHashes) -> bool:
    """Return whether somebody edited the property in HubSpot since it had these hashes.

    A value that we wrote is no edit, even if HubSpot did not return it right after the write.
    """
    return _hash(record, name, now) not in (hashes.expected, hashes.written)


def ends_acceptance(record: RecordInput, last: LastApplied) -> bool:
    """Return whether the manifest has an accepted value, so that an apply ends its acceptance."""
    return any(
        name in record.wire_values and _hash(record, name, record.wire_values[name]) in values
        for name, values in last.accepted.items()
    )


def _hash(record: RecordInput, name: str, value: str) -> str:
    wanted = normalise(value, record.definitions[name])
    return record.context.hasher.value_hash(name, wanted)

"""Why a field differs: the manifest changed, others changed it, or reconcile cannot know.

``guards`` counts what is unseen or unknown here.
"""

from reconcile.model.plan import Reason
from reconcile.model.values import normalise
from reconcile.planning.record_input import RecordInput


def reason_of(record: RecordInput, name: str, before: str, after: str) -> Reason | None:
    """Return who changed the value since the last apply; None if HubSpot only rewrote ours."""
    hashes = record.last.value_hashes.get(name) if record.last else None
    if record.last is not None and not record.last.fingerprint and not (hashes and hashes.written):
        return Reason.UNKNOWN
    if hashes is None:  # the record is adopted, or the property is managed for the first time
        return Reason.UNSEEN if before else Reason.CHANGE
    wanted = normalise(after, record.definitions[name])
    manifest_changed = (
        name not in record.unchanged
        and hashes.written != record.context.hasher.value_hash(name, wanted)
    )
    if drifted(record, name, before):
        return Reason.BOTH if manifest_changed else Reason.DRIFT
    return Reason.CHANGE if manifest_changed else None


def removal_reason(record: RecordInput, name: str, now: str) -> Reason:
    """Return whether the value of a record that is to be archived was changed by others."""
    if record.last is None or not record.last.fingerprint:
        return Reason.UNKNOWN
    return Reason.DRIFT if drifted(record, name, now) else Reason.CHANGE


def drifted(record: RecordInput, name: str, now: str) -> bool:
    """Return whether somebody edited the property in HubSpot since the last apply.

    A value that we wrote is no edit, even if HubSpot did not return it right after the write.
    """
    hashes = record.last.value_hashes.get(name) if record.last else None
    definition = record.definitions[name]
    now_hash = record.context.hasher.value_hash(name, normalise(now, definition))
    return hashes is not None and now_hash not in (hashes.expected, hashes.written)

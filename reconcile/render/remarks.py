"""Notes on a record or field beside its glyph and values."""

from collections.abc import Iterator, Sequence

from reconcile.model.explanation import Explanation
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import former_parent
from reconcile.model.plan import Action, Reason, RecordChange

NOTES = {
    Reason.NEW: "",
    Reason.CHANGE: "",  # the normal case
    Reason.DRIFT: "drift: changed in HubSpot since the last apply",
    Reason.BOTH: "both: changed in the manifest and in HubSpot",
    Reason.UNSEEN: "unseen: a value in HubSpot that reconcile has never seen",
    Reason.UNKNOWN: "unknown: no last-applied value to compare with",
}

MOVED = "moved:"
"""Starts the notes on where a record was before."""

RESTATED = "sent again: HubSpot would replace it"


def notes(change: RecordChange, why: Sequence[Explanation]) -> Iterator[str]:
    """Yield notes on a record's change; ``why`` is the change's, masked already."""
    if change.action is Action.CONFLICT:
        yield "conflict, left alone"
    else:
        yield from map(str, why)
    if change.pruned:
        yield "prune: no longer declared"
    if (source := former_parent(change)) is not None:
        yield f"{MOVED} it was in {source}"
    if change.moved_from:
        yield f"{MOVED} its key was {change.moved_from}"
    if change.action.removes:
        yield from _removal_notes(change)
        return
    if copied := _copied(change):
        yield f"HubSpot also copies from the product: {copied}"
    if change.action is Action.ADOPT:
        # Without ``adopts`` only what the state remembers of it changes, such as its protection.
        yield (
            "adopt: already matches; will be added to the state"
            if change.adopts
            else "already matches; its entry in the state will be updated"
        )
    elif change.adopts:
        yield "adopt: exists; will be added to the state"
    if change.rekey:
        yield "rekey: found by its id; its key will be written back"
    if change.recreates:
        yield "create again: the record in the state is archived or gone"


def _copied(change: RecordChange) -> str:
    """Return the properties of an existing record that HubSpot changes, and that are not sent."""
    kind = kinds().get(change.address.kind)
    if kind is None or change.action is not Action.UPDATE:
        return ""
    names = [field.name for field in change.fields]
    return ", ".join(sorted(kind.copied_into(names).difference(names)))


def _removal_notes(change: RecordChange) -> Iterator[str]:
    if change.action is Action.FORGET and not change.why:
        yield "the HubSpot record stays as it is"
    if change.foreign:
        yield "foreign: others added it, and the lines are exact"
    elif change.adopts:
        yield "exists, but was never applied"
    if change.rekey:
        yield "rekey: found by its id; its key was changed in HubSpot"

"""Guards: limits on how many records a plan may overwrite, archive or recreate."""

from collections.abc import Iterable, Mapping, Sequence

from reconcile.model.plan import Action, Guard, Reason, RecordChange, UnitChange

_EXACT = ("prune",)
"""Guards that can be allowed only for the count that was shown, and for no other."""


def tripped_guards(units: Iterable[UnitChange], limits: Mapping[str, int]) -> tuple[Guard, ...]:
    """Return the guards whose limit some changes exceed. The limit of a missing name is 0."""
    changes = [change for unit in units for change in unit.changes]
    return tuple(_tripped([one for one in changes if one.action is not Action.CONFLICT], limits))


def _tripped(changes: Sequence[RecordChange], limits: Mapping[str, int]) -> Iterable[Guard]:
    recreated = sum(change.recreates for change in changes)
    pruned = sum(change.pruned and change.action is Action.ARCHIVE for change in changes)
    counts = {
        "adopt-update": (
            sum(map(_is_unseen, changes)),
            "in HubSpot with values that reconcile has never seen: "
            "applying overwrites or archives them",
        ),
        "unknown": (
            sum(_has(Reason.UNKNOWN, change) for change in changes),
            "in the state without hashes to compare with (the state's hash key was lost or "
            "changed, or the values were never read back): "
            "applying overwrites or archives what others changed",
        ),
        "rekey": (
            sum(change.rekey for change in changes),
            "found by the id in the state, because the key was changed in HubSpot: "
            "applying writes the key back, or archives what is to be removed",
        ),
        "recreate": (
            recreated,
            "archived, merged or deleted in HubSpot: applying creates "
            + ("a new one" if recreated == 1 else "new ones"),
        ),
        "prune": (
            pruned,
            f"no longer declared: applying archives {'it' if pruned == 1 else 'them'}",
        ),
    }
    for name, (count, meaning) in counts.items():
        limit = limits.get(name, 0)
        if count > limit:
            what = "1 record is" if count == 1 else f"{count:,} records are"
            yield Guard(name, count, limit, f"{what} {meaning}", exact=name in _EXACT)


def _is_unseen(change: RecordChange) -> bool:
    """Return whether the change overwrites or archives values that reconcile has never seen."""
    return _has(Reason.UNSEEN, change) or (change.adopts and change.action is Action.ARCHIVE)


def _has(reason: Reason, change: RecordChange) -> bool:
    return any(field.reason is reason for field in change.fields)

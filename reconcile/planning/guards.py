"""Guards: limits on how many records a plan may overwrite, archive or recreate."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from reconcile.errors import GuardRefused
from reconcile.model.plan import Action, Guard, Plan, Reason, RecordChange, UnitChange

_EXACT = ("prune",)
"""Guards that can be allowed only for the count that was shown, and for no other."""


def tripped_guards(
    units: Iterable[UnitChange], limits: Mapping[str, int], allowed: Collection[str] = ()
) -> tuple[Guard, ...]:
    """Return the guards whose limit some changes exceed, and that are not allowed.

    The limit of a missing name is 0. ``allowed`` has values of ``--allow``.
    """
    changes = [change for unit in units for change in unit.changes]
    acting = [one for one in changes if one.action is not Action.CONFLICT]
    return tuple(guard for guard in _tripped(acting, limits) if guard.allowance not in allowed)


def mismatches(plan: Plan) -> list[str]:
    """Return the exact allowances that do not match the plan, each with both numbers."""
    counts = {
        guard.name: guard.count for guard in tripped_guards(plan.units, dict.fromkeys(_EXACT, 0))
    }
    return [
        f"--allow {text} was given, but the plan has {counts.get(name, 0):,}"
        for text in plan.allowed
        if (name := text.partition("=")[0]) in _EXACT and text != f"{name}={counts.get(name, 0)}"
    ]


def require_match(plan: Plan) -> None:
    """Raise GuardRefused if an exact allowance does not match the plan."""
    if found := mismatches(plan):
        raise GuardRefused("; ".join(found), hint="review the plan again, then give its number")


def exact_allowances(plan: Plan, allow: Mapping[str, int]) -> list[str]:
    """Return the values of ``--allow`` for guards by name and number of records.

    Raises GuardRefused unless each number is the plan's.
    """
    zero = dict.fromkeys(allow, 0)
    tripped = {guard.name: guard for guard in tripped_guards(plan.units, zero)}
    counts = {name: tripped[name].count if name in tripped else 0 for name in allow}
    wrong = [
        f"{name}={number} was allowed, but the plan has {counts[name]:,}"
        for name, number in allow.items()
        if number != counts[name]
    ]
    if wrong:
        raise GuardRefused("; ".join(wrong), hint="review the plan again, then give its number")
    return [tripped[name].allowance for name in allow if name in tripped]


def allowing(plan: Plan, allowed: Iterable[str]) -> Plan:
    """Return the plan as it would have been made with these values of ``--allow`` too."""
    every = tuple(sorted({*plan.allowed, *allowed}))
    return replace(plan, allowed=every, guards=tripped_guards(plan.units, dict(plan.limits), every))


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

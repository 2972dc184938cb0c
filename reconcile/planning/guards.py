"""Counts that people give and settings state: what was allowed, and limits for a plan as a whole.

A guard is allowed by the exact number of records that it holds back; drift up to a number. A limit
refuses the whole plan, unless that is allowed by the exact number too: of records of all kinds.
"""

import re
from collections.abc import Collection, Iterable, Sequence

from reconcile.errors import GuardRefused
from reconcile.model.guarded import counts
from reconcile.model.kinds import kinds
from reconcile.model.limits import Exceeded, Limits, counted, exceeded
from reconcile.model.plan import Guard, Plan, UnitChange
from reconcile.model.policy import ALLOWED, DRIFT, HELD, LIMITED

ALLOWANCE = re.compile(rf"({'|'.join(ALLOWED)})=[1-9][0-9]{{0,14}}")
"""What ``--allow`` takes: a known name and a number."""

_DONE = {"archive": "archived", "create": "created", "update": "updated"}


def tripped_limits(
    units: Iterable[UnitChange], limits: Limits, allowed: Collection[str] = ()
) -> tuple[Guard, ...]:
    """Return the limits that some changes exceed, and that are not allowed: one for an action."""
    numbers = counted(change for unit in units for change in unit.changes)
    found = []
    for name in LIMITED:
        if over := exceeded(numbers, limits, name):
            total = numbers[name, ""]
            found.append(Guard(f"limit-{name}", total, over[0].most, _in_words(name, over, total)))
    return tuple(guard for guard in found if guard.allowance not in allowed)


def _in_words(name: str, over: Sequence[Exceeded], total: int) -> str:
    """Return what exceeds which limit, and the number to allow where that is another one."""
    first = over[0]
    if len(over) == 1 and first.number == total:
        many = kinds()[first.kind].count(total) if first.kind else f"{total:,} records"
        return f"{many} would be {_DONE[name]}, and the limit is {first.most:,}"
    parts = [
        f"{kinds()[kind].count(number) if kind else f'{number:,} records'} (limit {most:,})"
        for kind, number, most in over
    ]
    return f"{', '.join(parts)} would be {_DONE[name]}, {total:,} records in all"


def mismatches(plan: Plan) -> list[str]:
    """Return what was allowed and does not match the plan, each with both numbers."""
    have = {**dict.fromkeys(HELD, 0), **counts(plan)}
    numbers = counted(plan.records())
    have |= {f"limit-{name}": numbers[name, ""] for name in LIMITED}
    wrong = []
    for text in plan.allowed:
        name, _, number = text.partition("=")
        number_there = have.get(name, 0)
        is_upper_bound = name == DRIFT
        if number_there > int(number) or (number_there < int(number) and not is_upper_bound):
            wrong.append(f"--allow {text} was given, but the plan has {number_there:,}")
    return wrong


def names_of(allowed: Iterable[str]) -> frozenset[str]:
    """Return the names that are allowed, without their numbers."""
    return frozenset(text.partition("=")[0] for text in allowed)


def require_match(plan: Plan) -> None:
    """Raise GuardRefused if what was allowed does not match the plan."""
    if found := mismatches(plan):
        raise GuardRefused("; ".join(found), hint="review the plan again, then give its number")


def is_allowed(plan: Plan) -> bool:
    """Return whether no limit refuses a plan, and it has the numbers that were allowed."""
    return not (plan.guards or mismatches(plan))


def require_allowed(plan: Plan) -> None:
    """Raise GuardRefused for a limit that a plan exceeds, or a number that it does not have."""
    require_match(plan)
    if plan.guards:
        allow = " ".join(f"--allow {guard.allowance}" for guard in plan.guards)
        raise GuardRefused(
            "; ".join(f"{guard.name}: {guard.message}" for guard in plan.guards),
            hint=f"if that is intended, plan again with {allow} as well",
        )

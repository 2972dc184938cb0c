"""Counts that people give and settings state: what was allowed, and limits for a plan as a whole.

A guard is allowed by the exact number of records that it holds back; drift up to a number. A limit
refuses the whole plan, unless that is allowed by the exact number too.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from reconcile.errors import GuardRefused
from reconcile.model.guarded import counts
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Guard, Plan, RecordChange, UnitChange
from reconcile.model.policy import DRIFT, HELD

LIMITED = {"archive": Action.ARCHIVE, "create": Action.CREATE, "update": Action.UPDATE}
"""The actions that can be limited, by the names of settings; ``update`` counts no adoptions."""

ALLOWANCE = re.compile(
    rf"({'|'.join((*HELD, DRIFT, *(f'limit-{name}' for name in LIMITED)))})=[1-9][0-9]{{0,14}}"
)
"""What ``--allow`` takes: a known name and a number."""

Limits = Mapping[tuple[str, str], int]
"""The most records that may have an action: by its name, and a kind or ``""`` for all."""


def tripped_limits(
    units: Iterable[UnitChange], limits: Limits, allowed: Collection[str] = ()
) -> tuple[Guard, ...]:
    """Return the limits that some changes exceed, and that are not allowed."""
    changes = [change for unit in units for change in unit.changes]
    found: dict[str, Guard] = {}
    for (name, kind), most in sorted(limits.items()):
        of_action = [change for change in changes if _counts_as(change, name)]
        of_kind = [change for change in of_action if kind in ("", change.address.kind)]
        if len(of_kind) > most and name not in found:
            message = _exceeded(name, kind, len(of_kind), most)
            found[name] = Guard(f"limit-{name}", len(of_action), most, message)
    return tuple(guard for guard in found.values() if guard.allowance not in allowed)


def _exceeded(name: str, kind: str, number: int, most: int) -> str:
    limit = kinds()[kind].count(most) if kind else f"{most:,}"
    return f"{number:,} records would be {_DONE[name]}, and the limit is {limit}"


_DONE = {"archive": "archived", "create": "created", "update": "updated"}


def _counts_as(change: RecordChange, name: str) -> bool:
    """Return whether a change is of a limited sort. An association changes a record as well."""
    action = Action.UPDATE if change.action is Action.ASSOCIATE else change.action
    return action is LIMITED[name] and not (action is Action.UPDATE and change.adopts)


def mismatches(plan: Plan) -> list[str]:
    """Return what was allowed and does not match the plan, each with both numbers."""
    have = {**dict.fromkeys(HELD, 0), **counts(plan)}
    have |= {one.name: one.count for one in tripped_limits(plan.units, _no_limits())}
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


def _no_limits() -> Limits:
    return {(name, ""): 0 for name in LIMITED}


def require_match(plan: Plan) -> None:
    """Raise GuardRefused if what was allowed does not match the plan."""
    if found := mismatches(plan):
        raise GuardRefused("; ".join(found), hint="review the plan again, then give its number")


def as_limits(limits: Iterable[tuple[str, str, int]]) -> Limits:
    """Return the limits that a plan was made with, from the form that it has them in."""
    return {(name, kind): most for name, kind, most in limits}

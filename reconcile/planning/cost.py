"""The cost of an apply in calls and seconds, estimated from its plan alone."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from math import ceil

from reconcile.model.address import Address, other_forms
from reconcile.model.batches import LINKS_READ, OBJECTS, slices
from reconcile.model.identity import unpinned
from reconcile.model.kinds import kinds
from reconcile.model.line_parent import link_to_parent, parents_to_check
from reconcile.model.plan import Action, Plan, RecordChange, UnitChange

ACCOUNT = 2
"""Calls of every apply: for the account, and for the token's scopes."""

DEFINITIONS = 3
"""Calls for the properties of one kind: plain, sensitive and highly sensitive ones."""

LATENCY = 0.2
"""Approximate seconds a call; four run at a time."""

WINDOW = 10
"""Seconds in which the rate limit counts (reference §3)."""


def calls(plan: Plan) -> int:
    """Return about how many calls the plan's apply makes if nothing fails."""
    if plan.idle:
        return 0
    acting = [change for change in plan.records() if change.action is not Action.CONFLICT]
    going = Counter(c.address.kind for c in acting if c.action is Action.ARCHIVE)
    whole = Counter(change.address.kind for change in _in_whole_units(plan))
    # Archives are re-checked, archived, looked for among the live and found among the archived.
    # What goes together with line items is looked at once more before any of it goes.
    removals = sum(
        (3 + _recheck(name)) * ceil(number / OBJECTS) for name, number in going.items()
    ) + sum(_recheck(name) * ceil(number / OBJECTS) for name, number in whole.items())
    definitions = DEFINITIONS * len({change.address.kind for change in plan.records()})
    identities = unpinned(plan.identities)
    within = frozenset(kind for kind, one in identities.items() if one.sibling_property)
    written = sum(_slice(units, within) for units in slices(plan.units))
    return ACCOUNT + definitions + written + removals


def _recheck(name: str) -> int:
    """Return the calls that re-read records of a kind, their parents and their children."""
    return 1 + len(kinds()[name].owners) + len(kinds()[name].children)


def _in_whole_units(plan: Plan) -> Iterator[RecordChange]:
    for unit in plan.units:
        going = [change for change in unit.changes if change.action is Action.ARCHIVE]
        if any(c.parent is None for c in going) and any(c.parent is not None for c in going):
            yield from going


def seconds(number: int, rate_limit: int | None, *, workers: int = 4) -> float:
    """Return about how many seconds these calls take with a limit of calls in 10 seconds."""
    least = number * LATENCY / workers
    if rate_limit is None or number <= rate_limit:
        return least
    return max(least, (number - rate_limit) * WINDOW / rate_limit)


def _slice(units: Sequence[UnitChange], within: Collection[str]) -> int:
    changes = [
        change
        for unit in units
        for change in unit.changes
        if change.action is not Action.CONFLICT and not change.action.removes
    ]
    roots = {unit.changes[0].address for unit in units if unit.changes}
    total = 0
    for name in kinds():
        mine = [change for change in changes if change.address.kind == name]
        created = [change for change in mine if change.action is Action.CREATE]
        new = len(created)
        old = [change for change in mine if change.action is not Action.CREATE]
        total += 3 * ceil(new / OBJECTS)
        if name not in within:  # what has another Unicode form is looked for once more
            total += ceil(sum(bool(other_forms(c.address.key)) for c in created) / OBJECTS)
        if new and name in within:
            # Whose they are, where several have the same value; and, once, whether there are more.
            over = {change.parent.kind for change in created if change.parent}
            total += ceil(new / OBJECTS) + 3 * len(over) - 2
        total += 2 * ceil(len(old) / OBJECTS) + ceil(sum(bool(c.fields) for c in old) / OBJECTS)
        total += _owners(old)
    total += _parents(changes, roots)
    return total + _associations(changes)


def _parents(changes: Sequence[RecordChange], roots: set[Address]) -> int:
    """Return the calls that read parents of lines which are not written themselves."""
    unread: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        if change.parent is not None and change.parent not in roots:
            unread[change.parent.kind].add(change.parent_id)
    return sum(ceil(len(ids) / OBJECTS) for ids in unread.values())


def _owners(changes: Sequence[RecordChange]) -> int:
    """Return the calls that read the parents of line items, in their write batches."""
    asked = Counter(word for change in changes for word in parents_to_check(change))
    return sum(ceil(number / OBJECTS) for number in asked.values())


def _associations(changes: Sequence[RecordChange]) -> int:
    """Return the calls that read, write and read back; those of creates are only read."""
    written: Counter[tuple[str, str, bool]] = Counter()
    made: Counter[tuple[str, str]] = Counter()
    given: Counter[str] = Counter()
    for change in changes:
        given[change.address.kind] += link_to_parent(change) is not None
        for link in change.links:
            written[change.address.kind, link.to, link.add] += 1
        if change.action is Action.CREATE and change.parent is not None:
            made[change.address.kind, change.parent.kind] += 1
    asked = sum(len(kinds()[name].owners) * ceil(n / LINKS_READ) for name, n in given.items())
    return (
        asked
        + sum(3 * ceil(number / LINKS_READ) for number in written.values())
        + sum(ceil(number / LINKS_READ) for number in made.values())
    )

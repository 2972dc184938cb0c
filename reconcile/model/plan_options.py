"""The options that make a plan again: those it was made with, and more to let in.

Each names all that is needed, since numbers move with what is let in: what one option lets in, a
second command without it would hold back again.
"""

import shlex
from collections.abc import Collection, Iterator, Mapping

from reconcile.model.guarded import counts, drifted, guards_of, puts_back
from reconcile.model.limits import as_limits, counted, exceeded, limited_as
from reconcile.model.plan import Plan, RecordChange, UnitChange
from reconcile.model.policy import DRIFT, HELD, LIMITED

MOST = 10
"""Maximum records to name that are to be created again; whoever named more knows them."""


def options_again(plan: Plan) -> list[str]:
    """Return the options of this plan that let it through the limits that it exceeds."""
    return _options(plan, _given(plan).keys())


def options_to_let_in(plan: Plan) -> list[str]:
    """Return the options of a plan that lets in all that this one holds back."""
    held = {name for unit in plan.units for change in unit.held for name in guards_of(change)}
    return _options(plan, held | _given(plan).keys(), held=True)


def options_to_put_back(plan: Plan) -> list[str]:
    """Return the options of a plan that puts back all drift that this one leaves alone."""
    return _options(plan, {DRIFT, *_given(plan)}, drift=True)


def _given(plan: Plan) -> Mapping[str, int]:
    """Return the numbers that the plan was allowed, by name."""
    return {name: int(number) for name, _, number in (one.partition("=") for one in plan.allowed)}


def _options(
    plan: Plan, names: Collection[str], *, held: bool = False, drift: bool = False
) -> list[str]:
    again = [str(one.address) for one in _changes(plan, held=True) if one.recreates]
    options = [f"--recreate {shlex.quote(address)}" for address in again]
    if len(again) > MOST:
        options = ["--recreate …"]
    if plan.prune:
        options.append("--prune")
    request = plan.source.request
    options[:0] = plan.selected.options if request is None else request.options
    numbers = counts(plan)
    allow = {name: numbers[name] for name in HELD if name in names}
    if DRIFT in names:
        allow[DRIFT] = max(_given(plan).get(DRIFT, 0), _drifted(plan, held=held))
    allow |= _to_pass_limits(plan, held=held, drift=drift)
    return options + [f"--allow {name}={number}" for name, number in allow.items() if number]


def _drifted(plan: Plan, *, held: bool) -> int:
    """Return how many records have drift that is put back, also of those held back, or could be."""
    return sum(
        len(drifted(unit) | {str(one.address) for one in unit.held if held and puts_back(one)})
        for unit in plan.units
    )


def _to_pass_limits(plan: Plan, *, held: bool, drift: bool) -> dict[str, int]:
    """Return what passes limits, if what is held back or left alone were let in too."""
    numbers = counted(_changes(plan, held=held))
    if drift:
        for kind in (kind for unit in plan.units for kind in _updated_besides(unit)):
            numbers["update", kind] += 1
            numbers["update", ""] += 1
    given = _given(plan)
    limits = as_limits(plan.limits)
    return {guard.name: guard.count for guard in plan.guards} | {
        f"limit-{name}": numbers[name, ""]
        for name in LIMITED
        if f"limit-{name}" in given or exceeded(numbers, limits, name)
    }


def _updated_besides(unit: UnitChange) -> Iterator[str]:
    """Yield the kind of each record that is only updated if its drift is put back."""
    if unit.held:  # where half of it is held back, so is that
        return
    updated = {change.address for change in unit.changes if limited_as(change) == "update"}
    yield from (left.address.kind for left in unit.left_alone if left.address not in updated)


def _changes(plan: Plan, *, held: bool) -> Iterator[RecordChange]:
    for unit in plan.units:
        yield from unit.changes
        if held:
            yield from unit.held

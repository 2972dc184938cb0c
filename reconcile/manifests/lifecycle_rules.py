"""Rules for records that are absent or forgotten or were moved, and for references to them."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from reconcile.errors import Problem
from reconcile.model.address import Address, fold
from reconcile.model.records import Desired, Lifecycle, Location, Reference, Unit
from reconcile.model.values import show


def check_lifecycles(units: Sequence[Unit]) -> Iterator[Problem]:
    """Yield records that depend on an absent or forgotten record.

    A nested line item inherits the state of its order or cart; a standalone one must declare it.
    """
    absent: dict[Address, Desired] = {}
    for unit in units:
        if unit.root is None or unit.root.lifecycle is Lifecycle.PRESENT:
            continue
        if unit.root.lifecycle is Lifecycle.ABSENT:
            absent[unit.address.folded()] = unit.root
        for line in unit.lines:
            if line.lifecycle is Lifecycle.PRESENT:
                yield _orphan(line, unit.root)
    for record, reference in _references(units):
        target = absent.get(Address(reference.to, fold(reference.value)))
        if reference.by == "key" and target is not None:
            message = f"the {reference.to} {show(reference.value)} is declared absent"
            hint = f"remove it from {_named(record, reference)}, since "
            yield _problem(
                reference.location, message, f"{hint}it is archived: {_at(target.location)}"
            )


def check_moves(units: Sequence[Unit], by_id: Collection[str]) -> Iterator[Problem]:
    """Yield former keys that are ambiguous or impossible, and references by a former key.

    ``by_id`` names the kinds whose keys are HubSpot ids.
    """
    declared = {one.address.folded(): one for unit in units for one in unit.records}
    moved: dict[Address, Desired] = {}
    for one in (one for unit in units for one in unit.records):
        former, reference = one.former, one.moved_from
        if former is None or reference is None:
            continue
        kind, key = former
        if kind in by_id:
            message = f"keys of kind {kind} are HubSpot ids here, and ids do not change"
            yield _problem(reference.location, message, "leave moved_from out")
        elif (other := declared.get(former.folded())) is not None:
            message = f"the {kind} {show(key)} is declared too, in {_at(other.location)}"
            yield _problem(
                reference.location, message, "a record has one key: remove one of the two"
            )
        elif (first := moved.setdefault(former.folded(), one)) is not one:
            message = f"the {kind} {show(key)} was moved to {show(first.address.key)} already"
            yield _problem(reference.location, message, f"see {_at(first.location)}")
    parents = ((unit.parent, unit.lines) for unit in units if unit.parent)
    named = [(reference, _named(one, reference)) for one, reference in _references(units)]
    named += ((parent, _describe(lines[0])) for parent, lines in parents)
    for reference, by in named:
        now = moved.get(Address(reference.to, fold(reference.value)))
        if reference.by == "key" and now is not None:
            message = f"the {reference.to} {show(reference.value)} is {show(now.address.key)} now"
            hint = f"write the new key in {by}; {_at(now.location)} moves it"
            yield _problem(reference.location, message, hint)


def _orphan(line: Desired, root: Desired) -> Problem:
    message = (
        f"its {root.address.kind} {show(root.address.key)} is declared {root.lifecycle}, "
        f"in {_at(root.location)}"
    )
    return _problem(
        line.location, message, f"declare lifecycle: {{state: {root.lifecycle}}} here too"
    )


def _references(units: Iterable[Unit]) -> Iterator[tuple[Desired, Reference]]:
    return ((one, reference) for u in units for one in u.records for reference in one.references)


def _problem(location: Location, message: str, hint: str) -> Problem:
    return Problem(*location, message, hint)


def _describe(record: Desired) -> str:
    return f"{record.address.kind} {show(record.address.key)}"


def _named(record: Desired, reference: Reference) -> str:
    """Return what a reference of a record is written in; it may be a default of many."""
    return "the defaults" if record.inherits(reference.location) else _describe(record)


def _at(location: Location) -> str:
    file, line, column = location
    return f"{file}:{line}:{column}"

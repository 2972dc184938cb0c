"""Checks that a plan holds back and leaves alone what its own settings say, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, LeftAlone, Plan, Reason, RecordChange, UnitChange
from reconcile.model.policy import DRIFT
from reconcile.model.values import show
from reconcile.planning.consistent_associations import ID, link_faults, rises
from reconcile.planning.guards import ALLOWANCE, names_of
from reconcile.planning.holding import hold, in_order

_OF_LINKS = (Reason.CHANGE, Reason.DRIFT, Reason.BOTH)


def policy_faults(plan: Plan, identities: Mapping[str, Identity]) -> Iterator[str]:
    """Yield where a plan does more or less than what it was allowed to."""
    names = names_of(plan.allowed)
    if len(names) != len(plan.allowed) or not all(map(ALLOWANCE.fullmatch, plan.allowed)):
        yield "what it allows is unknown, or given twice"
    if not rises(plan.reverts):
        yield "the properties whose drift it puts back are not in order"
    yield from _of_held(plan, identities)
    yield from _of_drifts(plan, identities)


def _of_drifts(plan: Plan, identities: Mapping[str, Identity]) -> Iterator[str]:
    """Yield what is wrong with the drift that a plan puts back or leaves alone."""
    for unit in plan.units:
        for change in (*unit.changes, *unit.held):
            identity = identities.get(change.address.kind)
            for fault in _of_drift(change, plan, identity.key_property if identity else ""):
                yield f"{change.address}: {fault}"
        for left in unit.left_alone:
            for fault in _of_left_alone(left, unit, identities.get(left.address.kind)):
                yield f"{left.address}: {fault}"


def _of_held(plan: Plan, identities: Mapping[str, Identity]) -> Iterator[str]:
    """Yield the units of which something else is held back than what is not allowed."""
    whole = (
        replace(unit, changes=in_order(unit, (*unit.changes, *unit.held)), held=())
        for unit in plan.units
    )
    again = hold(whole, names_of(plan.allowed), identities)
    for unit, right in zip(plan.units, again, strict=False):
        if (unit.changes, unit.held) != (right.changes, right.held):
            yield f"{unit.address}: what it holds back does not follow from what it allows"


def _of_drift(change: RecordChange, plan: Plan, key: str) -> Iterator[str]:
    """Yield drift among the changes that nobody asked to put back."""
    if any(link.reason is not Reason.CHANGE and not link.add for link in change.links):
        yield "an association that others removed is not made"
    if any(link.reason not in _OF_LINKS for link in change.links):
        yield "nobody can have changed an association so"
    if DRIFT in names_of(plan.allowed):
        return
    if any(link.reason is Reason.DRIFT for link in change.links):
        yield "an association that others removed is put back"
    for field in change.fields if change.action is Action.UPDATE else ():
        is_drift = field.reason is Reason.DRIFT and field.name != key
        if is_drift and (change.address.kind, field.name) not in plan.reverts:
            yield f"{show(field.name)} is put back although its drift is left alone"


def _of_left_alone(left: LeftAlone, unit: UnitChange, identity: Identity | None) -> Iterator[str]:
    """Yield what is wrong with the drift that is left alone of one record."""
    kind = kinds().get(left.address.kind)
    if kind is None or identity is None:
        yield "its kind is not one of the plan's"
        return
    is_root = left.address == unit.address
    if kind.is_unit != is_root or not (is_root or unit.address.kind in kind.parents):
        yield "it does not belong to the unit"
    if not ID.fullmatch(left.id) or not (left.fields or left.links):
        yield "nothing of it is left alone"
    names = [field.name for field in left.fields]
    if not rises(names) or identity.key_property in names or not all(names):
        yield "the properties that are left alone are not in order"
    for field in left.fields:
        if field.reason is not Reason.DRIFT or field.before == field.after:
            yield f"{show(field.name)} is not drift"
    yield from _of_left_links(left, unit, kind)
    yield from _of_both(left, unit, names)


def _of_left_links(left: LeftAlone, unit: UnitChange, kind: Kind) -> Iterator[str]:
    if not all(link.add and link.reason is Reason.DRIFT for link in left.links):
        yield "an association that is left alone is not drift"
    parent_id = next((link.id for link in left.links if not link.references), "")
    has_links = RecordChange(
        left.address, Action.ASSOCIATE, left.id, links=left.links, parent_id=parent_id
    )
    yield from link_faults(has_links, unit, kind)


def _of_both(left: LeftAlone, unit: UnitChange, names: Sequence[str]) -> Iterator[str]:
    """Yield where something of a record is changed and left alone."""
    ends = {(link.to, link.id, *one) for link in left.links for one in link.ours or link.types}
    for change in (*unit.changes, *unit.held):
        if change.address == left.address and (
            any(field.name in names for field in change.fields)
            or any((link.to, link.id, *one) in ends for link in change.links for one in link.types)
        ):
            yield "something of it is changed and left alone"

"""The money that a plan moves: the totals of what it touches, per currency."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange
from reconcile.render.patterns import number


@dataclass(frozen=True, slots=True)
class Total:
    """The totals of so many records of each kind in one currency, ``""`` if none is declared."""

    currency: str
    before: Decimal
    after: Decimal
    records: Mapping[str, int]


def totals(plan: Plan, *, personal: bool) -> list[Total]:
    """Return the totals of what the plan creates, archives, or changes the total of.

    A record that changes its currency counts in both. Totals that are personal are left out unless
    ``personal``, and those that are not numbers always.
    """
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    records: dict[str, Counter[str]] = {}
    for change in plan.records():
        kind = kinds().get(change.address.kind)
        if kind is not None and kind.total and change.action is not Action.CONFLICT:
            for currency, before, after in _amounts(change, kind, personal=personal):
                old, new = sums.get(currency, (Decimal(0), Decimal(0)))
                sums[currency] = old + before, new + after
                records.setdefault(currency, Counter())[kind.name] += 1
    return [Total(currency, *sums[currency], records[currency]) for currency in sorted(sums)]


def _amounts(
    change: RecordChange, kind: Kind, *, personal: bool
) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Yield a record's total before and after, with its currency; both where that changes."""
    total = _change_of(change, kind.total)
    money = _change_of(change, kind.currency) or FieldChange(kind.currency, "", "", Reason.CHANGE)
    if total is None or (total.before, money.before) == (total.after, money.after):
        return
    if change.action is Action.FORGET or (not personal and (total.personal or change.adopts)):
        return  # what others keep in HubSpot is not shown
    before, after = number(total.before) or Decimal(0), number(total.after) or Decimal(0)
    if change.action is Action.ARCHIVE:
        yield money.before, before, Decimal(0)
    elif not change.id or money.before == money.after:
        yield money.after, before, after
    else:
        if before:
            yield money.before, before, Decimal(0)
        yield money.after, Decimal(0), after


def _change_of(change: RecordChange, name: str) -> FieldChange | None:
    """Return how a property changes, or that it stays; None if it is not declared."""
    for field in change.fields:
        if field.name == name:
            return field
    kept = dict(change.keep).get(name)
    return None if kept is None else FieldChange(name, kept, kept, Reason.CHANGE)

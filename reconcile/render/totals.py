"""The money that a plan moves: the totals of what it touches, per currency."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, Plan, RecordChange
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
    """Yield a record's total before and after, with its currency."""
    fields = {field.name: field for field in change.fields}
    total, money = fields.get(kind.total), fields.get(kind.currency)
    kept = dict(change.keep)
    if change.adopts and not personal:  # what others keep in HubSpot is not shown
        return
    if change.action is Action.FORGET or (total is not None and total.personal and not personal):
        return
    if total is None and (money is None or kind.total not in kept):
        return
    before = number(total.before if total else kept[kind.total]) or Decimal(0)
    after = number(total.after if total else kept[kind.total]) or Decimal(0)
    if change.action is Action.ARCHIVE:
        after = Decimal(0)
    same = kept.get(kind.currency, "")
    was, now = (money.before, money.after) if money else (same, same)
    if not change.id:
        was = now
    if change.action is Action.ARCHIVE:
        now = was
    if was == now:
        yield now, before, after
        return
    if before:
        yield was, before, Decimal(0)
    yield now, Decimal(0), after

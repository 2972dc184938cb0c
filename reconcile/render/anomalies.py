"""What in a plan looks like a slip: the worst of three sorts, each counted."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action
from reconcile.render.patterns import number
from reconcile.render.record_views import FieldView, RecordView, UnitView

FACTOR = 8
"""An amount that changes by at least this factor may have lost, or got, a digit or a point."""
OVERWRITTEN = 10
"""One value in place of at least this many different ones may be a mistake."""


@dataclass(frozen=True, slots=True)
class Slip:
    """An amount that changes by ``factor``, or a currency (``factor`` is 0), and ``more`` such."""

    address: Address
    field: FieldView
    factor: Decimal
    more: int


@dataclass(frozen=True, slots=True)
class Uniform:
    """One value of a property that ``records`` records get in place of so many others."""

    kind: str
    field: FieldView
    records: int
    others: int


Anomaly = Slip | Uniform


def is_slip(field: FieldView, kind: str) -> bool:
    """Return whether a field's change looks like a slip."""
    return _is_flip(field, kind) or bool(_factor(field, kind))


def anomalies(units: Iterable[UnitView]) -> list[Anomaly]:
    """Return the worst amount, currency, and value that replaces many, where there is one."""
    amounts, flips, replaced = _Slips(), _Slips(), _Replaced()
    for unit in units:
        for record in unit.records:
            for field in _changed(record):
                kind = record.address.kind
                if factor := _factor(field, kind):
                    amounts.add(record.address, field, factor)
                elif _is_flip(field, kind):
                    flips.add(record.address, field, Decimal(0))
                else:
                    replaced.add(kind, field)
    return [*amounts.worst(), *flips.worst(), *replaced.worst()]


def _changed(record: RecordView) -> Iterator[FieldView]:
    """Yield the values that are written in place of others."""
    if record.action is not Action.CONFLICT and not record.action.removes:
        for field in record.fields:
            if field.before and field.before != field.after and not (field.hidden or field.differs):
                yield field


def _is_flip(field: FieldView, kind: str) -> bool:
    known = kinds().get(kind)
    return (
        known is not None
        and field.name == known.currency
        and "" not in (field.before, field.after)
        and field.before != field.after
        and not (field.hidden or field.differs)
    )


def _factor(field: FieldView, kind: str) -> Decimal:
    """Return how many times as large, or as small, an amount gets; 0 if it is no slip."""
    known = kinds().get(kind)
    if known is None or field.name not in known.amounts:
        return Decimal(0)
    before, after = number(field.before), number(field.after)
    if not before or not after:
        return Decimal(0)
    ratio = abs(after / before)
    return ratio if ratio >= FACTOR or ratio * FACTOR <= 1 else Decimal(0)


class _Slips:
    """Slips of one sort, the worst of which is shown."""

    def __init__(self) -> None:
        self._first: tuple[Address, FieldView, Decimal] | None = None
        self._number = 0

    def add(self, address: Address, field: FieldView, factor: Decimal) -> None:
        """Count a slip."""
        self._number += 1
        if self._first is None or _size(factor) > _size(self._first[2]):
            self._first = address, field, factor

    def worst(self) -> Iterator[Slip]:
        """Yield the worst."""
        if self._first is not None:
            yield Slip(*self._first, more=self._number - 1)


def _size(factor: Decimal) -> Decimal:
    return factor if factor >= 1 or not factor else 1 / factor


class _Replaced:
    """New values, and how many different ones each of them replaces."""

    def __init__(self) -> None:
        self._records: Counter[tuple[str, str, str]] = Counter()
        self._before: dict[tuple[str, str, str], set[str]] = {}
        self._field: dict[tuple[str, str, str], FieldView] = {}

    def add(self, kind: str, field: FieldView) -> None:
        """Count a value."""
        key = kind, field.name, field.after
        self._records[key] += 1
        self._before.setdefault(key, set()).add(field.before)
        self._field.setdefault(key, field)

    def worst(self) -> Iterator[Uniform]:
        """Yield the value that replaces most others, if these are many."""
        if not self._before:
            return
        key = max(self._before, key=lambda one: (len(self._before[one]), one))
        if (others := len(self._before[key])) >= OVERWRITTEN:
            yield Uniform(key[0], self._field[key], self._records[key], others)

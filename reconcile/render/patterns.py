"""What the changes of one property have in common over many records."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from enum import StrEnum
from typing import NamedTuple

ROWS = 5
"""Maximum patterns of one property; the records of others are counted."""
MANY = 3
"""Minimum records with the same change that make a pattern."""
_PLACES = (2, 3, 4)
"""Decimals with which a factor is tried."""
_PRECISE = 40
"""Maximum characters of a number to calculate with."""


class Value(NamedTuple):
    """One record's change of a property: values on the wire, and as people read them."""

    before: str
    after: str
    shown_before: str
    shown_after: str


NOTHING = Value("", "", "", "")
"""What a record has that lacks a property which others of its group get."""


class How(StrEnum):
    """What makes changes the same."""

    SAME = "same"  # the values before and after
    TIMES = "times"  # the factor, but for rounding
    PLUS = "plus"  # the difference


@dataclass(frozen=True, slots=True)
class Pattern:
    """A change that ``records`` have in common: ``value``, or a number by which theirs change."""

    how: How
    records: int
    value: Value = NOTHING
    number: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The changes of one property over many records.

    ``rest`` counts the records whose change is like none of ``common``. If all of these are
    numbers, ``bounds`` are their lowest and highest difference, or new value where there was none
    before.
    """

    common: tuple[Pattern, ...]
    rest: int
    bounds: tuple[Decimal, Decimal] | None = None
    _step: Decimal = Decimal(0)

    @property
    def is_absent(self) -> bool:
        """Whether the only thing in common is that the property is absent."""
        return [(one.how, one.value) for one in self.common] == [(How.SAME, NOTHING)]

    def cover(self, value: Value) -> bool:
        """Return whether a change is like one that is common."""
        return any(_is_like(value, pattern, self._step) for pattern in self.common)


def without(found: Patterns, values: Iterable[Value]) -> Patterns:
    """Return patterns of fewer records: those with ``values`` are shown elsewhere."""
    records = [pattern.records for pattern in found.common]
    rest = found.rest
    for value in values:
        like = (n for n, one in enumerate(found.common) if _is_like(value, one, found._step))
        place = next(like, None)
        if place is None:
            rest = max(0, rest - 1)
        else:
            records[place] -= 1
    common = (replace(one, records=n) for one, n in zip(found.common, records, strict=True) if n)
    return replace(found, common=tuple(common), rest=rest, bounds=found.bounds if rest else None)


def patterns(values: Mapping[Value, int]) -> Patterns:
    """Return what changes of one property, each with its number of records, have in common."""
    total = sum(values.values())
    numbers = _numbers(values)
    step = _step(values) if numbers is not None else Decimal(0)
    best = _most_common(values, total)
    if numbers is not None and _records(best) < total:
        for found in (_factor(values, numbers, step), _differences(values, numbers)):
            if _records(found) > _records(best) and _is_most(found, total):
                best = found
    made = Patterns(tuple(best), total - _records(best), _step=step)
    if numbers is None or not made.rest:
        return made
    left = [_difference(*numbers[value]) for value in values if not made.cover(value)]
    return Patterns(made.common, made.rest, (min(left), max(left)), step)


def number(text: str) -> Decimal | None:
    """Return the number that a value is, or None."""
    if not text or len(text) > _PRECISE or not text.isascii():
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) < _PRECISE else None


def _records(found: Iterable[Pattern]) -> int:
    return sum(pattern.records for pattern in found)


def _is_most(found: Iterable[Pattern], total: int) -> bool:
    """Return whether patterns say something: fewer are a list of what is frequent by chance."""
    return 2 * _records(found) >= total


def _most_common(values: Mapping[Value, int], total: int) -> list[Pattern]:
    ordered = sorted(values.items(), key=lambda one: (-one[1], one[0]))
    found = [Pattern(How.SAME, n, value) for value, n in ordered[:ROWS] if n >= MANY]
    return found if _is_most(found, total) else []


_Numbers = Mapping[Value, tuple[Decimal | None, Decimal]]


def _numbers(values: Iterable[Value]) -> _Numbers | None:
    """Return the numbers before and after, or None if a value is none."""
    found = {}
    for value in values:
        before, after = number(value.before), number(value.after)
        if after is None or (before is None and value.before):
            return None
        found[value] = before, after
    return found


def _step(values: Iterable[Value]) -> Decimal:
    """Return one unit of the last decimal that any new value has."""
    return Decimal(1).scaleb(-max(len(value.after.partition(".")[2]) for value in values))


def _difference(before: Decimal | None, after: Decimal) -> Decimal:
    return after if before is None else after - before


def _factor(values: Mapping[Value, int], numbers: _Numbers, step: Decimal) -> list[Pattern]:
    """Return the factor by which most numbers change, up to rounding; empty if there is none."""
    found: list[Pattern] = []
    for places in _PLACES:
        for factor, _ in _ratios(values, numbers, places).most_common(1):
            like = Pattern(How.TIMES, 0, number=factor)
            many = sum(n for value, n in values.items() if _is_like(value, like, step))
            if many >= MANY and many > _records(found) and factor != 1:
                found = [Pattern(How.TIMES, many, number=factor)]
    return found


def _ratios(values: Mapping[Value, int], numbers: _Numbers, places: int) -> Counter[Decimal]:
    """Return the factors by which numbers change, rounded, each with its records."""
    found: Counter[Decimal] = Counter()
    for value, (before, after) in numbers.items():
        if before and after:
            with suppress(InvalidOperation, DivisionByZero, Overflow):
                found[round(after / before, places)] += values[value]
    return found


def _differences(values: Mapping[Value, int], numbers: _Numbers) -> list[Pattern]:
    by: Counter[Decimal] = Counter()
    for value, (before, after) in numbers.items():
        if before is not None:
            by[after - before] += values[value]
    ordered = sorted(by.items(), key=lambda one: (-one[1], one[0]))
    return [Pattern(How.PLUS, n, number=one) for one, n in ordered[:ROWS] if n >= MANY]


def _is_like(value: Value, pattern: Pattern, step: Decimal) -> bool:
    if pattern.how is How.SAME:
        return value == pattern.value
    before, after = number(value.before), number(value.after)
    if before is None or after is None:
        return False
    if pattern.how is How.PLUS:
        return after - before == pattern.number
    return abs(before * pattern.number - after) < step

"""What the first lines of a plan say: the money it moves, and what looks like a slip."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from reconcile.render.anomalies import Anomaly, Slip, anomalies
from reconcile.render.escaping import value
from reconcile.render.phrasing import count, listed, plural
from reconcile.render.plan_view import PlanView
from reconcile.render.totals import Total, totals

Write = Callable[[str], str]
"""Escapes untrusted text for a medium."""

LOOK_TWICE = "Look twice"


def total_texts(seen: PlanView, write: Write) -> Iterator[str]:
    """Yield ``USD 1,200.00 -> 1,320.00 (+120.00), 12 orders`` for each currency."""
    for total in totals(seen.plan, personal=seen.personal):
        yield _total(total, write)


def anomaly_texts(seen: PlanView, write: Write) -> Iterator[str]:
    """Yield what looks like a slip, the worst of each sort."""
    for one in anomalies(seen.units()):
        yield _anomaly(one, write)


def times(factor: Decimal) -> str:
    """Return ``x 1.10``, ``x 10``, or ``/ 100``."""
    if 0 < factor < 1 and (back := 1 / factor) == back.to_integral():
        return f"/ {back:f}"
    if factor == factor.to_integral():
        return f"x {factor.to_integral():f}"
    whole, _, places = f"{round(factor, 4):f}".partition(".")
    return f"x {whole}.{places.rstrip('0'):0<2}"


def _about(factor: Decimal) -> str:
    """Return a factor to two decimals, of what gets smaller by what it is divided by."""
    if factor >= 1:
        return times(round(factor, 2))
    return f"/ {times(round(1 / factor, 2)).removeprefix('x ')}"


def money(amount: Decimal) -> str:
    """Return ``1,200.00``: at least two decimals."""
    exponent = amount.as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 2)
    return f"{amount:,.{places}f}"


def _total(total: Total, write: Write) -> str:
    name = write(total.currency) if total.currency else "no currency declared"
    change = total.after - total.before
    sign = "+" if change >= 0 else ""
    moved = f"{money(total.before)} -> {money(total.after)} ({sign}{money(change)})"
    return f"{name} {moved}, {listed(total.records)}"


def _anomaly(one: Anomaly, write: Write) -> str:
    name = write(one.field.name)
    after = write(value(one.field.shown_after))
    if not isinstance(one, Slip):
        replaced = plural(one.others, "different value")
        return f"{name} becomes {after} on {count(one.kind, one.records)}, in place of {replaced}"
    before = write(value(one.field.shown_before))
    how = f" ({_about(one.factor)})" if one.factor else ""
    more = f", and {one.more:,} more like it" if one.more else ""
    return f"{name} {before} -> {after}{how} on {write(str(one.address))}{more}"

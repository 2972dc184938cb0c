"""Phrases for targets, numbers, kinds and durations, the same everywhere."""

from collections.abc import Iterable, Mapping
from functools import cache

from reconcile.model.kinds import kinds
from reconcile.model.plan import TargetPin
from reconcile.model.selected import Selected


def target_line(target: TargetPin) -> str:
    """Return ``Target northwind-sandbox: sandbox account 8675309 (DEVELOPER_TEST)``."""
    sandbox = "sandbox " if target.sandbox else ""
    kind = f" ({target.account_type})" if target.account_type else ""
    return f"Target {target.name}: {sandbox}account {target.portal_id}{kind}"


def selection_words(selected: Selected) -> str:
    """Return ``1 order or cart is selected, 962 are left out``."""
    are = "is" if selected.units == 1 else "are"
    left = "is" if selected.left_out == 1 else "are"
    many = plural(selected.units, "order or cart", "orders and carts")
    return f"{many} {are} selected, {selected.left_out:,} {left} left out"


def count(kind: str, number: int) -> str:
    """Return ``1 order``, ``2,155 line items``; ``2 records`` of an unknown kind."""
    known = kinds().get(kind)
    return known.count(number) if known else plural(number, "record")


def plural(number: int, one: str, many: str = "") -> str:
    """Return ``1 conflict``, ``2,155 conflicts``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@cache
def kind_order() -> tuple[str, ...]:
    """Return the kinds in the order of listings: each unit followed by its children."""
    known = kinds()
    units = [name for name, kind in known.items() if kind.is_unit]
    children = [kind for kind in known.values() if not kind.is_unit]
    order: list[str] = []
    for unit in units:
        order += [unit, *(child.name for child in children if child.parents[0] == unit)]
    return (*order, *(name for name in known if name not in order))


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names of kinds in the order of listings."""
    order = kind_order()
    return sorted(names, key=lambda name: (order.index(name) if name in order else 99, name))


def listed(counts: Mapping[str, int]) -> str:
    """Return ``830 orders, 2,155 line items, 21 carts``."""
    return ", ".join(count(name, counts[name]) for name in in_order(counts) if counts[name])


def duration(seconds: float) -> str:
    """Return ``3.4 s``, ``2 min 5 s``, ``1 h 2 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"

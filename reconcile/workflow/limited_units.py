"""Limit a plan to the selected units, of what is declared and of what only the state knows."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.model.address import Address
from reconcile.model.records import Unit
from reconcile.model.selected import EVERYTHING, Selected
from reconcile.selecting.selectors import Selection
from reconcile.state.managed import beside
from reconcile.state.state import State


class Limited(NamedTuple):
    """The declared ``units`` to plan, and what the plan says of that.

    ``names`` are the folded addresses of all selected units, undeclared ones too, or None without a
    selection.
    """

    units: Sequence[Unit]
    names: frozenset[Address] | None = None
    selected: Selected = EVERYTHING


def limit(
    units: Sequence[Unit],
    selection: Selection | None,
    *,
    everything: Collection[Unit],
    state: State,
    broken: Collection[Problem],
) -> Limited:
    """Return what is selected of ``units``, which are some of ``everything``, and of the state.

    Raise UsageError for a selection that matches nothing, or ManifestError for ``broken``: it may
    be declared in a manifest that cannot be read.
    """
    if selection is None:
        return Limited(units)
    known = beside(state, everything)
    names: dict[Address, list[Address]] = defaultdict(list)
    for unit in units:
        names[unit.address.folded()] += (record.address for record in unit.records)
    for address, records in known.undeclared.items():
        names[address] += records
    try:
        chosen = selection.of(names, known.moving)
    except UsageError:
        if broken:
            raise ManifestError(tuple(broken)) from None
        raise
    found = [unit for unit in units if unit.address.folded() in chosen]
    select, exclude = (
        tuple(one.text for one in some if one.text)
        for some in (selection.select, selection.exclude)
    )
    selected = Selected(select, exclude, len(found), len(everything) - len(found))
    return Limited(found, chosen, selected)

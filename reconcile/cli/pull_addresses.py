"""Which records `reconcile pull ADDRESS…` names."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from reconcile.cli.common import addresses
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.records import Desired, Unit
from reconcile.model.values import nearest, show
from reconcile.selecting.selectors import NameSelector

Records = Mapping[Address, tuple[Unit, Desired]]
"""Declared records with their units, by folded address."""


class Named(NamedTuple):
    """Addresses as they were typed: ``exact`` ones, and those with wildcards."""

    exact: Collection[Address]
    wild: Sequence[NameSelector]


def named(words: Sequence[str]) -> Named:
    """Return the addresses that words are. Raises UsageError for a malformed one."""
    wild = [one for one in (NameSelector(word, word) for word in words) if not one.is_exact]
    return Named(addresses(tuple({*words} - {one.text for one in wild})), wild)


def by_address(units: Sequence[Unit]) -> Records:
    """Return the records of units by folded address."""
    return {record.address.folded(): (unit, record) for unit in units for record in unit.records}


def chosen(
    given: Named, units: Sequence[Unit], records: Records
) -> tuple[Collection[Address], Sequence[Unit]]:
    """Return the folded addresses of records, and their units.

    Raises UsageError for what no manifest declares.
    """
    found = {one.folded() for one in given.exact}
    _require_declared(found, records)
    for one in given.wild:
        like = {address for address in records if one.names(address)}
        if not like:
            raise UsageError(f"no manifest declares a record like {show(one.text)}")
        found |= like
    names = {records[one][0].address for one in found}
    return found, [unit for unit in units if unit.address in names]


def _require_declared(chosen: Collection[Address], records: Records) -> None:
    unknown = sorted(str(one) for one in chosen if one not in records)
    if unknown:
        known = [str(record.address) for _, record in records.values()]
        near = nearest(unknown[0], known) if len(unknown) == 1 else ""
        raise UsageError(
            f"no manifest declares {', '.join(map(show, unknown))}{near}",
            hint="`reconcile pull orders` writes manifests for orders that have none",
        )

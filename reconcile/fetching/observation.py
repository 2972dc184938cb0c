"""Putting together what was found of a chunk's records, unit by unit. No calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Missing,
    Observed,
    Unit,
)


@dataclass(slots=True)
class Seen:
    """What was found of a chunk's records; see Observed."""

    records: dict[Address, Actual] = field(default_factory=dict)
    missing: dict[Address, Missing] = field(default_factory=dict)
    by_id: set[Address] = field(default_factory=set)
    displaced: dict[Address, str] = field(default_factory=dict)
    twins: dict[Address, tuple[str, ...]] = field(default_factory=dict)


def left_behind(desired: Desired, last: Mapping[Address, LastApplied]) -> LastApplied | None:
    """What the state has under the former address of a record that it has under its own too.

    Nothing where that is the same record: a run died then while the entry moved.
    """
    own, former = last.get(desired.address.folded()), desired.former
    there = last.get(former.folded()) if former is not None else None
    return there if own is not None and there is not None and there.id != own.id else None


def has_lines(unit: Unit, to: str) -> bool:
    """Whether it matters which records of a kind stand under a unit's root.

    Those of an order that is to go matter, declared or not: they would be left without it.
    """
    child = kinds().get(to)
    if child is None or unit.address.kind not in child.parents:
        return False
    absent = unit.root is not None and unit.root.lifecycle is Lifecycle.ABSENT
    return absent or any(line.address.kind == to for line in unit.lines)


def is_line(unit: Unit, link: Link) -> bool:
    """Whether an association of a unit's root leads to a record that stands under it."""
    return link.to in kinds() and unit.address.kind in kinds()[link.to].parents


def observed(
    unit: Unit,
    seen: Seen,
    links: Mapping[Address, frozenset[Link]],
    parents: Mapping[Address, str],
) -> Observed:
    """What was found of one unit; ``links`` by record, ``parents`` are those of somebody else."""
    addresses = [record.address for record in unit.records]
    lines = frozenset(link.id for link in links.get(unit.address, ()) if is_line(unit, link))
    records = {a: seen.records[a] for a in addresses if a in seen.records}
    return Observed(
        records=records,
        missing={a: seen.missing[a] for a in addresses if a in seen.missing},
        by_id=frozenset(seen.by_id.intersection(addresses)),
        key_moved={a: seen.displaced[a] for a in addresses if a in seen.displaced},
        duplicates={a: seen.twins[a] for a in addresses if a in seen.twins},
        links={a: links[a] for a in (unit.address, *addresses) if a in links},
        lines=lines,
        others=len(lines - {actual.id for actual in records.values()}),
        parent_id=parents.get(unit.address, ""),
    )

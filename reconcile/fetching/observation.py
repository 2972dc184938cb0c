"""Assemble what was found for a chunk's records into one observation per unit. No calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconcile.model.address import Address
from reconcile.model.bound_records import RecordId
from reconcile.model.kinds import kinds
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Missing,
    NotAdopted,
    Observed,
    Unit,
)


@dataclass(slots=True)
class ChunkFindings:
    """What was found for a chunk's records; its fields are those of Observed."""

    records: dict[Address, Actual] = field(default_factory=dict)
    missing: dict[Address, Missing] = field(default_factory=dict)
    by_id: set[Address] = field(default_factory=set)
    key_moved: dict[Address, str] = field(default_factory=dict)
    duplicates: dict[Address, tuple[str, ...]] = field(default_factory=dict)
    adopted: set[Address] = field(default_factory=set)
    not_adopted: dict[Address, NotAdopted] = field(default_factory=dict)

    def candidates(self) -> frozenset[str]:
        """Return the ids of what records in conflict may be: somebody has to choose first."""
        adopted = (one.ids for one in self.not_adopted.values())
        return frozenset(id_ for ids in (*self.duplicates.values(), *adopted) for id_ in ids)


@dataclass(frozen=True, slots=True)
class UnknownLines:
    """The line items under a unit that neither its plan nor the state knows.

    ``foreign`` are those that others added, by the address that their id makes; ``bound`` are those
    that documents are bound to by a value.
    """

    foreign: Mapping[Address, Actual] = field(default_factory=dict)
    bound: Mapping[RecordId, Address] = field(default_factory=dict)


def entry_at_former_address(
    desired: Desired, last: Mapping[Address, LastApplied]
) -> LastApplied | None:
    """Return the state's entry at a record's former address if it has one at the new address too.

    Return None if both are the same record: a run was interrupted while it moved the entry.
    """
    own, former = last.get(desired.address.folded()), desired.former
    there = last.get(former.folded()) if former is not None else None
    return there if own is not None and there is not None and there.id != own.id else None


def lines_matter(unit: Unit, to: str) -> bool:
    """Return whether a plan needs the records of a kind under a unit's root.

    If the root is to be archived it needs them, declared or not: they would lose their parent.
    """
    child = kinds().get(to)
    if child is None or unit.address.kind not in child.parents:
        return False
    absent = unit.root is not None and unit.root.lifecycle is Lifecycle.ABSENT
    exact = unit.root is not None and unit.root.exact_lines
    return absent or exact or any(line.address.kind == to for line in unit.lines)


def leads_to_line(unit: Unit, link: Link) -> bool:
    """Return whether an association of a unit's root leads to a line under it."""
    return link.to in kinds() and unit.address.kind in kinds()[link.to].parents


def observation_of(
    unit: Unit,
    findings: ChunkFindings,
    links: Mapping[Address, frozenset[Link]],
    parents: Mapping[Address, str],
    unknown: UnknownLines,
) -> Observed:
    """Return what was found for one unit.

    ``links`` are associations by record, ``parents`` the ids of undeclared parents by unit.
    """
    addresses = [record.address for record in unit.records]
    lines = frozenset(link.id for link in links.get(unit.address, ()) if leads_to_line(unit, link))
    ours = {actual.id for actual in unknown.foreign.values()}
    records = {a: findings.records[a] for a in addresses if a in findings.records}
    return Observed(
        records=records,
        missing={a: findings.missing[a] for a in addresses if a in findings.missing},
        by_id=frozenset(findings.by_id.intersection(addresses)),
        key_moved={a: findings.key_moved[a] for a in addresses if a in findings.key_moved},
        duplicates={a: findings.duplicates[a] for a in addresses if a in findings.duplicates},
        adopted=frozenset(findings.adopted.intersection(addresses)),
        not_adopted={a: findings.not_adopted[a] for a in addresses if a in findings.not_adopted},
        links={a: links[a] for a in (unit.address, *addresses) if a in links},
        lines=lines,
        others=len(lines - ours - {actual.id for actual in records.values()}),
        foreign=unknown.foreign,
        bound_lines=unknown.bound,
        parent_id=parents.get(unit.address, ""),
    )

"""Read what HubSpot has for the declared records, in as few calls as possible.

Search is not used: its index lags behind writes (reference §3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from reconcile.fetching.existence import Existence
from reconcile.fetching.foreign_lines import unknown_lines
from reconcile.fetching.observation import (
    ChunkFindings,
    UnknownLines,
    lines_matter,
    observation_of,
)
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.bound_records import BoundRecords
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.records import (
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Observed,
    Unit,
)

_NONE: Mapping[str, Mapping[str, Property]] = MappingProxyType({})
_NOTHING = BoundRecords()


class Fetcher:
    """Reads units' records and associations.

    ``properties`` are the managed property names by kind; ``pairs`` the (kind, associated word)
    pairs whose associations are read. For ``target`` and ``defined`` see ``Existence``; ``bound``
    tells foreign line items from those of documents.
    """

    def __init__(
        self,
        hubspot: HubSpot,
        identities: Mapping[str, Identity],
        properties: Mapping[str, Sequence[str]],
        pairs: Iterable[tuple[str, str]],
        *,
        target: str = "",
        defined: Mapping[str, Mapping[str, Property]] = _NONE,
        bound: BoundRecords = _NOTHING,
    ) -> None:
        self._hubspot = hubspot
        self._identities = identities
        self._bound = bound
        self._defined = defined
        self._existence = Existence(hubspot, identities, properties, target, defined)
        self._pairs = frozenset(pairs)

    def observe(
        self,
        units: Sequence[Unit],
        last: Mapping[Address, LastApplied],
        parents: Mapping[Address, str],
    ) -> Mapping[Address, Observed]:
        """Return what exists for each unit, by the unit's address.

        ``last`` has the state's entries of the units' records by folded address, former addresses
        included. ``parents`` are the ids of parents that no manifest declares, by unit. Records
        with the lifecycle state forget are not read.
        """
        findings = ChunkFindings()
        by_kind: dict[str, list[Desired]] = defaultdict(list)
        for unit in units:
            if unit.root is not None and unit.root.lifecycle is not Lifecycle.FORGET:
                by_kind[unit.address.kind].append(unit.root)
        for name, roots in by_kind.items():
            self._existence.find(kinds()[name], [(roots, ())], last, findings)
        ids = {a: r.id for a, r in findings.records.items() if kinds()[a.kind].is_unit} | {
            unit.address: parents[unit.address] for unit in units if unit.address in parents
        }
        links = self._links(units, ids)
        for name in sorted({line.address.kind for unit in units for line in unit.lines}):
            groups = [_lines(unit, name, links) for unit in units]
            self._existence.find(kinds()[name], groups, last, findings)
        unknown = unknown_lines(
            self._hubspot,
            self._identities,
            units,
            links,
            findings=findings,
            bound=self._bound,
            defined=self._defined,
        )
        return {
            unit.address: observation_of(
                unit, findings, links, parents, unknown.get(unit.address, UnknownLines())
            )
            for unit in units
        }

    def _links(
        self, units: Sequence[Unit], ids: Mapping[Address, str]
    ) -> dict[Address, frozenset[Link]]:
        by_pair: dict[tuple[str, str], list[str]] = defaultdict(list)
        for unit in units:
            if unit.address not in ids:
                continue
            kind = kinds()[unit.address.kind]
            custom = {to for name, to in self._pairs if name == kind.name} - {*kind.associations}
            for to in (*kind.associations, *sorted(custom)):
                ours = unit.root is not None and (kind.name, to) in self._pairs
                if ours or lines_matter(unit, to):
                    by_pair[kind.name, to].append(ids[unit.address])
        links: dict[tuple[str, str], frozenset[Link]] = {}
        for (name, to), wanted in sorted(by_pair.items()):
            kind = kinds()[name]
            answer = self._hubspot.associations.links(
                kind.object, to, kind.association(to).object, wanted
            )
            for record_id, found in answer.items():
                links[name, record_id] = links.get((name, record_id), frozenset()) | found
        return {
            address: links[address.kind, record_id]
            for address, record_id in ids.items()
            if (address.kind, record_id) in links
        }


def _lines(
    unit: Unit, name: str, links: Mapping[Address, frozenset[Link]]
) -> tuple[list[Desired], set[str]]:
    """Return a unit's lines of one kind to read, and the ids of its lines in HubSpot."""
    wanted = [
        line
        for line in unit.lines
        if line.address.kind == name and line.lifecycle is not Lifecycle.FORGET
    ]
    there = {link.id for link in links.get(unit.address, ()) if link.to == name}
    return wanted, there if wanted else set()

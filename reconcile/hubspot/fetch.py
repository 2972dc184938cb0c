"""What HubSpot holds for the declared records, in as few calls as it allows.

Existence is decided by reading by key, then by the id in the state; never by search, whose index
lags behind writes (reference §3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.observing import Seen, has_lines, is_line, left_behind, observed
from reconcile.model.address import Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Life,
    Link,
    Missing,
    Observed,
    Reference,
    Unit,
)


class Fetcher:
    """Reads units' records and associations.

    ``properties`` are the managed property names by kind; ``pairs`` the (kind, associated word)
    pairs whose associations matter.
    """

    def __init__(
        self,
        hubspot: HubSpot,
        identities: Mapping[str, Identity],
        properties: Mapping[str, Sequence[str]],
        pairs: Iterable[tuple[str, str]],
    ) -> None:
        self._hubspot = hubspot
        self._identities = identities
        self._properties = {
            name: sorted({*properties.get(name, ()), *_key_property(identities[name])})
            for name in kinds()
        }
        self._pairs = frozenset(pairs)

    def observe(
        self,
        units: Sequence[Unit],
        last: Mapping[Address, LastApplied],
        parents: Mapping[Address, str],
    ) -> Mapping[Address, Observed]:
        """What exists for each unit, by the unit's address.

        ``last`` has the state's entries for the units' records, by folded address, former ones
        too; ``parents`` the record ids of parents that something else owns. Records to forget are
        not looked at.
        """
        seen = Seen()
        by_kind: dict[str, list[Desired]] = defaultdict(list)
        for unit in units:
            for desired in unit.records:
                if desired.life is not Life.FORGET:
                    by_kind[desired.address.kind].append(desired)
        for name, wanted in by_kind.items():
            self._find(kinds()[name], wanted, last, seen)
        ids = {a: r.id for a, r in seen.records.items() if kinds()[a.kind].is_unit} | {
            unit.address: parents[unit.address] for unit in units if unit.address in parents
        }
        links = self._links(units, ids)
        self._add_other_parents(units, seen.records, links)
        return {unit.address: observed(unit, seen, links, parents) for unit in units}

    def _find(
        self,
        kind: Kind,
        wanted: Sequence[Desired],
        last: Mapping[Address, LastApplied],
        seen: Seen,
    ) -> None:
        identity = self._identities[kind.name]
        names = self._properties[kind.name]
        found = self._hubspot.read(
            kind.object,
            [desired.address.key for desired in wanted],
            names,
            id_property=identity.name if identity.unique else None,
        )
        formerly = self._under_former_keys(kind, wanted, last)
        lost: dict[str, list[Address]] = defaultdict(list)
        other: dict[str, list[Address]] = defaultdict(list)
        for desired in wanted:
            address = desired.address
            entry, former = desired.entry_in(last), formerly.get(desired.address)
            if (actual := found.get(address.key)) is not None:
                seen.records[address] = actual
                if entry is not None and entry.id != actual.id:
                    other[entry.id].append(address)
                if former is not None and former.id != actual.id:
                    seen.displaced[address] = former.id
            elif entry is not None:
                lost[entry.id].append(address)
            elif former is not None:
                seen.records[address] = former
                seen.by_id.add(address)
            elif not identity.unique:
                lost[address.key].append(address)
            if left := left_behind(desired, last):
                other[left.id].append(address)
        if lost:
            self._find_lost(kind, lost, seen)
        if other:
            alive = self._hubspot.read(kind.object, list(other), [])
            seen.displaced.update(
                (address, record_id) for record_id in alive for address in other[record_id]
            )

    def _under_former_keys(
        self, kind: Kind, wanted: Sequence[Desired], last: Mapping[Address, LastApplied]
    ) -> Mapping[Address, Actual]:
        """Records that the state does not know, by the keys that they had before."""
        keys = {
            one.moved_from.value: one.address
            for one in wanted
            if one.moved_from is not None and one.entry_in(last) is None
        }
        names, identity = self._properties[kind.name], self._identities[kind.name]
        if not keys or not identity.unique:
            return {}
        found = self._hubspot.read(kind.object, list(keys), names, id_property=identity.name)
        return {keys[key]: actual for key, actual in found.items()}

    def _find_lost(self, kind: Kind, lost: Mapping[str, Sequence[Address]], seen: Seen) -> None:
        """Look for records that are not under their keys by the ids the state knows."""
        names = self._properties[kind.name]
        alive = dict(self._hubspot.read(kind.object, list(lost), names))
        rest = [record_id for record_id in lost if record_id not in alive]
        archived = self._hubspot.read(kind.object, rest, names, archived=True) if rest else {}
        for record_id, addresses in lost.items():
            missing = None
            if record_id in archived:
                missing = Missing(record_id, "archived")
            elif record_id not in alive:
                # Only the single read answers for a merged record's former id (reference §8).
                now = self._hubspot.get(kind.object, record_id, names)
                if now is None:
                    missing = Missing(record_id, "gone")
                elif now.id == record_id:
                    alive[record_id] = now
                else:
                    missing = Missing(record_id, "merged", into=now.id)
            for address in addresses:
                if missing is not None:
                    seen.missing[address] = missing
                else:
                    seen.records[address] = alive[record_id]
                    seen.by_id.add(address)

    def _links(
        self, units: Sequence[Unit], ids: Mapping[Address, str]
    ) -> dict[Address, frozenset[Link]]:
        by_pair: dict[tuple[str, str], list[str]] = defaultdict(list)
        for unit in units:
            if unit.address not in ids:
                continue
            kind = kinds()[unit.address.kind]
            for to in kind.associations:
                ours = unit.root is not None and (kind.name, to) in self._pairs
                if ours or has_lines(unit, to):
                    by_pair[kind.name, to].append(ids[unit.address])
        links: dict[tuple[str, str], frozenset[Link]] = {}
        for (name, to), wanted in sorted(by_pair.items()):
            kind = kinds()[name]
            answer = self._hubspot.links(kind.object, to, kind.associations[to].object, wanted)
            for record_id, found in answer.items():
                links[name, record_id] = links.get((name, record_id), frozenset()) | found
        return {
            address: links[address.kind, record_id]
            for address, record_id in ids.items()
            if (address.kind, record_id) in links
        }

    def _add_other_parents(
        self,
        units: Sequence[Unit],
        records: Mapping[Address, Actual],
        links: dict[Address, frozenset[Link]],
    ) -> None:
        """For lines that exist but not under their declared parent: whose are they?"""
        stray: dict[str, dict[str, Address]] = defaultdict(dict)
        for unit in units:
            here = {link.id for link in links.get(unit.address, ()) if is_line(unit, link)}
            for line in unit.lines:
                actual = records.get(line.address)
                if actual is not None and actual.id not in here:
                    stray[line.address.kind][actual.id] = line.address
        for name, lines in stray.items():
            kind = kinds()[name]
            for parent in kind.parents:
                to = kind.associations[parent]
                answer = self._hubspot.links(kind.object, parent, to.object, list(lines))
                for record_id, found in answer.items():
                    address = lines[record_id]
                    links[address] = links.get(address, frozenset()) | found

    def resolve(self, references: Iterable[Reference]) -> Mapping[tuple[str, str, str], str]:
        """The record ids that references point at, by (to, by, folded value).

        A reference to nothing is not in the answer.
        """
        wanted: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
        for reference in references:
            target = _target(reference)
            wanted[reference.to, reference.by, target][fold(reference.value)] = reference.value
        found: dict[tuple[str, str, str], str] = {}
        for (to, by, target), values in wanted.items():
            id_property = self._reference_property(to, by)
            answer = self._hubspot.read(target, list(values.values()), [], id_property=id_property)
            for value, actual in answer.items():
                found[to, by, fold(value)] = actual.id
        return found

    def _reference_property(self, to: str, by: str) -> str | None:
        if by == "id":
            return None
        if by == "key":
            return next(iter(_key_property(self._identities[to])), None)
        return by


def _key_property(identity: Identity) -> tuple[str, ...]:
    return (identity.name,) if identity.unique else ()


def _target(reference: Reference) -> str:
    """HubSpot's name of the object a reference points at."""
    kind = kinds().get(reference.to)
    if kind is not None:
        return kind.object
    return next(
        association.object
        for kind in kinds().values()
        for association in kind.associations.values()
        if association.to == reference.to
    )

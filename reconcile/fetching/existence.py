"""Find declared records: by key or through the parent, then by the id in the state."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from reconcile.fetching.adopted_records import Readable, Wanted, find_adopted
from reconcile.fetching.children import Lines, lines_with_value
from reconcile.fetching.find import find_by_key
from reconcile.fetching.look_up import look_up
from reconcile.fetching.observation import ChunkFindings, entry_at_former_address
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Actual, Adoption, Desired, LastApplied, Missing, NotAdopted


class Existence:
    """Finds records, and reads their managed ``properties``, which are named by kind.

    ``target`` is the one whose adoptions count. ``defined`` are the properties of the
    account, by kind and name.
    """

    def __init__(
        self,
        hubspot: HubSpot,
        identities: Mapping[str, Identity],
        properties: Mapping[str, Sequence[str]],
        target: str,
        defined: Mapping[str, Mapping[str, Property]],
    ) -> None:
        self._hubspot = hubspot
        self._identities = identities
        self._target = target
        self._defined = defined
        self._properties = {
            name: sorted({*properties.get(name, ()), *identities[name].properties})
            for name in kinds()
        }

    def find(
        self,
        kind: Kind,
        groups: Sequence[tuple[Sequence[Desired], Collection[str]]],
        last: Mapping[Address, LastApplied],
        findings: ChunkFindings,
    ) -> None:
        """Record in ``findings`` which records exist: by identity, else by the id in the state.

        ``groups`` has the records of each unit, and the ids of the unit's lines in HubSpot.
        """
        wanted = [one for records, _ in groups for one in records]
        if not wanted:
            return
        if self._identities[kind.name].sibling_property:
            there = self._find_under_parents(kind, groups, last, findings)
        else:
            found = self._find_by_key(kind, [one.address.key for one in wanted])
            by_key = {one.address.key: one.address for one in wanted}
            there = {by_key[key]: actual for key, actual in found.items()}
        self._record_findings(kind, wanted, last, findings, there)
        self._adopt(kind, groups, findings)

    def _find_by_key(self, kind: Kind, keys: Sequence[str]) -> Mapping[str, Actual]:
        identity, names = self._identities[kind.name], self._properties[kind.name]
        return find_by_key(self._hubspot, kind, identity, keys, names)

    def _find_under_parents(
        self,
        kind: Kind,
        groups: Sequence[tuple[Sequence[Desired], Collection[str]]],
        last: Mapping[Address, LastApplied],
        findings: ChunkFindings,
    ) -> dict[Address, Actual]:
        ids = sorted({line for _, lines in groups for line in lines})
        read = (
            self._hubspot.records.read(kind.object, ids, self._properties[kind.name]) if ids else {}
        )
        there: dict[Address, Actual] = {}
        for wanted, lines in groups:
            found = {line: read[line] for line in lines if line in read}
            there |= dict(self._match_lines(kind, wanted, found, last, findings))
        return there

    def _match_lines(
        self,
        kind: Kind,
        wanted: Sequence[Desired],
        lines: Lines,
        last: Mapping[Address, LastApplied],
        findings: ChunkFindings,
    ) -> Iterator[tuple[Address, Actual]]:
        """Match the lines of one parent to records: by the state's ids, then by declared value.

        The ids come first because the value may be what the manifest changes.
        """
        name = self._identities[kind.name].sibling_property
        entries = ((one.address, one.entry_in(last)) for one in wanted)
        known = {address: entry.id for address, entry in entries if entry and entry.id in lines}
        for one in wanted:
            value = one.properties.get(name, "")
            same = (
                list(lines_with_value(lines, name, value, without=known.values())) if value else []
            )
            if one.address in known:
                same.insert(0, lines[known[one.address]])
            if same:
                yield one.address, same[0]
            if len(same) > 1:
                findings.duplicates[one.address] = tuple(sorted(line.id for line in same))

    def _record_findings(
        self,
        kind: Kind,
        wanted: Sequence[Desired],
        last: Mapping[Address, LastApplied],
        findings: ChunkFindings,
        found: Mapping[Address, Actual],
    ) -> None:
        identity = self._identities[kind.name]
        formerly = self._under_former_keys(kind, wanted, last)
        lost: dict[str, list[Address]] = defaultdict(list)
        other: dict[str, list[Address]] = defaultdict(list)
        for desired in wanted:
            address = desired.address
            entry, former = desired.entry_in(last), formerly.get(desired.address)
            if (actual := found.get(address)) is not None:
                findings.records[address] = actual
                if entry is not None and entry.id != actual.id:
                    other[entry.id].append(address)
                if former is not None and former.id != actual.id:
                    findings.key_moved[address] = former.id
            elif entry is not None:
                lost[entry.id].append(address)
            elif former is not None:
                findings.records[address] = former
                findings.by_id.add(address)
            elif identity.key_is_id:
                lost[address.key].append(address)
            if former_entry := entry_at_former_address(desired, last):
                other[former_entry.id].append(address)
        if lost:
            self._find_lost(kind, lost, findings)
        if other:
            alive = self._hubspot.records.read(kind.object, list(other), [])
            findings.key_moved.update(
                (address, record_id) for record_id in alive for address in other[record_id]
            )

    def _adopt(
        self,
        kind: Kind,
        groups: Sequence[tuple[Sequence[Desired], Collection[str]]],
        findings: ChunkFindings,
    ) -> None:
        """Find the records to adopt of those that neither their key nor the state leads to.

        What the state knows was adopted before, so an adoption that leads nowhere by now is
        history. One that leads to another live record is a conflict.
        """
        wanted: list[Wanted] = []
        again: dict[Wanted, str] = {}
        for desired, lines in ((one, lines) for records, lines in groups for one in records):
            address, adoption = desired.address, desired.adoption(self._target)
            if adoption is None:
                continue
            one = Wanted(address, adoption, tuple(lines))
            known = findings.records.get(address) or findings.missing.get(address)
            if known is None:
                wanted.append(one)
            elif not _leads_to(adoption, known):
                again[one] = known.id
        readable = Readable(self._properties[kind.name], self._defined[kind.name])
        if wanted:
            find_adopted(self._hubspot, kind, wanted, readable, findings)
        if again:
            other = ChunkFindings()
            find_adopted(self._hubspot, kind, list(again), readable, other)
            findings.not_adopted |= {
                one.address: NotAdopted("other", (bound, other.records[one.address].id))
                for one, bound in again.items()
                if one.address in other.records and other.records[one.address].id != bound
            }

    def _under_former_keys(
        self, kind: Kind, wanted: Sequence[Desired], last: Mapping[Address, LastApplied]
    ) -> Mapping[Address, Actual]:
        """Return records that the state does not know, found by their former keys."""
        keys = {
            one.moved_from.value: one.address
            for one in wanted
            if one.moved_from is not None and one.entry_in(last) is None
        }
        if not keys or not self._identities[kind.name].key_property:
            return {}
        found = self._find_by_key(kind, list(keys))
        return {keys[key]: actual for key, actual in found.items()}

    def _find_lost(
        self, kind: Kind, lost: Mapping[str, Sequence[Address]], findings: ChunkFindings
    ) -> None:
        """Look up records that are not under their keys by the ids in the state."""
        found = look_up(self._hubspot, kind, list(lost), self._properties[kind.name])
        for record_id, addresses in lost.items():
            for address in addresses:
                if isinstance(one := found[record_id], Missing):
                    findings.missing[address] = one
                else:
                    findings.records[address] = one
                    findings.by_id.add(address)


def _leads_to(adoption: Adoption, known: Actual | Missing) -> bool:
    """Return whether a record that was found is the one to adopt, as far as it is read."""
    if adoption.by == "id":
        return adoption.value == known.id
    value = known.properties.get(adoption.by) if isinstance(known, Actual) else None
    return fold(value or "") == fold(adoption.value)

"""Find the existing records that documents adopt.

Search only proposes records: each is read by id before it counts (reference §3).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconcile.fetching.look_up import look_up
from reconcile.fetching.observation import ChunkFindings
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual, Adoption, Missing, NotAdopted


class Wanted(NamedTuple):
    """A record to adopt; ``lines`` are the ids of the records under its parent, if it has one."""

    address: Address
    adoption: Adoption
    lines: Collection[str]


class Readable(NamedTuple):
    """The properties to read, and the names of those of which no two records have one value."""

    properties: Sequence[str]
    unique: Collection[str]


def find_adopted(
    hubspot: HubSpot,
    kind: Kind,
    wanted: Sequence[Wanted],
    readable: Readable,
    findings: ChunkFindings,
) -> None:
    """Record in ``findings`` which records are adopted, and why others are not.

    A line item is adopted by a property from among those under its parent.
    """
    ids = [one.adoption.value for one in wanted if one.adoption.by == "id"]
    by_id = look_up(hubspot, kind, list(dict.fromkeys(ids)), readable.properties) if ids else {}
    others = [one for one in wanted if one.adoption.by != "id"]
    by_value = dict(_with_values(hubspot, kind, others, readable))
    for one in wanted:
        if one.adoption.by == "id":
            found = by_id[one.adoption.value]
            hits = [found] if isinstance(found, Actual) else []
            why = _why(found) if isinstance(found, Missing) else None
        else:
            hits, why = by_value[one.address], None
        if len(hits) == 1:
            findings.records[one.address] = hits[0]
            findings.adopted.add(one.address)
        else:
            several = NotAdopted("several", tuple(sorted((hit.id for hit in hits), key=int)))
            findings.not_adopted[one.address] = why or (several if hits else NotAdopted("none"))


def _why(missing: Missing) -> NotAdopted:
    into = (missing.into,) if missing.into else ()
    return NotAdopted("none" if missing.why == "gone" else missing.why, (missing.id, *into))


def _with_values(
    hubspot: HubSpot,
    kind: Kind,
    wanted: Sequence[Wanted],
    readable: Readable,
) -> Iterator[tuple[Address, list[Actual]]]:
    """Yield each record to adopt with those that have the value."""
    by_property: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        by_property[one.adoption.by].append(one)
    for name, some in sorted(by_property.items()):
        values = list({fold(one.adoption.value): one.adoption.value for one in some}.values())
        if not kind.is_unit:
            ids = list(dict.fromkeys(line for one in some for line in sorted(one.lines)))
        elif name in readable.unique:
            there = hubspot.records.read(kind.object, values, [name], id_property=name)
            ids = [actual.id for actual in there.values()]
        else:
            ids = hubspot.searches.with_values(kind.object, name, values)
        read = hubspot.records.read(kind.object, ids, readable.properties) if ids else {}
        having = _by_value(read, name)
        for one in some:
            hits = having.get(fold(one.adoption.value), [])
            yield (
                one.address,
                [hit for hit in hits if kind.is_unit or hit.id in one.lines],
            )


def _by_value(read: Mapping[str, Actual], name: str) -> Mapping[str, list[Actual]]:
    found: dict[str, list[Actual]] = defaultdict(list)
    for actual in read.values():
        found[fold(actual.properties.get(name) or "")].append(actual)
    return found

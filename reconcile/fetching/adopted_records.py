"""Find the existing records that documents adopt.

Search only proposes records: each is read by id before it counts (reference §3).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from reconcile.errors import CallRefused
from reconcile.fetching.look_up import look_up
from reconcile.fetching.observation import ChunkFindings
from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual, Adoption, Missing, NotAdopted


class Wanted(NamedTuple):
    """A record to adopt; ``lines`` are the ids of the records under its parent, if it has one."""

    address: Address
    adoption: Adoption
    lines: Collection[str]


class Readable(NamedTuple):
    """The properties to read, and all that the account defines, by name."""

    properties: Sequence[str]
    defined: Mapping[str, Property]


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
    by_property: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        by_property[one.adoption.by].append(one)
    for name, some in sorted(by_property.items()):
        if name == "id":
            _by_id(hubspot, kind, some, readable, findings)
        else:
            _by_property(hubspot, kind, name, some, readable=readable, findings=findings)


def _by_id(
    hubspot: HubSpot,
    kind: Kind,
    wanted: Sequence[Wanted],
    readable: Readable,
    findings: ChunkFindings,
) -> None:
    ids = list(dict.fromkeys(one.adoption.value for one in wanted))
    found = look_up(hubspot, kind, ids, readable.properties)
    for one in wanted:
        there = found[one.adoption.value]
        if isinstance(there, Missing):
            findings.not_adopted[one.address] = _why(there)
        else:
            _record(findings, one, [there], None)


def _by_property(
    hubspot: HubSpot,
    kind: Kind,
    name: str,
    wanted: Sequence[Wanted],
    *,
    readable: Readable,
    findings: ChunkFindings,
) -> None:
    why = None if name in readable.defined else NotAdopted("unknown")
    try:
        having = _having(hubspot, kind, name, wanted, readable) if why is None else {}
    except CallRefused as error:  # a value that is none of the property's type
        having, why = {}, NotAdopted("refused", (str(error),))
    for one in wanted:
        hits = having.get(fold(one.adoption.value), [])
        mine = [hit for hit in hits if kind.is_unit or hit.id in one.lines]
        _record(findings, one, mine, why)


def _record(
    findings: ChunkFindings, one: Wanted, hits: Sequence[Actual], why: NotAdopted | None
) -> None:
    if len(hits) == 1:
        findings.records[one.address] = hits[0]
        findings.adopted.add(one.address)
    elif hits:
        ids = sorted((hit.id for hit in hits), key=int)
        findings.not_adopted[one.address] = NotAdopted("several", tuple(ids))
    else:
        findings.not_adopted[one.address] = why or NotAdopted("none")


def _why(missing: Missing) -> NotAdopted:
    into = (missing.into,) if missing.into else ()
    return NotAdopted("none" if missing.why == "gone" else missing.why, (missing.id, *into))


def _having(
    hubspot: HubSpot, kind: Kind, name: str, wanted: Sequence[Wanted], readable: Readable
) -> Mapping[str, list[Actual]]:
    """Return the live records by their folded value of a property, as far as it is wanted."""
    values = list({fold(one.adoption.value): one.adoption.value for one in wanted}.values())
    if not kind.is_unit:
        ids = list(dict.fromkeys(line for one in wanted for line in sorted(one.lines)))
    elif readable.defined[name].unique:
        there = hubspot.records.read(kind.object, values, [name], id_property=name)
        ids = [actual.id for actual in there.values()]
    else:
        ids = hubspot.searches.with_values(kind.object, name, values)
    read = hubspot.records.read(kind.object, ids, readable.properties) if ids else {}
    return _by_value(read, name)


def _by_value(read: Mapping[str, Actual], name: str) -> Mapping[str, list[Actual]]:
    found: dict[str, list[Actual]] = defaultdict(list)
    for actual in read.values():
        found[fold(actual.properties.get(name) or "")].append(actual)
    return found

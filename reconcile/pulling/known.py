"""What is wanted of records, and what the project and the account have already."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import fold
from reconcile.model.definitions import Definitions, Owners
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.manage import Manage
from reconcile.model.records import Actual, Unit
from reconcile.state.state import State

_EVERYTHING = Manage()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to write of each record.

    - ``properties``: those to declare; None for those that people keep in HubSpot
    - ``lines``: the properties of its line items; None leaves line items out
    - ``key``: the property whose value becomes the key, empty for the record's id
    - ``ends``: the words of the objects whose associations are declared
    """

    kind: Kind
    properties: tuple[str, ...] | None
    lines: tuple[str, ...] | None
    key: str
    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """What the project has already.

    ``target`` is its name if adoptions must name it, else empty. ``known`` are the ids of records
    that a document or the state is bound to, by kind; ``keys`` the folded ones of documents, by
    kind.
    ``values`` are folded values by which documents adopt records, by kind and property.
    ``manage`` is what may be declared.
    """

    identities: Mapping[str, Identity]
    definitions: Definitions
    target: str
    known: Mapping[str, frozenset[str]]
    keys: Mapping[str, frozenset[str]]
    values: Mapping[str, Mapping[str, frozenset[str]]]
    manage: Manage = _EVERYTHING

    def held_key(self, kind: Kind, record: Actual) -> str:
        """Return the key that a record has, empty if it has none."""
        name = self.identities[kind.name].key_property
        return record.properties.get(name) or "" if name else ""

    def knows(self, kind: Kind, record: Actual) -> bool:
        """Return whether a document or the state is bound to a record, or its key leads to one."""
        held = self.held_key(kind, record)
        if record.id in self.known.get(kind.name, ()):
            return True
        if held and fold(held) in self.keys.get(kind.name, ()):
            return True
        return any(
            fold(record.properties.get(name) or "") in values
            for name, values in self.values.get(kind.name, {}).items()
        )


def project_of(
    hubspot: HubSpot,
    state: State,
    units: Iterable[Unit],
    wanted: Wanted,
    *,
    identities: Mapping[str, Identity],
    target: str,
    several: bool,
    manage: Manage = _EVERYTHING,
) -> Project:
    """Return what the project has: the account's definitions, and the records that are known.

    ``units`` are all that is declared; ``several`` says that the project has other targets too.
    """
    known: dict[str, set[str]] = defaultdict(set)
    keys: dict[str, set[str]] = defaultdict(set)
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in (record for unit in units for record in unit.records):
        name, key = record.address
        keys[name].add(fold(key))
        adoption = record.adoption(target)
        if adoption is not None and adoption.by == "id":
            known[name].add(adoption.value)
        elif adoption is not None:
            values[name][adoption.by].add(fold(adoption.value))
        if identities[name].key_is_id:
            known[name].add(key)
    for _, address, entry in state.entries():
        known[address.kind].add(entry.id)
    return Project(
        identities,
        definitions_of(hubspot, [wanted.kind, *(kinds()[name] for name in wanted.kind.children)]),
        target if several else "",
        {name: frozenset(ids) for name, ids in known.items()},
        {name: frozenset(found) for name, found in keys.items()},
        {
            name: {by: frozenset(some) for by, some in found.items()}
            for name, found in values.items()
        },
        manage,
    )


def definitions_of(hubspot: HubSpot, mine: Sequence[Kind]) -> Definitions:
    """Return what the account defines of some kinds."""
    properties = {kind.name: hubspot.definitions.properties(kind.object) for kind in mine}
    owned = any(one.owner for known in properties.values() for one in known.values())
    owners = hubspot.definitions.owners() if owned else None
    return Definitions(
        properties,
        {kind.name: hubspot.definitions.pipelines(kind.object) for kind in mine if kind.pipeline},
        owners=Owners.of(owners) if owners is not None else None,
    )

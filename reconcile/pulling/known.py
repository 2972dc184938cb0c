"""What is wanted of records, and what the project and the account have already."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from reconcile.hubspot.client import HubSpot
from reconcile.manifests.defaults import NO_DEFAULTS, Defaults
from reconcile.model.address import BY_ID, Address, fold
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
    """What the project has already. Keys and values are folded.

    - ``target``: its name if adoptions must name it, else empty
    - ``known``: the ids of records that a document or the state is bound to, by kind
    - ``documents``: the keys of documents by kind, each with the id that its document adopts, else
      empty text
    - ``taken``: the keys that no new document can have, by kind: those of documents, also their
      former ones, those in the state, and parents that line items name by id
    - ``values``: the values by which documents adopt records, by kind and property
    - ``siblings``: the values that tell declared line items of one unit apart, by unit
    - ``manage``: what may be declared
    - ``defaults``: what new documents inherit, by kind
    """

    identities: Mapping[str, Identity]
    definitions: Definitions
    target: str
    known: Mapping[str, AbstractSet[str]]
    documents: Mapping[str, Mapping[str, str]]
    taken: Mapping[str, AbstractSet[str]]
    values: Mapping[str, Mapping[str, AbstractSet[str]]]
    siblings: Mapping[Address, AbstractSet[str]]
    manage: Manage
    defaults: Mapping[str, Defaults]

    def held_key(self, kind: Kind, record: Actual) -> str:
        """Return the key that a record has, empty if it has none."""
        name = self.identities[kind.name].key_property
        return record.properties.get(name) or "" if name else ""

    def knows(self, kind: Kind, record: Actual) -> bool:
        """Return whether a document or the state is bound to a record, or its key leads to one.

        A document that adopts another record does not declare the one that has its key.
        """
        if record.id in self.known.get(kind.name, ()):
            return True
        held = self.held_key(kind, record)
        if held and self.documents.get(kind.name, {}).get(fold(held)) in ("", record.id):
            return True
        return any(
            fold(record.properties.get(name) or "") in values
            for name, values in self.values.get(kind.name, {}).items()
        )

    def siblings_of(self, kind: Kind, key: str, record_id: str) -> AbstractSet[str]:
        """Return the values of line items that are declared under a record without a document."""
        addresses = (Address(kind.name, key).folded(), Address(kind.name, f"{BY_ID}{record_id}"))
        return {value for one in addresses for value in self.siblings.get(one, ())}


def project_of(
    hubspot: HubSpot,
    state: State,
    units: Sequence[Unit],
    wanted: Wanted,
    *,
    identities: Mapping[str, Identity],
    target: str,
    several: bool,
    manage: Manage = _EVERYTHING,
    defaults: Mapping[str, Defaults] = NO_DEFAULTS,
) -> Project:
    """Return what the project has: the account's definitions, and the records that are known.

    ``units`` are all that is declared; ``several`` says that the project has other targets too.
    """
    known: dict[str, set[str]] = defaultdict(set)
    documents: dict[str, dict[str, str]] = defaultdict(dict)
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in (record for unit in units for record in unit.records):
        (name, key), adoption = record.address, record.adoption(target)
        documents[name][fold(key)] = ""
        if adoption and adoption.by == "id":
            documents[name][fold(key)] = adoption.value
            known[name].add(adoption.value)
        elif adoption:
            values[name][adoption.by].add(fold(adoption.value))
        elif identities[name].key_is_id:
            known[name].add(key)
    entries = {address: entry.id for _, address, entry in state.entries()}
    for address, id_ in entries.items():
        known[address.kind].add(id_)
    return Project(
        identities,
        definitions_of(hubspot, [wanted.kind, *(kinds()[name] for name in wanted.kind.children)]),
        target if several else "",
        known,
        documents,
        _taken(units, entries),
        values,
        _siblings(units, identities),
        manage,
        defaults,
    )


def _taken(units: Iterable[Unit], entries: Iterable[Address]) -> Mapping[str, AbstractSet[str]]:
    """Return the folded keys that no new document can have, by kind."""
    taken: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for kind, key in filter(None, (a for r in unit.records for a in (r.address, r.former))):
            taken[kind].add(fold(key))
        if unit.parent and unit.parent.by == "id":
            taken[unit.parent.to].add(f"{BY_ID}{unit.parent.value}")
    for kind, key in entries:
        taken[kind].add(key)
    return taken


def _siblings(
    units: Iterable[Unit], identities: Mapping[str, Identity]
) -> Mapping[Address, AbstractSet[str]]:
    """Return the values that tell declared line items apart, by folded address of their unit."""
    found: dict[Address, set[str]] = defaultdict(set)
    for unit in units:
        for line in unit.lines:
            name = identities[line.address.kind].sibling_property
            if value := fold(line.properties.get(name, "")):
                found[unit.address.folded()].add(value)
    return found


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

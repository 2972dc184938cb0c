"""How a record differs from its declaration: both as nested documents, compared as a whole.

A document holds what is managed of the record:

- ``properties``: normalised values, by name
- ``associations``: those that are declared, and those of ours that no longer are, by object, id of
  the other record, category and number of the type
- ``parent``: the id of a line item's parent

The empty document is a record that does not exist. The lifecycle state is not part of a document:
a record that is to be archived or forgotten is not compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from reconcile.model.records import Actual, Link
from reconcile.model.values import normalise
from reconcile.planning.associations import NEW, End, ManagedAssociations
from reconcile.planning.compare import Document, Value, differences
from reconcile.planning.record_input import RecordInput


@dataclass(frozen=True, slots=True)
class RecordDifferences:
    """What is to be changed so that a record is as declared.

    - ``properties``: the sorted names of those that have another value
    - ``added``: the association types that are declared and missing, by the other end
    - ``removed``: those of ours that exist and are no longer declared
    - ``parent``: whether a line item that exists is not under its parent
    """

    properties: tuple[str, ...]
    added: Mapping[End, Set[tuple[str, int]]]
    removed: Mapping[End, Set[tuple[str, int]]]
    parent: bool


def record_differences(record: RecordInput, managed: ManagedAssociations) -> RecordDifferences:
    """Compare a record with its declaration."""
    properties: list[str] = []
    added: dict[End, set[tuple[str, int]]] = defaultdict(set)
    removed: dict[End, set[tuple[str, int]]] = defaultdict(set)
    parent = False
    for difference in differences(*documents(record, managed)):
        types_of = removed if difference.after is None else added
        for member, *path in difference.leaves():
            if member == "properties":
                properties += path
            elif member == "associations":
                to, id_, category, number = path
                types_of[to, id_].add((category, int(number)))
            else:
                parent = True
    return RecordDifferences(tuple(sorted(properties)), added, removed, parent)


def documents(record: RecordInput, managed: ManagedAssociations) -> tuple[Document, Document]:
    """Return a record's two documents: as it is, and as it is declared."""
    associations = _associations(managed.declared)
    if record.actual is None:
        values = {name: value for name, value in record.wire_values.items() if value}
        return {}, {"properties": values, "associations": associations}
    have, want = _properties(record, record.actual)
    here = record.links & (managed.declared | managed.dropped)
    actual: dict[str, Value] = {"properties": have, "associations": _associations(here)}
    desired: dict[str, Value] = {"properties": want, "associations": associations}
    if not record.kind.is_unit:
        desired["parent"] = record.parent_id or NEW
        actual["parent"] = desired["parent"] if record.under_parent else ""
    return actual, desired


def _properties(record: RecordInput, actual: Actual) -> tuple[Document, Document]:
    """Return the values of the declared properties, normalised unless they are spelled alike."""
    have: dict[str, Value] = {
        name: actual.properties.get(name) or "" for name in record.wire_values
    }
    want: dict[str, Value] = dict(record.wire_values)
    for name, wanted in record.wire_values.items():
        if have[name] != wanted:
            definition = record.definitions[name]
            have[name] = normalise(actual.properties.get(name), definition)
            want[name] = normalise(wanted, definition)
    return have, want


def _associations(links: Iterable[Link]) -> Document:
    found: dict[str, dict[str, dict[str, dict[str, Value]]]] = {}
    for to, id_, number, category in links:
        types = found.setdefault(to, {}).setdefault(id_, {}).setdefault(category, {})
        types[str(number)] = True
    return found

"""Defaults by folder: read from documents of their own, the nearest folder wins.

Which apply to a document follows from its file's path alone, never from which files a command was
given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import NamedTuple

from reconcile.manifests import field_reader
from reconcile.manifests.defaults import (
    NO_DEFAULTS,
    Defaults,
    Ignored,
    check_unmanaged,
    read_exactness,
    read_ignored,
    read_unmanaged,
)
from reconcile.manifests.files import DEFAULTS, ManifestFile
from reconcile.manifests.impossible_values import check_values
from reconcile.manifests.problems import ProblemReport, choices
from reconcile.manifests.properties import read_properties
from reconcile.manifests.references import read_associations, read_lookups
from reconcile.manifests.yaml_nodes import Entry, Node, Table, read
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Location, Reference
from reconcile.model.values import show

_FIELDS = ("properties", "associations", "lifecycle", "unmanaged")
_NO_FIELDS = Table({}, 0, 0)
_BEGIN = f"begin it with kind: {DEFAULTS}, or rename the file if it is for another program"
_SHAPE = "put it below a kind, as in order: {properties: {hs_currency_code: EUR}}"


class DeclaredDefaults(NamedTuple):
    """What one document gives to one kind, and where.

    ``ignore`` and ``exact_lines`` are None if it says nothing of them.
    """

    kind: Kind
    properties: Mapping[str, str]
    properties_at: Mapping[str, Location]
    associations: Mapping[str, tuple[Reference, ...]]
    ignore: Ignored | None
    unmanaged: Mapping[str, Node]
    exact_lines: bool | None
    location: Location
    lookups: Mapping[str, Reference]


class FolderDefaults:
    """The defaults of a project's folders. The nearest folder wins."""

    def __init__(self) -> None:
        self._own: dict[PurePath, dict[str, DeclaredDefaults]] = {}
        self._incomplete: set[PurePath] = set()
        self._inherited: dict[PurePath, Mapping[str, Defaults]] = {}

    def add(self, file: ManifestFile, report: ProblemReport) -> None:
        """Add a file of defaults. Those of all folders above were added before."""
        folder = file.folder
        if folder is None:
            return
        own = self._own.setdefault(folder, {})
        above = self._above(folder)
        empty = True
        for node in read(file.data, report):
            empty = False
            for declared in read_defaults(node, report):
                kind = declared.kind
                check_unmanaged(declared.unmanaged, above[kind.name], kind, report)
                first = own.setdefault(kind.name, declared)
                if first is not declared:
                    message = f"this folder has defaults of {kind.plural} already"
                    report.at(declared.location, message, f"move them to {first.location}")
        if empty and not report.problems:
            report.whole_file("no document in this file", "remove the file if this is intended")
        if report.problems:
            self._incomplete.add(folder)

    def of(self, folder: PurePath | None) -> Mapping[str, Defaults]:
        """Return the defaults of each kind for the documents of a folder; None for one outside.

        After this, no more can be added to the folder or one above it.
        """
        if folder is None:
            return NO_DEFAULTS
        if folder not in self._inherited:
            self._inherited[folder] = self._with_own(folder)
        return self._inherited[folder]

    def _above(self, folder: PurePath) -> Mapping[str, Defaults]:
        return NO_DEFAULTS if folder == folder.parent else self.of(folder.parent)

    def _with_own(self, folder: PurePath) -> Mapping[str, Defaults]:
        above = self._above(folder)
        own = self._own.get(folder, {})
        complete = folder not in self._incomplete
        if not own and complete:
            return above
        return {
            kind: _below(inherited, own.get(kind), complete=complete)
            for kind, inherited in above.items()
        }


def read_defaults(node: Node, report: ProblemReport) -> Iterator[DeclaredDefaults]:
    """Yield what a document of defaults gives to each kind."""
    entries = field_reader.mapping(node, "a document", report, _BEGIN)
    if entries is None:
        return
    value = entries["kind"].value if "kind" in entries else None
    if value is None:
        report.at(node, "this document has no 'kind'", _BEGIN)
        return
    name = field_reader.name(value, "the kind", report)
    if name != DEFAULTS:
        if name is not None:
            message = f"a file of defaults holds no {show(name)}, only kind: {DEFAULTS}"
            report.at(value, message, "move this document to a file with another name")
        return
    for word, entry in entries.items():
        if word != "kind":
            yield from _of_kind(word, entry, report)


def _of_kind(word: str, entry: Entry, report: ProblemReport) -> Iterator[DeclaredDefaults]:
    known = kinds()
    if word not in known:
        hint = _SHAPE if word in _FIELDS else choices("kind", known)
        near = report.budget.nearest(word, known)
        report.at(entry, f"defaults are for a kind, and {show(word)} is not one{near}", hint)
        return
    kind = known[word]
    fields = (*_FIELDS, *kind.lookups, *(("lines",) if kind.children else ()))
    found = field_reader.table(entry.value, f"'{word}' of defaults", report, fields=fields)
    if found is None:
        return
    values = {name: one.value for name, one in found.items()}
    properties, at = read_properties(values.get("properties", _NO_FIELDS), report)
    check_values(properties, at, kind, report)
    places = {name: Location(report.file, *position) for name, position in at.items()}
    lookups = read_lookups(found, kind, report)
    for name, reference in lookups.items():
        properties[name], places[name] = reference.value, reference.location
    yield DeclaredDefaults(
        kind,
        properties,
        places,
        read_associations(values.get("associations", _NO_FIELDS), kind, report),
        _ignored(values.get("lifecycle", _NO_FIELDS), report),
        read_unmanaged(values.get("unmanaged"), properties, report),
        read_exactness(values["lines"], report) if "lines" in values else None,
        Location(report.file, entry.line, entry.column),
        lookups,
    )


def _ignored(node: Node, report: ProblemReport) -> Ignored | None:
    what = "'lifecycle' of defaults"
    entries = field_reader.table(node, what, report, fields=("ignore",))
    return (
        read_ignored(entries["ignore"].value, report) if entries and "ignore" in entries else None
    )


def _below(above: Defaults, own: DeclaredDefaults | None, *, complete: bool) -> Defaults:
    """Return the defaults of a folder from those above it and its own."""
    complete = complete and above.complete
    if own is None:
        return replace(above, complete=complete)
    gone = own.unmanaged.keys() | own.properties.keys()
    kept = {name: value for name, value in above.properties.items() if name not in gone}
    return Defaults(
        properties={**kept, **own.properties},
        properties_at={**above.properties_at, **own.properties_at},
        associations={**above.associations, **own.associations},
        ignore=own.ignore or above.ignore,
        exact_lines=above.exact_lines if own.exact_lines is None else own.exact_lines,
        complete=complete,
        lookups={
            **{name: one for name, one in above.lookups.items() if name in kept},
            **own.lookups,
        },
    )

"""Documents: the nodes of one YAML document → the records that it declares."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from reconcile.manifests import field_reader
from reconcile.manifests.adoptions import read_adoptions
from reconcile.manifests.defaults import (
    NO_DEFAULTS,
    NONE_IGNORED,
    NOTHING,
    Defaults,
    Ignored,
    check_unmanaged,
    read_exactness,
    read_ignored,
    read_unmanaged,
)
from reconcile.manifests.files import DEFAULTS, DEFAULTS_FILES
from reconcile.manifests.impossible_values import check_values
from reconcile.manifests.problems import ProblemReport, choices
from reconcile.manifests.properties import read_properties
from reconcile.manifests.references import read_associations, read_lookups, read_parent
from reconcile.manifests.yaml_nodes import Entry, Node, Table
from reconcile.model.address import BY_ID, Address, fold
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Desired, Lifecycle, Location, Reference
from reconcile.model.values import show

_IN_EVERY_RECORD = (
    "key",
    "moved_from",
    "adopt",
    "properties",
    "associations",
    "lifecycle",
    "unmanaged",
)
_STATES = {str(state): state for state in (Lifecycle.ABSENT, Lifecycle.FORGET)}
_NO_FIELDS = Table({}, 0, 0)
"""Stands for an absent mapping."""

_NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})
_NO_LOOKUPS: Mapping[str, Reference] = MappingProxyType({})
_UNPROTECT = "remove protect and apply that first, then declare it absent"


class DeclaredDocument(NamedTuple):
    """The records of one document: one with those nested in it, or one under ``parent``."""

    record: Desired
    nested: tuple[Desired, ...]
    parent: Reference | None


def read_document(
    node: Node, report: ProblemReport, defaults: Mapping[str, Defaults] = NO_DEFAULTS
) -> DeclaredDocument | None:
    """Return the records of a document, or None if its kind, key or parent cannot be read.

    ``defaults`` has those of each kind.
    """
    hint = "begin it with kind: and key:, and put --- between documents"
    entries = field_reader.mapping(node, "a document", report, hint)
    kind = None if entries is None else _kind_of(node, entries, report)
    if entries is None or kind is None:
        return None
    nesting = _nesting(kind.name)
    parent_field = ("parent",) if kind.parents else ()
    lines_field = ("lines",) if nesting else ()
    allowed = ("kind", *_IN_EVERY_RECORD, *kind.lookups, *parent_field, *lines_field, *nesting)
    field_reader.table(node, f"this {kind.name}", report, fields=allowed, required=("key",))
    record = _record(node, kind, entries, report, defaults[kind.name])
    nested = []
    for field, child in nesting.items():
        nested += _nested(entries.get(field), child, report, defaults[child.name])
    if record and nesting:
        record = _with_exactness(record, entries.get("lines"), report, defaults[kind.name])
        nested = [_inherit_lifecycle(record, one, report) for one in nested]
    parent = read_parent(node, entries.get("parent"), kind, report) if kind.parents else None
    if record is None or (kind.parents and parent is None):
        return None
    return DeclaredDocument(record, tuple(nested), parent)


def _with_exactness(
    record: Desired, field: Entry | None, report: ProblemReport, defaults: Defaults
) -> Desired:
    """Return a record that may have no other line items than those below it, if it says so."""
    exact = defaults.exact_lines if field is None else read_exactness(field.value, report)
    if not exact or record.lifecycle is not Lifecycle.PRESENT:
        return record
    return replace(record, exact_lines=True)


@cache
def _nesting(kind: str) -> Mapping[str, Kind]:
    """Return the fields that hold nested records (``line_items``), and their kinds."""
    children = [child for child in kinds().values() if kind in child.parents]
    return MappingProxyType({_field_of(child): child for child in children})


def _field_of(nested: Kind) -> str:
    return nested.plural.replace(" ", "_")


def _kind_of(node: Node, entries: Mapping[str, Entry], report: ProblemReport) -> Kind | None:
    known = kinds()
    if "kind" not in entries:
        report.at(node, "this document has no 'kind'", choices("kind", known))
        return None
    value = entries["kind"].value
    name = field_reader.name(value, "the kind", report)
    if name == DEFAULTS:
        hint = f"write them in {DEFAULTS_FILES[0]}, in the folder with the documents they are for"
        report.at(value, "defaults are read only from files of their own", hint)
    elif name is not None and name not in known:
        message = f"unknown kind {show(name)}{report.budget.nearest(name, known)}"
        report.at(value, message, choices("kind", known))
    return known.get(name or "")


def _nested(
    field: Entry | None, kind: Kind, report: ProblemReport, defaults: Defaults
) -> list[Desired]:
    records: list[Desired] = []
    if field is None:
        return records
    for item in field_reader.items(field.value, f"'{_field_of(kind)}'", report):
        what = f"this {kind.name}"
        fields = (*_IN_EVERY_RECORD, *kind.lookups)
        entries = field_reader.table(item, what, report, fields=fields, required=("key",))
        record = _record(item, kind, entries, report, defaults) if entries else None
        if record:
            records.append(record)
    return records


def _inherit_lifecycle(root: Desired, nested: Desired, report: ProblemReport) -> Desired:
    """Return a nested record with its root's lifecycle state, unless it sets its own."""
    if root.lifecycle is Lifecycle.PRESENT or nested.lifecycle is not Lifecycle.PRESENT:
        return nested
    if root.lifecycle is Lifecycle.ABSENT and nested.protect:
        kind, key = nested.address
        message = (
            f"the {kind} {show(key)} is protected, but its {root.address.kind} is declared absent"
        )
        report.at(nested.location, message, _UNPROTECT)
    return replace(
        nested,
        lifecycle=root.lifecycle,
        properties=_NO_PROPERTIES,
        references=(),
        lookups=_NO_LOOKUPS,
        ignore=frozenset() if nested.inherits(nested.ignore_at) else nested.ignore,
    )


def _record(
    node: Node,
    kind: Kind,
    entries: Mapping[str, Entry],
    report: ProblemReport,
    defaults: Defaults,
) -> Desired | None:
    """Return the record that these fields declare, or None if it has no valid key.

    The properties and references of an absent or forgotten record are checked, and then dropped;
    it has no defaults.
    """
    values = {name: entry.value for name, entry in entries.items()}
    key = _key(values["key"], report) if "key" in values else None
    properties, at = read_properties(values.get("properties", _NO_FIELDS), report)
    lookups = read_lookups(entries, kind, report)
    properties |= {name: one.value for name, one in lookups.items()}
    unmanaged = read_unmanaged(values.get("unmanaged"), properties, report)
    if unmanaged:
        check_unmanaged(unmanaged, defaults, kind, report)
    associations = read_associations(values.get("associations", _NO_FIELDS), kind, report)
    ignore, protect, lifecycle = _lifecycle(values.get("lifecycle", _NO_FIELDS), report)
    adopt = read_adoptions(values.get("adopt"), lifecycle, report)
    moved_from = _moved_from(values.get("moved_from"), kind, key, report)
    if key is None:
        return None
    present = lifecycle is Lifecycle.PRESENT
    if present:
        check_values(properties, at, kind, report)
        if defaults is not NOTHING:
            inherited = defaults.lookups.keys() - properties.keys() - unmanaged.keys()
            lookups |= {name: defaults.lookups[name] for name in inherited}
            defaults.add_properties(properties, unmanaged)
            associations = {**defaults.associations, **associations}
            ignore = ignore or defaults.ignore
    ignored = ignore or NONE_IGNORED
    return Desired(
        address=Address(kind.name, key),
        properties=MappingProxyType(properties) if present else _NO_PROPERTIES,
        location=Location(report.file, node.line, node.column),
        at=at,
        references=tuple(chain.from_iterable(associations.values())) if present else (),
        ignore=ignored.names,
        protect=protect,
        lifecycle=lifecycle,
        moved_from=moved_from,
        adopt=adopt if present else (),
        ignore_at=ignored.at,
        inherited_at=defaults.properties_at,
        lookups=MappingProxyType(lookups) if lookups and present else _NO_LOOKUPS,
    )


def _key(node: Node, report: ProblemReport) -> str | None:
    key = field_reader.name(node, "the key", report)
    if key and key.casefold().startswith(BY_ID):
        report.at(
            node,
            f"the key {show(key)} begins with {BY_ID}",
            "this prefix is reserved for HubSpot ids",
        )
    return key


def _moved_from(
    node: Node | None, kind: Kind, key: str | None, report: ProblemReport
) -> Reference | None:
    former = None if node is None else field_reader.name(node, "the former key", report)
    if node is None or former is None:
        return None
    if key is not None and fold(former) == fold(key):
        hint = (
            "leave moved_from out: keys that differ in case alone, or in Unicode form, are the same"
        )
        report.at(node, f"moved_from names the record's own key {show(key)}", hint)
        return None
    return Reference(kind.name, "key", former, "", Location(report.file, node.line, node.column))


def _lifecycle(node: Node, report: ProblemReport) -> tuple[Ignored | None, bool, Lifecycle]:
    entries = field_reader.table(node, "'lifecycle'", report, fields=("state", "ignore", "protect"))
    if entries is None:
        return None, False, Lifecycle.PRESENT
    ignore = read_ignored(entries["ignore"].value, report) if "ignore" in entries else None
    protect = "protect" in entries and field_reader.flag(
        entries["protect"].value, "'protect'", report
    )
    lifecycle = _state(entries["state"].value, report) if "state" in entries else Lifecycle.PRESENT
    if protect and lifecycle is Lifecycle.ABSENT:
        report.at(entries["state"], "a record cannot be absent and protected", _UNPROTECT)
    return ignore, protect, lifecycle


def _state(node: Node, report: ProblemReport) -> Lifecycle:
    text = field_reader.text(node, "'state'", report)
    if text is not None and text not in _STATES:
        hint = "leave it out for a record that should exist"
        near = report.budget.nearest(text, _STATES)
        message = f"'state' must be absent or forget, not {show(text)}{near}"
        report.at(node, message, hint)
    return _STATES.get(text or "", Lifecycle.PRESENT)

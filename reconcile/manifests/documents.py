"""One document's nodes → the records it declares."""

import re
import sys
from array import array
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from reconcile.manifests import fields
from reconcile.manifests.nodes import Empty, Entry, Node, Table, Text
from reconcile.manifests.positions import Positions
from reconcile.manifests.problems import Positioned, Report, choices
from reconcile.manifests.references import read_associations, read_parent
from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import Desired, Place, Reference
from reconcile.model.values import nearest, show

_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")
_IN_EVERY_RECORD = ("key", "properties", "associations", "lifecycle")
_SHORT = 24
"""Values up to this length tend to repeat (USD, a stage, a city) and are kept once."""

_NO_FIELDS = Table({}, 0, 0)
"""Stands for a mapping that is not there, and so says nothing."""

BY_ID = "id:"
"""How the address of a parent begins that manifests name by its id; no key may begin so."""


class Declared(NamedTuple):
    """What one document declares: a record with those nested in it, or one under ``parent``."""

    record: Desired
    nested: tuple[Desired, ...]
    parent: Reference | None


def read_document(node: Node, report: Report) -> Declared | None:
    """The records of a document, or None where it cannot be said which record it is."""
    hint = "begin it with kind: and key:, and put --- between documents"
    entries = fields.mapping(node, "a document", report, hint)
    kind = None if entries is None else _kind_of(node, entries, report)
    if entries is None or kind is None:
        return None
    nesting = _nesting(kind.name)
    parent_field = ("parent",) if kind.parents else ()
    allowed = ("kind", *_IN_EVERY_RECORD, *parent_field, *nesting)
    fields.table(node, f"this {kind.name}", report, fields=allowed, required=("key",))
    record = _record(node, kind, entries, report)
    nested: list[Desired] = []
    for field, child in nesting.items():
        if field in entries:
            nested += _nested(entries[field].value, field, child, report)
    parent = None
    if kind.parents:
        parent = read_parent(node, entries.get("parent"), kind, report)
        if parent is None:
            return None
    return Declared(record, tuple(nested), parent) if record else None


@cache
def _nesting(kind: str) -> Mapping[str, Kind]:
    """The fields in which records of ``kind`` hold others (``line_items``), and their kinds."""
    children = [child for child in kinds().values() if kind in child.parents]
    return MappingProxyType({child.plural.replace(" ", "_"): child for child in children})


def _kind_of(node: Node, entries: Mapping[str, Entry], report: Report) -> Kind | None:
    known = kinds()
    if "kind" not in entries:
        report.at(node, "this document has no 'kind'", choices("kind", known))
        return None
    place = entries["kind"].value
    name = fields.name(place, "the kind", report)
    if name is not None and name not in known:
        message = f"unknown kind {show(name)}{nearest(name, known)}"
        report.at(place, message, choices("kind", known))
    return known.get(name or "")


def _nested(node: Node, field: str, kind: Kind, report: Report) -> list[Desired]:
    records = []
    for item in fields.items(node, f"'{field}'", report):
        what = f"this {kind.name}"
        entries = fields.table(item, what, report, fields=_IN_EVERY_RECORD, required=("key",))
        record = _record(item, kind, entries, report) if entries else None
        if record:
            records.append(record)
    return records


def _record(node: Node, kind: Kind, entries: Mapping[str, Entry], report: Report) -> Desired | None:
    """The record that these fields declare, or None where it has no usable key."""
    values = {name: entry.value for name, entry in entries.items()}
    key = _key(values["key"], report) if "key" in values else None
    properties, at = _properties(values.get("properties", _NO_FIELDS), report)
    references = read_associations(values.get("associations", _NO_FIELDS), kind, report)
    ignore, protect = _lifecycle(values.get("lifecycle", _NO_FIELDS), report)
    if key is None:
        return None
    return Desired(
        address=Address(kind.name, key),
        properties=MappingProxyType(properties),
        place=Place(report.file, node.line, node.column),
        at=at,
        references=references,
        ignore=ignore,
        protect=protect,
    )


def _key(node: Node, report: Report) -> str | None:
    key = fields.name(node, "the key", report)
    if key and key.casefold().startswith(BY_ID):
        report.at(node, f"the key {show(key)} begins with {BY_ID}", "that stands for HubSpot ids")
    return key


def _properties(node: Node, report: Report) -> tuple[dict[str, str], Positions]:
    properties: dict[str, str] = {}
    places = array("I")
    entries = fields.mapping(node, "'properties'", report) or {}
    for name, entry in entries.items():
        value = entry.value
        if not _PROPERTY.match(name):
            _refuse_name(name, entry, report)
        elif isinstance(value, Text):
            short = len(value.value) <= _SHORT
            properties[sys.intern(name)] = sys.intern(value.value) if short else value.value
            places.append(value.line)
            places.append(value.column)
        elif isinstance(value, Empty):
            hint = 'write "" to clear the property in HubSpot, or leave it out to not manage it'
            report.at(value, f"the property {name} has no value", hint)
        else:
            report.at(value, f"the property {name} must be text", "put it in quotes")
    return properties, Positions(properties, places)


def _lifecycle(node: Node, report: Report) -> tuple[frozenset[str], bool]:
    entries = fields.table(node, "'lifecycle'", report, fields=("ignore", "protect"))
    if entries is None:
        return frozenset(), False
    ignore: dict[str, Node] = {}
    if "ignore" in entries:
        for item in fields.items(entries["ignore"].value, "'ignore'", report):
            name = fields.text(item, "a property to ignore", report)
            if name is None:
                continue
            if not _PROPERTY.match(name):
                _refuse_name(name, item, report)
            elif ignore.setdefault(name, item) is not item:
                report.at(item, f"the property {name} stands here twice")
    protect = "protect" in entries and fields.flag(entries["protect"].value, "'protect'", report)
    return frozenset(ignore), protect


def _refuse_name(name: str, node: Positioned, report: Report) -> None:
    hint = "at most 100 of a-z, 0-9 and _, beginning with a letter: HubSpot's internal name"
    report.at(node, f"{show(name)} is no property name", hint)

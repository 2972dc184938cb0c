"""Properties of a record: names with values, and lists of names."""

import sys
from array import array

from reconcile.manifests import field_reader
from reconcile.manifests.problems import Positioned, ProblemReport
from reconcile.manifests.source_map import SourceMap
from reconcile.manifests.yaml_nodes import Empty, Items, Node, Table, Text
from reconcile.model.values import show

_SHORT = 24
"""Values up to this length tend to repeat (USD, a stage, a city) and are stored once."""

_NOT_TEXT = {
    Items: ("a list", 'write several options as one text: "a;b"'),
    Table: ("names with values", "what is indented below a property, or in { }, is not text"),
}


def read_properties(node: Node, report: ProblemReport) -> tuple[dict[str, str], SourceMap]:
    """Return the values under ``properties`` as written, and their positions."""
    properties: dict[str, str] = {}
    positions = array("I")
    entries = field_reader.mapping(node, "'properties'", report) or {}
    for name, entry in entries.items():
        value = entry.value
        if not field_reader.PROPERTY.match(name):
            _refuse_name(name, entry, report)
        elif isinstance(value, Text):
            short = len(value.value) <= _SHORT
            properties[sys.intern(name)] = sys.intern(value.value) if short else value.value
            positions.append(value.line)
            positions.append(value.column)
        elif isinstance(value, Empty):
            hint = 'write "" to clear the property in HubSpot, or leave it out to keep it unmanaged'
            report.at(value, f"the property {name} has no value", hint)
        else:
            message, hint = _NOT_TEXT[type(value)]
            report.at(value, f"the property {name} must be text, not {message}", hint)
    return properties, SourceMap(properties, positions)


def read_names(node: Node, what: str, item: str, report: ProblemReport) -> dict[str, Node]:
    """Return the properties that a list names, with their nodes. ``item`` describes one of them."""
    names: dict[str, Node] = {}
    for one in field_reader.items(node, what, report):
        name = field_reader.text(one, item, report)
        if name is None:
            continue
        if not field_reader.PROPERTY.match(name):
            _refuse_name(name, one, report)
        elif names.setdefault(name, one) is not one:
            report.at(one, f"the property {name} is listed twice")
    return names


def _refuse_name(name: str, node: Positioned, report: ProblemReport) -> None:
    hint = "write HubSpot's internal name: at most 100 of a-z, 0-9 and _, beginning with a letter"
    report.at(node, f"{show(name)} is not a property name", hint)

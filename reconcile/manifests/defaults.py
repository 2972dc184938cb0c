"""Defaults: the values that a record has unless its own document says otherwise."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from reconcile.manifests import field_reader
from reconcile.manifests.problems import Positioned, ProblemReport
from reconcile.manifests.properties import read_names
from reconcile.manifests.yaml_nodes import Node
from reconcile.model.kinds import Kind, kinds
from reconcile.model.records import NOWHERE, Location, Reference
from reconcile.model.values import show

_NO_EFFECT = (
    "'unmanaged' takes away what a default gives; a property that nothing declares is unmanaged "
    "without it"
)


class Ignored(NamedTuple):
    """The list of properties to ignore, and its place."""

    names: frozenset[str]
    at: Location


NONE_IGNORED = Ignored(frozenset(), NOWHERE)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the documents of a folder inherit for the records of one kind.

    ``associations`` are by the word for the other object, ``lookups`` by the property that has the
    id; see Desired. ``complete`` is false if a file of
    defaults has problems, so that there may be more.
    """

    properties: Mapping[str, str]
    properties_at: Mapping[str, Location]
    associations: Mapping[str, tuple[Reference, ...]]
    ignore: Ignored
    exact_lines: bool = False
    complete: bool = True
    lookups: Mapping[str, Reference] = field(default_factory=lambda: MappingProxyType({}))

    def add_properties(self, own: dict[str, str], unmanaged: Collection[str]) -> None:
        """Add the values of properties that are not a record's ``own``, and not ``unmanaged``."""
        for name, value in self.properties.items():
            if name not in own and name not in unmanaged:
                own[name] = value


NOTHING = Defaults(MappingProxyType({}), MappingProxyType({}), MappingProxyType({}), NONE_IGNORED)

NO_DEFAULTS: Mapping[str, Defaults] = MappingProxyType(dict.fromkeys(kinds(), NOTHING))
"""By kind, where no defaults apply."""


def read_ignored(node: Node, report: ProblemReport) -> Ignored:
    """Return the properties that ``lifecycle.ignore`` lists."""
    names = read_names(node, "'ignore'", "a property to ignore", report)
    return Ignored(frozenset(names), Location(report.file, node.line, node.column))


def read_exactness(node: Node, report: ProblemReport) -> bool:
    """Return whether ``lines`` allows no other line items than the declared ones."""
    text = field_reader.text(node, "'lines'", report)
    if text not in (None, "exact", "open"):
        hint = "exact: others that somebody adds are to be removed; open: they are left alone"
        report.at(node, f"'lines' must be exact or open, not {show(text or '')}", hint)
    return text == "exact"


def read_unmanaged(
    node: Node | None, properties: Mapping[str, str], report: ProblemReport
) -> Mapping[str, Node]:
    """Return the names under ``unmanaged``, but report those that have a value beside it."""
    if node is None:
        return {}
    names = read_names(node, "'unmanaged'", "an unmanaged property", report)
    for name in names.keys() & properties.keys():
        message = f"the property {name} has a value here, and is listed as unmanaged"
        report.at(names.pop(name), message, "remove one of the two")
    return names


def check_unmanaged(
    unmanaged: Mapping[str, Positioned], above: Defaults, kind: Kind, report: ProblemReport
) -> None:
    """Report names under ``unmanaged`` that no default gives: they would have no effect."""
    for name, item in unmanaged.items():
        if above.complete and name not in above.properties:
            near = report.budget.nearest(name, above.properties)
            message = f"no default here gives {kind.plural} the property {name}{near}"
            report.at(item, message, _NO_EFFECT)

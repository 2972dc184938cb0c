"""Fields of nodes, read by type; what does not fit is reported and left out."""

import re
from collections.abc import Collection, Mapping

from reconcile.manifests.problems import ProblemReport, choices
from reconcile.manifests.yaml_nodes import FORBIDDEN_ESCAPED, Empty, Entry, Items, Node, Table, Text
from reconcile.model.values import show

PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")
"""HubSpot's internal name of a property."""

MAX_NAME = 255
"""Longest key, and longest value of a reference."""

_IF_EMPTY = "give it one, or leave it out"


def table(
    node: Node,
    what: str,
    report: ProblemReport,
    *,
    fields: Collection[str],
    required: Collection[str] = (),
    hint: str = "",
) -> Mapping[str, Entry] | None:
    """Return a mapping with these fields and no others, or None. ``hint`` says how to write it."""
    entries = mapping(node, what, report, hint)
    if entries is None:
        return None
    for name, entry in entries.items():
        if name not in fields:
            message = f"unknown field {show(name)} in {what}{report.budget.nearest(name, fields)}"
            report.at(entry, message, choices("field", fields))
    for name in required:
        if name not in entries:
            report.at(node, f"{what} has no {name!r}")
    return entries


def mapping(
    node: Node, what: str, report: ProblemReport, hint: str = ""
) -> Mapping[str, Entry] | None:
    """Return a mapping with any names, or None. ``hint`` says how to write it."""
    if isinstance(node, Table):
        return node.entries
    _wrong(
        node, what, "names with values (name: value)", report, hint=hint, if_empty=hint or _IF_EMPTY
    )
    return None


def items(node: Node, what: str, report: ProblemReport) -> tuple[Node, ...]:
    """Return the nodes of a list; none if it is not a list."""
    if isinstance(node, Items):
        return node.nodes
    _wrong(node, what, "a list", report, hint="put a dash before it, or [ ] around it")
    return ()


def text(node: Node, what: str, report: ProblemReport) -> str | None:
    """Return any text, or None."""
    if isinstance(node, Text):
        return node.value
    _wrong(node, what, "text", report, if_empty="")
    return None


def name(node: Node, what: str, report: ProblemReport) -> str | None:
    """Return text that can be a name: one visible, trimmed line of limited length; or None."""
    value = text(node, what, report)
    if value is None:
        return None
    fault = name_fault(value)
    if fault:
        report.at(node, f"{what} {fault}")
        return None
    return value


def flag(node: Node, what: str, report: ProblemReport) -> bool:
    """Return whether the text is ``true``; anything but ``true`` and ``false`` is reported."""
    value = text(node, what, report)
    if value not in (None, "true", "false"):
        report.at(node, f"{what} must be true or false")
    return value == "true"


def name_fault(value: str) -> str:
    """Return why text cannot be a name, or empty text; see ``name``."""
    if not value.strip():
        return "is empty"
    if value != value.strip():
        return f"{show(value)} begins or ends with white space"
    if len(value) > MAX_NAME:
        return f"{show(value)} has {len(value):,} characters; {MAX_NAME} are allowed"
    if "\n" in value:
        return f"{show(value)} has more than one line"
    if not value.isprintable():
        return f"{show(value)} contains an invisible character"
    return ""


def can_hold(value: str) -> bool:
    """Return whether a manifest can hold a text as a value: YAML forbids some characters."""
    return value.isprintable() or not FORBIDDEN_ESCAPED.search(value)


def _wrong(
    node: Node,
    what: str,
    wanted: str,
    report: ProblemReport,
    *,
    hint: str = "",
    if_empty: str = _IF_EMPTY,
) -> None:
    if isinstance(node, Empty):
        report.at(node, f"{what} has no value", if_empty)
    else:
        report.at(node, f"{what} must be {wanted}", hint)

"""Declarations made in Python instead of YAML: plain values → units, with the same checks.

A problem has no line: it names the declaration, as ``units[3] (order/A-1)``.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Union

from reconcile.errors import Problem, UsageError
from reconcile.manifests.documents import DeclaredDocument, read_document
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.units import build_units
from reconcile.manifests.yaml_nodes import Empty, Entry, Items, Node, Table, Text
from reconcile.model.records import Unit

Value = Union[str, int, Decimal, bool, None, Mapping[str, "Value"], Sequence["Value"]]  # noqa: UP007
"""What a declaration may hold. A number is written as its text: 20 and 20.00 are both kept."""

Document = Mapping[str, Value]
"""One declaration, with the fields of a YAML document."""


def order(
    key: str,
    properties: Mapping[str, Value] | None = None,
    *,
    lines: Sequence[Document] = (),
    **fields: Value,
) -> Document:
    """Declare an order. ``fields`` are further fields of a manifest, such as ``associations``."""
    return _declare("order", key, properties, lines, fields)


def cart(
    key: str,
    properties: Mapping[str, Value] | None = None,
    *,
    lines: Sequence[Document] = (),
    **fields: Value,
) -> Document:
    """Declare a cart. ``fields`` are further fields of a manifest, such as ``associations``."""
    return _declare("cart", key, properties, lines, fields)


def line_item(key: str, properties: Mapping[str, Value] | None = None, **fields: Value) -> Document:
    """Declare a line item, for ``lines`` of an order or a cart."""
    if twice := sorted({"kind", "key", "properties"}.intersection(fields)):
        raise UsageError(f"{', '.join(twice)} cannot be given as a further field of the line item")
    return {"key": key, "properties": dict(properties or {}), **fields}


def _declare(
    kind: str,
    key: str,
    properties: Mapping[str, Value] | None,
    lines: Sequence[Document],
    fields: Mapping[str, Value],
) -> Document:
    if twice := sorted({"kind", "key", "properties", "line_items"}.intersection(fields)):
        raise UsageError(f"{', '.join(twice)} cannot be given as a further field of the {kind}")
    nested = {"line_items": list(lines)} if lines else {}
    return {"kind": kind, "key": key, "properties": dict(properties or {}), **nested, **fields}


def units_of(
    documents: Sequence[Document], by_id: Collection[str] = ()
) -> tuple[tuple[Unit, ...], list[Problem]]:
    """Return the units that could be read, perhaps none, and every problem found.

    ``by_id`` names the kinds whose keys are HubSpot ids.
    """
    problems: list[Problem] = []
    builder = build_units(_read(documents, problems), by_id)
    return builder.units, problems + builder.problems


def _read(documents: Sequence[Document], problems: list[Problem]) -> Iterator[DeclaredDocument]:
    for number, document in enumerate(documents):
        if not isinstance(document, Mapping):
            message = f"{document!r:.80} is not a declaration"
            hint = "make it with reconcile.order or reconcile.cart"
            problems.append(Problem(f"units[{number}]", 0, 0, message, hint))
            continue
        place = f"units[{number}] ({document.get('kind', '?')}/{document.get('key', '?')})"
        report = ProblemReport(place)
        declared = read_document(_node(document, report), report)
        problems += report.problems
        if declared is not None:
            yield declared


def _node(value: object, report: ProblemReport) -> Node:
    """Return a value as the node that YAML would give; line 0 is the whole declaration."""
    if isinstance(value, Mapping):
        entries = {str(name): Entry(_node(one, report), 0, 0) for name, one in value.items()}
        return Table(entries, 0, 0)
    if (text := _text(value)) is not None:
        return Text(text, 0, 0)
    if value is None:
        return Empty(0, 0)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return Items(tuple(_node(one, report) for one in value), 0, 0)
    report.whole_file(
        f"{value!r:.80} is of the type {type(value).__name__}",
        "write text, an int, or a Decimal, which keeps its digits as written",
    )
    return Text("", 0, 0)


def _text(value: object) -> str | None:
    """Return the text of a value that has only one, else None. Subclasses may print another."""
    if isinstance(value, Enum):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__repr__(value)
    return format(value, "f") if isinstance(value, Decimal) and value.is_finite() else None

"""The text of a new document. What is written reads back as the same record."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconcile.manifests.yaml_scalars import in_double_quotes

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+(][A-Za-z0-9_./@+()-]*)*")
"""Text that reads as itself without quotes, whatever stands around it."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_OTHER_TYPES = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML of some version takes for something else than text."""


class NewReference(NamedTuple):
    """How an associated record is named, and the association's label, empty without one."""

    by: str
    value: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to declare.

    ``adopt`` is the id of the record that it takes over on ``target``, empty if the key leads to
    it; without ``target`` the project has a single one. ``properties`` are text; those in
    ``numbers`` are written without quotes where they look like numbers. ``references`` are by the
    other object's word; none takes defaults away.
    ``unmanaged`` are the properties of which it does not have the default.
    """

    key: str
    adopt: str = ""
    target: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    references: Mapping[str, Sequence[NewReference]] = field(default_factory=dict)
    unmanaged: Sequence[str] = ()


def document(
    kind: str,
    record: NewRecord,
    lines: Iterable[NewRecord] = (),
    *,
    nest: str = "line_items",
    open_lines: bool = False,
) -> str:
    """Return a document, from its ``---``. ``nest`` is the field that holds the ``lines``.

    With ``open_lines`` it says that there may be others.
    """
    text = ["---", f"kind: {kind}", *_record(record)]
    if open_lines:
        text.append("lines: open")
    nested = [_item(list(_record(line))) for line in lines]
    if nested:
        text.append(f"{nest}:")
        text += (line for item in nested for line in item)
    return "\n".join(text) + "\n"


def _record(record: NewRecord) -> Iterator[str]:
    yield f"key: {_scalar(record.key)}"
    if record.adopt:
        own = f'{{id: "{record.adopt}"}}'
        yield f"adopt: {{{record.target}: {own}}}" if record.target else f"adopt: {own}"
    if record.properties:
        yield "properties:"
        for name, value in record.properties.items():
            plain = name in record.numbers and _NUMBER.fullmatch(value)
            yield f"  {name}: {value if plain else _scalar(value)}"
    if record.unmanaged:
        yield f"unmanaged: [{', '.join(record.unmanaged)}]"
    if record.references:
        yield "associations:"
        for to, ends in record.references.items():
            yield f"  {to}: [{', '.join(map(_reference, ends))}]"


def _reference(end: NewReference) -> str:
    label = f", label: {_scalar(end.label)}" if end.label else ""
    return f"{{{end.by}: {in_double_quotes(end.value)}{label}}}"


def _item(lines: Sequence[str]) -> list[str]:
    """Return the lines of an item of a list, below its field."""
    return [f"  {'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_TYPES:
        return text
    return in_double_quotes(text)

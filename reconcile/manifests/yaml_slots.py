"""What ruamel.yaml finds in a document: what it says, and where in its text a value goes.

A value goes over another one, or on a line of its own.
"""

from io import StringIO
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.resolver import implicit_resolvers

from reconcile.manifests.document_texts import LINE_END
from reconcile.manifests.yaml_scalars import DOUBLE, PLAIN

Path = tuple[int | str, ...]
"""The number of a document among those that are not empty, from 0; then names and list indexes."""

_BLOCKS = ("|", ">")
TYPED = tuple(pattern for _, _, pattern, _ in implicit_resolvers)
"""Patterns of unquoted text that YAML 1.1 or 1.2 takes for something else than text."""

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain] | None"
"""What a node says, without positions and styles."""


class Edit(NamedTuple):
    """One value to set.

    If the mapping does not have the last name of ``path``, the name is added after its entry
    ``after``, or at its end. Of several entries it is the first after which a line can go. If the
    mapping itself is missing, it is added in braces after the entry ``beside`` of the one around
    it.
    """

    path: Path
    text: str
    after: str | tuple[str, ...] = ""
    beside: str = ""


class Slot(NamedTuple):
    """The range of a document to replace, what goes around the new value, and its usual style."""

    start: int
    end: int
    before: str
    behind: str
    style: str
    typed: bool
    """Whether text that looks like another type is written without quotes here."""


class Refused(Exception):
    """An edit that cannot be made; ``at`` is the line and column in its document, from 0.

    ``impossible`` is true for text that cannot be in any manifest.
    """

    def __init__(
        self, message: str, at: tuple[int, int] | None = None, *, impossible: bool = False
    ) -> None:
        super().__init__(message)
        self.at = at
        self.impossible = impossible


def slot_of(part: str, edit: Edit, *, last: bool) -> Slot:
    """Return where in a document the value goes."""
    *inner, name = edit.path
    root = _compose(part)
    *outer, last_step = inner or ("",)
    mapping = root
    for step in outer:
        mapping = _inside(mapping, step)
    if inner and edit.beside and _child(mapping, last_step) is None:
        return _in_braces(part, mapping, f"{last_step}: {{{name}: ", edit.beside)
    mapping = _inside(mapping, last_step) if inner else mapping
    value = _child(mapping, name)
    if value is not None:
        return _of_value(part, _own(value))
    if not (isinstance(mapping, MappingNode) and mapping.value):
        raise Refused("there is nothing here to add a line to")
    neighbour = _neighbour(mapping, edit.after) or mapping.value[-1][1]
    if mapping.flow_style:
        end = _own(neighbour).end_mark.index
        style, typed = _style(neighbour) if edit.after else (DOUBLE, False)
        return Slot(end, end, f", {name}: ", "", style, typed)
    line = f"{' ' * mapping.start_mark.column}{name}: "
    if edit.after:
        return _after_line(part, line, _of_value(part, _own(neighbour)))
    if mapping is not root or not last:
        raise Refused("a line is added only at the end of a file, and more follows this mapping")
    return _after_line(part, line, Slot(len(part), len(part), "", "", PLAIN, typed=False))


def _inside(mapping: Any, step: int | str) -> Any:
    """Return a node below another one."""
    found = _child(mapping, step)
    if found is None:
        raise Refused("there is nothing here to add a line to")
    return _own(found)


def _in_braces(part: str, mapping: Any, opening: str, beside: str) -> Slot:
    """Return where a mapping of one value goes, after an entry of the mapping around it."""
    neighbour = _child(mapping, beside) if isinstance(mapping, MappingNode) else None
    if neighbour is None:
        raise Refused("there is nothing here to add a line to")
    value = _of_value(part, _own(neighbour))
    if mapping.flow_style:
        slot = Slot(value.end, value.end, f", {opening}", "", DOUBLE, typed=False)
    else:
        slot = _after_line(part, f"{' ' * mapping.start_mark.column}{opening}", value)
    return slot._replace(behind=f"}}{slot.behind}", style=DOUBLE, typed=False)


def _neighbour(mapping: Any, after: str | tuple[str, ...]) -> Any:
    """Return the entry after which a name goes: of several the first that is no block, if any."""
    names = (after,) if isinstance(after, str) else after
    found = [value for name in names if (value := _child(mapping, name)) is not None]
    plain = (
        value
        for value in found
        if isinstance(value, ScalarNode) and value.style not in _BLOCKS and not value.anchor
    )
    return next(plain, found[0] if found else None)


def _after_line(part: str, name: str, value: Slot) -> Slot:
    """Return where a line goes that begins with ``name``: after the one in which a value ends."""
    newline = "\r\n" if "\r\n" in part else "\n"
    found = LINE_END.search(part, value.end)
    end = found.end() if found else len(part)
    missing = "" if part[:end].endswith(("\n", "\r")) else newline
    behind = found[0] if found else newline
    return value._replace(start=end, end=end, before=f"{missing}{name}", behind=behind)


def _of_value(part: str, node: Any) -> Slot:
    """Return the range of a scalar. Raise Refused if it is not text on its own."""
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, ScalarNode):
        raise Refused("there are several values here, not one")
    if node.style in _BLOCKS:
        raise Refused(f"a block of lines ({node.style}) is not edited")
    if start == end:
        raise Refused("there is no value here to replace")
    if part[start] == "!":
        raise Refused("a value with a tag (!) is not edited")
    return Slot(start, end, "", "", *_style(node))


def _style(node: Any) -> tuple[str, bool]:
    """Return a scalar's quotes, and whether it is without them although it looks like a type."""
    if not isinstance(node, ScalarNode) or node.style in _BLOCKS:
        return PLAIN, False
    style = node.style or PLAIN
    return style, not style and any(pattern.match(node.value) for pattern in TYPED)


def _child(node: Any, step: int | str) -> Any:
    """Return the node under a name or index; None if a mapping does not have the name."""
    if isinstance(node, SequenceNode):
        return node.value[step]
    return next((value for key, value in node.value if key.value == step), None)


def _own(node: Any) -> Any:
    """Return a node. Raise Refused if it is repeated elsewhere: its marks are the anchor's."""
    if node.anchor:
        raise Refused(f"an anchor (&{node.anchor}) repeats what is here in other places")
    return node


def _compose(part: str) -> Any:
    yaml = YAML(pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.compose(StringIO(part, newline=""))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line, mark.column) if mark else None
        raise Refused(f"ruamel.yaml does not read this: {error.problem}", at) from None
    except YAMLError:
        raise Refused("ruamel.yaml does not read this document") from None


def as_ruamel_reads(part: str) -> Plain:
    """Return what ruamel.yaml reads in a document. Raise Refused if it cannot."""
    return _of_ruamels(_compose(part))


def _of_ruamels(node: Any) -> Plain:
    if isinstance(node, MappingNode):
        return {key.value: _of_ruamels(value) for key, value in node.value}
    return [*map(_of_ruamels, node.value)] if isinstance(node, SequenceNode) else node.value

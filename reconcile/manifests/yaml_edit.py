"""Set single values in YAML text, and keep every other byte.

ruamel.yaml finds where a value begins and ends. Only these bytes are replaced, or a line is added.
After each edit ruamel.yaml and our own reader read the document again: both must find the new
value, and nothing else changed. An edit that cannot be made so is refused with its place; nothing
is ever reformatted.
"""

from collections.abc import Sequence
from io import StringIO
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.resolver import implicit_resolvers

from reconcile.manifests.document_texts import LINE_END, DocumentTexts
from reconcile.manifests.problems import Positioned, ProblemReport
from reconcile.manifests.yaml_nodes import Items, Node, Table, Text, read
from reconcile.manifests.yaml_scalars import DOUBLE, PLAIN, in_double_quotes, spellings
from reconcile.model.values import show

Path = tuple[int | str, ...]
"""The number of a document among those that are not empty, from 0; then names and list indexes."""

_BOM = "\ufeff"
_BLOCKS = ("|", ">")
_TYPED = tuple(pattern for _, _, pattern, _ in implicit_resolvers)
"""Patterns of unquoted text that YAML 1.1 or 1.2 takes for something else than text."""


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


class _Slot(NamedTuple):
    """The range of a document to replace, what goes around the new value, and its usual style."""

    start: int
    end: int
    before: str
    behind: str
    style: str
    typed: bool
    """Whether text that looks like another type is written without quotes here."""


class _Refused(Exception):
    """An edit that cannot be made; ``at`` is the line and column in its document, from 0."""

    def __init__(self, message: str, at: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.at = at


def edit_values(
    data: bytes, edits: Sequence[Edit], report: ProblemReport, *, any_comment: bool = False
) -> bytes | None:
    """Return a file with these values set, one after the other, or None.

    If it is None, ``report`` has a problem for each edit that cannot be made, with its place in
    ``data``. For ``any_comment`` see ``read``.
    """
    documents = list(read(data, report, any_comment=any_comment))
    if report.problems:
        return None
    text = data.decode("utf-8")
    bom = _BOM if text.startswith(_BOM) else ""
    parts = DocumentTexts(text.removeprefix(_BOM))
    wanted: _Plain = [*map(_of_ours, documents)]
    for edit in edits:
        number, *path = edit.path
        root = documents[int(number)]
        index = parts.index_of(root)
        part, last = parts.texts[index], index == len(parts.texts) - 1
        try:
            parts.texts[index] = _edited(
                part, edit._replace(path=tuple(path)), last=last, any_comment=any_comment
            )
            wanted = _with_value(wanted, edit.path, edit.text)
        except _Refused as refused:
            place = parts.position(index, refused.at) if refused.at else _nearest(root, path)
            hint = f"edit the file by hand: {_dotted(path)} must be {show(edit.text)}"
            report.at(place, str(refused), hint)
    edited = f"{bom}{''.join(parts.texts)}".encode()
    if not report.problems and wanted != [
        _of_ours(one) for one in read(edited, report, any_comment=any_comment)
    ]:
        report.whole_file("an edit would change another document", "edit the file by hand")
    return None if report.problems else edited


def _edited(part: str, edit: Edit, *, last: bool, any_comment: bool) -> str:
    """Return a document with a value set. Raise _Refused if that cannot be done."""
    slot = _slot(part, edit, last=last)
    wanted = [
        _with_value(read_by, (0, *edit.path), edit.text)
        for read_by in _read_by_both(part, any_comment=any_comment)
    ]
    plain = slot.typed or not any(pattern.match(edit.text) for pattern in _TYPED)
    plain = plain and "?" not in edit.text  # within brackets not every parser takes it for text
    for spelled in spellings(edit.text, slot.style, plain=plain):
        edited = f"{part[: slot.start]}{slot.before}{spelled}{slot.behind}{part[slot.end :]}"
        try:
            if _read_by_both(edited, any_comment=any_comment) == wanted:
                return edited
        except _Refused:
            continue
    alone = ProblemReport("")
    list(read(f"x: {in_double_quotes(edit.text)}\n".encode(), alone))
    if alone.problems:
        raise _Refused(f"the new text cannot be in a manifest: {alone.problems[0].message}")
    raise _Refused("this edit would change what else the file says")


def _slot(part: str, edit: Edit, *, last: bool) -> _Slot:
    """Return where in a document the value goes."""
    *inner, name = edit.path
    root = _compose(part)
    mapping = root
    for number, step in enumerate(inner, 1):
        inner_node = _child(mapping, step)
        if inner_node is None and number == len(inner) and edit.beside:
            return _in_braces(part, mapping, f"{step}: {{{name}: ", edit.beside)
        if inner_node is None:
            raise _Refused("there is nothing here to add a line to")
        mapping = _own(inner_node)
    value = _child(mapping, name)
    if value is not None:
        return _of_value(part, _own(value))
    if not (isinstance(mapping, MappingNode) and mapping.value):
        raise _Refused("there is nothing here to add a line to")
    neighbour = _neighbour(mapping, edit.after) or mapping.value[-1][1]
    if mapping.flow_style:
        end = _own(neighbour).end_mark.index
        style, typed = _style(neighbour) if edit.after else (DOUBLE, False)
        return _Slot(end, end, f", {name}: ", "", style, typed)
    line = f"{' ' * mapping.start_mark.column}{name}: "
    if edit.after:
        return _after_line(part, line, _of_value(part, _own(neighbour)))
    if mapping is not root or not last:
        raise _Refused("a line is added only at the end of a file, and more follows this mapping")
    return _after_line(part, line, _Slot(len(part), len(part), "", "", PLAIN, typed=False))


def _in_braces(part: str, mapping: Any, opening: str, beside: str) -> _Slot:
    """Return where a mapping of one value goes, after an entry of the mapping around it."""
    neighbour = _child(mapping, beside) if isinstance(mapping, MappingNode) else None
    if neighbour is None:
        raise _Refused("there is nothing here to add a line to")
    value = _of_value(part, _own(neighbour))
    if mapping.flow_style:
        slot = _Slot(value.end, value.end, f", {opening}", "", DOUBLE, typed=False)
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


def _after_line(part: str, name: str, value: _Slot) -> _Slot:
    """Return where a line goes that begins with ``name``: after the one in which a value ends."""
    newline = "\r\n" if "\r\n" in part else "\n"
    found = LINE_END.search(part, value.end)
    end = found.end() if found else len(part)
    missing = "" if part[:end].endswith(("\n", "\r")) else newline
    behind = found[0] if found else newline
    return value._replace(start=end, end=end, before=f"{missing}{name}", behind=behind)


def _of_value(part: str, node: Any) -> _Slot:
    """Return the range of a scalar. Raise _Refused if it is not text on its own."""
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, ScalarNode):
        raise _Refused("there are several values here, not one")
    if node.style in _BLOCKS:
        raise _Refused(f"a block of lines ({node.style}) is not edited")
    if start == end:
        raise _Refused("there is no value here to replace")
    if part[start] == "!":
        raise _Refused("a value with a tag (!) is not edited")
    return _Slot(start, end, "", "", *_style(node))


def _style(node: Any) -> tuple[str, bool]:
    """Return a scalar's quotes, and whether it is without them although it looks like a type."""
    if not isinstance(node, ScalarNode) or node.style in _BLOCKS:
        return PLAIN, False
    style = node.style or PLAIN
    return style, not style and any(pattern.match(node.value) for pattern in _TYPED)


def _child(node: Any, step: int | str) -> Any:
    """Return the node under a name or index; None if a mapping does not have the name."""
    if isinstance(node, SequenceNode):
        return node.value[step]
    return next((value for key, value in node.value if key.value == step), None)


def _own(node: Any) -> Any:
    """Return a node. Raise _Refused if it is repeated elsewhere: its marks are the anchor's."""
    if node.anchor:
        raise _Refused(f"an anchor (&{node.anchor}) repeats what is here in other places")
    return node


def _compose(part: str) -> Any:
    yaml = YAML(pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        return yaml.compose(StringIO(part, newline=""))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line, mark.column) if mark else None
        raise _Refused(f"ruamel.yaml does not read this: {error.problem}", at) from None
    except YAMLError:
        raise _Refused("ruamel.yaml does not read this document") from None


_Plain: TypeAlias = "str | list[_Plain] | dict[str, _Plain] | None"
"""What a node says, without positions and styles."""


def _read_by_both(part: str, *, any_comment: bool) -> list[_Plain]:
    """Return a document in a list, as ruamel.yaml and as our reader read them."""
    report = ProblemReport("")
    ours = [_of_ours(one) for one in read(part.encode(), report, any_comment=any_comment)]
    if report.problems:
        raise _Refused(report.problems[0].message)
    return [[_of_ruamels(_compose(part))], [*ours]]


def _of_ruamels(node: Any) -> _Plain:
    if isinstance(node, MappingNode):
        return {key.value: _of_ruamels(value) for key, value in node.value}
    return [*map(_of_ruamels, node.value)] if isinstance(node, SequenceNode) else node.value


def _of_ours(node: Node) -> _Plain:
    if isinstance(node, Table):
        return {name: _of_ours(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Items):
        return [*map(_of_ours, node.nodes)]
    return node.value if isinstance(node, Text) else None


def _with_value(document: _Plain, path: Path, text: str) -> _Plain:
    """Return a document that differs in one value."""
    if not path:
        return text
    step, *rest = path
    if isinstance(document, list):
        return [
            _with_value(one, tuple(rest), text) if index == step else one
            for index, one in enumerate(document)
        ]
    inner = document if isinstance(document, dict) else {}
    return {**inner, str(step): _with_value(inner.get(str(step)), tuple(rest), text)}


def _nearest(root: Node, path: Sequence[int | str]) -> Positioned:
    """Return the node at a path, or the last one on the way to it."""
    node = root
    for step in path:
        if isinstance(node, Table) and step in node.entries:
            node = node.entries[str(step)].value
        elif isinstance(node, Items) and isinstance(step, int):
            node = node.nodes[step]
    return node


def _dotted(path: Sequence[int | str]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]

"""YAML text → nodes with positions, within limits.

Values stay text as written: no type is guessed, and what YAML would drop is reported. Events come
from libyaml if PyYAML has it, else from PyYAML's own parser. A YAML syntax error ends a file; all
other problems are reported, and reading goes on.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconcile.manifests.problems import Positioned, ProblemReport
from reconcile.manifests.yaml_syntax import Mark, ParserError, Position, Source, Span, text_hint
from reconcile.model.values import show

MAX_DEPTH = 32
"""The deepest nesting of lists and mappings; manifests need six."""

LOADER: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BLOCKS = ("|", ">")
_TEXT_TAGS = (None, "tag:yaml.org,2002:str")
FORBIDDEN_ESCAPED = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Text(NamedTuple):
    """A scalar, as written."""

    value: str
    line: int
    column: int


class Empty(NamedTuple):
    """A missing value: nothing at all, ``~``, or an unquoted null."""

    line: int
    column: int


_new = tuple.__new__  # Makes a Text at half the cost of Text(…): an order has fifty of them.


class Items(NamedTuple):
    """A list."""

    nodes: tuple["Node", ...]
    line: int
    column: int


class Entry(NamedTuple):
    """One entry of a mapping: its value, and the position of its name."""

    value: "Node"
    line: int
    column: int


class Table(NamedTuple):
    """A mapping with unique names, which are text."""

    entries: dict[str, Entry]
    line: int
    column: int


Node: TypeAlias = Text | Empty | Items | Table


class _Stop(Exception):
    """The rest of the file cannot be read; the reason has been reported."""


def read(data: bytes, report: ProblemReport, *, any_comment: bool = False) -> Iterator[Node]:
    """Yield the documents of a file that are not empty.

    ``report`` is complete after the last one. After a YAML syntax error the rest of the file is not
    read. ``any_comment`` allows every comment that YAML does: for settings, whose values are names
    and not people's text.
    """
    report.budget.begin("file")
    source = Source.decoded(data, report, any_comment=any_comment)
    if source is None:
        return
    try:
        next_event = LOADER(data).get_event
        while type(event := next_event()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                report.budget.begin("document")
                document = _Document(next_event, report, source)
                node = document.node(next_event(), 0)
                document.check_anchors()
                if not isinstance(node, Empty):
                    yield node
    except yaml.MarkedYAMLError as error:
        _explain(error, data, source, report)
    except yaml.YAMLError:
        report.whole_file("this is not YAML")
    except _Stop:
        pass


def _explain(
    error: yaml.MarkedYAMLError, data: bytes, source: Source, report: ProblemReport
) -> None:
    """Report a YAML syntax error, unless its cause has been reported already."""
    since = _mark(error.context_mark)
    at = _mark(error.problem_mark) or since or (0, 0)
    words = error.problem or "", at, error.context or "", since
    fault = source.explain(ParserError(*words, *_read_before(data)))
    if fault.position not in {(one.line, one.column) for one in report.problems}:
        report.at(*fault)


def _read_before(data: bytes) -> tuple[Span | None, Mark | None]:
    """Return the last node before an error, and the first bracket that is still open."""
    next_event = LOADER(data).get_event
    open_: list[Any] = []
    last: Span | None = None
    with suppress(yaml.YAMLError):
        while True:
            event: Any = next_event()
            if isinstance(event, CollectionStartEvent):
                open_.append(event)
            elif isinstance(event, CollectionEndEvent):
                start = open_.pop()
                # Without brackets it ends where something else begins.
                last = _span(start.start_mark, event.end_mark) if start.flow_style else None
            elif isinstance(event, (ScalarEvent, AliasEvent)):
                last = _span(event.start_mark, event.end_mark)
    return last, next((_mark(event.start_mark) for event in open_ if event.flow_style), None)


def _mark(mark: Any) -> Mark | None:
    return (mark.line, mark.column) if mark else None


def _span(start: Any, end: Any) -> Span:
    return Span((start.line, start.column), (end.line, end.column))


class _Document:
    """Reads the nodes of one document from events, and keeps its anchors."""

    def __init__(
        self, next_event: Callable[[], Any], report: ProblemReport, source: Source
    ) -> None:
        self._next = next_event
        self._report = report
        self._source = source
        self._commented = source.commented
        self._anchors: dict[str, Node] = {}
        self._unused: dict[str, Position] = {}

    def node(self, event: Any, depth: int) -> Node:
        """Return the node that begins with ``event``."""
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        return self._collection(event, depth + 1)

    def _scalar(self, event: Any) -> Text | Empty:
        value, mark, tag, style = event.value, event.start_mark, event.tag, event.style
        node: Text | Empty = _new(Text, (value, mark.line + 1, mark.column + 1))
        if tag is None:
            if value in _NULLS and not style:
                node = Empty(node.line, node.column)
        elif tag not in _TEXT_TAGS:
            self._refuse_tag(node, tag)
        elif not (value or style):
            node = Empty(node.line, node.column)
        if style or self._commented:
            node = self._as_meant(event, node)
        if not value.isprintable() and (found := FORBIDDEN_ESCAPED.search(value)):
            message = f"the control character U+{ord(found[0]):04X} is not allowed in text"
            self._report.at(node, message, "of these, only line breaks and tabs are")
        if event.anchor is not None:
            self._name(event.anchor, node)
            self._unused[event.anchor] = Position(mark.line + 1, mark.column + 1)
        return node

    def _as_meant(self, event: Any, node: Text | Empty) -> Text | Empty:
        """Report a scalar that YAML reads differently than its author can have meant it."""
        style, line = event.style, event.end_mark.line
        if style in _BLOCKS:
            if not event.value.strip("\n"):
                message = f"{style} begins a block of lines in YAML, and none follow"
                self._report.at(node, message, text_hint(style))
            return node
        if line == node.line - 1 and line not in self._commented:
            return node
        span = _span(event.start_mark, event.end_mark)
        if style and (left_open := self._source.left_open(span)):
            self._report.at(*left_open)
        if comment := self._source.comment(span, quoted=bool(style)):
            self._report.at(*comment)
            return Text(event.value or "#", node.line, node.column)  # not missing, but refused
        return node

    def check_anchors(self, *names: str) -> None:
        """Report unused anchors (all, or these) of scalars: they may be meant as text."""
        for name in names or tuple(self._unused):
            if position := self._unused.pop(name, None):
                message = "& begins an anchor in YAML, and nothing refers to this one"
                self._report.at(
                    position, message, f"{text_hint('&')}; otherwise leave the anchor out"
                )

    def _name(self, anchor: str, node: Node) -> None:
        self.check_anchors(anchor)  # From here on the name is another node's.
        self._anchors[anchor] = node

    def _collection(self, event: Any, depth: int) -> Items | Table:
        mark = event.start_mark
        position = Position(mark.line + 1, mark.column + 1)
        self._check_depth(position, depth)
        if event.tag is not None:
            self._refuse_tag(position, event.tag)
        self._anchors.pop(event.anchor, None)
        node: Items | Table
        if type(event) is SequenceStartEvent:
            nodes = []
            while type(inner := self._next()) is not SequenceEndEvent:
                nodes.append(self.node(inner, depth))
            node = Items(tuple(nodes), *position)
        else:
            node = Table(self._entries(depth), *position)
        if event.anchor is not None:
            self._name(event.anchor, node)
        return node

    def _entries(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while type(event := self._next()) is not MappingEndEvent:
            scalar = type(event) is ScalarEvent
            key = self._scalar(event) if scalar else self.node(event, depth)
            value = self.node(self._next(), depth)
            if not (scalar and isinstance(key, Text)):
                self._report.at(key, "a name in a mapping must be plain text")
            elif key.value == "<<" and not event.style:
                hint = "write the values out, or give a whole mapping an alias"
                self._report.at(key, "merge keys (<<) are not supported", hint)
            elif first := entries.get(key.value):
                where = f"line {first.line}, column {first.column}"
                self._report.at(key, f"{show(key.value)} is given twice; first in {where}")
            else:
                entries[key.value] = Entry(value, key.line, key.column)
        return entries

    def _alias(self, event: Any, depth: int) -> Node:
        position = Position(event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor not in self._anchors:
            message = f"{show(event.anchor)} is not an anchor that ends before it"
            self._stop(position, f"* begins an alias in YAML, and {message}", text_hint("*"))
        node = self._anchors[event.anchor]
        self._unused.pop(event.anchor, None)
        size, height = _measure(node)
        if exhausted := self._report.budget.repeat(size):
            self._stop(position, exhausted, "write the values out, or split what repeats them")
        self._check_depth(position, depth + height)
        return node

    def _check_depth(self, position: Position, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._stop(position, f"nested more than {MAX_DEPTH} levels deep")

    def _refuse_tag(self, node: Positioned, tag: str) -> None:
        hint = f"leave the tag out; {text_hint('!')}"
        message = f"! begins a tag in YAML, and the tag {show(tag)} is not supported"
        self._report.at(node, message, hint)

    def _stop(self, position: Position, message: str, hint: str = "") -> NoReturn:
        self._report.at(position, message, hint)
        raise _Stop


def _measure(node: Node) -> tuple[int, int]:
    """Return the number of nodes in a node, itself included, and the number of levels."""
    if isinstance(node, Items):
        inner = [_measure(item) for item in node.nodes]
    elif isinstance(node, Table):
        inner = [_measure(entry.value) for entry in node.entries.values()]
    else:
        return 1, 0
    return 1 + sum(size for size, _ in inner), 1 + max((height for _, height in inner), default=0)

"""YAML text → nodes with places, within limits.

Values stay text as written: no type is guessed. libyaml's events are read where PyYAML has it, and
PyYAML's own where not. Errors of YAML itself end a file; all else is reported and read past.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconcile.manifests.problems import Positioned, Report
from reconcile.model.values import show

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings; manifests need six."""

MAX_REPEATED = 10_000
"""How many nodes the aliases of one document may repeat."""

LOADER: Any = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
_CONTROL = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL_IN_FILE = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


class Text(NamedTuple):
    """A scalar, as written."""

    value: str
    line: int
    column: int


class Empty(NamedTuple):
    """A place where a value is missing: nothing at all, ``~``, or an unquoted null."""

    line: int
    column: int


class Items(NamedTuple):
    """A list."""

    nodes: tuple["Node", ...]
    line: int
    column: int


class Entry(NamedTuple):
    """One entry of a mapping: its value, and where its name stands."""

    value: "Node"
    line: int
    column: int


class Table(NamedTuple):
    """A mapping. Its names are text and differ."""

    entries: dict[str, Entry]
    line: int
    column: int


Node: TypeAlias = Text | Empty | Items | Table


class Spot(NamedTuple):
    """A place alone."""

    line: int
    column: int


class _Stop(Exception):
    """The rest of the file cannot be read; the reason has been reported."""


def read(data: bytes, report: Report) -> Iterator[Node]:
    """The documents of a file that are not empty.

    Must be used up before ``report`` is complete. After an error of YAML itself, the documents
    before it have been given and the rest of the file is left unread.
    """
    try:
        _check_characters(data, report)
        next_event = LOADER(data).get_event
        while type(event := next_event()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                node = _Document(next_event, report).node(next_event(), 0)
                if not isinstance(node, Empty):
                    yield node
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        place = Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)
        report.at(place, f"this is not YAML: {_in_words(error)}", _hint(error))
    except yaml.YAMLError:
        report.whole("this is not YAML")
    except _Stop:
        pass


def _in_words(error: yaml.MarkedYAMLError) -> str:
    words = error.problem or "it cannot be read"
    if not error.context:
        return words
    mark: Any = error.context_mark
    since = f" that begins in line {mark.line + 1}" if mark else ""
    return f"{words}, {error.context}{since}"


def _hint(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "mapping values are not allowed" in problem:
        return 'look at the indentation; a value that holds ": " needs quotes'
    if "cannot start any token" in problem or "found a tab" in problem:
        return "indent with spaces, not tabs, and quote values that begin with @, % or `"
    return ""


def _check_characters(data: bytes, report: Report) -> None:
    """Refuse what YAML readers disagree on, with a place, which libyaml would not give."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        report.at(_end_of(before), "this is not UTF-8", "save the file as UTF-8")
        raise _Stop from None
    if found := _CONTROL_IN_FILE.search(text):
        message = f"the character U+{ord(found[0]):04X} is not allowed in a manifest"
        report.at(_end_of(text[: found.start()]), message)
        raise _Stop


def _end_of(text: str) -> Spot:
    lines = re.split(r"\r\n|\r|\n", text)
    return Spot(len(lines), len(lines[-1]) + 1)


class _Document:
    """Reads one document's nodes from the events; holds its anchors and what they cost."""

    def __init__(self, next_event: Callable[[], Any], report: Report) -> None:
        self._next = next_event
        self._report = report
        self._anchors: dict[str, Node] = {}
        self._repeated = 0

    def node(self, event: Any, depth: int) -> Node:
        """The node that begins with ``event``."""
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        return self._collection(event, depth + 1)

    def _scalar(self, event: Any) -> Text | Empty:
        value, mark, tag = event.value, event.start_mark, event.tag
        node: Text | Empty = Text(value, mark.line + 1, mark.column + 1)
        if tag is None:
            if value in _NULLS and not event.style:
                node = Empty(node.line, node.column)
        elif tag not in _TEXT_TAGS:
            self._refuse_tag(node, tag)
        if not value.isprintable() and (found := _CONTROL.search(value)):
            message = f"the control character U+{ord(found[0]):04X} is not allowed in text"
            self._report.at(node, message, "of these, only line breaks and tabs are")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _collection(self, event: Any, depth: int) -> Items | Table:
        mark = event.start_mark
        place = Spot(mark.line + 1, mark.column + 1)
        self._check_depth(place, depth)
        if event.tag is not None:
            self._refuse_tag(place, event.tag)
        self._anchors.pop(event.anchor, None)
        node: Items | Table
        if type(event) is SequenceStartEvent:
            nodes = []
            while type(inner := self._next()) is not SequenceEndEvent:
                nodes.append(self.node(inner, depth))
            node = Items(tuple(nodes), *place)
        else:
            node = Table(self._entries(depth), *place)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
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
                self._report.at(key, f"{show(key.value)} stands here twice; first in {where}")
            else:
                entries[key.value] = Entry(value, key.line, key.column)
        return entries

    def _alias(self, event: Any, depth: int) -> Node:
        place = Spot(event.start_mark.line + 1, event.start_mark.column + 1)
        if event.anchor not in self._anchors:
            self._stop(place, f"the alias {show(event.anchor)} names no finished anchor before it")
        node = self._anchors[event.anchor]
        size, height = _measure(node)
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            self._stop(place, f"the aliases of this document repeat over {MAX_REPEATED:,} values")
        self._check_depth(place, depth + height)
        return node

    def _check_depth(self, place: Spot, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._stop(place, f"nested more than {MAX_DEPTH} levels deep")

    def _refuse_tag(self, node: Positioned, tag: str) -> None:
        hint = "leave the tag out: values are read as the text that stands there"
        self._report.at(node, f"the tag {show(tag)} is not supported", hint)

    def _stop(self, place: Spot, message: str) -> NoReturn:
        self._report.at(place, message)
        raise _Stop


def _measure(node: Node) -> tuple[int, int]:
    """How many nodes there are in a node, itself included, and how many levels."""
    if isinstance(node, Items):
        inner = [_measure(item) for item in node.nodes]
    elif isinstance(node, Table):
        inner = [_measure(entry.value) for entry in node.entries.values()]
    else:
        return 1, 0
    return 1 + sum(size for size, _ in inner), 1 + max((height for _, height in inner), default=0)

"""Explanations of YAML syntax: text that YAML would drop from values, and syntax errors.

A comment after a value without quotes must be written as yamllint's defaults demand: after two or
more spaces, and with a space or nothing after the ``#``. Every other ``#`` that begins a comment
there (``Order #1001``, ``12 Main St # 4``) may be meant as text, and is refused.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from reconcile.manifests.problems import ProblemReport


class Position(NamedTuple):
    """A line and column of a file. Lines and columns count from 1."""

    line: int
    column: int


class Fault(NamedTuple):
    """A problem: where it is, what is wrong, and what to do."""

    position: Position
    message: str
    hint: str


Mark = tuple[int, int]
"""Line and column as PyYAML counts them: from 0."""


class Span(NamedTuple):
    """The start of a node, and its end, where what follows begins."""

    start: Mark
    end: Mark


class ParserError(NamedTuple):
    """A syntax error in PyYAML's words, and what was read before it.

    ``since`` is the start of its context, ``last`` the last complete node, and ``bracket`` the
    start of the first list or mapping in brackets that has not ended.
    """

    problem: str
    at: Mark
    context: str
    since: Mark | None
    last: Span | None
    bracket: Mark | None


_FORBIDDEN = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_CANDIDATE = re.compile(r"[ \t]#")
_AFTER_PLAIN = re.compile(r"[ \t]*(?:,[ \t]*)?(?<=[ \t])#")
_AFTER_QUOTED = re.compile(r"[ \t]*,[ \t]+#")
_AFTER_NOTHING = re.compile(r"[ \t]+#(?=\S)")
_CLEAR_COMMENT = re.compile(r"[ \t]*,?[ \t]{2,}#(?!\S)")
_IN_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")
_PARENTS = re.compile(r" *(?:- +)*")

_IN_WORDS = {
    "*": "begins an alias",
    "&": "begins an anchor",
    "!": "begins a tag",
    "|": "begins a block of lines",
    ">": "begins a block of folded lines",
    "%": "begins a directive",
    "@": "is reserved",
    "`": "is reserved",
    "[": "begins a list",
    "]": "ends a list",
    "{": "begins a mapping",
    "}": "ends a mapping",
    ",": "separates values",
    "?": "begins a name",
    "-": "begins an item of a list",
}
_QUOTES = {"'": '"\'s-Hertogenbosch"', '"': "'12\" ruler'"}
"""Examples of text that contains each kind of quote, in the other kind."""

_QUOTE_IT = "put the whole value in quotes"
_ESCAPE_HINT = "write \\\\ for a backslash, or put the value in single quotes"
_NOT_HERE = "a value cannot begin so: {} {} in YAML"
_COMMENT_MESSAGE = "YAML reads the text from this # on as a comment, not as part of the value"
_COMMENT_HINT = (
    f'{_QUOTE_IT}, as in "Order #1001"; a comment goes on a line of its own, or after two spaces '
    "and with a space after the #"
)


class Source:
    """The text of one file, for looking at positions in it."""

    def __init__(self, text: str, *, any_comment: bool) -> None:
        self._text = text.removeprefix("\ufeff")
        self._any_comment = any_comment

    @classmethod
    def decoded(cls, data: bytes, report: ProblemReport, *, any_comment: bool) -> "Source | None":
        """Return the source, or None if it contains what YAML parsers treat differently.

        That is reported here with its position, which libyaml would not give.
        """
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start].decode("utf-8")
            report.at(_end_of(before), "this is not UTF-8", "save the file as UTF-8")
            return None
        if found := _FORBIDDEN.search(text):
            message = f"the character U+{ord(found[0]):04X} is not allowed in a manifest"
            report.at(_end_of(text[: found.start()]), message)
            return None
        return cls(text, any_comment=any_comment)

    @cached_property
    def _lines(self) -> Sequence[str]:
        return _split(self._text)

    @cached_property
    def commented(self) -> frozenset[int]:
        """The lines, counted from 0, with a comment after something, which may be meant as text."""
        rare = " #" in self._text or "\t#" in self._text  # faster than the expression
        if self._any_comment or not rare:
            return frozenset()
        return frozenset(n for n, line in enumerate(self._lines) if _CANDIDATE.search(line))

    def comment(self, scalar: Span, *, quoted: bool) -> Fault | None:
        """Return the fault of a comment after a scalar that may be meant as part of it."""
        line, column = scalar.end
        rest = self._line(line)[column:]
        empty = scalar.start == scalar.end
        pattern = _AFTER_QUOTED if quoted else _AFTER_NOTHING if empty else _AFTER_PLAIN
        found = pattern.match(rest)
        if not found or (_CLEAR_COMMENT.match(rest) and not empty):
            return None
        return _comment(line, column + found.end())

    def left_open(self, scalar: Span) -> Fault | None:
        """Return the fault of a quoted scalar that includes lines with less indentation than it."""
        line, column = scalar.start
        before = self._line(line)[:column]
        if not before.strip():
            return None  # On a line of its own the required indentation is not known.
        parents = _PARENTS.match(before)
        indent = parents.end() if parents else 0
        if indent == len(before) or before[indent] in "[{":
            indent = before.rfind("-", 0, indent)
        for number in range(line + 1, scalar.end[0] + 1):
            text = self._line(number)
            if text.strip() and len(text) - len(text.lstrip(" ")) <= indent:
                message = f"this quote is still open in line {number + 1}, which is not indented"
                return Fault(_position(scalar.start), message, self._quote_hint(scalar.start))
        return None

    def explain(self, error: ParserError) -> Fault:
        """Return the likely cause of a syntax error, with its position."""
        problem, at, context, since, last, bracket = error
        if since and "quoted scalar" in context:
            if "escape" in problem or "hex" in problem:
                return Fault(_position(at), _in_words(error), _ESCAPE_HINT)
            return Fault(_position(since), "this quote is not closed", self._quote_hint(since))
        if since and "scanning" in context and "key" not in context:
            fault = self._meaning(since, _NOT_HERE)
        else:
            fault = (
                (self._followed(last, at) if last else None)
                or self._comment_between(bracket or (last.end if last else at), at)
                or self._meaning(at, _NOT_HERE)
            )
        return fault or Fault(_position(at), _in_words(error), _hint(error))

    def _comment_between(self, start: Mark, end: Mark) -> Fault | None:
        """Return the fault of the first comment that may be meant as text, or hides a bracket."""
        for number in range(start[0], end[0] + 1):
            line = _IN_QUOTES.sub(lambda match: "x" * len(match[0]), self._line(number))
            begin = start[1] if number == start[0] else 0
            found = _CANDIDATE.search(line, begin)
            if found and line[: found.start()].strip() and not _CLEAR_COMMENT.search(line, begin):
                return _comment(number, found.end())
        return None

    def _followed(self, last: Span, at: Mark) -> Fault | None:
        """Return the fault of a node that is followed by more text where none is allowed."""
        if last.end[0] != at[0] or self._line(at[0])[last.end[1] : at[1]].strip():
            return None
        if self._character(last.start) in _QUOTES:
            several = last.end[0] > last.start[0]
            where = f"only in line {last.end[0] + 1}" if several else "before the value ends"
            message = f"this quote is closed {where}: more text follows"
            return Fault(_position(last.start), message, self._quote_hint(last.start))
        return self._meaning(last.start, "{} {} in YAML, and more text follows")

    def _meaning(self, position: Mark, message: str) -> Fault | None:
        character = self._character(position)
        behind = self._character((position[0], position[1] + 1))
        if character not in _IN_WORDS or (character in "-?" and behind.strip()):
            return None
        text = message.format(character, _IN_WORDS[character])
        return Fault(_position(position), text, text_hint(character))

    def _quote_hint(self, position: Mark) -> str:
        example = _QUOTES[self._character(position)]
        return f"close it where the value ends; for a quote in the text itself see {example}"

    def _character(self, position: Mark) -> str:
        line, column = position
        return self._line(line)[column : column + 1]

    def _line(self, number: int) -> str:
        """Return a line; the one after the last, where libyaml sees a file's end, is empty."""
        return self._lines[number] if number < len(self._lines) else ""


def text_hint(character: str) -> str:
    """Return the hint for text that begins with a character that is YAML syntax."""
    return f'{_QUOTE_IT} if {character} belongs to the text: "{character}…"'


def _in_words(error: ParserError) -> str:
    words = f"this is not YAML: {error.problem or 'it cannot be read'}"
    if not error.context:
        return words
    since = f" that begins in line {error.since[0] + 1}" if error.since else ""
    return f"{words}, {error.context}{since}"


def _hint(error: ParserError) -> str:
    problem = error.problem
    if "mapping values are not allowed" in problem:
        return 'look at the indentation; a value that holds ": " needs quotes'
    if "cannot start any token" in problem or "found a tab" in problem:
        return "indent with spaces, not tabs"
    if error.bracket:
        return "brackets hold a list or a mapping in YAML; put text with brackets in quotes"
    return ""


def _comment(line: int, end: int) -> Fault:
    return Fault(Position(line + 1, end), _COMMENT_MESSAGE, _COMMENT_HINT)


def _split(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _end_of(text: str) -> Position:
    lines = _split(text)
    return Position(len(lines), len(lines[-1]) + 1)


def _position(mark: Mark) -> Position:
    return Position(mark[0] + 1, mark[1] + 1)

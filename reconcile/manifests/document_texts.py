"""The text of a YAML file, cut between its documents."""

import re
from bisect import bisect_right
from itertools import pairwise

from reconcile.manifests.problems import Positioned
from reconcile.manifests.yaml_syntax import Mark, Position

LINE_END = re.compile(r"\r\n|\r|\n")
_MARKER = re.compile(r"(?<![^\r\n])(?:---|\.\.\.)(?!\S)")
"""A document's start or end: at the start of a line it is one even between quotes."""


class DocumentTexts:
    """A file's text in parts, each with one document at most.

    A document's own ``---`` and ``...`` are in its part. ``texts`` may be edited; positions are
    those of the text as it was.
    """

    def __init__(self, text: str) -> None:
        self._cuts = [
            found.start() if found[0] == "---" else found.end() for found in _MARKER.finditer(text)
        ]
        self._lines = [0, *(found.end() for found in LINE_END.finditer(text))]
        self.texts = [text[start:end] for start, end in pairwise((0, *self._cuts, len(text)))]

    def index_of(self, document: Positioned) -> int:
        """Return the index of the part that a document is in."""
        return bisect_right(self._cuts, self._lines[document.line - 1] + document.column - 1)

    def position(self, index: int, at: Mark) -> Position:
        """Return the position in the file of a line and column of a part, counted from 0."""
        line, column = at
        start = self._cuts[index - 1] if index else 0
        return Position(bisect_right(self._lines, start) + line, column + 1)

"""A line of output as styled pieces of visible text, for every renderer that shows text."""

from typing import NamedTuple

Span = tuple[str, str]
"""Visible text and the name of its style (``terminal.STYLES``), empty for none."""


class Line(NamedTuple):
    """One line. ``glyph`` starts it, after the indentation; ``mark`` is the action it shows."""

    indent: int
    glyph: str
    mark: str
    spans: tuple[Span, ...]

    def text(self) -> str:
        """Return the line without styles."""
        glyph = f"{self.glyph} " if self.glyph else ""
        return " " * self.indent + glyph + "".join([text for text, _ in self.spans])


BLANK = Line(0, "", "", ())


def plain(text: str, style: str = "", indent: int = 0) -> Line:
    """Return a line of one span."""
    return Line(indent, "", "", ((text, style),))

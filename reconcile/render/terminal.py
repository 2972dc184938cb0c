"""Colours for lines. Glyphs and words carry the same meaning without them."""

from collections.abc import Iterable, Iterator

from rich.color import ColorSystem
from rich.style import Style

from reconcile.render.escaping import line_start
from reconcile.render.styled_lines import Line

STYLES = {
    "heading": "bold",
    "define": "green",
    "create": "green",
    "update": "yellow",
    "adopt": "cyan",
    "associate": "green",
    "archive": "red",
    "forget": "cyan",
    "conflict": "bold red",
    "-": "red",
    "address": "bold",
    "title": "",
    "name": "",
    "new": "green",
    "old": "red",
    "arrow": "dim",
    "empty": "dim",
    "note": "dim",
    "drift": "magenta",
    "done": "green",
    "failed": "bold red",
    "skipped": "dim",
    "unknown": "magenta",
    "begun": "magenta",
    "written": "magenta",
}
_STYLES = {name: Style.parse(style) for name, style in STYLES.items()}
_NONE = Style.null()


def colored(lines: Iterable[Line]) -> Iterator[str]:
    """Yield the lines with ANSI styles, in the sixteen colours of the terminal's theme.

    Spans are styled one by one and markup is not parsed, so that text cannot add its own.
    """
    for line in lines:
        plain = line.text()
        if line_start(plain) != plain:
            yield line_start(plain) + "\n"
            continue
        glyph = _paint(f"{line.glyph} ", line.mark) if line.glyph else ""
        yield f"{' ' * line.indent}{glyph}{''.join([_paint(*s) for s in line.spans])}\n"


def _paint(text: str, style: str) -> str:
    return _STYLES.get(style, _NONE).render(text, color_system=ColorSystem.STANDARD)

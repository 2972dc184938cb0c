"""A plan as lines of text, and how lines reach a stream: plain here, coloured by ``terminal``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from reconcile.model.plan import Plan
from reconcile.render.escaping import line_start
from reconcile.render.plan_lines import plan_lines
from reconcile.render.plan_view import view
from reconcile.render.styled_lines import Line


def write_plan(
    plan: Plan,
    stream: TextIO,
    *,
    personal: bool,
    color: bool,
    verbose: bool = False,
    full: bool = False,
) -> None:
    """Write a plan line by line, without ever holding the whole text.

    ``verbose`` and ``full`` are those of ``plan_view.view``.
    """
    seen = view(plan, personal=personal, verbose=verbose, full=full)
    write_lines(plan_lines(seen), stream, color=color)


def write_lines(lines: Iterable[Line], stream: TextIO, *, color: bool) -> None:
    """Write lines; characters outside the stream's encoding are written as escapes.

    The stream is flushed, so that what is printed to stderr afterwards comes after them.
    """
    texts = _plain(lines)
    if color:
        from reconcile.render.terminal import colored  # noqa: PLC0415  # rich only where seen

        texts = colored(lines)
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf"):
        texts = (text.encode(encoding, "backslashreplace").decode(encoding) for text in texts)
    stream.writelines(texts)
    stream.flush()


def wants_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether to colour: on a capable terminal, unless ``NO_COLOR`` is not empty."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _plain(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield line_start(line.text()) + "\n"

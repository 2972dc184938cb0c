"""The lines in which two versions of a text file differ."""

from collections.abc import Iterator, Sequence
from itertools import count

from reconcile.render.escaping import visible
from reconcile.render.styled_lines import Line, plain
from reconcile.render.text_diff import differences, excerpt, grouped

_SAME = 2
"""Equal lines that end a difference; fewer could be equal by chance."""

Range = tuple[int, int]
"""Half open: the first line, and the one after the last."""


def changed_lines(name: str, before: str, after: str, *, personal: bool) -> Iterator[Line]:
    """Yield the changed lines of a file, each group below its place: ``manifests/shop.yaml:3``.

    Only the places without ``personal``: a line may hold anything.
    """
    old, new = before.splitlines(), after.splitlines()
    for removed, added in _differences(old, new):
        yield plain(visible(f"{name}:{added[0] + 1}"), "heading")
        if personal:
            yield from _group(old[slice(*removed)], new[slice(*added)])


def _group(removed: Sequence[str], added: Sequence[str]) -> Iterator[Line]:
    """Yield lines in place of others; of long ones, what differs."""
    shown, instead = [*removed], [*added]
    for index, (one, other) in enumerate(zip(removed, added, strict=False)):
        found = grouped(differences(one, other))
        shown[index] = excerpt(one, [each.before for each in found])
        instead[index] = excerpt(other, [each.after for each in found])
    for glyph, style, lines in (("-", "old", shown), ("+", "new", instead)):
        for line in lines:
            yield Line(2, "", "", ((f"{glyph} {visible(line)}", style),))


def _differences(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Range, Range]]:
    """Yield the ranges of lines that differ. Takes linear time where each of them is short."""
    at, by = 0, 0
    while at < len(old) or by < len(new):
        if old[at : at + 1] == new[by : by + 1]:
            at, by = at + 1, by + 1
            continue
        end, last = _next_equal(old, new, at, by)
        yield (at, end), (by, last)
        at, by = end, last


def _next_equal(old: Sequence[str], new: Sequence[str], at: int, by: int) -> Range:
    """Return the nearest lines from which on both texts are equal, or their ends."""
    return next(
        (min(end, len(old)), min(last, len(new)))
        for distance in count(1)
        for end, last in ((at + n, by + distance - n) for n in range(distance + 1))
        if old[end : end + _SAME] == new[last : last + _SAME]
    )

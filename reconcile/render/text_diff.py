"""Differences of two texts, and excerpts of long texts that show or count every difference.

The cost is close to linear: common parts are found by substrings that occur once in each text, and
only short stretches between these are compared letter by letter.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

LONGEST = 200
"""Longest text that is shown in full."""

_PIECE = 16
"""Length of the common substrings; differences closer to each other are shown as one."""
_COMPARED = 1_000
"""Maximum pairs of letters to compare within one stretch."""

_HEAD, _TAIL = 60, 40
_SHOWN = 3
"""Maximum differences to show; a gap counts those it leaves out."""
_AROUND = 30
_OF_ONE = 60
"""Only the ends of a longer difference are shown."""
_WORTH = 30
"""Leaving out fewer letters would take more room than showing them."""

Span = tuple[int, int]
"""A half-open range: start and end."""


class Difference(NamedTuple):
    """A replaced range of one text and of the other; either may be empty."""

    before: Span
    after: Span


def differences(before: str, after: str) -> list[Difference]:
    """Return every difference of two texts, in order."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    found: list[Difference] = []
    i, j = 0, 0
    for m, n in (*_in_common(left, right), (len(left), len(right))):
        if m >= i and n >= j:
            found += _between(left[i:m], right[j:n], start + i, start + j)
            i, j = m + _PIECE, n + _PIECE
        elif m - i == n - j:  # it continues the common part before it
            i, j = m + _PIECE, n + _PIECE
    return found


def grouped(found: Sequence[Difference]) -> list[Difference]:
    """Return differences, with those that are close to each other merged."""
    groups: list[Difference] = []
    for one in found:
        if groups and one.before[0] - groups[-1].before[1] < _PIECE:
            first = groups.pop()
            one = Difference(  # noqa: PLW2901
                (first.before[0], one.before[1]), (first.after[0], one.after[1])
            )
        groups.append(one)
    return groups


def excerpt(text: str, differing: Sequence[Span] = ()) -> str:
    """Return a long text's beginning and end, and the first of the spans that differ.

    Each gap states its length and how many differences it holds.
    """
    if len(text) <= LONGEST:
        return text
    pieces, end = [], 0
    for start, stop in sorted(_shown(len(text), differing[:_SHOWN])):
        if stop <= end:
            continue
        if start - end >= _WORTH:
            pieces.append(_left_out((end, start), differing))
            end = start
        pieces.append(text[end:stop])
        end = stop
    return "".join(pieces)


def _shown(length: int, differing: Sequence[Span]) -> Iterator[Span]:
    yield 0, _HEAD
    for start, stop in differing:
        if stop - start > _OF_ONE:
            yield start - _AROUND, start + _OF_ONE // 2
            yield stop - _OF_ONE // 2, min(stop + _AROUND, length)
        else:
            yield start - _AROUND, min(stop + _AROUND, length)
    yield length - _TAIL, length


def _left_out(span: Span, differing: Sequence[Span]) -> str:
    start, end = span
    held = sum(
        (first < end and last > start) or start <= first == last <= end for first, last in differing
    )
    many = f", {held:,} difference{'s' if held != 1 else ''}" if held else ""
    return f" … [{end - start:,} characters{many}] … "


def _alike(before: str, after: str) -> int:
    """Return the length of the common prefix."""
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        if left != right:
            return index
    return min(len(before), len(after))


def _between(before: str, after: str, start: int, other: int) -> Iterator[Difference]:
    """Yield the differences of one stretch, which begins at ``start`` and ``other``."""
    skipped = _alike(before, after)
    end = _alike(before[skipped:][::-1], after[skipped:][::-1])
    before, after = before[skipped : len(before) - end], after[skipped : len(after) - end]
    start, other = start + skipped, other + skipped
    if not (before or after):
        return
    for i, m, j, n in _opcodes(before, after):
        yield Difference((start + i, start + m), (other + j, other + n))


def _opcodes(before: str, after: str) -> Iterator[tuple[int, int, int, int]]:
    if len(before) * len(after) <= _COMPARED:
        for tag, *places in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                i, m, j, n = places
                yield i, m, j, n
        return
    changed = [
        n for n, (left, right) in enumerate(zip(before, after, strict=False)) if left != right
    ]
    if len(before) == len(after) and len(changed) <= len(before) // 2:  # edited in its place
        for n in changed:
            yield n, n + 1, n, n + 1
    else:
        yield 0, len(before), 0, len(after)


def _in_common(before: str, after: str) -> Iterator[tuple[int, int]]:
    """Return where unique common substrings begin that are in the same order in both texts."""
    places = _once(after)
    pairs = [(i, places[piece]) for piece, i in _once(before).items() if piece in places]
    lowest: list[int] = []  # per length of an increasing sequence: its lowest last position
    last: list[int] = []  # and the pair that ends it
    previous: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(lowest, j)
        previous.append(last[length - 1] if length else -1)
        lowest[length : length + 1] = [j]
        last[length : length + 1] = [index]
    row = []
    index = last[-1] if last else -1
    while index >= 0:
        row.append(pairs[index])
        index = previous[index]
    return reversed(row)


def _once(text: str) -> Mapping[str, int]:
    """Return the substrings that occur once in a text, with their positions."""
    pieces = [text[n : n + _PIECE] for n in range(len(text) - _PIECE + 1)]
    counts = Counter(pieces)
    return {piece: n for n, piece in enumerate(pieces) if counts[piece] == 1}

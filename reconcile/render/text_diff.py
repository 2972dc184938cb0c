"""Where two texts differ, and excerpts of long texts that leave out no difference unsaid.

The cost grows little faster than the texts: what they have in common is found by pieces that each
holds once, and only short stretches between these are compared letter by letter.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

LONGEST = 200
"""Longest text that is shown whole."""

_PIECE = 16
"""Letters in common that are looked for; differences closer to each other are shown as one."""
_COMPARED = 1_000
"""So many pairs of letters are compared at most within one stretch."""

_HEAD, _TAIL = 60, 40
_SHOWN = 3
"""So many differences are shown; what is left out says how many more it holds."""
_AROUND = 30
_OF_ONE = 60
"""Of a longer difference only its ends are shown."""
_WORTH = 30
"""Leaving out fewer letters would take more room than showing them."""

Span = tuple[int, int]
"""From here up to there, which is not part of it."""


class Difference(NamedTuple):
    """What stands in one text instead of something in the other; either may be empty."""

    before: Span
    after: Span


def differences(before: str, after: str) -> list[Difference]:
    """Every place where two texts differ, in order; all else is the same in both."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    found: list[Difference] = []
    i, j = 0, 0
    for m, n in (*_in_common(left, right), (len(left), len(right))):
        if m >= i and n >= j:
            found += _between(left[i:m], right[j:n], start + i, start + j)
            i, j = m + _PIECE, n + _PIECE
        elif m - i == n - j:  # it goes on with what was found in common before
            i, j = m + _PIECE, n + _PIECE
    return found


def grouped(found: Sequence[Difference]) -> list[Difference]:
    """Differences, with those that are close to each other taken for one."""
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
    """A long text's beginning and end, and the first of the spans that differ.

    Where something is left out it says how long that is and how many differences it holds.
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
    """How long the two are the same from their beginning on."""
    for index, (left, right) in enumerate(zip(before, after, strict=False)):
        if left != right:
            return index
    return min(len(before), len(after))


def _between(before: str, after: str, start: int, other: int) -> Iterator[Difference]:
    """The differences of one stretch, which begins there in each of the whole texts."""
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
    """Where pieces begin that each text holds once and that are in the same order in both."""
    places = _once(after)
    pairs = [(i, places[piece]) for piece, i in _once(before).items() if piece in places]
    lowest: list[int] = []  # by the length of a row of rising places: the lowest it can end with
    last: list[int] = []  # and the pair with which it does
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
    """The pieces that a text holds once, and where."""
    pieces = [text[n : n + _PIECE] for n in range(len(text) - _PIECE + 1)]
    counts = Counter(pieces)
    return {piece: n for n, piece in enumerate(pieces) if counts[piece] == 1}

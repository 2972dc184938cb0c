"""Grouped changes as Markdown, within a number of bytes: risk decides what is left out.

What groups have in common comes before what is listed one by one, and that before examples. Of the
same sort, what could do more harm comes first. The order in which they are shown stays that of the
terminal.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from reconcile.model.plan import Action
from reconcile.render.change_groups import Group, Section
from reconcile.render.group_lines import apart_line, common_lines, counted, example_lines
from reconcile.render.record_views import RecordView, UnitView
from reconcile.render.risk import Risk
from reconcile.render.styled_lines import BLANK, Line
from reconcile.render.unit_lines import unit_lines

ALL = "`reconcile show FILE --full` prints the whole plan."

_Counted = Mapping[tuple[Action, str], int]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines that are shown together or not at all; ``tier`` 0 is left out last.

    ``records`` counts what is not to be seen without it. ``starts`` are those that a blank line
    stands before, ``groups`` those that stand for several records.
    """

    risk: Risk
    tier: int
    lines: tuple[Line, ...]
    records: _Counted
    starts: bool = True
    groups: bool = False


def grouped_body(
    found: Iterable[Section], room: int, block: Callable[[Sequence[Line]], str]
) -> str:
    """Return the changes of a plan but for conflicts, grouped, in at most ``room`` bytes.

    ``block`` writes lines as Markdown. The last sentence says what is left out, and takes part in
    the limit only as far as that is possible.
    """
    found = [one for one in found if one.risk is not Risk.CONFLICT]
    pieces = [piece for section in found for piece in _pieces(section)]
    beyond: Counter[tuple[Action, str]] = Counter()
    for section in found:
        beyond.update(section.left_out)
    order = sorted(range(len(pieces)), key=lambda place: (pieces[place].tier, place))
    chosen: set[int] = set()
    left = room
    for place in order:
        size = _size(block(pieces[place].lines))  # with fences, which several share in the end
        if size <= left:
            chosen.add(place)
            left -= size
    text = _text(pieces, chosen, beyond, block)
    for place in reversed(order):
        if _size(text) <= room:
            break
        if place in chosen:
            chosen.remove(place)
            text = _text(pieces, chosen, beyond, block)
    return text


def _text(
    pieces: Sequence[_Piece],
    chosen: set[int],
    beyond: _Counted,
    block: Callable[[Sequence[Line]], str],
) -> str:
    blocks = []
    shown = [piece for place, piece in enumerate(pieces) if place in chosen]
    for _, group in groupby(shown, key=lambda piece: piece.risk):
        blocks.append(block([*_lines(group)]))
    left_out = Counter(beyond)
    for place, piece in enumerate(pieces):
        if place not in chosen:
            left_out.update(piece.records)
    if left_out:
        blocks.append(f"Not shown: {counted(left_out)}. {ALL}")
    elif any(piece.groups for piece in shown):
        blocks.append(f"Equal changes are grouped. {ALL}")
    return "\n\n".join(blocks)


def _lines(pieces: Iterable[_Piece]) -> Iterator[Line]:
    for place, piece in enumerate(pieces):
        if place and piece.starts:
            yield BLANK
        yield from piece.lines


def _pieces(section: Section) -> Iterator[_Piece]:
    for unit in section.listed:
        yield _unit_piece(section.risk, unit)
    for group in section.groups:
        yield from _group_pieces(section.risk, group)


def _group_pieces(of: Risk, group: Group) -> Iterator[_Piece]:
    apart = sum(len(unit.records) for unit in group.apart)
    if apart:
        yield _Piece(of, 0, (apart_line(group, apart),), {})
    for unit in group.apart:
        yield replace(_unit_piece(of, unit), starts=False)
    common = {(group.action, group.kind): group.size - apart}
    yield _Piece(of, 0, tuple(common_lines(group, apart)), common, groups=True)
    if group.example is not None:
        yield _Piece(of, 2, tuple(example_lines(group)), {}, starts=False)


def _unit_piece(of: Risk, unit: UnitView) -> _Piece:
    return _Piece(of, 1, tuple(unit_lines(unit)), Counter(map(_sort, unit.records)))


def _sort(record: RecordView) -> tuple[Action, str]:
    return record.action, record.address.kind


def _size(text: str) -> int:
    return len(text.encode())

"""Cap long lists of similar items: a few examples of each group, the rest counted.

Items keep their order. Every group that is shown has at least one line before any group gets a
second.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

GROUPS = 50
PLACES = 5

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Shown(Generic[Item]):
    """An item to show. ``more`` counts those of its group that are left out after it."""

    item: Item
    more: int = 0


@dataclass(frozen=True, slots=True)
class Capped(Generic[Item]):
    """What is ``shown`` of a list, and the items whose whole groups are ``left_out``."""

    shown: tuple[Shown[Item], ...]
    left_out: tuple[Item, ...]


def capped(
    items: Sequence[Item],
    group: Callable[[Item], Hashable],
    *,
    groups: int = GROUPS,
    places: int = PLACES,
    lines: int = 0,
    height: Callable[[Item], int] = lambda _: 1,
) -> Capped[Item]:
    """Choose what to show of ``items``: of each of the first ``groups`` the first ``places``.

    ``lines`` limits the lines that this takes, those that count what is left out among them; 0 is
    no limit. ``height`` is the number of lines of an item, the same for all of a group.
    """
    names = [group(item) for item in items]
    sizes = Counter(names)
    examples = dict(zip(names, items, strict=True))
    heights = {name: height(item) for name, item in examples.items()}
    most = lines or sum(heights[name] for name in names) + 1
    chosen = _chosen(sizes, heights, groups, places, most)
    return Capped(
        tuple(_shown(items, names, sizes, chosen)),
        tuple(item for item, name in zip(items, names, strict=True) if name not in chosen),
    )


def _chosen(
    sizes: Mapping[Hashable, int],
    heights: Mapping[Hashable, int],
    groups: int,
    places: int,
    lines: int,
) -> dict[Hashable, int]:
    """Return how many of each group are shown: first one of each, then more in turn."""
    chosen: dict[Hashable, int] = {}
    left = lines - 1  # one line counts what is left out as a whole
    for name, size in sizes.items():
        # A group of several has a line that counts the others.
        cost = heights[name] if size == 1 else heights[name] + 1
        if len(chosen) == groups or cost > left:
            break
        chosen[name] = 1
        left -= cost
    for number in range(2, places + 1):
        for name, before in chosen.items():
            # The last one takes the counting line's place.
            cost = heights[name] - 1 if sizes[name] == number else heights[name]
            if sizes[name] >= number and before == number - 1 and cost <= left:
                chosen[name] = number
                left -= cost
    return chosen


def _shown(
    items: Sequence[Item],
    names: Sequence[Hashable],
    sizes: Mapping[Hashable, int],
    chosen: Mapping[Hashable, int],
) -> Iterator[Shown[Item]]:
    seen: Counter[Hashable] = Counter()
    for item, name in zip(items, names, strict=True):
        seen[name] += 1
        most = chosen.get(name, 0)
        if seen[name] <= most:
            yield Shown(item, sizes[name] - most if seen[name] == most else 0)

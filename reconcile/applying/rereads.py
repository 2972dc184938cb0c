"""Read again after a write, until everything shows or the waits are used up."""

from collections.abc import Callable, Sequence
from typing import TypeVar

WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each read. Reads right after a write may be stale (reference §13)."""

LONG_WAITS = (*WAITS, 4.0, 8.0, 16.0)
"""The same for records that can only be found by their association: HubSpot would not refuse a
duplicate.
"""

Item = TypeVar("Item")


def until_shown(
    left: Sequence[Item],
    read: Callable[[Sequence[Item]], Sequence[Item]],
    sleep: Callable[[float], None],
    waits: Sequence[float] = (),
) -> Sequence[Item]:
    """Read what is left, after each of the waits, until nothing is. Return what is left then.

    ``read`` returns what of it does not show yet. Without ``waits`` they are ``WAITS``.
    """
    for wait in waits or WAITS:
        if not left:
            break
        sleep(wait)
        left = read(left)
    return left

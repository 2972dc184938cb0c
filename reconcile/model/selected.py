"""What a plan was limited to."""

import shlex
from typing import NamedTuple


class Selected(NamedTuple):
    """The selectors that a plan was limited with, and how many units that leaves.

    ``select`` and ``exclude`` are as typed. ``units`` of the declared units are planned, and
    ``left_out`` are not.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    units: int = 0
    left_out: int = 0

    @property
    def options(self) -> tuple[str, ...]:
        """The options that select the same again."""
        return tuple(
            f"{option} {shlex.quote(text)}"
            for option, texts in (("--select", self.select), ("--exclude", self.exclude))
            for text in texts
        )


EVERYTHING = Selected()
"""Stands in a plan that was made without selectors."""

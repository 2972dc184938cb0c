"""Versions of reconcile, as ``MAJOR.MINOR.MICRO``."""

import re
from typing import NamedTuple

_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:[a-z.+-].*)?", re.DOTALL)


class Release(NamedTuple):
    """A version's three numbers, to be compared; ``0.2.0rc1`` and ``0.2.0`` have the same."""

    major: int
    minor: int
    micro: int

    @classmethod
    def parse(cls, text: str) -> "Release":
        """Return the numbers of a version. Raise ValueError for any other text."""
        found = _VERSION.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a version")
        return cls(*map(int, found.groups()))

    def next_minor(self) -> "Release":
        """Return the first version with the next MINOR."""
        return Release(self.major, self.minor + 1, 0)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"

"""Collecting what is wrong in a file, worded so that quoted text cannot do harm."""

from collections.abc import Iterable
from typing import Protocol

from reconcile.errors import Problem
from reconcile.model.values import nearest

_SHOWN = 80


class Positioned(Protocol):
    """Anything with a place. Lines and columns count from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Report:
    """The problems of one file, in the order they were found."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def at(self, node: Positioned, message: str, hint: str = "") -> None:
        """Add a problem with a place."""
        self.problems.append(Problem(self.file, node.line, node.column, message, hint))

    def whole(self, message: str, hint: str = "") -> None:
        """Add a problem of the whole file."""
        self.problems.append(Problem(self.file, 0, 0, message, hint))


def show(text: str) -> str:
    """Text from outside, quoted: no control character survives, and it is cut to 80 characters."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def meant(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for a name close to one of ``names``, or nothing."""
    return nearest(name[:_SHOWN], tuple(names))


def listed(names: Iterable[str]) -> str:
    """``a, b or c``."""
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last

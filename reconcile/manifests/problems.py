"""The problems of one file, and words for their messages."""

from collections.abc import Collection, Iterable
from typing import Protocol

from reconcile.errors import Problem
from reconcile.manifests.budget import Budget


class Positioned(Protocol):
    """Anything with a line and a column, both counted from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class ProblemReport:
    """The problems of one file in the order found; ``budget`` is its project's."""

    def __init__(self, file: str, budget: Budget | None = None) -> None:
        self.file = file
        self.budget = budget or Budget()
        self.problems: list[Problem] = []

    def at(self, node: Positioned, message: str, hint: str = "") -> None:
        """Add a problem at a node."""
        self.problems.append(Problem(self.file, node.line, node.column, message, hint))

    def whole_file(self, message: str, hint: str = "") -> None:
        """Add a problem of the whole file."""
        self.problems.append(Problem(self.file, 0, 0, message, hint))


def an(word: str) -> str:
    """Return a noun with its article: ``an order``, ``a cart``."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def listed(names: Iterable[str], before_last: str = "or") -> str:
    """Return a list in words: ``a, b or c``."""
    *rest, last = names
    return f"{', '.join(rest)} {before_last} {last}" if rest else last


def choices(what: str, names: Collection[str]) -> str:
    """Return ``the targets are a, b and c``, or ``the only target is a``."""
    if len(names) == 1:
        return f"the only {what} is {listed(names)}"
    return f"the {what}s are {listed(names, 'and')}"

"""Limits on what reading the manifests of one project may cost beyond their size."""

from collections.abc import Iterable

from reconcile.model.suggestions import Suggestions

MAX_REPEATED = {"document": 10_000, "file": 100_000, "project": 500_000}
"""The most nodes that aliases may repeat: a small file could otherwise expand without bound."""


class Budget:
    """The costs so far of one project, shared by its files."""

    def __init__(self) -> None:
        self._repeated = dict.fromkeys(MAX_REPEATED, 0)
        self._suggestions = Suggestions()

    def begin(self, part: str) -> None:
        """Start counting the repeated nodes of the next ``document`` or ``file``."""
        self._repeated[part] = 0

    def repeat(self, nodes: int) -> str:
        """Count nodes that an alias repeats; return the limit exceeded, in words, or empty text."""
        for part, most in MAX_REPEATED.items():
            self._repeated[part] += nodes
            if self._repeated[part] > most:
                return f"the aliases of this {part} repeat over {most:,} values"
        return ""

    def nearest(self, word: str, names: Iterable[str]) -> str:
        """Return a suggestion for a mistyped word; see ``Suggestions``."""
        return self._suggestions.nearest(word, names)

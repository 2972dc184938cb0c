"""Suggestions for mistyped words, up to a number that somebody may read."""

from collections.abc import Iterable

from reconcile.model.values import nearest

SUGGESTIONS = 50
"""The most mistyped words that get a suggestion: each comparison is slow."""


class Suggestions:
    """Suggestions for the first 50 different words; a repeated word gets the same one."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, tuple[str, ...]], str] = {}

    def nearest(self, word: str, names: Iterable[str]) -> str:
        """Return ``; did you mean 'x'?`` for a word close to one of ``names``, or nothing."""
        asked = word, tuple(names)
        if asked not in self._made:
            if len(self._made) == SUGGESTIONS:
                return ""
            self._made[asked] = nearest(*asked)
        return self._made[asked]

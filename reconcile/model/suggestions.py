"""What a mistyped word may have meant, for as many words as anybody reads."""

from collections.abc import Iterable

from reconcile.model.values import nearest

SUGGESTIONS = 50
"""So many words are compared with those that may have been meant: each comparison is slow."""


class Suggestions:
    """Suggests for the first 50 words that differ, and the same again for each of these."""

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

"""What reading the manifests of one project may cost beyond their size."""

from collections.abc import Iterable

from reconcile.model.suggestions import Suggestions

MAX_REPEATED = {"document": 10_000, "file": 100_000, "project": 500_000}
"""How many nodes aliases may repeat: a small file could otherwise stand for any number of them."""


class Budget:
    """Counts the costs of one project; its files share it."""

    def __init__(self) -> None:
        self._repeated = dict.fromkeys(MAX_REPEATED, 0)
        self._suggestions = Suggestions()

    def begin(self, part: str) -> None:
        """Count the repeated nodes of the next ``document`` or ``file`` from zero."""
        self._repeated[part] = 0

    def repeat(self, nodes: int) -> str:
        """Count nodes that an alias repeats; what is exhausted by them, in words, or nothing."""
        for part, most in MAX_REPEATED.items():
            self._repeated[part] += nodes
            if self._repeated[part] > most:
                return f"the aliases of this {part} repeat over {most:,} values"
        return ""

    def nearest(self, word: str, names: Iterable[str]) -> str:
        """Suggest what a word may have meant, as long as suggestions are given."""
        return self._suggestions.nearest(word, names)

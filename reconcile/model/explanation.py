"""Explanations: why a record is left alone or a part of its change left out, and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconcile.model.records import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason, and a hint on how to resolve it. ``location`` is the place in a manifest, if any.

    Both texts may quote what others wrote, line breaks included; renderers escape them.
    """

    reason: str
    hint: str = ""
    location: Location = NOWHERE

    def __str__(self) -> str:
        return f"{self.location}: {self.reason}" if self.location.file else self.reason


def reasons_with_hints(why: Sequence[Explanation]) -> Iterator[tuple[str, str]]:
    """Yield each reason with its location, and the hint to show below it.

    A hint that several reasons share is given with the last of them, and empty before.
    """
    last = {one.hint: place for place, one in enumerate(why)}
    for place, one in enumerate(why):
        yield str(one), one.hint if last[one.hint] == place else ""


def hints_of(why: Sequence[Explanation]) -> tuple[str, ...]:
    """Return the hints, each once, in the order in which they are shown."""
    return tuple(hint for _, hint in reasons_with_hints(why) if hint)

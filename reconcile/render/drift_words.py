"""What set values that drifted, in words, and without personal data where that must not show."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconcile.model.drift_sources import DriftSource, SourceKind
from reconcile.render.escaping import mask, quoted, shorten

_ARTICLES = {
    SourceKind.USER: "a user",
    SourceKind.INTEGRATION: "an integration",
    SourceKind.WORKFLOW: "a workflow",
    SourceKind.IMPORT: "an import",
    SourceKind.OTHER: "another source",
}
_MAY_BE_NAMED = (SourceKind.INTEGRATION, SourceKind.WORKFLOW, SourceKind.CALCULATION)
"""What has a name of its own: any other source may be called after a person."""
_PEOPLE = "people"
_MAIN = 3
"""Sources that a sum names; the rest is counted."""
_PLAIN = re.compile(r"[\w.@+-]+( [\w.@+-]+)*")


class Sum(NamedTuple):
    """A source in words, and how many records it is the source of."""

    source: str
    records: int


def source_words(source: DriftSource, *, personal: bool) -> str:
    """Return ``ana@example.com``, ``integration Shopify``, ``a workflow``."""
    match source.kind:
        case SourceKind.CALCULATION:
            return "HubSpot's calculation"
        case SourceKind.UNKNOWN:
            return "an unknown source"
        case SourceKind.USER if not personal:
            return _PEOPLE
    shown = _shown(source, personal=personal)
    name = shown.name if _PLAIN.fullmatch(shown.name) or not shown.name else _in_quotes(shown.name)
    if source.kind is SourceKind.OTHER:
        return f"source {name}" if name else _ARTICLES[source.kind]
    if source.kind is SourceKind.USER and "@" in name:
        return name
    which = name or shown.id
    return f"{source.kind} {which}" if which else _ARTICLES[source.kind]


def source_json(source: DriftSource, *, personal: bool) -> Mapping[str, str]:
    """Return a source for programs; ``text`` is what people read."""
    shown = _shown(source, personal=personal)
    text = source_words(source, personal=personal)
    return {"type": str(shown.kind), "id": shown.id, "name": shown.name, "text": text}


def summed(counts: Iterable[tuple[DriftSource, int]], *, personal: bool) -> Sequence[Sum]:
    """Return how many records each source is named for, those of most first."""
    found: Counter[str] = Counter()
    for source, records in counts:
        found[source_words(source, personal=personal)] += records
    return [Sum(*one) for one in sorted(found.items(), key=lambda one: (-one[1], one[0]))]


def main_sources(sums: Sequence[Sum], write: Callable[[str], str]) -> str:
    """Return ``809 by integration Shopify, 3 by ana@example.com``, as ``write`` writes names."""
    parts = [f"{one.records:,} by {write(one.source)}" for one in sums[:_MAIN]]
    if others := sum(one.records for one in sums[_MAIN:]):
        parts.append(f"{others:,} by others")
    return ", ".join(parts)


def unread_note(why: str, *, personal: bool) -> str:
    """Return that histories could not be read, and why."""
    return f"sources could not be read: {shorten(why if personal else mask(why))}"


def _shown(source: DriftSource, *, personal: bool) -> DriftSource:
    if personal:
        return source
    if source.kind not in _MAY_BE_NAMED:
        return DriftSource(source.kind)
    return replace(source, name=mask(source.name))


def _in_quotes(name: str) -> str:
    return quoted(shorten(name))

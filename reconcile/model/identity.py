"""Identity strategies: how a key leads to its record in HubSpot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DEFAULT_PROPERTY = "reconcile_key"
"""The unique property that `init` creates if an account has none of its own (reference §7)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``unique``: the key is the value of the unique property ``name``; ``id``: HubSpot's id.

    ``within_parent``: a line item is found among its parent's lines by its declared value of the
    property ``name``, which need not be unique elsewhere; the key is a name in git alone.
    """

    how: str = "unique"
    name: str = DEFAULT_PROPERTY

    @property
    def unique(self) -> bool:
        """Whether the key is a unique property's value."""
        return self.how == "unique"

    @property
    def by_id(self) -> bool:
        """Whether the key is HubSpot's id. Only HubSpot assigns ids, so nothing can be created."""
        return self.how == "id"

    @property
    def within_parent(self) -> bool:
        """Whether records are found through their parents."""
        return self.how == "within_parent"

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties to read in order to identify a record."""
        return () if self.by_id else (self.name,)


Pinned = tuple[tuple[str, str, str], ...]
"""Identities as plans hold them: (kind, how, property), sorted."""


def pinned(identities: Mapping[str, Identity]) -> Pinned:
    """Return identities as a plan holds them, for keeping and for comparing."""
    return tuple((kind, one.how, one.name) for kind, one in sorted(identities.items()))


def unpinned(pins: Iterable[tuple[str, str, str]]) -> Mapping[str, Identity]:
    """Return the identities that a plan was made with, by kind."""
    return {kind: Identity(how, name) for kind, how, name in pins}

"""How a key finds its record in HubSpot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DEFAULT_PROPERTY = "reconcile_key"
"""The unique property `init` makes where an account has none of its own (reference §7)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``unique``: the key is the value of the unique property ``name``; ``id``: HubSpot's id.

    Records found by id can be updated but not created: HubSpot hands out ids.
    """

    how: str = "unique"
    name: str = DEFAULT_PROPERTY

    @property
    def unique(self) -> bool:
        """Whether the key is a unique property's value, and so may create records."""
        return self.how == "unique"


Pinned = tuple[tuple[str, str, str], ...]
"""Identities as plans hold them: (kind, how, property), sorted."""


def pinned(identities: Mapping[str, Identity]) -> Pinned:
    """Identities for a plan to hold, and to be compared with those it holds."""
    return tuple((kind, one.how, one.name) for kind, one in sorted(identities.items()))


def unpinned(pins: Iterable[tuple[str, str, str]]) -> Mapping[str, Identity]:
    """The identities that a plan was made with, by kind."""
    return {kind: Identity(how, name) for kind, how, name in pins}

"""How a key finds its record in HubSpot."""

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

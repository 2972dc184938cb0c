"""How many things go together: into one call, and into one step of a run."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TypeVar

from reconcile.model.address import Address
from reconcile.model.plan import UnitChange

Item = TypeVar("Item")

OBJECTS = 100
"""Inputs of one object batch (reference §3)."""

HISTORIES = 50
"""Inputs of one batch read that asks for property histories: with more HubSpot answers "The maximum
number of inputs supported in a batch request for property histories is 50" (gh activepieces#9359).
"""

LINKS_READ = 1000
LINKS_WRITE = 2000
"""Inputs of one association batch (reference §3)."""

SLICE = 1000
"""Units that are carried through all phases before the next ones begin."""


def split(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield consecutive pieces of at most ``size`` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def shard_of(unit: Address) -> str:
    """Return the shard of the state that a unit's entries lie in: two hex digits."""
    return blake2b(str(unit.folded()).encode(), digest_size=1).hexdigest()


def slices(units: Sequence[UnitChange]) -> Iterator[Sequence[UnitChange]]:
    """Yield slices in the order of the state's shards: each is loaded and written about once."""
    return split(sorted(units, key=lambda unit: (shard_of(unit.address), unit.address)), SLICE)

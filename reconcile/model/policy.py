"""What a plan may put back or overwrite: the project's standing policy, and what was allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DRIFT = "drift"
HELD = ("both", "adopt-update", "unknown", "rekey", "recreate", "prune")
"""The guards. Each holds declared changes back until it is allowed, by exact number of records."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with drift, and which guards were allowed for one plan.

    - ``reverts``: the properties whose drift is put back, by kind
    - ``allowed``: the names of ``--allow``: guards, and ``drift``
    """

    reverts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()

    def puts_back(self, kind: str, name: str) -> bool:
        """Return whether drift of a property is put back."""
        return DRIFT in self.allowed or name in self.reverts.get(kind, frozenset())

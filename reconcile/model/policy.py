"""What a plan may do: the project's standing policy, and what was allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconcile.model.manage import Manage

DRIFT = "drift"
"""The name under which drift is allowed to be put back, of at most so many records."""

HELD = ("both", "adopt-update", "unknown", "rekey", "recreate", "prune", "foreign")
"""The guards. Each holds declared changes back until it is allowed, by exact number of records."""

LIMITED = ("archive", "create", "update")
"""The actions that can be limited, by the names of settings."""

LIMITS = tuple(f"limit-{name}" for name in LIMITED)
"""The names under which a plan that exceeds a limit is allowed, by exact number of records."""

ALLOWED = (*HELD, DRIFT, *LIMITS)
"""All that can be allowed."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be written, and what to do with drift.

    ``reverts`` names the properties whose drift is always put back, by kind; ``drift`` puts back
    all of it, associations included.
    """

    reverts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    drift: bool = False
    manage: Manage = field(default_factory=Manage)

    def puts_back(self, kind: str, name: str) -> bool:
        """Return whether drift of a property is put back."""
        return self.drift or name in self.reverts.get(kind, frozenset())

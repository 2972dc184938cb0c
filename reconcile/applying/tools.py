"""What every step of an apply works with."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconcile.applying.entries import Entries
from reconcile.applying.journal import Journal
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.parents import ParentReader
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind


@dataclass(frozen=True, slots=True)
class Tools:
    """``trace`` makes the next objectWriteTraceId, unique within a run."""

    hubspot: HubSpot
    entries: Entries
    journal: Journal
    parents: ParentReader
    trace: Callable[[], str]
    sleep: Callable[[float], None] = time.sleep

    def identity(self, kind: Kind) -> Identity:
        """How records of the kind are found."""
        return self.entries.identities[kind.name]

    def properties(self, kind: Kind) -> Mapping[str, Property]:
        """The kind's property definitions."""
        return self.entries.definitions.properties[kind.name]

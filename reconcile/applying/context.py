"""Dependencies shared by the steps of one apply."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.halt import Halt
from reconcile.applying.journal import Journal
from reconcile.applying.refused_values import RefusedValues
from reconcile.applying.state_entries import Entries
from reconcile.fetching.parents import ParentReader
from reconcile.hubspot.client import HubSpot
from reconcile.model.bound_records import BoundRecords
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind


@dataclass(frozen=True, slots=True)
class ApplyContext:
    """What the steps share. ``log`` writes to the audit log what ``journal`` says.

    ``trace`` returns the next objectWriteTraceId, unique within a run; ``halt`` can end the run.
    ``bound`` is what documents and the state were bound to when the run began.
    """

    hubspot: HubSpot
    entries: Entries
    journal: Journal
    log: AuditWriter
    parents: ParentReader
    trace: Callable[[], str]
    sleep: Callable[[float], None] = time.sleep
    halt: Halt = field(default_factory=Halt)
    bound: BoundRecords = field(default_factory=BoundRecords)
    _refused: dict[tuple[str, str], RefusedValues] = field(default_factory=dict)

    def identity(self, kind: Kind) -> Identity:
        """Return the kind's identity."""
        return self.entries.identities[kind.name]

    def properties(self, kind: Kind) -> Mapping[str, Property]:
        """Return the kind's property definitions."""
        return self.entries.definitions.properties[kind.name]

    def refused_values(self, kind: Kind, call: str) -> RefusedValues:
        """Return the values that HubSpot has refused in calls of this kind.

        ``call`` is ``update``, or the call that creates records of the kind.
        """
        return self._refused.setdefault((kind.name, call), RefusedValues(kind))

"""One record's change on its way through an apply."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import Address
from reconcile.model.definitions import Definitions, Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Outcome, Rewrite, Status
from reconcile.model.plan import RecordChange
from reconcile.model.records import Link


@dataclass(slots=True)
class Item:
    """Mutable, and touched by one thread at a time.

    ``status`` is None while nothing is decided; ``id`` is known once the record exists; ``links``
    are the associations of ours that stand, ``unlinked`` counts the changes of associations still
    to make; ``recorded`` says that the record was read back after writing.
    """

    unit: Address
    change: RecordChange
    id: str = ""
    status: Status | None = None
    message: str = ""
    links: set[Link] = field(default_factory=set)
    rewrites: tuple[Rewrite, ...] = ()
    unlinked: int = 0
    recorded: bool = False

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return kinds()[self.change.address.kind]

    def end(self, status: Status, message: str = "") -> None:
        """Decide how the change ended. A worse end is not made good by a later one."""
        if self.status in (None, Status.DONE):
            self.status, self.message = status, message

    def outcome(self) -> Outcome:
        """What to report. What nobody decided was never begun."""
        status = self.status or Status.SKIPPED
        message = self.message or ("not begun" if self.status is None else "")
        return Outcome(
            self.change.address, self.change.action, status, self.id, message, self.rewrites
        )


@dataclass(frozen=True, slots=True)
class Tools:
    """What every step of an apply works with."""

    hubspot: HubSpot
    identities: Mapping[str, Identity]
    definitions: Definitions

    def identity(self, kind: Kind) -> Identity:
        """How records of the kind are found."""
        return self.identities[kind.name]

    def properties(self, kind: Kind) -> Mapping[str, Property]:
        """The kind's property definitions."""
        return self.definitions.properties[kind.name]

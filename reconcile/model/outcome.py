"""What came of applying a plan."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from reconcile.model.address import Address
from reconcile.model.plan import Action, TargetPin


class Status(StrEnum):
    """How a record's change ended. ``unknown`` must be settled by reading before any repeat."""

    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """HubSpot stored another text than the one we sent, and that is no drift."""

    name: str
    sent: str
    stored: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one record's change ended, and why where it was not done."""

    address: Address
    action: Action
    status: Status
    id: str = ""
    message: str = ""
    rewrites: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The end of an apply. ``calls`` counts requests sent, ``seconds`` the time it took."""

    target: TargetPin
    outcomes: tuple[Outcome, ...]
    calls: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything is as planned."""
        return not self.interrupted and all(o.status is Status.DONE for o in self.outcomes)

    def counts(self) -> "Counter[tuple[Status, Action, str]]":
        """How many records per (status, action, kind)."""
        return Counter((o.status, o.action, o.address.kind) for o in self.outcomes)

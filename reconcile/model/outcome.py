"""What came of applying a plan."""

from collections.abc import Mapping
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


ALREADY = "carried out by an earlier run"
"""What is said of a change that this run found done."""


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
    """The end of an apply. ``calls`` counts requests sent, ``seconds`` the time it took.

    ``estimated`` is how many calls the plan was said to take; ``resumable`` says that something
    was not begun, or begun and not settled; ``already`` is the run that applied the same plan
    before, where nothing was to be done.
    """

    target: TargetPin
    outcomes: tuple[Outcome, ...]
    calls: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    resumable: bool = False
    estimated: int = 0
    already: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything is as planned."""
        return all(o.status is Status.DONE for o in self.outcomes)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run that is not over has come.

    ``plan`` is its plan's content digest, ``since`` ISO 8601 in UTC, ``why`` why it ended where it
    said so. Of its ``total`` records ``counts`` came to an end, ``unsettled`` were begun and their
    outcome is to be found out by reading; the rest was not begun.
    """

    run: str
    plan: str
    who: str
    since: str
    why: str
    total: int
    counts: Mapping[Status, int]
    unsettled: int

    @property
    def left(self) -> int:
        """How many records were not begun."""
        return self.total - sum(self.counts.values()) - self.unsettled

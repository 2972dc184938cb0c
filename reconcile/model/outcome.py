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


APPLIED_EARLIER = "carried out by an earlier run"
"""What is said of a change that this run found done."""

MADE_BY_OTHERS = "was so already: somebody made this change after it was planned"
"""What is said of a change of which nothing had to be written."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """HubSpot stored another text than the one we sent, and that is no drift."""

    name: str
    sent: str
    stored: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Overwrite:
    """An edit of somebody else that a write of ours replaced, or archived, before anybody saw it.

    ``source`` is what wrote it and ``at`` when, as HubSpot says. ``UNKNOWN_OVERWRITE`` stands for
    those that nobody can know of.
    """

    name: str
    value: str
    source: str
    at: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class HubSpotWarning:
    """A warning that came with HubSpot's answer to a write that it carried out.

    ``name`` is the property it is about, empty where it names none; ``text`` may quote values.
    """

    name: str
    text: str
    personal: bool = False


UNKNOWN_OVERWRITE = Overwrite("", "", "", "")
"""The write was late and HubSpot does not show the history: an edit may have been overwritten."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one record's change ended, and why where it was not done.

    ``not_persisted`` names properties that were written and of which HubSpot did not keep what was
    sent: said here once, and no drift afterwards. ``written`` says that HubSpot has the record as
    it was written although ``status`` is not done: what failed, or was found out, came after that.
    ``warnings`` are HubSpot's own, whatever the status.
    ``standing`` marks a conflict that already stood when the last run that applied this manifest
    text of the unit ended. ``found`` names properties that the re-check before the write found as
    planned: somebody else had set them, and they were not sent.
    """

    address: Address
    action: Action
    status: Status
    id: str = ""
    message: str = ""
    rewrites: tuple[Rewrite, ...] = ()
    overwrites: tuple[Overwrite, ...] = ()
    not_persisted: tuple[str, ...] = ()
    written: bool = False
    standing: bool = False
    warnings: tuple[HubSpotWarning, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The end of an apply. ``calls`` counts requests sent, ``seconds`` the time it took.

    ``estimated`` is how many calls the plan was said to take; ``resumable`` says that something
    was not begun, or begun and not resolved; ``stopped`` is why the run ended before it had tried
    everything, empty where it did not; ``unchecked`` are sentences on what the token did not
    let us look at before writing; ``already`` is the run that applied the same plan before, where
    nothing was to be done; ``run`` is this one, as the audit log names it. ``refused`` are the
    records that failed since HubSpot refused a value of theirs, as it will again.
    """

    target: TargetPin
    outcomes: tuple[Outcome, ...]
    calls: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    resumable: bool = False
    estimated: int = 0
    unchecked: tuple[str, ...] = ()
    already: str = ""
    run: str = ""
    refused: frozenset[Address] = frozenset()
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything is as planned, but for conflicts that stood before.

        Nor was anything of others overwritten, or any value not kept.
        """
        return all(
            one.standing
            or (one.status is Status.DONE and not one.overwrites and not one.not_persisted)
            for one in self.outcomes
        )


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
    in_doubt: int

    @property
    def left(self) -> int:
        """How many records were not begun."""
        return self.total - sum(self.counts.values()) - self.in_doubt

"""Outcomes of the changes of an apply, and the report of the whole run."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, TargetPin


class Status(StrEnum):
    """How a record's change ended. ``unknown`` must be resolved by reading before any repeat."""

    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


APPLIED_EARLIER = "carried out by an earlier run"
"""Message of a change that an earlier run had already applied."""

MADE_BY_OTHERS = "nothing to write: somebody else made this change after it was planned"
"""Message of a change that was not written, since HubSpot already holds what it would write."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """HubSpot stored our value in its own spelling, which is not drift."""

    name: str
    sent: str
    stored: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Somebody else's edit that our write replaced or archived and that no plan had shown.

    ``source`` is what wrote it and ``at`` when, as HubSpot reports. See ``UNKNOWN_OVERWRITE``.
    """

    name: str
    value: str
    source: str
    at: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class HubSpotWarning:
    """A warning in HubSpot's response to a write that it carried out.

    ``name`` is the property it is about, empty if it names none; ``text`` may quote values.
    """

    name: str
    text: str
    personal: bool = False


UNKNOWN_OVERWRITE = Overwrite("", "", "", "")
"""Stands for a possible overwrite: the write was late, and HubSpot does not show the history."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one record's change ended, and why if it was not done.

    ``why`` explains a conflict that the plan shows already; ``message`` is what happened otherwise.
    ``not_persisted`` names the properties whose stored value is not what was sent; it is reported
    once and is not drift afterwards. ``written`` is true if HubSpot has the record as written
    although ``status`` is not done: the failure came after the write. ``warnings`` are HubSpot's
    own, whatever the status. ``standing`` is true for a conflict that already existed when the
    last run that applied this manifest text of the unit ended. ``found`` names the properties that
    were not sent, since the re-check before the write found them as planned: somebody else had set
    them. ``remembered`` is true if only what the state remembers of the record was to change.
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
    why: tuple[Explanation, ...] = ()
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The results of an apply. ``calls`` counts requests sent, ``seconds`` the time it took.

    ``estimated`` is the number of calls that the plan announced. ``resumable`` is true if changes
    were not begun, or begun and not resolved. ``stopped`` is why the run ended before it had tried
    everything, empty if it did not. ``unchecked`` are sentences about what the token was not
    allowed to read before writing. ``already`` is the earlier run that applied the same plan, if
    nothing was left to do. ``run`` is the id of this run in the audit log. ``refused`` are the
    records that failed because HubSpot rejected one of their values; a repeat would fail again.
    ``held`` are the records whose declared changes the plan holds back for the first time, and
    ``still_held`` is the number of those that it held back before.
    ``left_out`` are the units that the plan left out because an interrupted run had left them in
    doubt; that is resolved by now. ``selected`` says that the plan was limited to a selection.
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
    left_out: tuple[Address, ...] = ()
    held: tuple[Address, ...] = ()
    still_held: int = 0
    selected: bool = False

    @property
    def complete(self) -> bool:
        """Whether everything is as planned, except for conflicts that existed before.

        False also if an edit of others was overwritten, a value was not persisted, or the plan left
        out what was in doubt or held back what it did not before.
        """
        return not (self.left_out or self.held) and all(
            one.standing
            or (one.status is Status.DONE and not one.overwrites and not one.not_persisted)
            for one in self.outcomes
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an unfinished run.

    ``plan`` is the content digest of its plan, ``since`` ISO 8601 in UTC, ``why`` the reason that
    it gave for ending early, if any. Of its ``total`` records ``counts`` ended, by
    status, and ``in_doubt`` were begun with an unknown outcome; the rest was not begun.
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

"""One record's change on its way through an apply."""

from dataclasses import dataclass, field
from typing import Literal

from reconcile.applying.change_states import ChangeState, ImpossibleEvent
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import HubSpotWarning, Outcome, Overwrite, Rewrite, Status
from reconcile.model.plan import Action, Effect, Refresh
from reconcile.model.records import Actual, LastApplied, Link
from reconcile.state.relocation import EntryLocation


@dataclass(slots=True)
class ChangeTask:
    """The progress of one record's change. Only one thread at a time may change it.

    - ``unit``: the address of the record's unit.
    - ``change``, ``refresh``: what the plan says; only the former can be sent.
    - ``id``: the record's id, once it exists; ``parent_id``: its parent's, once known.
    - ``state``: how far it has come; only events change it. ``flaw``: the status if that is not
      done, and ``message`` the reason. The first flaw stays, unless the write becomes in doubt.
    - ``why``: explains a conflict that the plan shows.
    - ``links``: our associations that the record has; ``unlinked``: how many association changes
      are still to be made; ``missing``: why some were not made. ``shown_parent``: the parent
      that HubSpot showed a line item under, empty until it is its document's; ``leaving``: the
      former parents that a moved one has still to leave.
    - ``rewrites``, ``not_persisted``: what became of written values (see ``Outcome``).
    - ``late``: the write was sent late; ``overwrites``: the edits of others that it overwrote.
    - ``previous``: the state's entry from before; ``old_locations``: where else the state may have
      entries of the record, under former names of it and its unit.
    - ``trace``: the objectWriteTraceId of the last write.
    - ``former``: the unit's former address, if this is its root and gets another key.
    - ``seen``: a created record's first reading, which confirms its ``id``.
    - ``others``: how many records under this root the plan leaves to others.
    - ``standing``: the conflict stood before this run.
    - ``refused``: HubSpot refused a value and would refuse it again.
    - ``warnings``: what HubSpot's answer warned about.
    """

    unit: Address
    change: Effect
    refresh: Refresh = field(default_factory=Refresh)
    id: str = ""
    parent_id: str = ""
    state: ChangeState = ChangeState.PREPARED
    flaw: Status | None = None
    message: str = ""
    why: tuple[Explanation, ...] = ()
    links: set[Link] = field(default_factory=set)
    shown_parent: str = ""
    leaving: set[tuple[str, str]] = field(default_factory=set)
    rewrites: tuple[Rewrite, ...] = ()
    overwrites: tuple[Overwrite, ...] = ()
    late: bool = False
    not_persisted: tuple[str, ...] = ()
    unlinked: int = 0
    previous: LastApplied | None = None
    trace: str = ""
    old_locations: tuple[EntryLocation, ...] = ()
    former: Address | None = None
    seen: Actual | None = None
    others: int = 0
    standing: bool = False
    refused: bool = False
    warnings: tuple[HubSpotWarning, ...] = ()
    missing: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """The record's kind."""
        return kinds()[self.change.address.kind]

    @property
    def status(self) -> Status | None:
        """How the change ended, as far as that is known; None before HubSpot has answered."""
        if self.state in (ChangeState.PREPARED, ChangeState.SENT):
            return None
        return self.flaw or Status.DONE

    @property
    def is_known(self) -> bool:
        """Whether ``id`` is known to be the record's: from the plan, or confirmed since."""
        return bool(self.change.id or (self.id and self.status is Status.DONE))

    @property
    def is_prepared(self) -> bool:
        """Whether the change is still to be carried out."""
        return self.state is ChangeState.PREPARED

    @property
    def is_to_verify(self) -> bool:
        """Whether HubSpot has what was to be written, and it was not read back yet."""
        return self.state in (ChangeState.WRITTEN, ChangeState.LINKED)

    def begin(self) -> None:
        """Record that the intent is in the journal: the write may be sent."""
        self._take("begin")

    def withdraw(self) -> None:
        """Record that the run was halted before the write was sent."""
        self._take("withdraw")

    def accept(self, message: str = "") -> None:
        """Record that HubSpot has what was to be written, or had it already.

        If no associations are to be made, the change is linked at once.
        """
        self._take("accept")
        self.message = message
        if not self.unlinked:
            self._take("link")

    def end(
        self,
        status: Literal[Status.CONFLICT, Status.FAILED, Status.SKIPPED],
        message: str,
    ) -> None:
        """End the change without anything to commit."""
        self._take("end")
        self.flaw, self.message = status, message

    def doubt(self, message: str) -> None:
        """Leave it to recovery to find out what became of the write."""
        self._take("doubt")
        self.flaw, self.message = Status.UNKNOWN, message

    def end_unanswered(self, message: str, *, refused: bool) -> None:
        """End a change whose write has no answer: the call as a whole was ``refused``, or lost.

        Nobody knows when a write arrived whose outcome is unknown, however early it was sent.
        """
        if refused:
            self.end(Status.FAILED, message)
        else:
            self.doubt(message)
            self.late = True

    def reject_id(self, message: str) -> None:
        """Give up the id of an answer, because it turned out to be another record's."""
        self.doubt(message)
        self.id, self.seen = "", None

    def worsen(
        self,
        status: Literal[Status.CONFLICT, Status.FAILED, Status.UNKNOWN],
        message: str = "",
    ) -> None:
        """Record that a record was written, but not all of it is as planned."""
        self._take("worsen")
        if self.flaw is None:
            self.flaw, self.message = status, message

    def link(self) -> None:
        """Count one association change as made, or as one that will not be made."""
        if self.unlinked <= 1:
            self._take("link")
        self.unlinked -= 1

    def verify(self, status: Status = Status.DONE, message: str = "") -> None:
        """Record that the state has what a read showed: the record as written, or otherwise."""
        self._take("verify")
        if self.flaw is None:
            self.flaw = None if status is Status.DONE else status
            self.message = message or self.message

    def commit(self) -> None:
        """Record that what the state has is durable."""
        self._take("commit")

    def _take(self, event: str) -> None:
        after = self.state.after(event)
        if after is None:
            raise ImpossibleEvent(
                f"internal error: the change of {self.change.address} cannot {event}, "
                f"because it is {self.state.replace('_', ' ')}"
            )
        self.state = after

    def outcome(self) -> Outcome | None:
        """Return the outcome to report; None while it is not final."""
        if not self.state.is_final:
            return None
        return Outcome(
            self.change.address,
            self.change.action,
            self.flaw or Status.DONE,
            self.id,
            self.message,
            self.rewrites,
            overwrites=self.overwrites,
            not_persisted=self.not_persisted,
            written=self._is_written,
            standing=self.standing,
            warnings=self.warnings,
            why=self.why,
        )

    @property
    def _is_written(self) -> bool:
        """Whether HubSpot has the record as it was written, although the change is not done.

        A created record counts once it was seen. A change of associations alone counts only if it
        ended in conflict.
        """
        if self.state is not ChangeState.COMMITTED or self.flaw is None:
            return False
        is_there = bool(self.change.id or self.seen is not None)
        writes_record = self.change.action is not Action.ASSOCIATE
        return self.flaw is Status.CONFLICT or (is_there and writes_record)

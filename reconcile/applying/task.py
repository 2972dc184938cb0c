"""One record's change on its way through an apply."""

from dataclasses import dataclass, field

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
    - ``status``: None while the change has not ended; ``message``: the reason for the status;
      ``why``: the explanation of a conflict that the plan shows.
    - ``links``: our associations that the record has; ``unlinked``: how many association changes
      are still to be made; ``missing``: why some were not made.
    - ``rewrites``, ``not_persisted``: what became of written values (see ``Outcome``).
    - ``late``: the write was sent late; ``overwrites``: the edits of others that it overwrote.
    - ``accepted``: HubSpot accepted the write; ``committed``: the state has its outcome.
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
    status: Status | None = None
    message: str = ""
    why: tuple[Explanation, ...] = ()
    links: set[Link] = field(default_factory=set)
    rewrites: tuple[Rewrite, ...] = ()
    overwrites: tuple[Overwrite, ...] = ()
    late: bool = False
    not_persisted: tuple[str, ...] = ()
    unlinked: int = 0
    accepted: bool = False
    committed: bool = False
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

    def end(self, status: Status, message: str = "") -> None:
        """End the change with a status. A later status never improves a worse one."""
        if self.status in (None, Status.DONE):
            self.status, self.message = status, message
        self.accepted = self.accepted or status is Status.DONE

    def end_unanswered(self, status: Status, message: str) -> None:
        """End a change whose write has no answer.

        Nobody knows when a write arrived whose outcome is unknown, however early it was sent.
        """
        self.end(status, message)
        self.late = self.late or status is Status.UNKNOWN

    @property
    def is_known(self) -> bool:
        """Whether ``id`` is known to be the record's: from the plan, or confirmed since."""
        return bool(self.change.id or (self.id and self.status is Status.DONE))

    def reject_id(self, message: str) -> None:
        """Give up the id of an answer, because it turned out to be another record's."""
        self.id, self.seen, self.accepted = "", None, False
        self.status, self.message = Status.UNKNOWN, message

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to do or to find out.

        Otherwise the write stays in doubt in the journal: HubSpot accepted it and the state does
        not have it (associations included), or nobody knows whether HubSpot accepted it.
        """
        if self.accepted:
            return self.committed and not self.unlinked
        return self.status in (Status.CONFLICT, Status.FAILED, Status.SKIPPED)

    def outcome(self) -> Outcome:
        """Return the outcome to report; a change without a status was never begun."""
        status = self.status or Status.SKIPPED
        message = self.message or ("not begun" if self.status is None else "")
        return Outcome(
            self.change.address,
            self.change.action,
            status,
            self.id,
            message,
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
        if self.status is Status.CONFLICT:
            return self.accepted
        is_there = bool(self.change.id or self.seen is not None)
        writes_record = self.change.action is not Action.ASSOCIATE
        return self.accepted and is_there and writes_record and self.status is not Status.DONE

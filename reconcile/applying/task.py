"""One record's change on its way through an apply."""

from dataclasses import dataclass, field

from reconcile.model.address import Address
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import HubSpotWarning, Outcome, Overwrite, Rewrite, Status
from reconcile.model.plan import Action, RecordChange
from reconcile.model.records import Actual, LastApplied, Link
from reconcile.state.relocation import Place


@dataclass(slots=True)
class Item:
    """Mutable, and touched by one thread at a time.

    ``status`` is None while nothing is decided; ``id`` is known once the record exists,
    ``parent_id`` (a line item's) once it is about to be written; ``links``
    are the associations of ours that stand, ``unlinked`` counts the changes of associations still
    to make; ``late`` says that its write left so late that its history tells what was overwritten,
    ``overwrites`` is that; ``taken`` says that HubSpot took the record's write, ``recorded`` that
    the state knows what came of it; ``previous`` is what the state said before, ``places`` where it
    can lie besides, under former names of the record and the unit; ``former`` the unit's former
    address, where this is the root that gets another key; ``seen`` is a new record's first reading,
    which confirms that ``id`` is its own; ``others`` counts the records under this root that the
    plan leaves to others; ``standing`` marks a conflict that stood before; ``refused`` says that
    HubSpot refused a value, as it will again; ``warnings`` came with HubSpot's answer; ``missing``
    says why associations were not made, or not removed.
    """

    unit: Address
    change: RecordChange
    id: str = ""
    parent_id: str = ""
    status: Status | None = None
    message: str = ""
    links: set[Link] = field(default_factory=set)
    rewrites: tuple[Rewrite, ...] = ()
    overwrites: tuple[Overwrite, ...] = ()
    late: bool = False
    not_persisted: tuple[str, ...] = ()
    unlinked: int = 0
    taken: bool = False
    recorded: bool = False
    previous: LastApplied | None = None
    trace: str = ""
    places: tuple[Place, ...] = ()
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
        """Decide how the change ended. A worse end is not made good by a later one."""
        if self.status in (None, Status.DONE):
            self.status, self.message = status, message
        self.taken = self.taken or status is Status.DONE

    @property
    def is_known(self) -> bool:
        """Whether ``id`` is surely the record's: planned with it, or confirmed since."""
        return bool(self.change.id or (self.id and self.status is Status.DONE))

    def disown(self, message: str) -> None:
        """Give up an answered id that turned out to be another record's."""
        self.id, self.seen, self.taken = "", None, False
        self.status, self.message = Status.UNKNOWN, message

    @property
    def decided(self) -> bool:
        """Whether nothing is left to do or to find out.

        What HubSpot took and the state does not know, associations included, stays begun in the
        journal, and so does what nobody knows whether HubSpot took.
        """
        if self.taken:
            return self.recorded and not self.unlinked
        return self.status in (Status.CONFLICT, Status.FAILED, Status.SKIPPED)

    def outcome(self) -> Outcome:
        """What to report. What nobody decided was never begun."""
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
        )

    @property
    def _is_written(self) -> bool:
        """Whether HubSpot has the record as it was written, although it is not done.

        A new one counts where it was seen, and associations alone where they were found to stand.
        """
        if self.status is Status.CONFLICT:
            return self.taken
        is_there = bool(self.change.id or self.seen is not None)
        writes_record = self.change.action is not Action.ASSOCIATE
        return self.taken and is_there and writes_record and self.status is not Status.DONE

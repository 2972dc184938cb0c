"""The states of a change under way, and the events that lead from one to another: see ``TABLE``."""

from enum import StrEnum, auto

from reconcile.errors import ReconcileError

TABLE = """
             begin  withdraw  accept   end    doubt     worsen    link      verify       commit
prepared     sent   -         written  ended  -         -         -         -            -
sent         -      prepared  written  ended  in_doubt  -         -         -            -
written      -      -         -        -      in_doubt  written   linked    outstanding  -
linked       -      -         -        -      in_doubt  linked    -         verified     -
in_doubt     -      -         -        -      -         in_doubt  in_doubt  -            -
verified     -      -         -        -      -         -         -         -            committed
outstanding  -      -         -        -      -         -         -         -            -
committed    -      -         -        -      -         -         -         -            -
ended        -      -         -        -      -         -         -         -            -
"""
"""The state that each event leads to, by the state that it finds; ``-``: it cannot happen.

An event is the method of ``ChangeTask`` of that name.
"""


class ChangeState(StrEnum):
    """How far a change has come.

    - ``prepared``: nothing was sent.
    - ``sent``: the journal has the intent, but no answer yet.
    - ``written``: HubSpot has what was to be written; associations are still to be made.
    - ``linked``: no association is left to make, whether each was made or failed.
    - ``in_doubt``: recovery has to find out what became of the write.
    - ``verified``: the record was read back and put into the state, not durably yet.
    - ``outstanding``: read back and in the state as well, with associations still to be made.
    - ``committed``: the state has it durably.
    - ``ended``: nothing was written, or not to this record, so that there is nothing to commit.

    The last two are final. In every other state a write whose intent is in the journal stays in
    doubt there, and recovery resolves it by reading.
    """

    PREPARED = auto()
    SENT = auto()
    WRITTEN = auto()
    LINKED = auto()
    IN_DOUBT = auto()
    VERIFIED = auto()
    OUTSTANDING = auto()
    COMMITTED = auto()
    ENDED = auto()

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to do or to find out."""
        return self in (ChangeState.COMMITTED, ChangeState.ENDED)

    def after(self, event: str) -> "ChangeState | None":
        """Return the state that an event leads to; None if the event is impossible."""
        return _AFTER.get((self, event))


def _parse(table: str) -> dict[tuple[ChangeState, str], ChangeState]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {
        (ChangeState(state), event): ChangeState(after)
        for state, *row in rows
        for event, after in zip(head, row, strict=True)
        if after != "-"
    }


_AFTER = _parse(TABLE)


class ImpossibleEvent(ReconcileError):
    """A change got an event that its state does not allow: an error in this program.

    It ends the run like a store that fails. Nothing more is committed, and recovery reads what
    became of the writes.
    """

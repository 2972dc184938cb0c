"""Send writes right after a re-check: one that is too old is repeated right before sending."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconcile.errors import CallRefused
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Pair, Refused, Unclear, Write
from reconcile.hubspot.write_freshness import Stale, WriteFreshness

Traced = TypeVar("Traced", Write, Pair)

Call = Callable[[HubSpot, Sequence[Traced]], Mapping[str, Answer]]
"""Sends writes through a client that may raise Stale. Returns answers by trace."""

Recheck = Callable[[Sequence[Traced], bool], Sequence[Traced | Answer]]
"""Re-checks the records of some writes; True says that they may have been carried out already.

Returns for each the write to send now, or the answer if it need not or must not be sent.
"""


@dataclass(frozen=True, slots=True)
class Withheld(Refused):
    """The write was not sent, because the record is no longer as planned."""


class FreshSender(Generic[Traced]):
    """Sends any part of a batch, as often as asked, never on an outdated re-check.

    ``slots`` are the calls that a re-check and a write take, by rate limit; ``read`` is the moment
    of the last reply to the first re-check. ``note_late`` gets each write that is sent late (see
    WriteFreshness).
    """

    def __init__(
        self,
        hubspot: HubSpot,
        *,
        slots: Mapping[str, int],
        read: float,
        call: Call[Traced],
        again: Recheck[Traced],
        note_late: Callable[[Traced], None] = lambda _: None,
    ) -> None:
        self._hubspot = hubspot
        self._slots = slots
        self._first_read = read
        self._call: Call[Traced] = call
        self._again: Recheck[Traced] = again
        self._note_late: Callable[[Traced], None] = note_late
        self._read: dict[str, float] = {}
        self._newest: dict[str, Traced] = {}
        self._answered: dict[str, Answer] = {}

    def __call__(self, writes: Sequence[Traced]) -> Mapping[str, Answer]:
        """Send these writes as their last re-check left them. Raises what the call raises.

        An answer that a re-check gave remains, however the batch is bisected afterwards.
        """
        left = [self._newest.get(w.trace, w) for w in writes if w.trace not in self._answered]
        answers: dict[str, Answer] = {}
        if left:
            oldest = min(self._read.get(write.trace, self._first_read) for write in left)
            answers.update(self._send(left, WriteFreshness(oldest)))
        return answers | self.answered(writes)

    def answered(self, writes: Sequence[Traced]) -> dict[str, Answer]:
        """Return the answers that re-checks gave for these writes, even if the call then failed."""
        asked = {write.trace for write in writes}
        return {t: one for t, one in self._answered.items() if t in asked}

    def _send(self, left: Sequence[Traced], freshness: WriteFreshness) -> Mapping[str, Answer]:
        hubspot = self._hubspot.with_freshness(freshness)
        with ExitStack() as steps:
            while left:
                sending = left
                try:
                    return self._call(hubspot, left)
                except Stale:
                    steps.close()  # hold no slots while waiting for those of the next step
                    step = steps.enter_context(self._hubspot.step(**self._slots))
                    left = self._recheck(left, in_doubt=freshness.tries.repeated)
                    freshness.rechecked(step.replied_at)
                    self._read |= {write.trace: step.replied_at for write in left}
                finally:
                    if freshness.late:
                        for write in sending:
                            self._note_late(write)
        return {}

    def _recheck(self, writes: Sequence[Traced], *, in_doubt: bool) -> Sequence[Traced]:
        """Re-check some writes and return what is left to send; nothing if a read is refused."""
        results: Sequence[Traced | Answer]
        try:
            # Reads are always permitted: whether the write may be sent is checked when it is.
            with self._hubspot.permitted(lambda: None):
                results = self._again(writes, in_doubt)
        except CallRefused as error:
            why = f"not sent, because it could not be re-checked: {error}"
            answer = Unclear(f"no usable answer; {why}") if in_doubt else Refused(why)
            results = [answer] * len(writes)
        left: list[Traced] = []
        for write, result in zip(writes, results, strict=True):
            if isinstance(result, Write | Pair):
                left.append(result)
                self._newest[write.trace] = result
            else:
                self._answered[write.trace] = result
        return left

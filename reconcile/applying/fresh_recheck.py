"""Send writes on a fresh re-check: one that is too old is made once more, right before sending."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.steps import Departure, Stale
from reconcile.hubspot.types import Answer, Pair, Refused, Unclear, Write

Traced = TypeVar("Traced", Write, Pair)

Call = Callable[[HubSpot, Sequence[Traced]], Mapping[str, Answer]]
"""Sends writes through a client that may raise Stale. Returns answers by trace."""

Recheck = Callable[[Sequence[Traced], bool], Sequence[Traced | Answer]]
"""Re-checks the records of some writes; True says that they may have been carried out already.

Returns for each what to send now, or the answer where it need not, or must not, be sent.
"""


@dataclass(frozen=True, slots=True)
class Withheld(Refused):
    """It was not even sent: the record is not what the plan found any more."""


class FreshSender(Generic[Traced]):
    """Sends any part of a batch, as often as asked.

    ``slots`` are those that a re-check and a write take; ``read`` is the moment of the last reply
    to the re-check that was made. ``note_late`` gets each write that is sent late (see Departure).
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

        What a re-check has answered stays answered, however the batch is cut up afterwards.
        """
        left = [self._newest.get(w.trace, w) for w in writes if w.trace not in self._answered]
        answers: dict[str, Answer] = {}
        if left:
            oldest = min(self._read.get(write.trace, self._first_read) for write in left)
            answers.update(self._send(left, Departure(oldest)))
        return answers | self.answered(writes)

    def answered(self, writes: Sequence[Traced]) -> dict[str, Answer]:
        """Return what re-checks have answered of these writes, also where the call then failed."""
        asked = {write.trace for write in writes}
        return {t: one for t, one in self._answered.items() if t in asked}

    def _send(self, left: Sequence[Traced], departure: Departure) -> Mapping[str, Answer]:
        hubspot = self._hubspot.departing(departure)
        with ExitStack() as steps:
            while left:
                sending = left
                try:
                    return self._call(hubspot, left)
                except Stale:
                    steps.close()  # nothing is held while waiting for the slots of the next step
                    step = steps.enter_context(self._hubspot.step(**self._slots))
                    left = self._recheck(left, in_doubt=departure.tries.repeated)
                    departure.reread(step.replied)
                    self._read |= {write.trace: step.replied for write in left}
                finally:
                    if departure.late:
                        for write in sending:
                            self._note_late(write)
        return {}

    def _recheck(self, writes: Sequence[Traced], *, in_doubt: bool) -> Sequence[Traced]:
        """Re-check some writes. Where HubSpot refuses to be read, nothing of them is sent."""
        results: Sequence[Traced | Answer]
        try:
            # Reading may always happen: whether the write may leave is asked when it does.
            with self._hubspot.permitted(lambda: None):
                results = self._again(writes, in_doubt)
        except (AuthError, RateLimited, Unreachable):
            raise
        except ApiError as error:
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

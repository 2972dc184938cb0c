"""Steps of an apply: a re-check, and the write that relies on it.

HubSpot has no If-Match (reference §6), so an edit between the two is overwritten. That time is kept
short: a step reserves the rate-limit slots of all its calls at once, so that the write does not
wait for one. ``write_freshness`` decides whether the write may still be sent.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from reconcile.hubspot.rate_limit import RateLimit, Slot


class Step:
    """The rate-limit slots of one step. Shared by all threads that make calls for it."""

    def __init__(self, held: Mapping[RateLimit, int]) -> None:
        self._held = dict(held)
        self._changing = threading.Lock()
        self.replied_at = 0.0
        """The time of the last reply to a call of the step."""

    @contextmanager
    def slot(self, limit: RateLimit) -> Iterator[Slot]:
        """Use a slot of the step; if none is left, release the others and wait for one.

        So no step waits for a slot while it holds another.
        """
        with self._changing:
            reserved = self._held.get(limit, 0) > 0
            if reserved:
                self._held[limit] -= 1
        if not reserved:
            self.release()
        with limit.slot(reserved=reserved) as slot:
            yield slot

    def release(self) -> None:
        """Release the slots that are not used yet."""
        with self._changing:
            held, self._held = self._held, {}
        for limit, number in held.items():
            limit.release(number)


_STEP: ContextVar[Step | None] = ContextVar("step", default=None)


def current_step() -> Step | None:
    """Return the step that calls in this context belong to."""
    return _STEP.get()


@contextmanager
def begin_step(wanted: Mapping[RateLimit, int]) -> Iterator[Step]:
    """Wait for this many slots of each limit, and reserve them for the calls in the block.

    Unused slots of an enclosing step are released first: no step waits while holding slots.
    """
    if (around := _STEP.get()) is not None:
        around.release()
    begun = Step(_reserve(wanted))
    token = _STEP.set(begun)
    try:
        yield begun
    finally:
        _STEP.reset(token)
        begun.release()


def _reserve(wanted: Mapping[RateLimit, int]) -> Mapping[RateLimit, int]:
    """Reserve slots of several limits, all or none, holding none while waiting."""
    while True:
        held: dict[RateLimit, int] = {}
        for limit, number in wanted.items():
            if not (taken := limit.reserve(number)):
                break
            held[limit] = taken
        else:
            return held
        for one, taken in held.items():
            one.release(taken)
        limit.release(limit.reserve(number, wait=True))

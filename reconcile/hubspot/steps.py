"""Steps of an apply: a re-check, and the write that relies on it.

HubSpot has no If-Match (reference §6), so an edit between the two is overwritten. That time is kept
short: a step reserves the rate-limit slots of all its calls at once, so that the write does not
wait for one, and a write whose re-check is too old is not sent.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from reconcile.hubspot.rate_limit import RateLimit, Slot

MAX_AGE = 1.0
"""Maximum seconds from the last reply of a re-check to the sending of its write."""


class Stale(Exception):
    """A write was not sent because the re-check that it relies on is too old."""


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


@dataclass(slots=True)
class Tries:
    """The attempts of a call, and the time after which it is not retried.

    ``repeated`` says that an earlier attempt may already have been carried out.
    """

    attempts: int = 0
    give_up: float | None = None
    repeated: bool = False


@dataclass(slots=True)
class WriteFreshness:
    """How fresh the re-check of a write is. ``read_at`` is the time of the re-check's last reply.

    The write is not sent on its first re-check if that is too old. After any later re-check it is
    sent once at any age, so a slow account cannot cause endless re-checks. ``late`` says that it
    was sent on a re-check that was too old, or more than once: the records' property history then
    shows what it overwrote.
    """

    read_at: float
    tries: Tries = field(default_factory=Tries)
    late: bool = False
    _sent: int = 0
    _at_any_age: bool = False

    def check(self, now: float) -> None:
        """Raise Stale if the write must not be sent on its last re-check."""
        if now - self.read_at > MAX_AGE and not self._at_any_age:
            raise Stale

    def sending(self, now: float) -> None:
        """Record that the write is being sent."""
        self.late = self.late or now - self.read_at > MAX_AGE or self._sent > 0
        self._sent += 1
        self._at_any_age = False

    def rechecked(self, moment: float) -> None:
        """Rely on another re-check, whose last reply came at this moment."""
        self.read_at = moment
        self._at_any_age = True


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

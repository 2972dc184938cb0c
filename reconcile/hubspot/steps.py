"""A step of an apply: a re-check, and the write that relies on it.

HubSpot has no If-Match (reference §6), so what somebody edits between the two is overwritten. That
time is kept short: a step takes the slots of all its calls at once, so that the write does not wait
for the rate limit, and a write whose re-check is too old is not sent.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from reconcile.hubspot.rate_limit import RateLimit, Slot

MAX_AGE = 1.0
"""Seconds from the last reply of a re-check to the sending of the write that relies on it."""


class Stale(Exception):
    """A write was not sent, since the re-check that it relies on is too old."""


class Step:
    """The slots of one step. Shared by all threads that make calls for it."""

    def __init__(self, held: Mapping[RateLimit, int]) -> None:
        self._held = dict(held)
        self._changing = threading.Lock()
        self.replied = 0.0
        """The moment of the last reply to a call of the step."""

    @contextmanager
    def slot(self, limit: RateLimit) -> Iterator[Slot]:
        """Use a slot of the step; where none is left, hand the others back and wait for one.

        So nobody waits for a slot while holding another one.
        """
        with self._changing:
            reserved = self._held.get(limit, 0) > 0
            if reserved:
                self._held[limit] -= 1
        if not reserved:
            self.hand_back()
        with limit.slot(reserved=reserved) as slot:
            yield slot

    def hand_back(self) -> None:
        """Free the slots that are not used yet."""
        with self._changing:
            held, self._held = self._held, {}
        for limit, number in held.items():
            limit.hand_back(number)


@dataclass(slots=True)
class Tries:
    """How often a call was sent, and until when it may be sent again.

    ``repeated`` says that an earlier attempt may already have been carried out.
    """

    attempts: int = 0
    give_up: float | None = None
    repeated: bool = False


@dataclass(slots=True)
class Departure:
    """A write on its way. ``read`` is the moment of its re-check's last reply.

    It is sent once after each re-check, however old that is by then, but for the first: so a slow
    account cannot make it be re-checked for ever. ``late`` says that it was sent on a re-check that
    was too old, or more than once: its records' history tells what it overwrote.
    """

    read: float
    tries: Tries = field(default_factory=Tries)
    late: bool = False
    _sent: int = 0
    _at_any_age: bool = False

    def check(self, now: float) -> None:
        """Raise Stale where the write must not be sent on its last re-check."""
        if now - self.read > MAX_AGE and not self._at_any_age:
            raise Stale

    def leave(self, now: float) -> None:
        """Note that the write is being sent."""
        self.late = self.late or now - self.read > MAX_AGE or self._sent > 0
        self._sent += 1
        self._at_any_age = False

    def reread(self, moment: float) -> None:
        """Rely on another re-check, whose last reply came at a moment."""
        self.read = moment
        self._at_any_age = True


_STEP: ContextVar[Step | None] = ContextVar("step", default=None)


def current_step() -> Step | None:
    """Return the step that calls made here belong to."""
    return _STEP.get()


@contextmanager
def begin_step(wanted: Mapping[RateLimit, int]) -> Iterator[Step]:
    """Wait for so many slots of each limit, and give them to the calls made in the block.

    What a step around it has not used is handed back first: nobody waits while holding slots.
    """
    if (around := _STEP.get()) is not None:
        around.hand_back()
    begun = Step(_reserve(wanted))
    token = _STEP.set(begun)
    try:
        yield begun
    finally:
        _STEP.reset(token)
        begun.hand_back()


def _reserve(wanted: Mapping[RateLimit, int]) -> Mapping[RateLimit, int]:
    """Take slots of several limits, all or none. Nothing is held while waiting."""
    while True:
        held: dict[RateLimit, int] = {}
        for limit, number in wanted.items():
            if not (taken := limit.reserve(number)):
                break
            held[limit] = taken
        else:
            return held
        for one, taken in held.items():
            one.hand_back(taken)
        limit.hand_back(limit.reserve(number, wait=True))

"""HubSpot's rolling rate limit, kept from this side.

A slot is taken when a request is sent and frees ``period`` seconds after its *reply*. HubSpot
counts requests as they arrive, somewhere between the two; slots that free ``period`` after the
sending let more through than allowed whenever one request travels slower than another.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Clock = Callable[[], float]
Sleep = Callable[[float], None]

_SHORTEST_SLEEP = 0.001
"""Keeps a rounding error between clock and sleep from turning waiting into spinning."""


def association_limit(rate_limit: int | None) -> int | None:
    """The association endpoints' own limit, by the account's limit (reference §3)."""
    match rate_limit:
        case None:
            return None
        case small if small < 190:
            return min(small, 100)
        case usual if usual < 250:
            return 150
        case _:
            return 200


@dataclass(slots=True)
class Slot:
    """One request's place in the limit; give it the reply's headers."""

    headers: Mapping[str, str] = field(default_factory=dict)


class RateLimit:
    """At most ``max_calls`` requests in any ``period`` seconds; None waits for nothing.

    ``sleep`` may raise, to stop a run that is waiting; the slot is then not taken.
    """

    def __init__(
        self,
        max_calls: int | None,
        period: float = 10.0,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        if max_calls is not None and max_calls < 1:
            raise ValueError("a rate limit below 1 would wait for ever")
        self._max = max_calls
        self._period = period
        self._clock = clock
        self._sleep = sleep
        self._replied: deque[float] = deque()
        self._in_flight = 0
        self._changed = threading.Condition()

    @property
    def max_calls(self) -> int | None:
        """The limit in force: as configured, or smaller where HubSpot said so."""
        return self._max

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait for a free slot, hold it, and start its period when the block ends."""
        if self._max is None:
            yield Slot()
            return
        slot = self._take()
        try:
            yield slot
        finally:
            self._give_back(slot)

    def _take(self) -> Slot:
        while True:
            with self._changed:
                now = self._clock()
                while self._replied and self._replied[0] + self._period <= now:
                    self._replied.popleft()
                used = self._in_flight + len(self._replied)
                if used < (self._max or 0):
                    self._in_flight += 1
                    return Slot()
                if not self._replied:
                    self._changed.wait()  # all slots are in flight: nothing frees by time alone
                    continue
                wait = self._replied[0] + self._period - now
            self._sleep(max(wait, _SHORTEST_SLEEP))

    def _give_back(self, slot: Slot) -> None:
        with self._changed:
            now = self._clock()
            self._in_flight -= 1
            self._replied.append(now)
            self._obey(slot, now)
            self._changed.notify_all()

    def _obey(self, slot: Slot, now: float) -> None:
        """Let HubSpot's own count correct ours, downwards only.

        When fewer calls remain than we know of, someone else uses the same token: the difference is
        booked as replied just now. Our count of our own calls is never below HubSpot's while we
        are at the limit, so alone with the token nothing is lost to this.
        """
        maximum = _whole(slot.headers.get("x-hubspot-ratelimit-max"))
        remaining = _whole(slot.headers.get("x-hubspot-ratelimit-remaining"))
        interval = _whole(slot.headers.get("x-hubspot-ratelimit-interval-milliseconds"))
        if self._max is None:
            return
        if interval:
            self._period = max(self._period, interval / 1000)
        if maximum:
            self._max = min(self._max, maximum)
        if remaining is None:
            return
        others = self._max - remaining - self._in_flight - len(self._replied)
        if others > 0:
            self._replied.extend([now] * others)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None

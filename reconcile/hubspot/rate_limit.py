"""Client-side limiter for HubSpot's rolling-window rate limit.

A slot is taken when a request is sent and becomes free ``period`` seconds after its *reply*.
HubSpot counts a request on arrival, between the two. If slots became free ``period`` seconds after
sending, more requests than allowed could arrive whenever one travels slower than another.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

Clock = Callable[[], float]
Sleep = Callable[[float], None]

SEARCHES = 4
"""Searches per second, by all apps of an account (reference §3: 5, older pages say 4)."""

_MIN_SLEEP = 0.001
"""Seconds. Prevents a rounding error between clock and sleep from causing a busy loop."""

_SPARE_SHARE = 24
"""One in this many slots stays free while another client uses the same token. In simulation two
clients then share 190 calls without a 429 and use 98 % of them; otherwise each 429 makes one wait.
"""

_MAX_PERIOD = 60.0
"""Seconds; a longer interval in a header is ignored."""


def association_limit(rate_limit: int | None) -> int | None:
    """Return the association endpoints' own limit for an account's limit (reference §3)."""
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
    """One request's place in the limit; set its ``headers`` to the reply's.

    ``number`` counts the requests in the order they were sent; ``used`` is False if none was sent.
    """

    number: int = 0
    used: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _OtherClients:
    """Calls in the window that are not ours: another client uses the same token.

    Learned from the reply to request ``number``, which came ``at`` a moment.
    """

    calls: int = 0
    at: float = 0.0
    number: int = 0


class RateLimit:
    """At most ``max_calls`` requests in any ``period`` seconds; None disables the limit.

    ``sleep`` may raise to stop a run that is waiting; the slot is then not taken.
    ``headers_may_differ`` says that reply headers may be about a larger limit than this one.
    """

    def __init__(
        self,
        max_calls: int | None,
        period: float = 10.0,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        headers_may_differ: bool = False,
    ) -> None:
        if max_calls is not None and max_calls < 1:
            raise ValueError("a rate limit below 1 would wait forever")
        self._max = max_calls
        self._headers_may_differ = headers_may_differ
        self._period = period
        self._clock = clock
        self._sleep = sleep
        self._replied: deque[float] = deque()
        self._in_flight = 0
        self._sent = 0
        self._others = _OtherClients()
        self._changed = threading.Condition()

    @property
    def max_calls(self) -> int | None:
        """The limit in force: as configured, or smaller if HubSpot reported a smaller one."""
        return self._max

    @contextmanager
    def slot(self, *, reserved: bool = False) -> Iterator[Slot]:
        """Wait for a free slot, hold it, and start its period when the block ends.

        A ``reserved`` slot is held already. A slot that was not used is free at once.
        """
        if self._max is None:
            yield Slot()
            return
        while not (reserved or self.reserve(wait=True)):
            pass
        with self._changed:
            self._sent += 1
            slot = Slot(self._sent)
        try:
            yield slot
        finally:
            self._release_slot(slot)

    def reserve(self, number: int = 1, *, wait: bool = False) -> int:
        """Take ``number`` slots at once, at most the whole limit; return how many, 0 if not free.

        With ``wait``, return 0 only after waiting until one may have become free.
        """
        if self._max is None:
            return number
        with self._changed:
            now = self._clock()
            self._expire(now)
            room = self._capacity()
            number = min(number, room)
            if self._own_calls() + self._others.calls + number <= room:
                self._in_flight += number
                return number
            if not wait:
                return 0
            frees = [*islice(self._replied, 1)]
            if self._others.calls:
                frees.append(self._others.at)
            if not frees:
                self._changed.wait()  # all slots are held: waiting alone frees none
                return 0
            pause = min(frees) + self._period - now
        self._sleep(max(pause, _MIN_SLEEP))
        return 0

    def release(self, number: int) -> None:
        """Free reserved slots that were not used."""
        if self._max is None:
            return
        with self._changed:
            self._in_flight -= number
            self._changed.notify_all()

    def _own_calls(self) -> int:
        return self._in_flight + len(self._replied)

    def _capacity(self) -> int:
        """Return how many calls may be in the window.

        While another client makes calls, this is less than the limit, to leave room for calls
        that it makes between HubSpot's count and our next call.
        """
        most = self._max or 0
        spared = most // _SPARE_SHARE
        return most - spared if self._others.calls > spared else most

    def _expire(self, now: float) -> None:
        while self._replied and self._replied[0] + self._period <= now:
            self._replied.popleft()
        if self._others.calls and self._others.at + self._period <= now:
            self._others = replace(self._others, calls=0)

    def _release_slot(self, slot: Slot) -> None:
        with self._changed:
            self._in_flight -= 1
            if slot.used:
                now = self._clock()
                self._replied.append(now)
                self._expire(now)
                self._apply_headers(slot, now)
            self._changed.notify_all()

    def _apply_headers(self, slot: Slot, now: float) -> None:
        """Correct our count by HubSpot's: a smaller limit, and calls that are not ours.

        The reply to an older request is outdated. Our count of our own calls is hardly ever below
        HubSpot's, because we free slots later; so a sole user of a token loses nothing here.
        """
        maximum = _integer(slot.headers.get("x-hubspot-ratelimit-max"))
        remaining = _integer(slot.headers.get("x-hubspot-ratelimit-remaining"))
        interval = _integer(slot.headers.get("x-hubspot-ratelimit-interval-milliseconds"))
        if self._max is None:
            return
        if interval:
            self._period = min(max(self._period, interval / 1000), _MAX_PERIOD)
        if self._headers_may_differ and maximum and maximum > self._max:
            return
        if maximum:
            self._max = min(self._max, maximum)
        if remaining is not None and slot.number > self._others.number:
            calls = max(0, self._max - remaining - self._own_calls())
            self._others = _OtherClients(calls, now, slot.number)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None

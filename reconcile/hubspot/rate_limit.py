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
from dataclasses import dataclass, field, replace
from itertools import islice

Clock = Callable[[], float]
Sleep = Callable[[float], None]

SEARCHES = 4
"""Searches a second, of all apps of an account (reference §3: 5, older pages say 4)."""

_SHORTEST_SLEEP = 0.001
"""Keeps a rounding error between clock and sleep from turning waiting into spinning."""

_SPARED = 24
"""One in so many slots stays free while somebody else uses the same token. In simulation two
clients so share 190 calls without a 429 and use 98 %; without, every 429 has one of them wait.
"""

_LONGEST_PERIOD = 60.0
"""Seconds; a longer interval in a header is not believed."""


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
    """One request's place in the limit; give it the reply's headers.

    ``number`` counts the requests in the order they were sent; ``used`` is False where none was.
    """

    number: int = 0
    used: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Others:
    """Calls that HubSpot counts and that are not ours: somebody else uses the same token.

    As told by the reply to request ``number``, which came ``at`` a moment.
    """

    calls: int = 0
    at: float = 0.0
    number: int = 0


class RateLimit:
    """At most ``max_calls`` requests in any ``period`` seconds; None waits for nothing.

    ``sleep`` may raise, to stop a run that is waiting; the slot is then not taken.
    ``may_tell_another`` says that headers may be about a larger limit than this one.
    """

    def __init__(
        self,
        max_calls: int | None,
        period: float = 10.0,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        may_tell_another: bool = False,
    ) -> None:
        if max_calls is not None and max_calls < 1:
            raise ValueError("a rate limit below 1 would wait for ever")
        self._max = max_calls
        self._may_tell_another = may_tell_another
        self._period = period
        self._clock = clock
        self._sleep = sleep
        self._replied: deque[float] = deque()
        self._in_flight = 0
        self._sent = 0
        self._others = _Others()
        self._changed = threading.Condition()

    @property
    def max_calls(self) -> int | None:
        """The limit in force: as configured, or smaller where HubSpot said so."""
        return self._max

    @contextmanager
    def slot(self, *, reserved: bool = False) -> Iterator[Slot]:
        """Wait for a free slot, hold it, and start its period when the block ends.

        A ``reserved`` one is held already. One that was not used is free at once.
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
            self._give_back(slot)

    def reserve(self, number: int = 1, *, wait: bool = False) -> int:
        """Take ``number`` slots at once, or as many as the limit has; 0 where they are not free.

        With ``wait``, return 0 only after a while in which one may have become free.
        """
        if self._max is None:
            return number
        with self._changed:
            now = self._clock()
            self._forget_old(now)
            room = self._room()
            number = min(number, room)
            if self._ours() + self._others.calls + number <= room:
                self._in_flight += number
                return number
            if not wait:
                return 0
            frees = [*islice(self._replied, 1)]
            if self._others.calls:
                frees.append(self._others.at)
            if not frees:
                self._changed.wait()  # all slots are held: nothing frees by time alone
                return 0
            pause = min(frees) + self._period - now
        self._sleep(max(pause, _SHORTEST_SLEEP))
        return 0

    def hand_back(self, number: int) -> None:
        """Free slots that were reserved and not used."""
        if self._max is None:
            return
        with self._changed:
            self._in_flight -= number
            self._changed.notify_all()

    def _ours(self) -> int:
        return self._in_flight + len(self._replied)

    def _room(self) -> int:
        """Calls that may be in the window: fewer than allowed while somebody else makes calls,
        for those they send between HubSpot's count and our next call.
        """
        most = self._max or 0
        spared = most // _SPARED
        return most - spared if self._others.calls > spared else most

    def _forget_old(self, now: float) -> None:
        while self._replied and self._replied[0] + self._period <= now:
            self._replied.popleft()
        if self._others.calls and self._others.at + self._period <= now:
            self._others = replace(self._others, calls=0)

    def _give_back(self, slot: Slot) -> None:
        with self._changed:
            self._in_flight -= 1
            if slot.used:
                now = self._clock()
                self._replied.append(now)
                self._forget_old(now)
                self._obey(slot, now)
            self._changed.notify_all()

    def _obey(self, slot: Slot, now: float) -> None:
        """Let HubSpot's own count correct ours: a smaller limit, and calls that are not ours.

        What an older request's reply tells is past. Our count of our own calls is hardly ever
        below HubSpot's, since it frees them later; so alone with the token nothing is lost to this.
        """
        maximum = _whole(slot.headers.get("x-hubspot-ratelimit-max"))
        remaining = _whole(slot.headers.get("x-hubspot-ratelimit-remaining"))
        interval = _whole(slot.headers.get("x-hubspot-ratelimit-interval-milliseconds"))
        if self._max is None:
            return
        if interval:
            self._period = min(max(self._period, interval / 1000), _LONGEST_PERIOD)
        if self._may_tell_another and maximum and maximum > self._max:
            return
        if maximum:
            self._max = min(self._max, maximum)
        if remaining is not None and slot.number > self._others.number:
            calls = max(0, self._max - remaining - self._ours())
            self._others = _Others(calls, now, slot.number)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None

"""Virtual time for real threads, and HubSpot's rate limits as the sandbox counts them."""

import heapq
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reconcile.hubspot.connection import Reply
from reconcile.hubspot.transport import Transport
from reconcile.sandbox.rules.rate_limits import Limits, TooManyCallsError
from reconcile.sandbox.switches import Switches

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Virtual time begins here."""

Latency = Callable[[random.Random, float], float]
"""Seconds that one call takes: of chance, and of the moment it is sent."""


class World:
    """One thread runs at a time, and time passes while all sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self._order = 0
        self._awake = 0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        woken = threading.Event()
        with self._lock:
            self._order += 1
            heapq.heappush(self._sleepers, (self.now + seconds, self._order, woken))
            self._wake_next()
        assert woken.wait(20)

    def run(self, *works: Callable[[], None]) -> None:
        """Run every work on a thread of its own, to its end. The first failure is raised."""
        failures: list[BaseException] = []
        started = threading.Event()

        def body(number: int, work: Callable[[], None]) -> None:
            started.wait()
            self.sleep(0.001 * number)
            try:
                work()
            except BaseException as failure:  # noqa: BLE001 (raised below, on the test's thread)
                failures.append(failure)
            finally:
                with self._lock:
                    self._wake_next()

        threads = [threading.Thread(target=body, args=one) for one in enumerate(works)]
        self._awake = len(works)
        for thread in threads:
            thread.start()
        started.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        if failures:
            raise failures[0]

    def _wake_next(self) -> None:
        self._awake -= 1
        if self._awake == 0 and self._sleepers:
            at, _, woken = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            self._awake = 1
            woken.set()


class Account:
    """What a transport connects to: the sandbox's own counting, and latency on both ways."""

    def __init__(
        self, world: World, plan: str | None, *, latency: Latency, seed: int = 0, **switches: Any
    ) -> None:
        self.world = world
        self.limits = Limits(plan, Switches(**switches))
        self.arrivals: dict[str, list[float]] = {}
        self.statuses: Counter[int] = Counter()
        self._latency = latency
        self._rng = random.Random(seed)

    def transport(self, rate_limit: int | None, *, app: str = "one") -> Transport:
        """A client of this account, with the token of one of its apps."""
        return Transport(
            "https://api.example",
            app,
            rate_limit=rate_limit,
            clock=self.world.clock,
            sleep=self.world.sleep,
            now=lambda: EPOCH + timedelta(seconds=self.world.now),
            connect=lambda *_, **__: _Line(self, app),
        )

    def serve(self, app: str, path: str) -> Reply:
        """Take a call, count it when it arrives, and answer."""
        latency = self._latency(self._rng, self.world.now)
        there = latency * self._rng.random()
        self.world.sleep(there)
        now = self.world.now
        try:
            headers: Mapping[str, str] = self.limits.arrive(path, app, round(now * 1000), app)
            status, body = 200, {}
            self.arrivals.setdefault(app, []).append(now)
        except TooManyCallsError as refusal:
            headers, status, body = refusal.headers, refusal.status, dict(refusal.body("id"))
        self.statuses[status] += 1
        self.world.sleep(latency - there)
        lower = {name.lower(): value for name, value in headers.items()}
        return Reply(status, lower, json.dumps(body).encode())

    def taken(self, app: str = "one", *, since: float = 0.0, until: float = 1e9) -> int:
        """Calls of an app that were let in between two moments."""
        return sum(since <= at < until for at in self.arrivals.get(app, ()))


class _Line:
    """A connection of one app."""

    shows_sending = True

    def __init__(self, account: Account, app: str) -> None:
        self._account = account
        self._app = app

    def send(self, _: str, path: str, *, before_send: Callable[[], None], **__: object) -> Reply:
        before_send()
        return self._account.serve(self._app, path)

    def close(self) -> None:
        """Nothing is open."""


def caller(
    world: World, transport: Transport, path: str, until: float, pool: str = "objects"
) -> Callable[[], None]:
    """Work that calls as often as it may until a moment."""

    def work() -> None:
        while world.now < until:
            transport.call("POST", path, body={}, repeatable=True, pool=pool)

    return work

"""The rate limit, judged by a server that counts requests when they arrive."""

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples
from virtual import World

from reconcile.hubspot.rate_limit import RateLimit, association_limit


class Server:
    """Counts arrivals; reports how many calls remain."""

    def __init__(self, world: World, limit: int) -> None:
        self.world = world
        self.limit = limit
        self.arrivals: list[float] = []

    def answer(self) -> dict[str, str]:
        self.arrivals.append(self.world.now)
        since = self.world.now - 10
        seen = sum(since < at <= self.world.now for at in self.arrivals)
        return {
            "x-hubspot-ratelimit-max": str(self.limit),
            "x-hubspot-ratelimit-remaining": str(max(0, self.limit - seen)),
            "x-hubspot-ratelimit-interval-milliseconds": "10000",
        }

    def busiest(self) -> int:
        """Most requests in any window of 10 s."""
        most = start = 0
        for end, at in enumerate(self.arrivals):
            while self.arrivals[start] <= at - 10:
                start += 1
            most = max(most, end - start + 1)
        return most


def run(
    limit: int,
    *,
    seed: int,
    workers: int,
    slowest: float,
    calls: int,
    reports: bool,
    server_max: int,
) -> tuple[Server, World, RateLimit]:
    world = World()
    rate_limit = RateLimit(limit, clock=world.clock, sleep=world.sleep)
    server = Server(world, server_max)
    rng = random.Random(seed)
    left = iter(range(calls))

    def work() -> None:
        while next(left, None) is not None:
            with rate_limit.slot() as slot:
                latency = rng.uniform(0.02, slowest)
                share = rng.random()
                world.sleep(latency * share)
                headers = server.answer()
                world.sleep(latency * (1 - share))
                if reports:
                    slot.headers = headers

    world.run(*[work] * workers)
    return server, world, rate_limit


@examples(15)
@given(
    seed=st.integers(0, 2**32),
    limit=st.sampled_from([10, 100, 190]),
    workers=st.integers(1, 8),
    slowest=st.floats(0.05, 3.0),
    reports=st.booleans(),
)
def test_no_window_at_the_server_ever_holds_more_than_the_limit(
    *, seed: int, limit: int, workers: int, slowest: float, reports: bool
) -> None:
    """Whatever the latencies, the server never sees more than the limit in 10 s."""
    server, _, _ = run(
        limit,
        seed=seed,
        workers=workers,
        slowest=slowest,
        calls=limit * 3,
        reports=reports,
        server_max=limit,
    )
    assert len(server.arrivals) == limit * 3
    assert server.busiest() <= limit


@pytest.mark.parametrize("reports", [False, True])
@pytest.mark.parametrize("workers", [4, 8])
def test_at_usual_latency_95_percent_of_the_limit_is_used(workers: int, *, reports: bool) -> None:
    """Neither waiting for replies nor HubSpot's own count costs more than 5 % of the limit."""
    server, world, _ = run(
        190, seed=1, workers=workers, slowest=0.4, calls=190 * 8, reports=reports, server_max=190
    )
    late = [at for at in server.arrivals if at > 10]
    assert len(late) / (world.now - 10) >= 0.95 * 19
    assert server.busiest() <= 190


def test_a_smaller_maximum_from_the_server_narrows_the_limit() -> None:
    """An account with 100 calls per 10 s is served at 100 though 190 were configured."""
    server, _, rate_limit = run(
        190, seed=2, workers=2, slowest=0.1, calls=400, reports=True, server_max=100
    )
    assert rate_limit.max_calls == 100
    assert server.busiest() <= 100


def test_a_larger_maximum_from_the_server_changes_nothing() -> None:
    """Headers narrow the limit and never widen it."""
    server, _, rate_limit = run(
        20, seed=3, workers=2, slowest=0.1, calls=60, reports=True, server_max=190
    )
    assert rate_limit.max_calls == 20
    assert server.busiest() <= 20


def test_nothing_remaining_waits_a_whole_period() -> None:
    """When another process has used up the limit, the next call waits for it to free."""
    slept: list[float] = []
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    limit = RateLimit(190, clock=lambda: now, sleep=sleep)
    with limit.slot() as slot:
        slot.headers = {"x-hubspot-ratelimit-remaining": "0"}
    with limit.slot():
        pass
    assert slept == [10.0]


def test_calls_of_others_leave_less_for_us() -> None:
    """With 7 calls remaining, 4 of 100 are left to the others, 3 are sent, the next waits."""
    slept: list[float] = []
    limit = RateLimit(100, clock=lambda: sum(slept), sleep=slept.append)
    with limit.slot() as slot:
        slot.headers = {"x-hubspot-ratelimit-remaining": "7"}
    for _ in range(3):
        with limit.slot():
            pass
    assert slept == []
    with limit.slot():
        pass
    assert slept == [10.0]


def test_calls_of_others_are_counted_anew_with_every_reply() -> None:
    """Once HubSpot reports more remaining calls, they are ours; an older reply is ignored."""
    limit = RateLimit(100, clock=lambda: 0.0, sleep=lambda _: pytest.fail("slept"))
    with limit.slot() as first, limit.slot() as second:
        second.headers = {"x-hubspot-ratelimit-remaining": "98"}
        first.headers = {"x-hubspot-ratelimit-remaining": "0"}
    with limit.slot() as older:
        with limit.slot() as newer:
            newer.headers = {"x-hubspot-ratelimit-remaining": "96"}
        older.headers = {"x-hubspot-ratelimit-remaining": "0"}
    for _ in range(96):
        with limit.slot():
            pass


def test_headers_of_a_larger_limit_are_not_about_this_one() -> None:
    """Association calls may reports of the app's limit, which others of our calls have used up."""
    headers = {"x-hubspot-ratelimit-max": "190", "x-hubspot-ratelimit-remaining": "0"}
    sleep = lambda _: pytest.fail("slept")  # noqa: E731
    limit = RateLimit(150, clock=lambda: 0.0, sleep=sleep, headers_may_differ=True)
    for _ in range(150):
        with limit.slot() as slot:
            slot.headers = headers


def test_an_endless_interval_is_not_believed() -> None:
    """A header cannot stop a run for days."""
    slept: list[float] = []
    limit = RateLimit(1, clock=lambda: sum(slept), sleep=slept.append)
    with limit.slot() as slot:
        slot.headers = {"x-hubspot-ratelimit-interval-milliseconds": "999999999"}
    with limit.slot():
        pass
    assert slept == [60.0]


def test_unreadable_headers_are_ignored() -> None:
    """Headers that are no numbers change nothing."""
    limit = RateLimit(2, clock=lambda: 0.0, sleep=lambda _: None)
    with limit.slot() as slot:
        slot.headers = {"x-hubspot-ratelimit-max": "-1", "x-hubspot-ratelimit-remaining": "²"}
    assert limit.max_calls == 2


def test_without_a_limit_nothing_waits() -> None:
    """None means no limit: sleep is never called."""
    limit = RateLimit(None, clock=lambda: 0.0, sleep=lambda _: pytest.fail("slept"))
    for _ in range(1000):
        with limit.slot():
            pass


def test_all_slots_in_flight_wait_for_a_reply_without_spinning() -> None:
    """A thread that finds every slot in flight sleeps until another thread's reply."""
    clock_reads = 0

    def clock() -> float:
        nonlocal clock_reads
        clock_reads += 1
        return clock_reads * 11.0  # each look at the clock is a period later

    limit = RateLimit(1, clock=clock, sleep=lambda _: None)
    entered = threading.Event()

    def other() -> None:
        with limit.slot():
            entered.set()

    with limit.slot():
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.05)
        assert clock_reads <= 2
    assert entered.wait(5)
    thread.join()


def test_a_sleep_that_raises_leaves_the_limit_usable() -> None:
    """Stopping a run while it waits takes no slot and holds no lock."""

    def stop(_: float) -> None:
        raise InterruptedError

    limit = RateLimit(1, clock=lambda: 0.0, sleep=stop)
    with limit.slot():
        pass
    for _ in range(3):
        with pytest.raises(InterruptedError), limit.slot():
            pass


def test_a_limit_below_one_is_refused() -> None:
    """A limit of 0 would wait forever."""
    with pytest.raises(ValueError, match="below 1"):
        RateLimit(0)


@pytest.mark.parametrize(
    ("rate_limit", "expected"),
    [(None, None), (5, 5), (100, 100), (110, 100), (190, 150), (250, 200)],
)
def test_associations_have_a_limit_of_their_own(
    rate_limit: int | None, expected: int | None
) -> None:
    """Reference §3: 100, 150 and 200 beside 100, 190 and 250."""
    assert association_limit(rate_limit) == expected

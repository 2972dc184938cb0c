"""A step: slots for a re-check and its write, taken at once, and the age of what a write needs."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.rate_limit import RateLimit
from reconcile.hubspot.steps import Step, begin_step
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.types import Write
from reconcile.hubspot.write_freshness import MAX_AGE, Stale, WriteFreshness
from reconcile.sandbox import Sandbox

Talk = Callable[..., tuple[Transport, Any]]
OK = (200, {"id": "1"})
ROLLING = (429, {"policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT", "message": "no"})
BROKEN = (502, {"message": "bad gateway"})
PATH = "/crm/v3/objects/orders/batch/update"
PERIOD = 0.01
"""Seconds of the windows here, which are real ones: it is the threads that are under test."""


class Arrivals:
    """When calls arrived, by limit."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self._lock = threading.Lock()

    def note(self) -> None:
        with self._lock:
            self.at.append(time.monotonic())

    def busiest(self) -> int:
        """Return the most calls in any window."""
        self.at.sort()
        return max(sum(at <= one < at + PERIOD for one in self.at) for at in self.at)


def call(step: Step | None, limit: RateLimit, arrivals: Arrivals) -> None:
    """Make one call, of a step or of its own."""
    with step.slot(limit) if step else limit.slot():
        arrivals.note()
        time.sleep(random.uniform(0, PERIOD / 10))


def run(works: list[Callable[[], None]]) -> None:
    """Run all works at once, to their ends."""
    failures: list[BaseException] = []

    def body(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 (raised below, on the test's thread)
            failures.append(failure)

    threads = [threading.Thread(target=body, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a step never got its slots"
    if failures:
        raise failures[0]


@examples(25)
@given(
    limit=st.sampled_from([1, 2, 4]),
    other=st.sampled_from([1, 2, 4, None]),
    workers=st.integers(1, 20),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.lists(st.booleans(), max_size=5)),
        min_size=1,
        max_size=2,
    ),
    abreast=st.booleans(),
)
def test_steps_always_end_and_keep_to_the_limit(
    *,
    limit: int,
    other: int | None,
    workers: int,
    steps: list[tuple[int, int, list[bool]]],
    abreast: bool,
) -> None:
    """Whatever steps ask for, of one limit or two, and whatever calls they make then.

    Fewer or more than they asked for, one after the other or several ``abreast``.
    """
    limits = RateLimit(limit, PERIOD), RateLimit(other, PERIOD)
    arrivals = Arrivals(), Arrivals()

    def work() -> None:
        for wanted, of_other, calls in steps:
            slots = {limits[0]: wanted, limits[1]: of_other}
            with begin_step({one: number for one, number in slots.items() if number}) as step:
                made = [lambda n=n: call(step, limits[n], arrivals[n]) for n in map(int, calls)]
                if abreast:
                    run(made)
                else:
                    for one in made:
                        one()
            call(None, limits[0], arrivals[0])

    run([work] * workers)
    assert arrivals[0].busiest() <= limit
    if other is not None and arrivals[1].at:
        assert arrivals[1].busiest() <= other


@pytest.mark.parametrize("limit", [1, 2, 4])
@pytest.mark.parametrize("workers", [1, 2, 5, 20])
def test_every_crew_ends_at_every_limit(limit: int, workers: int) -> None:
    """A re-check and a write each, also where the limit is smaller than that."""
    rate, arrivals = RateLimit(limit, PERIOD), Arrivals()

    def work() -> None:
        for _ in range(2):
            with begin_step({rate: 2}) as step:
                call(step, rate, arrivals)
                call(step, rate, arrivals)

    run([work] * workers)
    assert len(arrivals.at) == 4 * workers
    assert arrivals.busiest() <= limit


def test_a_write_does_not_wait_for_the_slot_that_its_step_has(clock: Any) -> None:
    """Ten calls in 10 s, five steps, and no time passes between a re-check and its write."""
    rate = RateLimit(10, clock=clock, sleep=clock.sleep)
    for number in range(1, 12):
        with begin_step({rate: 2}) as step:
            with step.slot(rate):
                read = clock.now
            with step.slot(rate):
                assert clock.now == read
        with rate.slot():
            assert clock.now >= 1000 + (number * 3 - 1) // 10 * 10


def test_slots_of_two_limits_are_taken_all_or_none(clock: Any) -> None:
    """While one limit is full, nothing of the other is held."""

    def sleep(seconds: float) -> None:
        with free.slot():
            pass  # nobody holds it
        clock.sleep(seconds)

    full = RateLimit(1, clock=clock, sleep=sleep)
    free = RateLimit(1, period=1.0, clock=clock, sleep=clock.sleep)
    with full.slot():
        pass
    with begin_step({free: 1, full: 1}) as step:
        assert clock.now == 1010
        with step.slot(free), step.slot(full):
            assert clock.now == 1010


def test_a_step_that_has_to_wait_holds_nothing(clock: Any) -> None:
    """A call beyond what was asked for waits like any other, and what the step had left is free."""

    def sleep(seconds: float) -> None:
        with other.slot():
            clock.sleep(seconds)

    rate = RateLimit(1, clock=clock, sleep=sleep)
    other = RateLimit(1, clock=clock, sleep=lambda _: pytest.fail("held by who waits"))
    with begin_step({rate: 1, other: 1}) as step:
        with step.slot(rate):
            pass
        with step.slot(rate):
            assert clock.now == 1010


def test_slots_that_a_step_does_not_use_are_free_at_once(clock: Any) -> None:
    """They were not sent, so no window counts them."""
    rate = RateLimit(2, clock=clock, sleep=lambda _: pytest.fail("slept"))
    for _ in range(5):
        with begin_step({rate: 2}):
            pass
    with begin_step({rate: 2}) as step:
        with step.slot(rate):
            pass
        step.release()
        with rate.slot():
            pass


def test_a_step_without_a_limit_waits_for_nothing(clock: Any) -> None:
    """None means no limit, for steps too."""
    rate = RateLimit(None, clock=clock, sleep=lambda _: pytest.fail("slept"))
    with begin_step({rate: 1000}) as step:
        for _ in range(1005):
            with step.slot(rate):
                pass


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_reads_in_threads_of_the_client_use_the_steps_slots(tmp_path: Path, limit: int) -> None:
    """Several batches are read by other threads, which do not wait for what their own step has."""
    with (
        Sandbox(tmp_path / "account.sqlite") as sandbox,
        HubSpot(sandbox.url, sandbox.token, rate_limit=limit, sleep=_quick, clock=_fast) as hubspot,
        hubspot.step(objects=4) as step,
    ):
        before = _fast()
        assert hubspot.records.read("orders", [str(n) for n in range(1, 300)], []) == {}
        assert before < step.replied_at <= _fast()
        assert sum(hubspot.calls.values()) == 3


def _fast() -> float:
    """Let a hundred seconds pass in one."""
    return time.monotonic() * 100


def _quick(seconds: float) -> None:
    time.sleep(seconds / 100)


def send(transport: Transport, freshness: WriteFreshness) -> Any:
    """Make a write."""
    return transport.call("POST", PATH, body={}, repeatable=True, freshness=freshness)


def test_a_write_leaves_on_what_was_read_a_second_ago_and_not_later(talk: Talk, clock: Any) -> None:
    """The age counts when the request is sent, and an unsent request is not counted as a call."""
    transport, script = talk(OK)
    read = clock.now
    clock.now += MAX_AGE
    on_time = WriteFreshness(read)
    assert send(transport, on_time).status == 200
    assert not on_time.late
    clock.now += 0.001
    late = WriteFreshness(read)
    with pytest.raises(Stale):
        send(transport, late)
    assert len(script.requests) == sum(transport.calls.values()) == 1
    assert not late.late


def test_waiting_for_the_limit_makes_a_write_old(talk: Talk, clock: Any) -> None:
    """It gives its slot back then, so that it can be re-checked at once."""
    transport, _ = talk(OK, rate_limit=1)
    freshness = WriteFreshness(clock.now)
    transport.call("GET", PATH, repeatable=True)
    with pytest.raises(Stale):
        send(transport, freshness)
    assert clock.slept == [10.0]
    transport.call("GET", PATH, repeatable=True)
    assert clock.slept == [10.0]


def test_a_write_that_was_rechecked_is_sent_at_any_age(talk: Talk, clock: Any) -> None:
    """Once: so an account that takes long to answer cannot have it re-checked for ever."""
    transport, script = talk(OK)
    freshness = WriteFreshness(clock.now - 5)
    with pytest.raises(Stale):
        send(transport, freshness)
    freshness.rechecked(clock.now - 5)
    send(transport, freshness)
    assert freshness.late
    assert len(script.requests) == 1


@pytest.mark.parametrize("answer", [ROLLING, BROKEN])
def test_a_write_that_is_asked_again_is_rechecked_before_each_sending(
    talk: Talk, clock: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """And counts its attempts on, so that it ends; whether it may have been carried out is kept."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda attempt: 2.0)
    transport, script = talk(answer, answer, OK)
    freshness = WriteFreshness(clock.now)
    for sent in (1, 2):
        with pytest.raises(Stale):
            send(transport, freshness)
        assert len(script.requests) == sent
        freshness.rechecked(clock.now)
    response = send(transport, freshness)
    assert response.repeated == freshness.tries.repeated == (answer is BROKEN)
    assert freshness.late
    assert freshness.tries.attempts == 3


def test_attempts_count_across_rechecks(talk: Talk, clock: Any) -> None:
    """A write that is refused for ever is given up as it is without re-checks."""
    transport, script = talk(ROLLING, attempts=4, patience=1000.0)
    freshness = WriteFreshness(clock.now)
    for _ in range(3):
        with pytest.raises(Stale):
            send(transport, freshness)
        freshness.rechecked(clock.now)
    with pytest.raises(Exception, match="4 attempts"):
        send(transport, freshness)
    assert len(script.requests) == 4


def test_only_writes_depart(talk: Talk, clock: Any) -> None:
    """What a write reads to understand its answer is not a write, however late it is."""
    transport, _ = talk(OK)
    freshness = WriteFreshness(clock.now - 5)
    assert transport.call("GET", PATH, repeatable=True).status == 200
    assert freshness.tries.attempts == 0


@pytest.mark.parametrize("verb", ["update", "upsert", "create", "archive", "patch"])
def test_every_write_of_a_client_can_be_stale(tmp_path: Path, verb: str) -> None:
    """Whichever endpoint it takes, it is not sent."""
    write = Write("t", "1", {"hs_tags": "1"})
    with (
        Sandbox(tmp_path / "account.sqlite") as sandbox,
        HubSpot(sandbox.url, sandbox.token, rate_limit=None) as hubspot,
    ):
        old = hubspot.with_freshness(WriteFreshness(time.monotonic() - 5))
        calls: dict[str, Callable[[], object]] = {
            "update": lambda: old.records.update("orders", [write]),
            "upsert": lambda: old.records.upsert("orders", "hs_tags", [write]),
            "create": lambda: old.records.create("orders", [write], match="hs_tags"),
            "archive": lambda: old.records.archive("orders", ["1"]),
            "patch": lambda: old.records.patch("orders", write),
        }
        with pytest.raises(Stale):
            calls[verb]()
        assert sandbox.requests() == []
        assert hubspot.records.read("orders", ["1"], []) == {}

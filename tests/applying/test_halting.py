"""`--on-error halt`: nothing begins once the first failure is known."""

import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from proxy import Seen
from world import EMAILS, ORIGIN, World, incomplete, messages, order, statuses

from reconcile.applying import executor
from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.batch_send import send
from reconcile.applying.context import ApplyContext
from reconcile.applying.halt import Halt
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import open_runs, read_run
from reconcile.applying.run_head import Process, RunHead
from reconcile.applying.run_log import Run
from reconcile.audit.log import AuditLog
from reconcile.fetching.parents import ParentReader
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Write, Written
from reconcile.model import batches
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan, TargetPin
from reconcile.sandbox.faults import Refuse

if TYPE_CHECKING:
    from reconcile.applying.state_entries import Entries

WORKERS = 4
FULL = 100
KEYS = [f"O{n:03}" for n in range(7 * FULL)]
REFUSAL = {
    "status": "error",
    "message": 'Property values were not valid: [{"isValid":false,"message":"no \\"bad\\" here",'
    '"error":"INVALID_OPTION","name":"memo","propertyValue":"bad"}]',
    "category": "VALIDATION_ERROR",
}


def updates(world: World) -> list[Seen]:
    """The calls that updated orders."""
    return world.proxy.to("POST", "orders/batch/update")


def is_bad(body: object) -> bool:
    """Tell whether a batch has a record that the account refuses."""
    return isinstance(body, dict) and any(
        one.get("properties", {}).get("memo") == "bad" for one in body.get("inputs", ())
    )


def has_answered(world: World) -> bool:
    """Tell whether the run has taken in the answer to one of its calls."""
    for name in open_runs(world.store):
        run = read_run(world.store, name)
        if run is not None and any(begun.answer for begun in run.in_doubt.values()):
            return True
    return False


def counts(report: Report) -> Counter[str]:
    """Count the records by how they ended."""
    return Counter(statuses(report).values())


def memos(world: World) -> Counter[str]:
    """Count the orders by what the account has."""
    return Counter(values["memo"] for values in world.dump("orders").values())


@pytest.mark.long
def test_only_calls_in_flight_end_after_the_first_refusal(watched: World) -> None:
    """Of 700 updates the first is bad: three other batches were under way, and are recorded."""
    watched.converge(*(order(key, memo="1") for key in KEYS))
    usual = watched.plan(*(order(key, memo="2") for key in KEYS))
    first = next(iter(batches.slices(usual.units)))[0].address.key
    plan = watched.plan(*(order(key, memo="bad" if key == first else "2") for key in KEYS))
    others = threading.Semaphore(0)
    assert open_runs(watched.store) == []

    def hook(method: str, path: str, body: object) -> object:
        if not path.endswith("orders/batch/update"):
            return None
        if is_bad(body):
            for _ in range(WORKERS - 1):
                others.acquire(timeout=60)
            return 400, REFUSAL
        others.release()
        patience = time.monotonic() + 60
        while not has_answered(watched) and time.monotonic() < patience:
            time.sleep(0.01)
        return None

    watched.proxy.seen.clear()
    watched.proxy.hook = hook
    report = watched.apply(plan, halt=True)

    assert len(updates(watched)) == WORKERS
    in_flight = (WORKERS - 1) * FULL
    assert counts(report) == {"failed": FULL, "done": in_flight, "skipped": 600 - in_flight}
    assert statuses(report)[f"order/{first}"] == "failed"
    assert 'no "bad" here' in messages(report)[f"order/{first}"]
    assert memos(watched) == {"1": 700 - in_flight, "2": in_flight}
    assert report.resumable

    watched.proxy.hook = None
    assert incomplete(watched.apply(plan)) == ()
    assert watched.plan().empty


def test_what_hubspot_refused_is_failed_and_what_was_not_sent_is_skipped(watched: World) -> None:
    """All are bad: each thread sends one batch at the most, and nothing is unknown."""
    watched.converge(*(order(key, memo="1") for key in KEYS))
    plan = watched.plan(*(order(key, memo="bad") for key in KEYS))
    watched.proxy.seen.clear()
    watched.proxy.hook = lambda _method, path, body: (
        (400, REFUSAL) if path.endswith("/update") and is_bad(body) else None
    )

    report = watched.apply(plan, halt=True)

    refused = len(updates(watched))
    assert 1 <= refused <= WORKERS
    assert counts(report) == {"failed": refused * FULL, "skipped": 700 - refused * FULL}
    assert all(
        'no "bad" here' in message if statuses(report)[address] == "failed" else "halted" in message
        for address, message in messages(report).items()
    )


def test_no_half_of_a_refused_batch_is_sent(watched: World) -> None:
    """One call is refused, and every record of it is failed; others' values are not repeated."""
    keys = KEYS[:50]
    watched.converge(*(order(key, memo="1") for key in keys))
    plan = watched.plan(*(order(k, memo="bad" if k == keys[7] else "2") for k in keys))
    watched.proxy.seen.clear()
    watched.proxy.hook = lambda _method, path, body: (
        (400, REFUSAL) if path.endswith("/update") and is_bad(body) else None
    )
    report = watched.apply(plan, halt=True)
    assert len(updates(watched)) == 1
    assert counts(report) == {"failed": 50}
    assert not any("bad" in messages(report)[f"order/{k}"] for k in keys if k != keys[7])
    assert "memo" in messages(report)[f"order/{keys[0]}"]
    assert not report.resumable


def test_a_conflict_halts_before_its_batch_is_written(watched: World) -> None:
    """It is known by then that something is not done as planned."""
    keys = KEYS[:20]
    watched.converge(*(order(key, memo="1") for key in keys))
    plan = watched.plan(*(order(key, memo="2") for key in keys))
    watched.edit("orders", watched.id_of("orders", keys[3]), memo="theirs")
    watched.proxy.seen.clear()
    report = watched.apply(plan, halt=True)
    assert updates(watched) == []
    assert counts(report) == {"conflict": 1, "skipped": 19}
    assert all(
        message == "halted, because order/O003 was not done as planned"
        for address, message in messages(report).items()
        if address != "order/O003"
    )


def test_a_planned_conflict_halts_nothing(world: World) -> None:
    """It is left alone as the plan shows."""
    world.converge(order("A", memo="1"))
    world.archive("orders", world.id_of("orders", "A"))
    report = world.apply(world.plan(order("A", memo="1"), order("B", memo="1")), halt=True)
    assert statuses(report) == {"order/A": "conflict", "order/B": "done"}


def test_a_unit_that_moved_since_planning_halts_before_anything_is_sent(watched: World) -> None:
    """The state shows it before any call is made."""
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    plan = watched.plan(order("A", memo="2"), order("B", memo="2"))
    watched.converge(order("A", memo="3"), order("B", memo="1"))
    watched.proxy.seen.clear()
    report = watched.apply(plan, halt=True)
    assert statuses(report) == {"order/A": "conflict", "order/B": "skipped"}
    assert updates(watched) == []


def test_a_refused_association_halts_before_the_next_slice(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of later slices are not begun."""
    monkeypatch.setattr(batches, "SLICE", 1)
    contact = {"contact": [{"email": EMAILS[0]}]}
    plan = watched.plan(*(order(key, memo="1", associations=contact) for key in "ABC"))
    watched.proxy.hook = lambda _method, path, _body: (
        (400, {"status": "error", "message": "not today", "category": "VALIDATION_ERROR"})
        if "/associations/" in path and path.endswith("/create")
        else None
    )
    report = watched.apply(plan, halt=True)
    assert counts(report) == {"failed": 1, "skipped": 2}
    (bad,) = (a for a, status in statuses(report).items() if status == "failed")
    assert {m for a, m in messages(report).items() if a != bad} == {
        f"halted, because {bad} was not done as planned"
    }
    assert len(watched.dump("orders")) == 1
    watched.proxy.hook = None
    assert incomplete(watched.apply(plan)) == ()
    assert watched.plan().empty


def test_an_edit_that_reading_back_shows_halts_before_the_next_slice(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found out after the write counts like its answer."""
    watched.converge(*(order(key, memo="1") for key in "ABC"))
    plan = watched.plan(*(order(key, memo="2") for key in "ABC"))
    monkeypatch.setattr(batches, "SLICE", 1)
    written: list[str] = []

    def hook(method: str, path: str, body: object) -> None:
        if method == "PATCH":
            written.append(path.rpartition("/")[2])
        elif path.endswith("orders/batch/read") and len(written) == 1:
            watched.edit("orders", watched.by_key("orders", written[0]), memo="theirs")

    watched.proxy.hook = hook
    report = watched.apply(plan, halt=True)
    assert counts(report) == {"conflict": 1, "skipped": 2}
    assert memos(watched) == {"theirs": 1, "1": 2}


def test_a_refused_archive_halts_before_the_next_batch(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused is failed; the rest stays, in HubSpot and in the state."""
    keys = KEYS[:6]
    watched.converge(*(order(key) for key in keys))
    plan = watched.plan(*(order(key, lifecycle={"state": "absent"}) for key in keys))
    monkeypatch.setattr(executor, "SLICE", 2)
    watched.proxy.seen.clear()
    watched.proxy.hook = lambda _method, path, _body: (
        (400, {"status": "error", "message": "not today", "category": "VALIDATION_ERROR"})
        if path.endswith("/batch/archive")
        else None
    )
    report = watched.apply(plan, halt=True)
    assert len(watched.proxy.to("POST", "/batch/archive")) == 1
    assert counts(report) == {"failed": 2, "skipped": 4}
    assert len(watched.dump("orders")) == 6
    watched.proxy.hook = None
    assert incomplete(watched.apply(plan)) == ()


def context_of(world: World, hubspot: HubSpot, halt: Halt) -> ApplyContext:
    """Return what a step of an apply works with; sending needs no entries."""
    audit = AuditLog(world.store)
    head = RunHead("run", "", "", 1, "", "2026-01-02T03:04:05+00:00", 0)
    journal = Journal(world.store, Run(head, Process(0, "apply", ORIGIN)), lambda: None)
    log = AuditWriter(audit, Plan(TargetPin("shop", 1, "STANDARD"), ()), None)
    entries = cast("Entries", None)
    parents = ParentReader(hubspot)
    return ApplyContext(hubspot, entries, journal, log, parents, trace=lambda: "t", halt=halt)


def test_a_call_that_waits_for_its_turn_when_the_run_halts_is_not_sent(world: World) -> None:
    """The limit can keep it for seconds; it is asked right before it leaves."""
    record = world.make("orders", memo="1")
    halt, now = Halt(), [0.0]

    def sleep(seconds: float) -> None:
        halt.stop("another thread met a failure")
        now[0] += seconds

    url, token = world.sandbox.url, world.sandbox.token
    with HubSpot(url, token, rate_limit=1, clock=lambda: now[0], sleep=sleep) as hubspot:
        hubspot.records.read("orders", [record], [])
        answers: dict[str, Answer] = {}
        writes = [Write("t", record, {"memo": "2"})]
        send(
            context_of(world, hubspot, halt),
            partial(hubspot.records.update, "orders"),
            writes,
            answers,
        )
    assert halt.stopped
    assert answers == {}
    assert memos(world) == {"1": 1}


def test_a_call_that_has_begun_is_repeated_to_its_end(world: World) -> None:
    """HubSpot asked for patience and the run was halted meanwhile: it still learns the outcome."""
    record = world.make("orders", memo="1")
    halt = Halt()
    world.sandbox.faults.add(Refuse(429), path="*/orders/batch/update", times=1)
    url, token = world.sandbox.url, world.sandbox.token
    with HubSpot(url, token, rate_limit=None, sleep=lambda _: halt.stop("a failure")) as hubspot:
        answers: dict[str, Answer] = {}
        writes = [Write("t", record, {"memo": "2"})]
        send(
            context_of(world, hubspot, halt),
            partial(hubspot.records.update, "orders"),
            writes,
            answers,
        )
    assert halt.stopped
    assert isinstance(answers["t"], Written)
    assert memos(world) == {"2": 1}


@pytest.mark.parametrize("status", [401, 429])
def test_what_was_refused_before_the_run_had_to_stop_is_failed(watched: World, status: int) -> None:
    """A token that ends while a refused batch is narrowed down leaves no doubt about the rest."""
    keys = KEYS[:8]
    watched.converge(*(order(key, memo="1") for key in keys))
    plan = watched.plan(*(order(key, memo=f"bad {key}") for key in keys))
    end = {"status": "error", "message": "You have reached your daily limit.", "category": "X"}
    end |= {"policyName": "DAILY"}
    refusal = {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith("orders/batch/update"):
            return (400, refusal) if len(updates(watched)) < 2 else (status, end)
        return None

    watched.proxy.seen.clear()
    watched.proxy.hook = hook
    report = watched.apply(plan)
    # 8 and 4 were refused; the call with 2 of these 4 met the end.
    assert counts(report) == {"failed": 6, "unknown": 2}
    assert memos(watched) == {"1": 8}

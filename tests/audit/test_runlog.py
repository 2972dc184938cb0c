"""A run's journal in the audit log: each line once, whenever a process dies and one resumes."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from making import ANA, Memory, head_of, updates

from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.journal import NOT_SENT, Journal
from reconcile.applying.journal_reader import read_run
from reconcile.applying.run_head import LOGS, Process, RunHead
from reconcile.applying.run_log import Run
from reconcile.applying.task import ChangeTask
from reconcile.audit import log as module
from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Entry, Event, Head, Origin
from reconcile.model.outcome import APPLIED_EARLIER, Overwrite, Rewrite, Status
from reconcile.stores.logs import Log

BOB = Origin(Actor("Bob", "git"), "after the crash")
PLANNED, DONE = updates(7)
RECORDS = [change.address for change in PLANNED.records()]
STEPS = 18
"""How often a run writes to the store."""


class Killed(BaseException):
    """The process is dead."""


class Mortal(Memory):
    """A store whose process dies at its so many-th step, before or after it."""

    left = 0
    when = "before"

    def die_at(self, step: int, when: str) -> None:
        """Have the process die at that step from now, counted from 1; never at step 0."""
        self.left, self.when = step, when

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        self._step("before")
        result = super().write(name, data, expected)
        self._step("after")
        return result

    def _step(self, when: str) -> None:
        if self.when == when:
            self.left -= 1
            if not self.left:
                raise Killed


def nothing() -> None:
    """Hold a lock that is never lost."""


def items(*numbers: int) -> list[ChangeTask]:
    """What is about to be sent of some of the records."""
    changes = list(PLANNED.records())
    return [ChangeTask(one.address, one, id=one.id) for one in (changes[n] for n in numbers)]


def log_of(store: Memory) -> AuditLog:
    """The audit log of a store."""
    return AuditLog(store)  # type: ignore[arg-type]


def begin(store: Memory, head: RunHead | None = None) -> Journal:
    """Begin the journal of a run."""
    head = head or head_of("R-1", 7)
    run = Run(head, Process(0, "apply", ANA, head.since, head.allow))
    journal = Journal(store, run, nothing)  # type: ignore[arg-type]
    journal.begin()
    return journal


def apply(store: Memory) -> None:
    """Carry out the plan but for its last record; the next one to the last is not sent."""
    journal = begin(store)
    log = AuditWriter(log_of(store), PLANNED, None)
    journal.intend("update", items(0, 1, 2, 3))
    journal.answered(1, items(0, 1, 2, 3))
    journal.decided(DONE[:3])
    log.write(journal)
    journal.intend("update", items(4))
    log.write(journal)
    journal.intend("update", items(5))
    journal.not_applied([RECORDS[5]], NOT_SENT)
    journal.decided(DONE[4:5])
    log.write(journal)
    journal.end("stopped")
    log.catch_up("R-1")
    journal.audited()


def recover(store: Memory, by: str) -> None:
    """Resolve what was begun, as another process does, and log what is missing."""
    run = read_run(store, "R-1")  # type: ignore[arg-type]
    if run is None or (run.audited and not run.in_doubt):
        return
    journal = Journal(store, run, nothing)  # type: ignore[arg-type]
    if begun := [RECORDS.index(address) for address in run.in_doubt]:
        journal.recover(Process(0, "recover", BOB, "2026-01-03T00:00:00+00:00", resolved_by=by))
        journal.decided([DONE[n] for n in sorted(begun)])
        journal.resolved()
    AuditWriter(log_of(store), PLANNED, None).catch_up("R-1")
    journal.audited()


def resolved(store: Memory, run: str = "R-1") -> dict[Address, list[tuple[str, str]]]:
    """What the log says of each record, as (event, status), in order."""
    found: dict[Address, list[tuple[str, str]]] = defaultdict(list)
    for entry in log_of(store).entries():
        for one in entry.records:
            assert entry.run == run
            found[one.address].append((entry.event, one.status))
    return found


def follow_each_other(entries: Sequence[Entry]) -> int:
    """Check that entries divide the journal among them; how many lines they cover."""
    start, written = 0, 0
    for entry in entries:
        span = entry.journal
        assert span is not None
        assert (span.start, span.first) == (start, written)
        assert span.last - span.first == len(entry.records)
        start, written = (span.stop, 0) if span.complete else (start, span.last)
    assert not written
    return start


def died(act: Callable[[Mortal], None], store: Mortal) -> None:
    """Let a process do something until it dies."""
    with suppress(Killed):
        act(store)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 2))
def test_each_line_is_logged_once(step: int, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the run is killed, and wherever its recovery is killed after it."""
    monkeypatch.setattr(module, "MAX_RECORDS", 2)
    for second in range(12):
        store = Mortal()
        store.die_at(step, when)
        died(apply, store)
        store.die_at(second, when)
        died(partial(recover, by="R-2"), store)
        store.die_at(0, when)
        recover(store, "R-3")
        recover(store, "R-4")
        covered = follow_each_other(list(log_of(store).entries()))
        lines = {n: json.loads(line) for n, line in Log(store, f"{LOGS}R-1").entries()}
        rest = {entry["about"] for n, entry in lines.items() if n >= covered}
        assert rest <= {"run", "answer", "recovery", "resolved", "audited"}
        found = verify(log_of(store), log_of(store).tail())
        assert (found.findings, found.erased, found.missing) == ((), 0, 0)
        ends = resolved(store)
        assert {str(one) for one in ends} == addresses(lines.values())
        for statuses in ends.values():
            assert statuses[-1][1] in {"done", "skipped"}
            assert {status for _, status in statuses[:-1]} <= {"begun"}
            assert len(statuses) == len(set(statuses)), "one process said the same thing twice"


def addresses(lines: Iterable[Mapping[str, Any]]) -> set[str]:
    """The records that lines of a journal speak of."""
    records = [one for entry in lines for one in entry.get("records", ())]
    return {one if isinstance(one, str) else one[0] for one in records}


def test_so_many_steps_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killing at each of ``STEPS`` steps leaves none out."""
    monkeypatch.setattr(module, "MAX_RECORDS", 2)
    store = Mortal()
    apply(store)
    assert len(store.blobs) == STEPS


def test_who_began_a_write_is_not_who_resolved_it() -> None:
    """The journal names both, with their reasons; the log has each where it belongs."""
    store = Mortal()
    journal = begin(store)
    journal.intend("update", items(0))
    recover(store, "R-2")
    first, second = log_of(store).entries()
    assert (first.event, first.origin, first.facts["allow"]) == ("apply", ANA, ("rekey",))
    assert (second.event, second.origin) == ("recover", replace(BOB, commit=ANA.commit))
    assert (second.run, second.facts["resolved_by"]) == ("R-1", "R-2")
    assert [one.status for entry in (first, second) for one in entry.records] == ["begun", "done"]


def test_the_journal_has_all_that_the_log_says() -> None:
    """Rewrites, overwritten edits, traces, messages: a process that died takes nothing along."""
    full = replace(
        DONE[0],
        message="somebody changed it",
        status=Status.CONFLICT,
        written=True,
        standing=True,
        rewrites=(Rewrite("memo", "x ", "x"),),
        not_persisted=("hs_external_id",),
        overwrites=(Overwrite("hs_total_price", "7", "Bob", "2026"),),
    )
    logs = []
    for dies in (False, True):
        store = Mortal()
        journal = begin(store)
        log = AuditWriter(log_of(store), PLANNED, None)
        journal.intend("update", [replace(items(0)[0], trace="t-1")])
        journal.overwrote(full.address, full.overwrites)
        journal.decided([full])
        if not dies:
            log.write(journal)
        recover(store, "R-2")
        (entry,) = (log_of(store).full(entry) for entry in log_of(store).entries())
        logs.append(entry.records)
    assert logs[0] == logs[1]
    (one,) = logs[0]
    assert (one.status, one.trace, one.flags) == ("conflict", "t-1", ("standing", "written"))
    assert [str(detail.topic) for detail in one.details] == [
        "field",
        "overwrite",
        "rewrite",
        "message",
    ]


def test_what_an_earlier_run_did_is_not_logged_as_done_by_this_one() -> None:
    """It found the record done, and sent nothing."""
    store = Mortal()
    journal = begin(store)
    journal.decided([replace(DONE[0], message=APPLIED_EARLIER), DONE[1]])
    AuditWriter(log_of(store), PLANNED, None).catch_up("R-1")
    assert list(resolved(store)) == [RECORDS[1]]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_append_that_failed_is_not_repeated(when: str) -> None:
    """Nobody knows whether the entry is there, so the log is asked; then the rest is written."""
    store = Mortal()
    journal = begin(store)
    log = AuditWriter(log_of(store), PLANNED, None)
    journal.decided(DONE[:2])
    store.die_at(2, when)  # the values, then the entry
    with pytest.raises(Killed):
        log.write(journal)
    store.die_at(0, when)
    journal.decided(DONE[2:4])
    log.write(journal)
    assert len(list(log_of(store).entries())) == (when == "after")
    journal.end("")
    log.catch_up("R-1")
    follow_each_other(list(log_of(store).entries()))
    assert {len(ends) for ends in resolved(store).values()} == {1}
    assert len(resolved(store)) == 4


def test_a_process_that_lost_its_lock_cannot_log_a_run_twice() -> None:
    """Its entry was on its way while another process caught up: one of the two is refused."""
    store = Mortal()
    begin(store).decided(DONE[:3])
    late = AuditWriter(log_of(store), PLANNED, None)
    other = AuditWriter(log_of(store), PLANNED, None)
    store.before = [lambda: other.catch_up("R-1")]
    with pytest.raises(UsageError, match="another process is writing run R-1"):
        late.catch_up("R-1")
    assert {len(ends) for ends in resolved(store).values()} == {1}
    log_of(store).append([Event("refused", ANA)])
    late.catch_up("R-1")
    assert {len(ends) for ends in resolved(store).values() if ends} == {1}


def test_a_log_that_was_cut_off_is_written_behind_the_hole() -> None:
    """The state knows a longer log: what is left of the run goes where that one ended."""
    store = Mortal()
    begin(store, replace(head_of("R-1", 7), audit=5)).decided(DONE[:1])
    AuditWriter(log_of(store), PLANNED, Head(5, "ab" * 32)).catch_up("R-1")
    assert [entry.number for entry in log_of(store).entries()] == [6]


def test_a_journal_of_another_format_is_refused() -> None:
    """It is not read as what it is not."""
    store = Mortal()
    Log(store, f"{LOGS}R-1").append(0, b'{"about":"run","format":1}')
    with pytest.raises(UsageError, match="has format 1; this version reads 4"):
        read_run(store, "R-1")  # type: ignore[arg-type]

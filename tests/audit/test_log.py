"""Appending: what lands where, in which order, and what it costs."""

import itertools
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from making import ANA, CHANGES, Memory, entry_of, head_of, plan, record_run, run, updates

from reconcile.audit.chain import FORMAT, to_bytes
from reconcile.audit.integrity import verify
from reconcile.audit.log import MAX_RECORDS, SEGMENT_SIZE, AuditLog
from reconcile.audit.query import summaries
from reconcile.errors import UsageError
from reconcile.model.audit import Event, Head
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import FieldChange, Reason, RecordChange
from reconcile.render.audit_lines import log_lines
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

SECRETS = ("Old name", "Anton", "10.00", "12.50", "Mug", "Shipped")


def test_chain_holds_no_values(store: LocalStore, log: AuditLog) -> None:
    """Values, and messages that may quote them, are beside the chain; names are in it."""
    run(log, ended="stopped at Anton's order")
    (line,) = (line for _, line in log.lines())
    assert [secret for secret in SECRETS if secret.encode() in line] == []
    assert b"hs_order_name" in line
    assert b"order/NW-1" in line
    (name,) = store.names("audit-values/")
    assert name.startswith("audit-values/R-1/")
    data = store.read(name)
    assert data is not None
    assert [secret for secret in SECRETS if secret.encode() not in data[0]] == []


def test_equal_values_have_unequal_digests(log: AuditLog) -> None:
    """Nobody can tell from the chain whether two records, or two runs, hold the same value."""
    planned, done = updates(2)
    for name in ("R-1", "R-2"):
        record_run(log, planned, head_of(name), done, ANA)
    digests = [
        detail[3]
        for _, line in log.lines()
        for record in entry_of(line)["records"]
        for detail in record["details"]
    ]
    assert len(set(digests)) == 4


def test_values_are_for_their_owner_only(store: LocalStore, log: AuditLog, tmp_path: Path) -> None:
    """The files of a local store have mode 0600."""
    run(log)
    files = [path for path in (tmp_path / "state").rglob("*") if "audit" in str(path)]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files if path.is_file()}
    assert modes == {0o600}


def test_each_entry_points_at_the_one_before(log: AuditLog) -> None:
    """The head that is handed back is the last entry's, and the next one names its hash."""
    head = run(log)
    after = run(log, "R-2", after=head)
    first, second = (entry_of(line) for _, line in log.lines())
    assert (first["number"], first["previous"]) == (1, "")
    assert (second["number"], second["previous"]) == (2, head.hash)
    assert after.number == 2
    assert log.tail() == after


def test_nothing_is_appended_to_a_log_of_a_newer_format(store: LocalStore, log: AuditLog) -> None:
    """Without a state there is no head that says so; the log's own last entry does."""
    run(log)
    newer = to_bytes({"format": FORMAT + 1, "number": 2, "previous": log.tail().hash})
    Log(store, "audit/000000").append(1, b'{"entry":%b,"hash":"%b"}' % (newer, b"0" * 64))
    with pytest.raises(UsageError, match=f"entry 2 .* has format {FORMAT + 1}") as caught:
        run(log, "R-2")
    assert "upgrade reconcile" in caught.value.hint
    assert len(list(log.lines())) == 2


def test_many_records_become_several_entries(log: AuditLog) -> None:
    """An entry has at most so many records, and all of a run's have its facts."""
    planned, done = updates(MAX_RECORDS + 1)
    head = record_run(log, planned, head_of("R-1"), done, ANA)
    sizes = [len(entry.records) for entry in log.entries()]
    assert sizes == [MAX_RECORDS, 1]
    assert head.number == 2
    assert {entry.facts["plan"] for entry in log.entries()} == {"cd" * 32}


def test_long_values_make_short_entries(log: AuditLog) -> None:
    """An entry is closed when its values weigh enough, however few records that are."""
    long = RecordChange(
        CHANGES[0].address,
        CHANGES[0].action,
        fields=tuple(
            FieldChange(f"memo_{number}", "", "x" * 60_000, Reason.CHANGE) for number in range(20)
        ),
    )
    others = CHANGES[1:]
    outcomes = [Outcome(one.address, one.action, Status.DONE) for one in (long, *others)]
    record_run(log, plan(long, *others), head_of("R-1"), outcomes, ANA)
    assert [len(entry.records) for entry in log.entries()] == [1, 2]


def test_a_run_without_records_is_recorded_too(log: AuditLog) -> None:
    """A run that had nothing left to do is worth an entry, which is not without a text."""
    record_run(log, plan(), head_of("R-1"), (), ANA)
    assert [(entry.run, entry.records) for entry in log.entries()] == [("R-1", ())]
    shown = log_lines(summaries(log), personal=True)
    assert "nothing to do" in [one.text().strip() for one in shown]


def test_a_race_is_resolved_by_trying_again() -> None:
    """Who loses the place appends behind the winner, and both are in the chain."""
    store = Memory()
    log = AuditLog(store)  # type: ignore[arg-type]
    head = log.append([Event("refused", ANA)])

    def other() -> None:
        AuditLog(store).append([Event("refused", ANA, message="the other")], head)  # type: ignore[arg-type]

    store.before = [other]
    after = log.append([Event("refused", ANA)], head)
    assert after.number == 3
    found = verify(log, after)
    assert found.findings == ()
    assert found.entries == 3


def test_a_race_that_never_ends_is_an_error() -> None:
    """Appending gives up rather than hang."""

    class Busy(Memory):
        def write(self, name: str, data: bytes, expected: str | None) -> str:
            self.blobs[name] = data
            return super().write(name, data, expected)

    with pytest.raises(UsageError, match="it keeps growing"):
        AuditLog(Busy()).append([Event("refused", ANA)])  # type: ignore[arg-type]


def test_what_was_appended_since_the_head_is_found(log: AuditLog) -> None:
    """A head that the state kept before refusals were logged is good enough."""
    head = run(log)
    log.append([Event("refused", ANA)] * 3)
    after = run(log, "R-2", after=head)
    assert after.number == 5
    assert verify(log, after).findings == ()


def test_a_log_that_was_cut_off_does_not_stop_the_next_run(log: AuditLog) -> None:
    """The run is recorded where the state says the log ends; the hole stays for all to see."""
    run(log)
    after = run(log, "R-2", after=Head(5, "ef" * 32))
    assert after.number == 6
    assert [entry.number for entry in log.entries()] == [1, 6]
    assert verify(log, after).findings[0].number == 2


def test_appending_with_the_states_head_reads_the_last_segment_only() -> None:
    """However long the log is: what it has of the run is looked for where the state says."""
    store = Memory()
    log = AuditLog(store)  # type: ignore[arg-type]
    head = log.append([Event("refused", ANA)] * (SEGMENT_SIZE * 3 + 1))
    store.listed.clear()
    run(log, after=head)
    assert set(store.listed) == {"runs/R-1", "audit/000003"}


def test_appending_without_a_head_reads_the_last_segment_only() -> None:
    """A refusal, which has no lock and no state, finds the end by itself."""
    store = Memory()
    log = AuditLog(store)  # type: ignore[arg-type]
    log.append([Event("refused", ANA)] * (SEGMENT_SIZE * 3 + 1))
    store.listed.clear()
    head = log.append([Event("refused", ANA)])
    assert set(store.listed) == {"audit/000003"}
    assert head.number == SEGMENT_SIZE * 3 + 2
    assert verify(log, head).findings == ()


def test_half_a_character_can_be_recorded(log: AuditLog) -> None:
    """HubSpot's JSON can hold half a character; the log keeps it, and is read back alike."""
    odd = RecordChange(
        CHANGES[0].address,
        CHANGES[0].action,
        fields=(FieldChange("memo", "\ud800", "line\nbreak\x00", Reason.CHANGE),),
    )
    done = [Outcome(odd.address, odd.action, Status.DONE)]
    head = record_run(log, plan(odd), head_of("R-1"), done, ANA)
    assert verify(log, head).findings == ()
    (entry,) = (log.full(entry) for entry in log.entries())
    assert entry.records[0].details[0].values == ("\ud800", "line\nbreak\x00")


def test_a_run_is_summarised_in_full_where_it_ended_since(store: LocalStore) -> None:
    """Its entries have times of their own; a moment between them does not cut it in two."""
    times = (datetime(2026, 1, 2, 3, minute, tzinfo=UTC) for minute in itertools.count())
    log = AuditLog(store, clock=lambda: next(times))
    planned, done = updates(MAX_RECORDS + 1)
    record_run(log, planned, head_of("R-1"), done, ANA)
    entries = list(log.entries())
    assert entries[0].time < entries[1].time
    (summary,) = summaries(log, since=entries[1].time)
    assert sum(summary.counts.values()) == MAX_RECORDS + 1
    assert list(summaries(log, since="2026-01-03")) == []

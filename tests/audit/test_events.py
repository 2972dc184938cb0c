"""What the log has of a run, of refusals, of work on the state; and reading it back."""

import pytest
from making import ANA, CART, CHANGES, MUG, ORDER, head_of, plan, record_run, run, updates

from reconcile.audit.events import defined, lock_broken, refused, state_edited
from reconcile.audit.log import AuditLog
from reconcile.audit.query import entries_of, summaries
from reconcile.errors import GuardRefused, Locked, ReconcileError, StalePlan, UsageError
from reconcile.model.audit import Detail, Entry, Topic
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import Action, PropertyDefine
from reconcile.model.records import Location

PLACE = Location("shop.yaml", 3, 1)


def only(log: AuditLog) -> Entry:
    """The log's only entry, with its values."""
    (entry,) = log.entries()
    return log.full(entry)


def test_a_run_is_logged_with_who_when_why_and_what_for(log: AuditLog) -> None:
    """Commit, plan, guards and account are in the chain."""
    run(log, ended="interrupted")
    entry = only(log)
    assert (entry.event, entry.run, entry.time) == ("apply", "R-1", "2026-01-02T03:04:05.000Z")
    assert entry.origin == ANA
    assert entry.facts == {
        "target": "shop",
        "account": 123,
        "files": "same",
        "plan": "cd" * 32,
        "since": "2026-01-02T03:04:05+00:00",
        "allow": ("rekey",),
    }
    assert entry.message == Detail(Topic.MESSAGE, values=("interrupted",))


def test_a_written_record_is_logged_field_by_field(log: AuditLog) -> None:
    """Before and after on the wire, and as people read them; associations; rewrites."""
    run(log, traces={ORDER: "R-1-ab-1"})
    record = only(log).records[0]
    assert (record.address, record.action, record.status) == (ORDER, "update", "done")
    assert (record.id, record.flags, record.trace) == ("501", ("adopts",), "R-1-ab-1")
    assert record.details == (
        Detail(
            Topic.FIELD, "hs_order_name", "change", ("Old name", "Anton's order"), personal=True
        ),
        Detail(Topic.FIELD, "hs_total_price", "change", ("10.00", "12.50")),
        Detail(Topic.FIELD, "hs_pipeline_stage", "change", ("1", "2", "Open", "Shipped")),
        Detail(
            Topic.LINK,
            "contact",
            "add",
            ("contact email=anton@example.com", "77", "HUBSPOT_DEFINED:507"),
            personal=True,
        ),
        Detail(Topic.REWRITE, "memo", values=("x ", "x")),
    )


def test_a_failed_attempt_is_logged_with_what_was_tried(log: AuditLog) -> None:
    """The fields that were sent, and HubSpot's answer."""
    run(log)
    record = only(log).records[1]
    assert (record.address, record.parent, record.status) == (MUG, ORDER, "failed")
    assert [(one.topic, one.values) for one in record.details] == [
        (Topic.FIELD, ("", "Mug")),
        (Topic.MESSAGE, ('HubSpot refused "Mug" of Anton\'s order',)),
    ]


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.CONFLICT])
def test_what_was_never_sent_changed_nothing(log: AuditLog, status: Status) -> None:
    """None of its fields are logged, only why."""
    outcome = Outcome(CART, Action.UPDATE, status, message="not begun")
    record_run(log, plan(), head_of("R-1"), [outcome], ANA)
    (record,) = only(log).records
    assert [one.topic for one in record.details] == [Topic.MESSAGE]


def test_each_reason_of_a_conflict_is_logged(log: AuditLog) -> None:
    """What the plan said of the record, with the location in the manifest; hints are not news."""
    why = (Explanation("it is archived", "restore it"), Explanation("no x", "", PLACE))
    outcome = Outcome(CART, Action.CONFLICT, Status.CONFLICT, why=why)
    record_run(log, plan(), head_of("R-1"), [outcome], ANA)
    (record,) = only(log).records
    assert record.details == (
        Detail(Topic.MESSAGE, values=("it is archived",)),
        Detail(Topic.MESSAGE, values=("shop.yaml:3:1: no x",)),
    )


def test_a_runs_entries_are_one_event(log: AuditLog) -> None:
    """The list counts records over all entries of a run."""
    planned, done = updates(1_100)
    record_run(log, planned, head_of("R-1"), done, ANA)
    (summary,) = summaries(log)
    assert summary.counts == {("update", "order", "done"): 1_100}
    assert sum(len(entry.records) for entry in entries_of(log, "R-1")) == 1_100


def test_one_record_can_be_followed(log: AuditLog) -> None:
    """Each event that speaks of it, by whatever spelling, with what became of it."""
    run(log)
    other = CHANGES[2]
    done = [Outcome(other.address, other.action, Status.DONE)]
    record_run(log, plan(other), head_of("R-2"), done, ANA)
    log.append([state_edited("state rm", ANA, addresses=[ORDER])])
    found = list(summaries(log, address=ORDER._replace(key="nw-1")))
    assert [one.first.event for one in found] == ["apply", "state rm"]
    assert [record.address for record in found[0].records] == [ORDER]
    assert found[0].records[0].details[1].values == ("10.00", "12.50")


def test_events_since_a_moment(log: AuditLog) -> None:
    """A moment is included itself."""
    run(log)
    run(log, "R-2")
    found = summaries(log, since="2026-01-02T03:05:05.000Z")
    assert [one.first.run for one in found] == ["R-2"]


def test_an_entry_is_shown_by_its_number(log: AuditLog) -> None:
    """A run's by any of its entries' too; an unknown name is an error with a hint."""
    run(log)
    log.append([refused(Locked("by Bob"), ANA)])
    assert [one.event for one in entries_of(log, "2")] == ["refused"]
    assert [one.run for one in entries_of(log, "1")] == ["R-1"]
    for named in ("3", "R", "R-2"):
        with pytest.raises(UsageError, match=f"no run or entry {named}") as caught:
            list(entries_of(log, named))
        assert "audit log" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "by"),
    [
        (GuardRefused("adopt-update: 3"), "guard"),
        (StalePlan("moved"), "stale plan"),
        (Locked("by Bob"), "locked"),
        (ReconcileError("else"), "error"),
    ],
)
def test_refusals_are_logged(log: AuditLog, error: ReconcileError, by: str) -> None:
    """By what; the message, which may quote anything, is not in the chain."""
    log.append([refused(error, ANA, plan="cd", command="apply")])
    entry = only(log)
    assert (entry.event, entry.facts) == (
        "refused",
        {"refusal": by, "plan": "cd", "command": "apply"},
    )
    assert entry.message == Detail(Topic.MESSAGE, values=(str(error),))
    (line,) = (line for _, line in log.lines())
    assert str(error).encode() not in line


def test_work_on_lock_state_and_account_is_logged(log: AuditLog) -> None:
    """Whose lock was broken; which records were taken from the state; what init made."""
    wanted = PropertyDefine("order", "reconcile_key", "Key", "orderinformation")
    log.append(
        [
            lock_broken(ANA, fencing_token=7, who="bob@mill", since="2026", doing="apply"),
            state_edited("state rm", ANA, addresses=[ORDER]),
            state_edited("state push", ANA),
            defined([wanted], plan().target, ANA),
        ]
    )
    assert [(entry.event, entry.facts) for entry in log.entries()] == [
        ("lock broken", {"fencing_token": 7, "who": "bob@mill", "since": "2026", "doing": "apply"}),
        ("state rm", {"addresses": ("order/NW-1",)}),
        ("state push", {}),
        ("define", {"target": "shop", "account": 123, "properties": ("order.reconcile_key",)}),
    ]

"""Changes that somebody else made between planning and applying are not claimed as ours."""

import re

import pytest
from proxy import DROP
from world import World, order, statuses

from reconcile.audit.log import AuditLog
from reconcile.audit.query import entries_of, summaries
from reconcile.model.address import Address
from reconcile.model.audit import RecordEntry, Topic
from reconcile.model.outcome import MADE_BY_OTHERS, Report
from reconcile.model.plan import Plan
from reconcile.render.audit_lines import log_lines, record_lines
from reconcile.render.report import sentence


def logged(world: World, run: str, key: str) -> RecordEntry:
    """Return what the audit log has of an order in a run."""
    found = [
        one
        for entry in entries_of(AuditLog(world.store), run)
        for one in entry.records
        if one.address == Address("order", key)
    ]
    return found[-1]


def fields(record: RecordEntry) -> list[str]:
    """Return the properties that the log says were changed."""
    return [detail.name for detail in record.details if detail.topic is Topic.FIELD]


@pytest.fixture
def planned(watched: World) -> Plan:
    """Return a plan that updates two properties of two orders each."""
    keys = "AB"
    watched.converge(*(order(key, hs_total_price="41.9", memo="old") for key in keys))
    return watched.plan(*(order(key, hs_total_price="77", memo="new") for key in keys))


def test_a_record_that_is_as_planned_already_is_not_called_updated(
    watched: World, planned: Plan
) -> None:
    """Nothing is sent of it; the counts, the outcome and the log say whose change it was."""
    a = watched.id_of("orders", "A")
    watched.edit("orders", a, hs_total_price="77.00", memo="new")
    watched.forget_calls()
    report = watched.apply(planned)
    assert statuses(report) == {"order/A": "done", "order/B": "done"}
    assert [one.message for one in report.outcomes] == [MADE_BY_OTHERS, ""]
    assert sentence(report).startswith(
        "Apply complete: 1 order updated; 1 order already as declared. "
    )
    record = logged(watched, report.run, "A")
    assert (fields(record), record.status, record.trace) == ([], "done", "")
    (line,) = (one.text() for one in record_lines(record, personal=True) if "order/A" in one.text())
    assert "update not needed" in line
    events = [one.text() for one in log_lines(summaries(AuditLog(watched.store)), personal=True)]
    assert events[-1] == "  update 1 order; update 1 order: not needed"
    assert fields(logged(watched, report.run, "B")) == ["hs_total_price", "memo"]
    assert watched.plan().units == ()


def test_a_field_that_is_as_planned_already_is_not_listed(watched: World, planned: Plan) -> None:
    """The other fields of the record are, and a message names the one that was not sent."""
    watched.edit("orders", watched.id_of("orders", "A"), hs_total_price="77")
    report = watched.apply(planned)
    assert sentence(report).startswith("Apply complete: 2 orders updated. ")
    record = logged(watched, report.run, "A")
    assert fields(record) == ["memo"]
    (message,) = (one.values for one in record.details if one.topic is Topic.MESSAGE)
    assert message == ("not written, since HubSpot already had the value: hs_total_price",)


def test_what_a_dead_run_did_not_send_is_not_claimed_when_it_is_resolved(
    watched: World, planned: Plan
) -> None:
    """The journal has it before anything is sent."""
    watched.edit("orders", watched.id_of("orders", "A"), hs_total_price="77")
    down: list[str] = []

    def lose(_: str, path: str, __: object) -> str | tuple[int, object] | None:
        if path.endswith("/batch/update") and not down:
            down.append(path)
            return DROP
        return (503, {"status": "error", "message": "down"}) if down else None

    watched.proxy.hook = lose
    first = watched.apply(planned)
    assert first.resumable
    watched.proxy.hook = None
    watched.apply(planned)
    assert fields(logged(watched, first.run, "A")) == ["memo"]
    assert fields(logged(watched, first.run, "B")) == ["hs_total_price", "memo"]


def test_what_the_run_itself_wrote_is_never_called_somebody_elses(
    watched: World, planned: Plan
) -> None:
    """A write whose answer was lost is found by reading, and it is ours."""
    watched.proxy.hook = lambda _, path, __: DROP if path.endswith("/batch/update") else None
    report: Report = watched.apply(planned)
    watched.proxy.hook = None
    report = watched.apply(planned) if report.resumable else report
    log = AuditLog(watched.store)
    events = "\n".join(one.text() for one in log_lines(summaries(log), personal=True))
    assert "not needed" not in events
    assert re.search(r"update 2 orders", events)

"""What goes wrong after a record was created is not called a failed create."""

from io import StringIO
from typing import Any

import pytest
from world import World, messages, order, statuses

from reconcile.audit.log import AuditLog
from reconcile.audit.query import all_entries, summaries
from reconcile.model.outcome import Report
from reconcile.render.audit_export import rows
from reconcile.render.audit_lines import log_lines, record_lines
from reconcile.render.report import sentence, write_report

PAYER = {"company": [{"id": "501", "label": "Payer"}]}
KEYS = [f"O{n:02}" for n in range(70)]


def remove_label(world: World, *, before: str) -> None:
    """Have somebody delete the label Payer right before a call whose path ends so."""
    path = "/crm/v4/associations/orders/companies/labels"
    (label,) = (one for one in world.http.get(path).json()["results"] if one["label"] == "Payer")

    def hook(_: str, asked: str, __: object) -> None:
        if asked.endswith(before) and "associations" in asked:
            world.http.delete(f"{path}/{label['typeId']}").raise_for_status()
            world.proxy.hook = None

    world.proxy.hook = hook


def shown(report: Report) -> str:
    """The report as a terminal shows it."""
    stream = StringIO()
    write_report(report, stream, personal=True, color=False)
    return stream.getvalue()


def logged(world: World) -> str:
    """The audit log as a terminal shows it, records too."""
    log = AuditLog(world.store)
    lines = list(log_lines(summaries(log), personal=True))
    for entry in all_entries(log):
        for record in entry.records:
            lines += record_lines(record, personal=True)
    return "\n".join(one.text() for one in lines)


@pytest.mark.parametrize("before", ["/batch/create", "/batch/read"])
def test_a_label_removed_during_a_run_leaves_orders_created_without_their_association(
    watched: World, before: str
) -> None:
    """Each order is there, and its report says what it is there without, and why."""
    plan = watched.plan(*(order(key, associations=PAYER) for key in KEYS))
    remove_label(watched, before=before)

    report = watched.apply(plan)

    assert watched.keys("orders") == dict.fromkeys(KEYS, 1)
    assert set(statuses(report).values()) == {"failed"}
    assert all(one.written for one in report.outcomes)
    assert all("not associated with company" in text for text in messages(report).values())
    text = shown(report)
    assert "create failed" not in text
    assert "order/O00  created, then failed: not associated with company" in text
    assert "70 orders created" in sentence(report)
    assert "70 failed that came after the record was written" in sentence(report)

    assert "create failed" not in logged(watched)
    assert "create 70 orders: written, then failed" in logged(watched)
    assert "order/O00  create written, then failed" in logged(watched)
    outcomes = {row["outcome"] for row in rows(all_entries(AuditLog(watched.store)), personal=True)}
    assert outcomes == {"written, then failed"}


def test_what_is_missing_is_done_once_its_label_is_there_again(watched: World) -> None:
    """No order is made again: the next plan associates those that there are."""
    plan = watched.plan(*(order(key, associations=PAYER) for key in KEYS[:3]))
    remove_label(watched, before="/batch/create")
    watched.apply(plan)
    watched.http.post(
        "/crm/v4/associations/orders/companies/labels", json={"name": "payer", "label": "Payer"}
    ).raise_for_status()

    again = watched.plan()

    assert {str(one.action) for one in again.records()} == {"associate"}
    report = watched.apply(again)
    assert set(statuses(report).values()) == {"done"}
    assert watched.keys("orders") == dict.fromkeys(KEYS[:3], 1)


def test_every_association_that_is_missing_is_named(watched: World) -> None:
    """An order that lacks two of them says so of both."""
    both = PAYER | {"contact": [{"email": "ana@example.com"}]}
    plan = watched.plan(order("O", associations=both))

    def hook(method: str, path: str, _: object) -> tuple[int, object] | None:
        if method == "POST" and "/associations/" in path and path.endswith("/batch/create"):
            return 400, {"category": "VALIDATION_ERROR", "message": "not these"}
        return None

    watched.proxy.hook = hook
    said = messages(watched.apply(plan))["order/O"]

    assert said.count("not associated with") == 2
    assert "company" in said
    assert "ana@example.com" in said


def test_an_association_that_does_not_show_is_no_failed_create(watched: World) -> None:
    """HubSpot says that it is made and never shows it: the order is created all the same."""
    plan = watched.plan(order("O", associations={"company": [{"id": "501"}]}))

    def edit(_: str, path: str, answer: Any) -> Any:
        if "/associations/" in path and path.endswith("/batch/read"):
            for one in answer["results"]:
                one["to"] = []
        return answer

    watched.proxy.edit = edit
    report = watched.apply(plan)

    assert statuses(report) == {"order/O": "unknown"}
    assert "order/O  created, then unknown: HubSpot does not show" in shown(report)
    assert "1 order created" in sentence(report)

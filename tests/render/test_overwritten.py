"""What is said of edits of others that a write overwrote."""

import io
import json

import pytest

from reconcile.audit.events import recorded
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Detail, Entry, Origin, Topic
from reconcile.model.outcome import UNKNOWN_OVERWRITE, Outcome, Overwrite, Report, Status
from reconcile.model.plan import Action, FieldChange, Reason, RecordChange, TargetPin
from reconcile.render.audit_export import rows
from reconcile.render.audit_lines import record_lines
from reconcile.render.report import sentence, write_report

ORDER = Address("order", "A")
AT = "2026-08-21T12:00:00.250Z"
HUMAN = Overwrite("hs_tags", "HUMAN", "CRM_UI", AT)
NAME = Overwrite("hs_shipping_address_name", "Ana", "CRM_UI", AT, personal=True)
CHANGE = RecordChange(
    ORDER, Action.UPDATE, "1", fields=(FieldChange("hs_tags", "1", "2", Reason.CHANGE, "I", "II"),)
)


def report(*overwrites: Overwrite, status: Status = Status.DONE) -> Report:
    """The end of an update."""
    outcome = Outcome(ORDER, Action.UPDATE, status, "1", overwrites=overwrites)
    return Report(TargetPin("shop", 7, "STANDARD"), (outcome,))


def said(*overwrites: Overwrite, personal: bool = True, status: Status = Status.DONE) -> str:
    """What is printed of the record."""
    stream = io.StringIO()
    write_report(report(*overwrites, status=status), stream, personal=personal, color=False)
    return stream.getvalue().splitlines()[2].strip()


@pytest.mark.parametrize(
    ("overwrites", "told"),
    [
        ((HUMAN,), "overwrote 'HUMAN' of hs_tags by CRM_UI"),
        (
            (HUMAN, Overwrite("memo", "", "", "")),
            "overwrote 'HUMAN' of hs_tags by CRM_UI, '' of memo",
        ),
        ((UNKNOWN_OVERWRITE,), "may have overwritten an edit that HubSpot's history does not show"),
        (
            (HUMAN, UNKNOWN_OVERWRITE),
            "overwrote 'HUMAN' of hs_tags by CRM_UI and may have overwritten an edit that "
            "HubSpot's history does not show",
        ),
        ((NAME,), "overwrote 'Ana' of hs_shipping_address_name by CRM_UI"),
    ],
)
def test_a_report_says_what_was_overwritten(overwrites: tuple[Overwrite, ...], told: str) -> None:
    """Value, property, and who had set it, as far as it is known."""
    assert said(*overwrites) == f"! order/A  update done, {told}"


def test_ci_is_not_told_what_is_personal() -> None:
    """Neither the value of a personal property, nor an address in any other."""
    line = said(NAME, Overwrite("memo", "call ana@example.com", "CRM_UI", AT), personal=False)
    assert "Ana" not in line
    assert "ana@" not in line
    assert "a personal value of hs_shipping_address_name by CRM_UI" in line


def test_a_conflict_says_it_too() -> None:
    """Where a write hit a record that it should not have."""
    assert "conflict, overwrote 'HUMAN'" in said(HUMAN, status=Status.CONFLICT)


def test_a_run_that_overwrote_something_is_not_complete() -> None:
    """Its last sentence counts what was lost, and says where to find it."""
    assert not report(HUMAN).complete
    assert report().complete
    assert sentence(report(HUMAN, UNKNOWN_OVERWRITE)) == (
        "Applied: 1 order updated; 1 edit by others overwritten, "
        "an edit may have been overwritten in 1 record. "
        "The audit log shows what was overwritten; restore what should be kept."
    )


def test_the_log_has_the_true_value_before() -> None:
    """The latest one that was there, as it was on the wire; a label of the planned one is wrong."""
    older = Overwrite("hs_tags", "older", "CRM_UI", AT)
    outcome = Outcome(ORDER, Action.UPDATE, Status.DONE, "1", overwrites=(HUMAN, older))
    assert recorded(CHANGE, outcome).details == (
        Detail(Topic.FIELD, "hs_tags", "change", ("HUMAN", "2", "HUMAN", "II")),
        Detail(Topic.OVERWRITE, "hs_tags", f"CRM_UI {AT}", ("HUMAN", "2")),
        Detail(Topic.OVERWRITE, "hs_tags", f"CRM_UI {AT}", ("older", "2")),
    )


def test_the_log_shows_it() -> None:
    """For people, and a row of its own for programs; personal values and erased ones are not."""
    outcome = Outcome(
        ORDER, Action.UPDATE, Status.DONE, "1", overwrites=(HUMAN, NAME, UNKNOWN_OVERWRITE)
    )
    record = recorded(CHANGE, outcome)
    text = ["".join(text for text, _ in one.spans) for one in record_lines(record, personal=False)]
    assert text[2:] == [
        f"overwrote HUMAN of hs_tags, set by CRM_UI {AT}",
        f"overwrote a personal value of hs_shipping_address_name, set by CRM_UI {AT}",
        "may have overwritten an edit that HubSpot's history does not show",
    ]
    entry = Entry(1, AT, "1", "apply", Origin(Actor("a", "os")), "r", {}, None, (record,), "")
    found = [row for row in rows([entry], personal=False) if row["what"] == "overwrite"]
    assert [(row["name"], row["before"], row["after"]) for row in found] == [
        ("hs_tags", "HUMAN", "2"),
        ("hs_shipping_address_name", "changed (personal)", ""),
        ("", "", ""),
    ]
    assert "Ana" not in json.dumps(found)

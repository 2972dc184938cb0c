"""What a plan says of the records that it adopts: counts, stamps, and keyless ones beside it."""

from dataclasses import replace

import pytest

from reconcile.model.address import Address
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.plan_lines import plan_lines
from reconcile.render.plan_view import view

TARGET = TargetPin("t", 7, "STANDARD")
KEY = FieldChange("reconcile_key", "", "A", Reason.CHANGE)
MEMO = FieldChange("memo", "1", "2", Reason.UNSEEN)
LINK = LinkChange(add=True, to="contact", id="5", address=None, types=(("HUBSPOT_DEFINED", 507),))
IDENTITIES = tuple((kind, "unique", "reconcile_key") for kind in ("cart", "line_item", "order"))
STAMPED = RecordChange(Address("order", "A"), Action.UPDATE, "1", (KEY,), adopts=True)
BOUND = RecordChange(Address("line_item", "A:1"), Action.ADOPT, "2", adopts=True)


def plan_with(*changes: RecordChange, unkeyed: int = 0) -> Plan:
    """A plan of one order with these changes."""
    unit = UnitChange(Address("order", "A"), changes)
    more = (("order", unkeyed),) if unkeyed else ()
    return Plan(TARGET, (unit,), identities=IDENTITIES, unkeyed=more)


def text(plan: Plan, *, verbose: bool = False) -> str:
    """A plan as a terminal shows it."""
    seen = view(plan, personal=True, verbose=verbose)
    return "\n".join(line.text() for line in plan_lines(seen))


def test_records_adopted_as_they_are_are_counted() -> None:
    """Listed only if asked for; JSON has every one."""
    plan = plan_with(STAMPED, BOUND)
    short = text(plan)
    assert "order/A" not in short
    assert "Adopted as they are, and not listed: 1 order, 1 line item" in short
    assert "1 record gets its key: workflows in HubSpot that react to any change" in short
    assert "Plan: 1 order, 1 line item to adopt." in short
    long = text(plan, verbose=True)
    assert "~ order/A" in long
    assert "= line_item/A:1" in long
    assert "Adopted as they are: 1 order, 1 line item\n" in long
    assert "order/A" in to_json(plan, personal=True, digest="")
    assert "Adopted as they are" in markdown(plan)


@pytest.mark.parametrize(
    "change",
    [replace(STAMPED, fields=(KEY, MEMO)), replace(STAMPED, links=(LINK,))],
    ids=["another value", "an association"],
)
def test_adoptions_that_change_more_are_listed(change: RecordChange) -> None:
    """With the number of stamps."""
    shown = text(plan_with(change))
    assert "~ order/A" in shown
    assert "not listed" not in shown
    assert "1 record gets its key" in shown


def test_a_key_written_back_is_not_a_stamp() -> None:
    """It has a guard of its own."""
    shown = text(plan_with(replace(STAMPED, adopts=False, rekey=True)))
    assert "~ order/A" in shown
    assert "gets its key" not in shown


def test_keyless_records_beside_new_ones_are_counted_with_the_way_out() -> None:
    """In every format."""
    new = RecordChange(
        Address("order", "A"), Action.CREATE, fields=(replace(KEY, reason=Reason.NEW),)
    )
    plan = plan_with(new, unkeyed=2995)
    note = "2,995 orders in this account have no reconcile_key"
    assert note in text(plan)
    assert note in markdown(plan)
    assert '"unkeyed":{"order":2995}' in to_json(plan, personal=True, digest="")
    assert "no reconcile_key" not in text(plan_with(new))

"""How numbers, kinds and targets are said."""

import pytest

from reconcile.model.address import Address
from reconcile.model.plan import Action, Plan, PropertyDefine, RecordChange, TargetPin, UnitChange
from reconcile.render.phrasing import count, duration, kind_order, listed, plural, target_line
from reconcile.render.plan_view import view

PIN = TargetPin("shop", 7, "STANDARD")


def _plan(*records: tuple[Action, str, int], unchanged: int = 0, **flags: bool) -> Plan:
    changes = [
        RecordChange(Address(kind, f"{action}-{number}"), action, **flags)  # type: ignore[arg-type]
        for action, kind, many in records
        for number in range(many)
    ]
    units = tuple(UnitChange(change.address, (change,)) for change in changes)
    return Plan(PIN, units, unchanged=unchanged)


def test_an_order_is_followed_by_its_line_items_and_then_the_carts() -> None:
    """The order of kinds comes from their files, and is the one people expect."""
    assert kind_order() == ("order", "line_item", "cart")


@pytest.mark.parametrize(
    ("plan", "footer"),
    [
        (_plan(), "No changes. No records are declared."),
        (_plan(unchanged=1), "No changes. 1 record is as declared."),
        (_plan(unchanged=3006), "No changes. 3,006 records are as declared."),
        (_plan((Action.CREATE, "order", 1)), "Plan: 1 order to create."),
        (
            _plan(
                (Action.CREATE, "cart", 21),
                (Action.CREATE, "line_item", 1001),
                (Action.CREATE, "order", 2),
                (Action.UPDATE, "order", 1),
                unchanged=12,
            ),
            "Plan: 2 orders, 1,001 line items, 21 carts to create; 1 order to update; "
            "12 unchanged.",
        ),
        (_plan((Action.CONFLICT, "order", 1)), "Plan: 1 conflict (left alone)."),
        (
            _plan((Action.ADOPT, "order", 2), (Action.CONFLICT, "line_item", 2), adopts=True),
            "Plan: 2 orders to adopt; 2 conflicts (left alone).",
        ),
        (_plan((Action.ADOPT, "order", 2)), "No changes. 2 records are as declared."),
        (
            _plan((Action.ADOPT, "order", 2), (Action.ARCHIVE, "cart", 1), unchanged=3),
            "Plan: 1 cart to archive; 5 unchanged.",
        ),
        (_plan((Action.UPDATE, "cart", 1), adopts=True), "Plan: 1 cart to adopt and update."),
        (_plan((Action.CREATE, "cart", 1), recreates=True), "Plan: 1 cart to create again."),
        (_plan((Action.ASSOCIATE, "order", 1)), "Plan: 1 order to associate."),
        (
            _plan(
                (Action.ARCHIVE, "line_item", 5),
                (Action.ARCHIVE, "order", 2),
                (Action.FORGET, "order", 1),
            ),
            "Plan: 2 orders, 5 line items to archive; 1 order to forget.",
        ),
        (_plan((Action.CREATE, "widget", 2)), "Plan: 2 records to create."),
        (
            Plan(PIN, (), defines=(PropertyDefine("order", "k", "", ""),)),
            "Plan: 1 property to define.",
        ),
        (
            Plan(PIN, (), defines=(PropertyDefine("order", "k", "", ""),) * 2),
            "Plan: 2 properties to define.",
        ),
    ],
)
def test_the_footer_says_the_plan_in_one_sentence(plan: Plan, footer: str) -> None:
    """None, one and many read as English; nothing that is zero is said."""
    assert footer == view(plan, personal=False).footer


def test_a_target_is_named_with_its_account_and_type() -> None:
    """A sandbox is called one; an account whose type is unknown shows none."""
    assert target_line(PIN) == "Target shop: account 7 (STANDARD)"
    assert target_line(TargetPin("s", 8, "", sandbox=True)) == "Target s: sandbox account 8"


def test_counts_have_separators_and_the_right_number() -> None:
    """Kinds are counted by their own words, unknown ones as records."""
    assert count("line_item", 2155) == "2,155 line items"
    assert count("ticket", 1) == "1 record"
    assert plural(0, "conflict") == "0 conflicts"
    assert listed({"cart": 1, "order": 0, "line_item": 2}) == "2 line items, 1 cart"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (3.44, "3.4 s"), (125, "2 min 5 s"), (3725, "1 h 2 min")],
)
def test_durations_are_as_fine_as_they_are_short(seconds: float, said: str) -> None:
    """Seconds below a minute, minutes below an hour, then hours."""
    assert duration(seconds) == said

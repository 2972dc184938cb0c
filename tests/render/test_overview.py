"""The first lines of a plan: the money it moves, and what looks like a slip."""

import io
from collections.abc import Sequence

import pytest
from reader_plans import PLANS, TARGET

from reconcile.model.address import Address
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan
from reconcile.render.totals import totals


def text(plan: Plan) -> str:
    """Return the plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=True, color=False)
    return stream.getvalue()


def changed(
    key: str,
    *fields: tuple[str, str, str],
    action: Action = Action.UPDATE,
    keep: Sequence[tuple[str, str]] = (),
    kind: str = "order",
    new: bool = False,
    adopts: bool = False,
) -> UnitChange:
    """Return a unit that changes in these fields."""
    reason = Reason.NEW if new else Reason.CHANGE
    address = Address(kind, key)
    change = RecordChange(
        address,
        action,
        id="" if new else "9",
        fields=tuple(FieldChange(*one, reason) for one in fields),
        keep=tuple(keep),
        adopts=adopts,
    )
    return UnitChange(address, (change,))


def said(*units: UnitChange, personal: bool = True) -> list[str]:
    """Return the totals, as text."""
    made = totals(Plan(TARGET, units), personal=personal)
    return [f"{one.currency} {one.before} {one.after} {dict(one.records)}" for one in made]


EUR = ("hs_currency_code", "EUR")


def test_totals_are_added_by_currency() -> None:
    """Of created, changed and archived records; the currency may be one that does not change."""
    assert said(
        changed("A", ("hs_total_price", "10.00", "12.50"), keep=[EUR]),
        changed(
            "B",
            ("hs_currency_code", "", "EUR"),
            ("hs_total_price", "", "5.00"),
            new=True,
            action=Action.CREATE,
        ),
        changed(
            "C",
            ("hs_currency_code", "USD", ""),
            ("hs_total_price", "7.00", ""),
            action=Action.ARCHIVE,
        ),
    ) == ["EUR 10.00 17.50 {'order': 2}", "USD 7.00 0 {'order': 1}"]


def test_another_currency_moves_a_total() -> None:
    """Also where the number stays."""
    unit = changed("A", ("hs_currency_code", "EUR", "USD"), keep=[("hs_total_price", "9.00")])
    assert said(unit) == ["EUR 9.00 0 {'order': 1}", "USD 0 9.00 {'order': 1}"]


def test_what_keeps_its_total_is_not_counted() -> None:
    """Nor what has none, or is in conflict."""
    assert (
        said(
            changed("A", ("hs_tags", "a", "b"), keep=[EUR, ("hs_total_price", "9.00")]),
            changed("B", ("price", "1", "2"), kind="line_item"),
            changed("C", ("hs_total_price", "1", "2"), action=Action.CONFLICT),
        )
        == []
    )


def test_totals_that_others_set_are_not_shown_in_ci() -> None:
    """Of a record that reconcile does not know yet."""
    unit = changed("A", ("hs_total_price", "10.00", "12.50"), adopts=True)
    assert said(unit) == [" 10.00 12.50 {'order': 1}"]
    assert said(unit, personal=False) == []


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        ("14.00", "140.00", "x 10"),
        ("1250.00", "12.50", "/ 100"),
        ("9.5", "99", "x 10.42"),
        ("99", "9.5", "/ 10.42"),
    ],
)
def test_a_lost_point_is_said(before: str, after: str, how: str) -> None:
    """At the top, also of a plan of one record."""
    unit = changed("A", ("hs_total_price", before, after))
    first = text(Plan(TARGET, (unit,))).splitlines()[2]
    assert first == f"Look twice: hs_total_price {before} -> {after} ({how}) on order/A"


@pytest.mark.parametrize(
    ("before", "after"), [("14.00", "28.00"), ("", "100"), ("0", "9"), ("5", "0")]
)
def test_an_ordinary_change_is_not_suspected(before: str, after: str) -> None:
    """Nor one that begins or ends with nothing."""
    unit = changed("A", ("hs_total_price", before, after))
    assert "Look twice" not in text(Plan(TARGET, (unit,)))


def test_the_worst_is_named_and_the_others_counted() -> None:
    """Three lines at most, however many slips there are."""
    units = [changed(f"A-{n}", ("hs_total_price", "10", f"{100 + n}0")) for n in range(30)]
    units += [changed(f"B-{n}", ("hs_currency_code", "EUR", "USD")) for n in range(9)]
    units += [changed(f"C-{n}", ("hs_order_note", f"note {n}", "x")) for n in range(12)]
    twice = [one for one in text(Plan(TARGET, tuple(units))).splitlines() if "Look twice" in one]
    assert twice == [
        "Look twice: hs_total_price 10 -> 1290 (x 129) on order/A-29, and 29 more like it",
        "Look twice: hs_currency_code EUR -> USD on order/B-0, and 8 more like it",
        "Look twice: hs_order_note becomes x on 12 orders, in place of 12 different values",
    ]


def test_a_slip_is_not_hidden_by_its_group() -> None:
    """It is listed in full, before the changes around it."""
    said = text(PLANS["mixed_changes"]())
    assert "1 of 23 line items is not like the others:" in said
    assert "hs_line_item_currency_code  EUR -> USD" in said


def test_totals_and_slips_are_in_a_comment() -> None:
    """Above the table."""
    comment = markdown(PLANS["creates_and_one_overwrite"]())
    assert "- Totals: `EUR` 0.00 -> 1,203,630.30" in comment
    assert comment.index("- Totals") < comment.index("| create |")


def test_what_is_in_conflict_is_not_suspected() -> None:
    """It is left alone."""
    unit = changed("A", ("hs_total_price", "10.00", "100.00"), action=Action.CONFLICT)
    assert "Look twice" not in text(Plan(TARGET, (unit,)))

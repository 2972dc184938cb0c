"""A plan as a comment on a pull request."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from reader_plans import PLANS

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.records import Location
from reconcile.render.markdown import LIMIT, markdown, marker

GOLDEN = Path(__file__).parent / "golden"


def _other_fields(number: int) -> tuple[FieldChange, ...]:
    """Fields that no other order of a plan has."""
    return (FieldChange(f"shop_field_{number}", "", "yes", Reason.CHANGE),)


def _big(plan: Plan, many: int) -> Plan:
    return replace(plan, units=plan.units * many)


def test_a_comment_shows_counts_then_trouble_then_units(plan: Plan) -> None:
    """The whole comment for a plan with everything in it."""
    expected = (GOLDEN / "plan.md").read_text(encoding="utf-8")
    assert markdown(plan, digest="sha256:0123abcd") == expected


def test_a_comment_lists_the_reasons_and_hints_of_a_conflict() -> None:
    """Each is an item of its own below its record; of many reasons the first five are shown."""
    order = Address("order", "A")
    why = tuple(
        Explanation(f"orders have no property 'p{n}'", "correct it", Location("shop.yaml", n, 3))
        for n in range(1, 9)
    )
    change = RecordChange(order, Action.CONFLICT, why=(Explanation("it is archived", "ask"), *why))
    plan = Plan(TargetPin("shop", 7, ""), (UnitChange(order, (change,)),))
    items = markdown(plan).split("**Conflicts**, left alone:\n\n")[1].split("\n\n")[0]
    assert items.split("\n") == [
        "- `order/A`",
        "  - `it is archived`",
        "  - Hint: `ask`",
        *(f"  - `shop.yaml:{n}:3: orders have no property 'p{n}'`" for n in range(1, 5)),
        "  - Hint: `correct it`",
        "  - … and 4 more reasons. `reconcile show FILE --full` prints the whole plan.",
    ]


def test_a_comment_holds_no_personal_values(plan: Plan) -> None:
    """Comments outlive everything; they name personal fields only."""
    for limit in (LIMIT, 3000, 1):
        text = markdown(plan, limit=limit)
        for value in ("Reims", "Abbaye", "paul.henriot", "Münster", "Thomas"):
            assert value not in text


def test_few_units_are_shown_open(plan: Plan) -> None:
    """A reviewer of a small change need not click."""
    assert "<details open>" in markdown(replace(plan, units=plan.units[:2]))
    assert "<details open>" not in markdown(plan)


def test_a_long_plan_is_grouped(plan: Plan) -> None:
    """Every sort of change is there once, with its number, and small however many there are."""
    text = markdown(_big(plan, 1000))
    assert len(text.encode()) < 8_000
    assert "<details>" not in text
    assert "! ~ update 1,000 orders  # both: changed in the manifest and in HubSpot" not in text
    assert re.search(r"^!     hs_pipeline_stage +Open -> Delivered  # both: ", text, re.MULTILINE)
    assert "+   create 2,000 line items" in text
    assert "Equal changes are grouped. `reconcile show FILE --full` prints" in text


def test_what_does_not_fit_is_counted_and_the_least_risky_goes_first() -> None:
    """What overwrites values of others stays when there is no room for ordinary updates."""
    made = PLANS["creates_and_one_overwrite"]()
    updates = [
        replace(unit, changes=(replace(unit.changes[0], action=Action.UPDATE, fields=fields),))
        for unit, fields in zip(made.units[:190], map(_other_fields, range(190)), strict=True)
    ]
    text = markdown(replace(made, units=(*updates, made.units[1712])), limit=3_000)
    assert 2_500 < len(text.encode()) <= 3_000
    assert "~ order/SO-01712" in text
    assert "hs_total_price    (differs) -> 12.50" in text  # of a record nobody knows, in CI
    left_out = re.search(r"Not shown: ([0-9]+) orders to update\.", text)
    assert left_out
    assert int(left_out[1]) + text.count(" order/SO-") == 191


def test_counts_guards_and_conflicts_stay_to_the_last(plan: Plan) -> None:
    """With no room at all, the comment still says what matters."""
    text = markdown(_big(plan, 100), limit=1)
    assert "```diff\n  = order" not in text
    assert "| create | 100 | 200 | 100 |" in text
    assert "limit-update" in text
    assert "- `order/NW-10252`, and 99 more like this\n" in text
    assert "100 records: only what reconcile remembers of them changes" in text
    assert "Not shown: 200 orders to create, 200 line items to create, 100 carts" in text
    assert len(text) < 4000


@pytest.mark.parametrize("limit", range(2600, 9000, 157))
def test_every_limit_is_kept(plan: Plan, limit: int) -> None:
    """Bytes, which are never fewer than characters."""
    assert len(markdown(plan, limit=limit).encode()) <= limit


def test_backticks_in_units_do_not_break_the_limit(plan: Plan) -> None:
    """A long run of backticks makes long fences, which count too."""
    records = (
        RecordChange(Address("line_item", f"K{number}"), Action.ASSOCIATE, title="`" * 150)
        for number in range(500)
    )
    units = tuple(UnitChange(record.address, (record,)) for record in records)
    text = markdown(replace(plan, units=units), limit=20_000)
    assert len(text.encode()) <= 20_000
    fences = [t for t in MarkdownIt("commonmark").parse(text) if t.type == "fence"]
    assert len(fences[-1].markup) == 151


def test_an_empty_plan_is_a_short_comment(plan: Plan) -> None:
    """Marker, target, sentence, target."""
    text = markdown(Plan(plan.target, (), unchanged=2))
    assert text.split("\n\n") == [
        "<!-- reconcile:plan:northwind-sandbox -->",
        "### Plan for `northwind-sandbox`: sandbox account 8675309 `DEVELOPER_TEST`",
        "No changes. 2 records are as declared.",
        "`Target northwind-sandbox: sandbox account 8675309 (DEVELOPER_TEST)`\n",
    ]


def test_the_marker_stands_first_and_cannot_be_forged(plan: Plan) -> None:
    """A title that holds another target's marker does not put it into the text."""
    record = replace(plan.units[0].changes[0], title=marker("production"))
    text = markdown(replace(plan, units=(UnitChange(record.address, (record,)),)))
    assert text.startswith(marker("northwind-sandbox") + "\n")
    assert text.count("<!--") == 1
    assert marker("a --> b").count("--") == 2
    assert markdown(Plan(TargetPin("-->", 1, "X"), ())).startswith("<!-- reconcile:plan:-5d")

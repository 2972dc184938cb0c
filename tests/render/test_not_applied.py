"""What a plan does not do, in every medium: conflicts, held changes and drift side by side."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from rich.text import Text

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    LinkChange,
    LinkReference,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan
from reconcile.render.plan_view import view

GOLDEN = Path(__file__).parent / "golden"
TARGET = TargetPin("shop", 7, "STANDARD")


def _order(key: str) -> Address:
    return Address("order", key)


def _line(key: str) -> Address:
    return Address("line_item", key)


def _changed(name: str, before: str, after: str, reason: Reason, **more: bool) -> FieldChange:
    return FieldChange(name, before, after, reason, **more)  # type: ignore[arg-type]


ANA = LinkChange(
    add=True,
    to="contact",
    id="55",
    address=None,
    types=(("HUBSPOT_DEFINED", 507),),
    shown="contact email=ana@example.com",
    ours=(("HUBSPOT_DEFINED", 507),),
    personal=True,
    references=(LinkReference("email", "ana@example.com", "", "HUBSPOT_DEFINED", 507),),
    reason=Reason.DRIFT,
)
PRICE = UnitChange(
    _order("NW-1"),
    (
        RecordChange(
            _line("NW-1:11"),
            Action.UPDATE,
            "2",
            (_changed("price", "10.00", "10.50", Reason.CHANGE),),
            title="Queso Cabrales",
        ),
    ),
)
CONFLICT = UnitChange(
    _order("NW-2"),
    (
        RecordChange(
            _order("NW-2"),
            Action.CONFLICT,
            "3",
            title="Suprêmes délices",
            why=(Explanation("record 3 is archived in HubSpot", "restore it there"),),
        ),
    ),
)
HELD = UnitChange(
    _order("NW-3"),
    (),
    held=(
        RecordChange(
            _order("NW-3"),
            Action.UPDATE,
            "4",
            (
                _changed("hs_order_name", "Tom", "Thomas", Reason.UNSEEN, personal=True),
                _changed("hs_total_price", "19.00", "18.00", Reason.BOTH),
            ),
            title="Thomas",
        ),
        RecordChange(
            _line("NW-3:1"),
            Action.CREATE,
            "",
            (
                _changed("reconcile_key", "", "NW-3:1", Reason.NEW),
                _changed("quantity", "", "2", Reason.NEW),
            ),
            title="Tofu",
        ),
    ),
    left_alone=(
        LeftAlone(
            _order("NW-3"), "4", "Thomas", (_changed("hs_tags", "vip", "new", Reason.DRIFT),)
        ),
    ),
)
DRIFT = UnitChange(
    _order("NW-4"),
    (),
    left_alone=(
        LeftAlone(
            _order("NW-4"),
            "5",
            "Hanari Carnes",
            (
                _changed("hs_shipping_address_city", "Münster", "Rio", Reason.DRIFT, personal=True),
                _changed("hs_tags", "vip", "new", Reason.DRIFT),
            ),
            (ANA,),
        ),
        LeftAlone(_line("NW-4:1"), "6", "Tofu", (_changed("quantity", "9", "10", Reason.DRIFT),)),
    ),
)
PLAN = Plan(TARGET, (PRICE, CONFLICT, HELD, DRIFT), unchanged=12)
PERSONAL = ("Tom", "Hanari", "nster", "Rio", "ana@example.com")


def text(plan: Plan, *, personal: bool = True, color: bool = False, full: bool = False) -> str:
    """The plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=personal, color=color, full=full)
    return stream.getvalue()


@pytest.mark.parametrize(("name", "personal"), [("not-applied", True), ("not-applied-ci", False)])
def test_each_has_its_place(name: str, *, personal: bool) -> None:
    """Held changes are counted at the top and drift is summed up, a line for each property."""
    assert text(PLAN, personal=personal) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_comment_says_all_three() -> None:
    """Before the units, so that nobody approves what will not be done."""
    assert markdown(PLAN) == (GOLDEN / "not-applied.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("units", "footer"),
    [
        ((PRICE,), "Plan: 1 line item to update; 12 unchanged."),
        (
            (HELD,),
            "Plan: 12 unchanged. Held back: 2 declared changes. Left alone: drift in 1 order.",
        ),
        (
            (DRIFT,),
            "No changes. 12 records are as declared. Left alone: drift in 1 order, 1 line item.",
        ),
        (
            (PRICE, CONFLICT, HELD, DRIFT),
            "Plan: 1 line item to update; 1 conflict (left alone); 12 unchanged. "
            "Held back: 2 declared changes. Left alone: drift in 2 orders, 1 line item.",
        ),
    ],
)
def test_the_footer_says_what_is_not_done(units: tuple[UnitChange, ...], footer: str) -> None:
    """A sentence each, and none where there is nothing."""
    assert view(replace(PLAN, units=units), personal=True).footer == footer


def test_the_numbers_to_let_in_are_those_that_fit() -> None:
    """What was allowed already is in them too; a record counts for each of its guards."""
    for allowed in ((), ("both=1",), ("both=9", "rekey=3")):
        said = text(replace(PLAN, allowed=allowed))
        assert "to let them in, plan with --allow both=1 --allow adopt-update=1\n" in said
    said = text(PLAN)
    assert "plan with --allow drift=3\n" in said
    assert "held back: both, adopt-update" in said
    assert "held back: with the rest" in said


def test_personal_values_are_masked_in_what_is_not_done() -> None:
    """In everything that CI keeps; the properties are named."""
    for said in (text(PLAN, personal=False), markdown(PLAN), to_json(PLAN, personal=False)):
        assert not [value for value in PERSONAL if value in said]
        assert "hs_order_name" in said
        assert "hs_shipping_address_city" in said


def test_programs_read_drift_as_terraforms() -> None:
    """Apart from the changes: before is what was applied, and after is what is there now."""
    data = json.loads(to_json(PLAN, personal=True))
    assert [one["address"] for one in data["resource_changes"]] == [
        "line_item/NW-1:11",
        "order/NW-2",
    ]
    assert [one["address"] for one in data["held_back"]] == ["order/NW-3", "line_item/NW-3:1"]
    held = data["held_back"][0]
    assert held["notes"] == ["held back: both, adopt-update"]
    assert held["change"]["before"] == {"hs_order_name": "Tom", "hs_total_price": "19.00"}
    assert held["change"]["reasons"] == {"hs_order_name": "unseen", "hs_total_price": "both"}
    drift = {one["address"]: one for one in data["resource_drift"]}
    assert list(drift) == ["order/NW-3", "order/NW-4", "line_item/NW-4:1"]
    assert drift["order/NW-4"] == {
        "address": "order/NW-4",
        "type": "order",
        "name": "NW-4",
        "id": "5",
        "unit": "order/NW-4",
        "title": "Hanari Carnes",
        "change": {
            "actions": ["update"],
            "before": {"hs_shipping_address_city": "Rio", "hs_tags": "new"},
            "after": {"hs_shipping_address_city": "Münster", "hs_tags": "vip"},
            "before_sensitive": {"hs_shipping_address_city": True},
            "after_sensitive": {"hs_shipping_address_city": True},
        },
        "links": [
            {
                "action": "dissociate",
                "to": "contact",
                "id": "55",
                "types": [["HUBSPOT_DEFINED", 507]],
                "declared": [["HUBSPOT_DEFINED", 507]],
                "shown": "contact email=ana@example.com",
            }
        ],
    }
    assert drift["line_item/NW-4:1"]["unit"] == "order/NW-4"
    assert data["summary"]["held_back"] == 2
    assert data["summary"]["drift"] == {"line_item": 1, "order": 2}
    assert data["summary"]["text"] == view(PLAN, personal=True).footer


def test_colour_adds_nothing() -> None:
    """The words carry the meaning."""
    colored = text(PLAN, color=True)
    assert "\x1b[" in colored
    assert "\n".join(Text.from_ansi(line).plain for line in colored.split("\n")) == text(PLAN)


def test_lines_fit_a_terminal_of_80_columns() -> None:
    """So that a count never stands at the end of a broken line; sentences and commands may wrap."""
    for row in text(_many(DRIFT, 1_000)).split("\n"):
        assert len(row) <= 80 or row.startswith("Plan: ")
    for row in text(_many(HELD, 1_000)).split("\n"):
        record = re.match(r" +(?:[~+]|hs_[a-z_]+  )", row)
        assert len(row) <= 80 or row.startswith("Plan: ") or record


# Many


def _many(unit: UnitChange, number: int) -> Plan:
    copies = (
        replace(
            unit,
            address=_order(f"X-{at:05}"),
            held=tuple(
                replace(one, address=Address(one.address.kind, f"X-{at:05}{one.address.key[4:]}"))
                for one in unit.held
            ),
            left_alone=tuple(
                replace(one, address=Address(one.address.kind, f"X-{at:05}{one.address.key[4:]}"))
                for one in unit.left_alone
            ),
        )
        for at in range(number)
    )
    return replace(PLAN, units=(PRICE, *copies))


def test_drift_of_many_orders_takes_a_line_for_each_property() -> None:
    """Thousands of them are one number, and no conflict is made of them."""
    said = text(_many(DRIFT, 2812))
    assert said.count("\n") < 20
    assert re.search(r"^ +hs_tags +2,812 orders$", said, re.MULTILINE)
    assert re.search(r"^ +quantity +2,812 line items$", said, re.MULTILINE)
    assert re.search(r"^ +association with a contact +2,812 orders$", said, re.MULTILINE)
    assert "conflict" not in said
    assert "--allow drift=5624" in said
    comment = markdown(_many(DRIFT, 2812))
    assert comment.count("\n") < 40
    assert "- `hs_tags`: 2,812 orders" in comment
    assert "Left out to fit" not in comment
    assert "<details open>" in comment  # few units change, however many are left alone


def test_many_properties_that_drifted_are_capped() -> None:
    """The rest is counted."""
    fields = tuple(_changed(f"p{n:03}", "1", "2", Reason.DRIFT) for n in range(90))
    left = LeftAlone(_order("NW-4"), "5", "", fields)
    plan = replace(PLAN, units=(replace(DRIFT, left_alone=(left,)),))
    assert "… and 50 more properties" in text(plan)
    assert "more properties" in markdown(plan)


@pytest.mark.parametrize("number", [1, 19, 20, 21, 900])
def test_many_held_changes_are_capped(number: int) -> None:
    """Each is counted, whether or not it is shown, and JSON lists all."""
    plan = _many(HELD, number)
    said = text(plan)
    assert f"{2 * number:,} declared changes will NOT be applied" in said
    shown = len(re.findall(r"^ +[~+] (?:order|line_item)/X-", said, re.MULTILINE))
    groups = re.findall(r"^ +[~+] (?:update|create) ([0-9,]+) ", said, re.MULTILINE)
    assert shown == (2 * number if number < 21 else 0)
    assert sum(int(many.replace(",", "")) for many in groups) == (0 if number < 21 else 2 * number)
    assert f"--allow both={number} --allow adopt-update={number}" in said
    assert len(json.loads(to_json(plan, personal=True))["held_back"]) == 2 * number
    comment = markdown(plan)
    assert f"**{2 * number:,} declared changes will NOT be applied.**" in comment
    assert len(comment.encode()) < 10_000


def test_a_large_unit_that_is_held_back_is_a_group() -> None:
    """Its line items change alike; --full lists each."""
    lines = tuple(
        RecordChange(_line(f"NW-3:{n:03}"), Action.UPDATE, "9", (HELD.held[0].fields[1],))
        for n in range(60)
    )
    plan = replace(PLAN, units=(replace(HELD, held=(HELD.held[0], *lines)),))
    assert "~ update 60 line items  # held back: both" in text(plan)
    assert "61 declared changes will NOT be applied" in text(plan)
    assert "line_item/NW-3:059" in text(plan, full=True)


@pytest.mark.parametrize("fields", [39, 50, 300])
def test_a_comment_shows_every_field_of_what_is_held_back_or_counts_the_record(fields: int) -> None:
    """Half a record would look like all of it."""
    many = tuple(_changed(f"p{n:03}", "1", "2", Reason.BOTH) for n in range(fields))
    held = (replace(HELD.held[0], fields=many), HELD.held[1])
    comment = markdown(replace(PLAN, units=(replace(HELD, held=held),)))
    shown = len(re.findall(r"^! +p[0-9]{3} ", comment, re.MULTILINE))
    assert shown == (fields if fields < 300 else 0)
    left_out = "Not shown: 1 order to update. `reconcile show FILE --full` prints the whole plan."
    assert (left_out in comment) == (fields == 300)


def test_conflicts_are_listed_without_the_drift_between_them() -> None:
    """Units that only drifted stand between them."""
    conflicts = [
        replace(
            CONFLICT,
            address=_order(f"C-{n}"),
            changes=(replace(CONFLICT.changes[0], address=_order(f"C-{n}")),),
        )
        for n in range(9)
    ]
    drifts = [replace(DRIFT, address=_order(f"D-{n}")) for n in range(9)]
    mixed = [unit for pair in zip(conflicts, drifts, strict=True) for unit in pair]
    said = text(replace(PLAN, units=(*mixed, PRICE)))
    assert [f"order/C-{n}  " in said for n in range(9)] == [True] * 9  # not a screenful
    assert "line_item/NW-1:11" in said


def test_a_comment_is_markdown_throughout() -> None:
    """The list of properties is a list, and what is held back is a block of its own."""
    tokens = MarkdownIt("commonmark").parse(markdown(PLAN))
    lists = [token.level for token in tokens if token.type == "bullet_list_open"]
    assert lists == [0, 2, 0]  # conflicts with their reasons, and properties that drifted
    fences = [token.content for token in tokens if token.type == "fence"]
    assert any("held back: both" in content for content in fences)

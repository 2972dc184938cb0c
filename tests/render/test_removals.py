"""What is archived, forgotten and renamed, in every medium."""

import io
import json
from dataclasses import replace

import pytest
from rich.text import Text

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    Guard,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan

ORDER, LINE = Address("order", "NW-1"), Address("line_item", "NW-1:11")
FIELDS = (
    FieldChange("reconcile_key", "NW-1", "", Reason.CHANGE),
    FieldChange("hs_order_note", "ring twice", "", Reason.DRIFT, personal=True),
    FieldChange("hs_tags", "", "", Reason.DRIFT),
    FieldChange("hs_total_price", "19.90", "", Reason.CHANGE),
)
PLAN = Plan(
    TargetPin("shop", 7, "STANDARD"),
    (
        UnitChange(
            ORDER,
            (
                RecordChange(
                    ORDER, Action.ARCHIVE, "1", FIELDS, title="Chevalier", pruned=True, adopts=True
                ),
                RecordChange(
                    LINE,
                    Action.ARCHIVE,
                    "2",
                    (FieldChange("reconcile_key", "x", "", Reason.DRIFT),),
                    title="Queso",
                    parent=ORDER,
                    rekey=True,
                ),
            ),
            others=2,
        ),
        UnitChange(
            Address("order", "NW-2"),
            (RecordChange(Address("order", "NW-2"), Action.FORGET, "3"),),
        ),
        UnitChange(
            Address("order", "NW-3"),
            (
                RecordChange(
                    Address("order", "NW-3"),
                    Action.FORGET,
                    "4",
                    why=(Explanation("record 4 is archived in HubSpot"),),
                ),
            ),
        ),
        UnitChange(
            Address("order", "NW-4"),
            (
                RecordChange(
                    Address("order", "NW-4"),
                    Action.UPDATE,
                    "5",
                    fields=(FieldChange("reconcile_key", "OLD", "NW-4", Reason.CHANGE),),
                    moved_from="OLD",
                ),
            ),
        ),
    ),
    undeclared=(Address("order", "KEPT"),),
    guards=(Guard("limit-archive", 2, 1, "2 records would be archived, and the limit is 1"),),
    allowed=("adopt-update=1", "prune=1", "rekey=1"),
    prune=True,
)
TEXT = """\
Target shop: account 7 (STANDARD)

  - order/NW-1  "Chevalier"  # prune: no longer declared  # exists, but was never applied
      hs_order_note  ring twice  # drift: changed in HubSpot since the last apply
      hs_tags        (empty)  # drift: changed in HubSpot since the last apply
    - line_item/NW-1:11  "Queso"  # rekey: found by its id; its key was changed in HubSpot
        reconcile_key  x  # drift: changed in HubSpot since the last apply
    (+ 2 line items in HubSpot that no manifest declares; left alone, and left without their order)

  . order/NW-2  # the HubSpot record stays as it is
  . order/NW-3  # record 4 is archived in HubSpot

  ~ order/NW-4  # moved: its key was OLD
      reconcile_key  OLD -> NW-4

No longer declared, but protected or still referenced (left alone): order/KEPT
  hint: apply protected ones once without protect, remove the references to the others, or stop \
managing them with `reconcile state rm ADDRESS`
! limit-archive: 2 records would be archived, and the limit is 1
  hint: if this is intended, plan with
    --prune --allow adopt-update=1 --allow rekey=1 --allow prune=1 \\
    --allow limit-archive=2

Plan: 1 order to update; 1 order, 1 line item to archive; 2 orders to forget.
Target shop: account 7 (STANDARD)
"""


def text(plan: Plan, *, personal: bool = True, color: bool = False) -> str:
    """The plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=personal, color=color)
    return stream.getvalue()


def test_a_removal_shows_only_what_is_news() -> None:
    """What others changed since the last apply goes with the record; the rest was ours."""
    assert text(PLAN) == TEXT


def test_personal_values_of_what_is_archived_are_left_out() -> None:
    """In everything that CI keeps."""
    for said in (text(PLAN, personal=False), markdown(PLAN), to_json(PLAN, personal=False)):
        assert "ring twice" not in said
        assert "Chevalier" not in said
    assert "hs_order_note" in text(PLAN, personal=False)


def test_signs_carry_the_meaning_without_colour() -> None:
    """Colour adds nothing."""
    colored = text(PLAN, color=True)
    assert "\x1b[" in colored
    assert "\n".join(Text.from_ansi(line).plain for line in colored.split("\n")) == text(PLAN)


def test_a_comment_shows_removals_in_red_and_how_to_let_them_pass() -> None:
    """A reviewer sees what goes before anything else of it."""
    said = markdown(PLAN)
    assert "\n-   order/NW-1" in said
    assert "\n-     line_item/NW-1:11" in said
    assert "| archive | 1 | 1 |" in said
    assert "| forget | 2 |  |" in said
    assert "--allow limit-archive=2" in said
    assert (
        "No longer declared, but protected or still referenced (left alone): `order/KEPT`" in said
    )
    assert "No longer declared (left alone): " in markdown(replace(PLAN, prune=False))


def test_programs_read_terraforms_words() -> None:
    """``delete`` and ``forget`` have nothing after; a rename names the previous address."""
    data = json.loads(to_json(PLAN, personal=True))
    changes = {change["address"]: change for change in data["resource_changes"]}
    archive = changes["order/NW-1"]
    assert archive["pruned"]
    assert archive["change"] == {
        "actions": ["delete"],
        "before": {
            "reconcile_key": "NW-1",
            "hs_order_note": "ring twice",
            "hs_tags": "",
            "hs_total_price": "19.90",
        },
        "after": None,
        "after_unknown": {},
        "before_sensitive": {"hs_order_note": True},
        "after_sensitive": {},
        "reasons": {
            "reconcile_key": "change",
            "hs_order_note": "drift",
            "hs_tags": "drift",
            "hs_total_price": "change",
        },
    }
    forget = changes["order/NW-3"]
    assert (forget["change"]["actions"], forget["change"]["after"]) == (["forget"], None)
    assert forget["notes"] == ["record 4 is archived in HubSpot"]
    assert changes["order/NW-4"]["previous_address"] == "order/OLD"
    assert data["guards"][0]["allow"] == "limit-archive=2"
    assert data["summary"]["archive"] == {"order": 1, "line_item": 1}
    assert data["summary"]["forget"] == {"order": 2}


@pytest.mark.parametrize("others", [0, 1])
def test_lines_of_others_are_told_where_there_are_any(others: int) -> None:
    """One is said as one."""
    unit = replace(PLAN.units[0], others=others)
    said = text(replace(PLAN, units=(unit,)))
    assert ("(+ 1 line item in HubSpot" in said) is bool(others)

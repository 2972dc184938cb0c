"""Equal changes are one group, and what is not equal to them cannot hide in it."""

import io
import re
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest
from hostile_plans import HOSTILE, edits
from markdown_it import MarkdownIt
from reader_plans import PLANS, TARGET

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    Plan,
    Reason,
    RecordChange,
    UnitChange,
)
from reconcile.render.change_groups import sections
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan
from reconcile.render.plan_view import view

MANY = 100


def text(plan: Plan, *, personal: bool = True, full: bool = False) -> str:
    """Return the plan as a terminal gets it."""
    stream = io.StringIO()
    write_plan(plan, stream, personal=personal, color=False, full=full)
    return stream.getvalue()


def lines(plan: Plan) -> list[str]:
    """Return the lines on changes, without indentation."""
    return [one.strip() for one in text(plan).splitlines()]


def edited(number: int, *fields: tuple[str, str, str], **more: object) -> UnitChange:
    """Return an order that changes: names with values before and after."""
    address = Address("order", f"A-{number:04}")
    changes = tuple(FieldChange(*one, Reason.CHANGE) for one in fields)
    change = RecordChange(address, Action.UPDATE, id=str(number + 1), fields=changes)
    return UnitChange(address, (replace(change, **more),))


def created(number: int, **values: str) -> UnitChange:
    """Return an order that is created."""
    address = Address("order", f"A-{number:04}")
    fields = tuple(FieldChange(name, "", one, Reason.NEW) for name, one in values.items())
    return UnitChange(address, (RecordChange(address, Action.CREATE, fields=fields),))


def plan_of(units: Iterable[UnitChange]) -> Plan:
    """Return a plan of these units."""
    return Plan(TARGET, tuple(units))


def test_equal_changes_are_one_row() -> None:
    """With their number, one example, and nothing of the others."""
    said = text(PLANS["equal_edits"]())
    assert "  ~ update 732 orders\n      hs_pipeline_stage  Delivered -> Open\n" in said
    assert said.count("order/SO-") == 1
    assert len(said.splitlines()) < 15


def test_a_small_plan_is_listed() -> None:
    """Up to a screenful, nobody has to expand anything."""
    said = text(plan_of(edited(n, ("hs_tags", "a", "b")) for n in range(12)))
    assert said.count("hs_tags  a -> b") == 12
    assert "grouped" not in said


def test_full_lists_every_record() -> None:
    """However many there are."""
    said = text(PLANS["equal_edits"](), full=True)
    assert said.count("hs_pipeline_stage  Delivered -> Open") == 732
    assert "grouped" not in said


def test_the_summary_comes_first_and_last() -> None:
    """So that it is seen whichever end of a long plan is on the screen."""
    said = text(PLANS["creates_and_one_overwrite"]()).splitlines()
    assert said[1].startswith("Plan: 2,999 orders to create; 1 order to adopt")
    assert said[1] == said[-2]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (lambda n: (f"{n + 10}.00", f"{(n + 10) * 1.1:.2f}"), "hs_total_price  x 1.10"),
        (lambda n: (f"{n + 10}.00", f"{n + 12}.00"), "hs_total_price  +2.00"),
        (lambda n: (f"{n + 10}.00", f"{(n + 10) / 2:.2f}"), "hs_total_price  / 2"),
        (lambda n: (f"{n + 10}.00", f"{n + 9.5:.2f}"), "hs_total_price  -0.50"),
        (lambda n: ("10.00", "11.00"), "hs_total_price  10.00 -> 11.00"),
        (
            lambda n: (f"{n + 10}.00", "11.50"),
            "hs_total_price  various changes, by -97.50 to +1.50",
        ),
    ],
)
def test_numbers_are_shown_by_what_was_done_to_them(change, row: str) -> None:
    """Where they have that in common."""
    units = [edited(n, ("hs_total_price", *change(n))) for n in range(MANY)]
    assert row in lines(plan_of(units))


def test_rounding_does_not_hide_an_exception() -> None:
    """A price that is wrong by a cent more than rounding explains stands apart."""
    units = [
        edited(n, ("hs_total_price", f"{n + 10}.35", f"{(n + 10.35) * 1.1:.2f}"))
        for n in range(MANY)
    ]
    units[70] = edited(70, ("hs_total_price", "80.35", "88.41"))
    said = lines(plan_of(units))
    assert "1 of 100 orders is not like the others:" in said
    assert "hs_total_price  80.35 -> 88.41" in said
    assert said.index("hs_total_price  80.35 -> 88.41") < said.index("~ update the other 99 orders")


@pytest.mark.parametrize("odd", [("a", "B"), ("A", "b"), ("a", "")])
def test_an_exception_stands_before_its_group(odd: tuple[str, str]) -> None:
    """Also if only the value before is another."""
    units = [edited(n, ("hs_tags", "a", "b")) for n in range(MANY)]
    units[42] = edited(42, ("hs_tags", *odd))
    said = text(plan_of(units))
    assert "1 of 100 orders is not like the others:" in said
    assert said.count("order/A-0042") == 1
    assert said.index("order/A-0042") < said.index("update the other 99 orders")


def test_what_is_created_is_compared_too() -> None:
    """One currency that differs, and one that is missing, are exceptions."""
    units = [created(n, hs_currency_code="EUR", hs_tags="web") for n in range(MANY)]
    units[3] = created(3, hs_currency_code="USD", hs_tags="web")
    units[4] = created(4, hs_tags="web")
    said = text(plan_of(units))
    assert "2 of 100 orders are not like the others:" in said
    assert said.count("order/A-0003") == said.count("order/A-0004") == 1
    assert "hs_currency_code  EUR\n" in said


def test_a_property_of_one_new_record_is_not_lost() -> None:
    """All others do without it."""
    units = [created(n, hs_currency_code="EUR") for n in range(MANY)]
    units[3] = created(3, hs_currency_code="EUR", hs_order_note="call first")
    said = text(plan_of(units))
    assert "hs_order_note" in said
    assert "call first" in said
    assert "(not set)" not in said


def test_many_values_are_counted_with_their_range() -> None:
    """No row a value."""
    units = [created(n, hs_total_price=f"{n}.50") for n in range(MANY)]
    assert "hs_total_price  various values, 0.50 to 99.50" in lines(plan_of(units))


def test_a_few_values_are_a_row_each() -> None:
    """The most frequent first."""
    units = [created(n, hs_currency_code="USD" if n % 4 == 0 else "EUR") for n in range(MANY)]
    said = lines(plan_of(units))
    at = said.index("hs_currency_code  EUR  on 75")
    assert said[at + 1] == "USD  on 25"


def test_archived_records_differ_where_somebody_edited_them() -> None:
    """An edit is said; values that are as last applied are not listed."""
    units = []
    for n in range(MANY):
        reason = Reason.DRIFT if n == 50 else Reason.CHANGE
        field = FieldChange("hs_tags", "b" if n == 50 else "a", "", reason)
        address = Address("order", f"A-{n:04}")
        change = RecordChange(address, Action.ARCHIVE, id="1", fields=(field,))
        units.append(UnitChange(address, (change,)))
    said = text(plan_of(units))
    assert "- order/A-0050" in said
    assert said.index("order/A-0050") < said.index("archive 99 orders")


def test_associations_are_part_of_a_group() -> None:
    """One that leads elsewhere is an exception."""

    def link(number: int) -> LinkChange:
        return LinkChange(
            add=True,
            to="company",
            id=str(number),
            address=None,
            types=(("HUBSPOT_DEFINED", 934),),
            shown=f"company id={number}",
        )

    units = []
    for n in range(MANY):
        address = Address("order", f"A-{n:04}")
        change = RecordChange(
            address, Action.ASSOCIATE, id="1", links=(link(502 if n == 9 else 501),)
        )
        units.append(UnitChange(address, (change,)))
    said = text(plan_of(units))
    assert "1 of 100 orders is not like the others:" in said
    assert "& company id=502" in said
    assert "& company  id=501\n" in said


def test_the_riskiest_comes_first() -> None:
    """Conflicts, what both changed, what others set, archives, updates, creates."""
    units = [created(n, hs_tags="a") for n in range(MANY)]
    units.append(edited(200, ("hs_tags", "a", "b")))
    address = Address("order", "A-0201")
    units.append(UnitChange(address, (RecordChange(address, Action.ARCHIVE, id="1"),)))
    for n, reason in ((202, Reason.UNKNOWN), (203, Reason.BOTH)):
        units.append(edited(n, fields=(FieldChange("hs_tags", "a", "b", reason),)))
    why = (Explanation("it is archived"),)
    address = Address("order", "A-0204")
    units.append(UnitChange(address, (RecordChange(address, Action.CONFLICT, why=why),)))
    said = text(plan_of(units))
    assert re.findall(r"order/A-(02[0-9]{2})", said) == ["0204", "0203", "0202", "0201", "0200"]
    assert said.index("A-0200") < said.index("create 100 orders")


def test_at_most_two_hundred_units_are_listed() -> None:
    """The rest is counted, by what is done."""
    units = [edited(n, (f"shop_{n}", "a", "b")) for n in range(500)]
    said = text(plan_of(units))
    assert len(re.findall(r"~ order/", said)) == 200
    assert "… and 300 orders to update, not listed" in said


def test_personal_values_do_not_make_groups_in_ci() -> None:
    """Nobody can see from a comment that two customers have the same name."""
    units = []
    for n in range(MANY):
        name = "Ann" if n < 97 else f"Bob {n}"
        field = FieldChange("hs_order_name", "x", name, Reason.CHANGE, personal=True)
        units.append(edited(n, fields=(field,)))
    made = plan_of(units)
    assert "not like the others" in text(made)
    for said in (text(made, personal=False), markdown(made)):
        assert "not like the others" not in said
        assert "hs_order_name  changed (personal)" in said
    assert "Personal values are hidden here, in 100 orders" in markdown(made)


def test_labels_that_are_equal_do_not_hide_other_stages() -> None:
    """Two pipelines may each have a stage of the same name."""
    units = []
    for n in range(MANY):
        stage = "s2" if n == 7 else "s1"
        field = FieldChange(
            "hs_pipeline_stage",
            "s0",
            stage,
            Reason.CHANGE,
            shown_before="Open",
            shown_after="Done",
        )
        units.append(edited(n, fields=(field,)))
    assert "1 of 100 orders is not like the others:" in text(plan_of(units))


def test_a_comment_of_equal_edits_is_small() -> None:
    """732 edits take less than four kilobytes, and say what changes."""
    said = markdown(PLANS["equal_edits"]())
    assert len(said.encode()) <= 4_000
    assert "hs_pipeline_stage  Delivered -> Open" in said


def test_equal_slips_are_a_group_like_any_other() -> None:
    """Five amounts that all lose their point have nothing to stand apart from."""
    units = [edited(n, ("hs_total_price", "10.00", "100.00")) for n in range(5)]
    units += [edited(9 + n, (f"shop_{n}", "a", "b")) for n in range(60)]
    said = text(plan_of(units))
    assert "not like the others" not in said
    assert "~ update 5 orders\n      hs_total_price  10.00 -> 100.00\n" in said


def test_a_group_says_that_its_records_move() -> None:
    """Each comes from another place, of which the example names one."""
    units = []
    for n in range(MANY):
        unit = edited(n, ("hs_tags", "a", "b"), moved_from=f"OLD-{n}")
        units.append(unit)
    said = text(plan_of(units))
    assert "~ update 100 orders  # moved: its key was OLD-0 (for example)" in said


def test_numbers_of_a_group_are_without_its_exceptions() -> None:
    """The rows of the other 98 add up to 98."""
    units = [created(n, hs_currency_code="EUR" if n % 2 else "USD") for n in range(MANY)]
    units[6] = created(6, hs_currency_code="GBP")
    units[8] = created(8, hs_currency_code="USD", hs_order_note="call first")
    said = lines(plan_of(units))
    at = said.index("hs_currency_code  EUR  on 50")
    assert said[at - 1] == "+ create the other 98 orders"
    assert said[at + 1] == "USD  on 48"


@pytest.mark.parametrize("seed", range(30))
def test_every_record_is_listed_counted_or_in_a_group(seed: int) -> None:
    """Once, whatever the plan; and rows say what is done to each record of their group."""
    random = Random(seed)
    texts = ["", "a", "b", "1.00", "2", "3.5", "NaN", "1e999", "-0", "١٢", "a\nb"]
    units = []
    for number in range(random.choice((70, 300))):
        names = random.sample(("hs_tags", "hs_total_price", "hs_order_note"), random.randint(1, 3))
        common = random.random() < 0.9
        fields = tuple(
            FieldChange(
                name,
                "1.00" if common else random.choice(texts),
                "a" if common else random.choice(texts),
                Reason.CHANGE if common else random.choice(list(Reason)),
            )
            for name in sorted(names)
        )
        action = random.choice((Action.UPDATE, Action.CREATE, Action.ARCHIVE, Action.CONFLICT))
        why = (Explanation(random.choice(("taken", f"{number} is gone"))),)
        address = Address("order", f"A-{number:04}")
        change = RecordChange(
            address, action, id="1", fields=fields, why=why if action is Action.CONFLICT else ()
        )
        units.append(UnitChange(address, (change,)))
    seen = view(plan_of(units), personal=True)
    found = 0
    for section in sections(seen.units, limit=random.choice((5, 200))):
        found += sum(len(unit.records) for unit in section.listed)
        found += sum(section.left_out.values())
        for group in section.groups:
            found += group.size
            apart = sum(len(unit.records) for unit in group.apart)
            if group.rows:
                assert 2 * apart <= group.size
            for row in group.rows:
                said = sum(pattern.records for pattern in row.found.common) + row.found.rest
                assert said == group.size - apart
    assert found == len(units)
    assert text(plan_of(units))
    assert len(markdown(plan_of(units), limit=20_000).encode()) <= 20_000


def test_an_order_with_many_new_lines_is_listed() -> None:
    """The values of a new line item share a line, so that this is not a screenful."""
    root = created(1, hs_currency_code="EUR")
    lines_of = [
        RecordChange(
            Address("line_item", f"A-0001:{number}"),
            Action.CREATE,
            parent=root.address,
            fields=tuple(
                FieldChange(name, "", "1", Reason.NEW) for name in ("price", "quantity", "tax")
            ),
        )
        for number in range(20)
    ]
    said = text(plan_of([replace(root, changes=(*root.changes, *lines_of))]))
    assert said.count("+ line_item/") == 20
    assert "grouped" not in said


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_in_groups_are_text(value: str) -> None:
    """As values, names, keys, titles, reasons and hints: of terminals and of Markdown."""
    made = edits(*[value] * 70)
    said = text(made)
    assert not {"\x1b", "\x00", "\u202e"}.intersection(said)
    comment = markdown(made)
    tokens = MarkdownIt("commonmark").parse(comment)
    assert {token.type for token in tokens if token.type.startswith("html")} == {"html_block"}
    assert [token.content for token in tokens if token.type == "html_block"] == [
        comment.partition("\n")[0] + "\n"
    ]
    inner = [child.type for token in tokens for child in token.children or ()]
    assert not {"link_open", "image", "html_inline"}.intersection(inner)

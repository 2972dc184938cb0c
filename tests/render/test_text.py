"""A plan as text, on a terminal and off it."""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.text import Text

from reconcile.model.address import Address
from reconcile.model.plan import Action, FieldChange, Plan, Reason, RecordChange, UnitChange
from reconcile.render.output import wants_color, write_plan
from reconcile.render.plan_lines import plan_lines
from reconcile.render.plan_view import view

GOLDEN = Path(__file__).parent / "golden"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def render(plan: Plan, *, personal: bool = True, color: bool = False) -> str:
    stream = io.StringIO()
    write_plan(plan, stream, personal=personal, color=color)
    return stream.getvalue()


def unit_text(plan: Plan, *changes: RecordChange) -> str:
    text = render(replace(plan, units=(UnitChange(changes[0].address, changes),), defines=()))
    return text.split("\n\n")[1]


def test_a_plan_reads_at_a_glance(plan: Plan) -> None:
    """Every action, reason, link, guard and conflict has its place in the text."""
    assert render(plan) == (GOLDEN / "plan.txt").read_text(encoding="utf-8")


def test_what_ci_keeps_holds_no_personal_values(plan: Plan) -> None:
    """Personal fields are named and their values left out, and so are personal references."""
    text = render(plan, personal=False)
    assert text == (GOLDEN / "plan-ci.txt").read_text(encoding="utf-8")
    for value in ("Reims", "Abbaye", "paul.henriot", "Münster", "Thomas"):
        assert value not in text


def test_colour_adds_nothing_but_colour(plan: Plan) -> None:
    """Without its styles, the terminal's text is the plain text."""
    colored = render(plan, color=True)
    assert "\x1b[" in colored
    assert "\n".join(Text.from_ansi(line).plain for line in colored.split("\n")) == render(plan)


def test_markup_in_a_manifest_is_data(plan: Plan) -> None:
    """Square brackets are shown as they are, with colour too."""
    assert "ring [bold]twice[/bold]" in render(plan, color=True)


def test_an_empty_plan_is_one_sentence_between_two_targets(plan: Plan) -> None:
    """Every output begins and ends with the target."""
    target = "Target northwind-sandbox: sandbox account 8675309 (DEVELOPER_TEST)"
    assert render(Plan(plan.target, (), unchanged=3)) == (
        f"{target}\n\nNo changes. 3 records are as declared.\n{target}\n"
    )


def test_a_created_line_with_many_fields_packs_them(plan: Plan) -> None:
    """Fields that do not fit beside the title stand below it, several on a line."""
    names = [f"property_{number:02}" for number in range(12)]
    fields = tuple(FieldChange(name, "", "value", Reason.NEW) for name in names)
    root = RecordChange(Address("order", "A"), Action.UPDATE, rekey=True)
    line = RecordChange(Address("line_item", "A:1"), Action.CREATE, title="Tofu", fields=fields)
    rows = unit_text(plan, root, line).split("\n")[1:]
    assert rows[0] == '    + line_item/A:1  "Tofu"'
    assert all(len(row) <= 100 for row in rows)
    assert 2 <= len(rows) - 1 <= 4
    assert " ".join(rows[1:]).split() == [f"{name}=value" for name in names]


def test_one_label_for_two_ids_does_not_hide_the_change(plan: Plan) -> None:
    """Where both sides read alike, the values on the wire are shown."""
    field = FieldChange("hs_pipeline_stage", "s1", "s2", Reason.CHANGE, "Open", "Open")
    change = RecordChange(Address("order", "A"), Action.UPDATE, fields=(field,))
    assert unit_text(plan, change).endswith("hs_pipeline_stage  s1 -> s2")


def test_a_stream_that_cannot_say_a_letter_shows_its_number(plan: Plan) -> None:
    """A plan can be written where only ASCII can."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write_plan(plan, stream, personal=True, color=False)
    stream.flush()
    assert b"Toms Spezialit\\xe4ten" in raw.getvalue()


def test_a_plan_is_never_held_as_one_text(plan: Plan) -> None:
    """Lines are made as they are written: the first ones come before the last units are seen."""
    seen: list[int] = []

    class Units(tuple[UnitChange, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[UnitChange]:
            for number, unit in enumerate(super().__iter__()):
                seen.append(number)
                yield unit

    endless = replace(plan, units=Units(plan.units * 100))
    lines = plan_lines(view(endless, personal=True, full=True))
    seen.clear()
    for _ in range(30):
        next(lines)
    # What the first lines say takes whole passes; the pass that lists the units has only begun.
    assert 0 < len(seen) % len(endless.units) < 60


def test_colour_is_for_terminals_that_want_it() -> None:
    """NO_COLOR, TERM=dumb and anything that is no terminal get plain text."""
    assert wants_color(Terminal(), {"TERM": "xterm"})
    assert wants_color(Terminal(), {"NO_COLOR": ""})
    assert not wants_color(Terminal(), {"NO_COLOR": "1"})
    assert not wants_color(Terminal(), {"TERM": "dumb"})
    assert not wants_color(io.StringIO(), {})


def test_plain_output_never_imports_rich() -> None:
    """Its import time is only spent where a person is watching."""
    code = (
        "import sys, reconcile.render.output, reconcile.render.markdown,"
        " reconcile.render.json_plan,"
        " reconcile.render.report, reconcile.render.error_lines, reconcile.render.progress;"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

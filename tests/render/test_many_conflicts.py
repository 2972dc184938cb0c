"""Conflicts of a plan: many equal ones take a few lines, and each hint stands by its reason."""

import io
from collections.abc import Sequence

from world import World, line, order

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, Plan, RecordChange, TargetPin, UnitChange
from reconcile.model.records import Location
from reconcile.planning.plan_file import dump, load
from reconcile.render.json_plan import to_json
from reconcile.render.output import write_plan

PIN = TargetPin("shop", 7, "STANDARD")


def plan(why: Sequence[Explanation]) -> Plan:
    """Return a plan of orders in conflict for these reasons, each with a line held back."""
    units = []
    for number, reason in enumerate(why):
        root = Address("order", f"O{number}")
        under = Address("line_item", f"O{number}:1")
        changes = (
            RecordChange(root, Action.CONFLICT, why=(reason,)),
            RecordChange(
                under, Action.CONFLICT, parent=root, why=(Explanation(f"{root} is in conflict"),)
            ),
        )
        units.append(UnitChange(root, changes))
    return Plan(PIN, tuple(units))


def lines_of(planned: Plan, *, full: bool = False) -> list[str]:
    """Return the lines that `plan` prints."""
    stream = io.StringIO()
    write_plan(planned, stream, personal=True, color=False, full=full)
    return stream.getvalue().splitlines()


def test_equal_conflicts_are_shown_at_five_places() -> None:
    """The place in the manifest and the record's own address make no difference."""
    many = [
        Explanation("no such option 'x'", "use one of a, b", Location("shop.yaml", n, 1))
        for n in range(1, 5001)
    ]
    lines = lines_of(plan(many))
    assert sum(text.startswith("  ! order/") for text in lines) == 5
    assert lines.count("      hint: use one of a, b") == 5
    assert lines.count("  … and 4,995 more like this") == 2
    assert "Equal changes are grouped: --full lists every record" in lines
    assert lines[-2] == "Plan: 10,000 conflicts (left alone)."
    assert len(lines) < 60


def test_fifty_groups_of_conflicts_are_shown() -> None:
    """Of conflicts that all differ fifty are shown, and the records of others are counted."""
    lines = lines_of(plan([Explanation(f"record {n} has this key") for n in range(1000)]))
    assert sum(text.lstrip().startswith("! ") for text in lines) == 50
    assert "  … and 1,950 more records of other sorts" in lines


def test_full_lists_every_conflict() -> None:
    """However many are alike."""
    lines = lines_of(plan([Explanation("its key is taken")] * 500), full=True)
    assert sum(text.startswith("  ! order/") for text in lines) == 500
    assert not any("more" in text or "--full" in text for text in lines)


def test_a_rare_conflict_is_not_buried_by_a_common_one() -> None:
    """A group that comes late is shown all the same."""
    lines = lines_of(
        plan([Explanation("its key is taken")] * 1000 + [Explanation("archived in HubSpot")])
    )
    assert "      archived in HubSpot" in lines


def test_a_few_conflicts_are_all_shown() -> None:
    """Up to five of a kind nothing is counted."""
    lines = lines_of(plan([Explanation("its key is taken")] * 5))
    assert sum(text.startswith("  ! order/") for text in lines) == 5
    assert not any("more" in text or "--json" in text for text in lines)


def test_programs_and_the_saved_plan_have_every_conflict(world: World) -> None:
    """What is left out on the screen is left out there alone."""
    made = world.plan(*(order(f"O{n}", channel="x") for n in range(20)))
    assert sum("  ! order/" in text for text in lines_of(made)) == 20  # not a screenful
    data = to_json(made, personal=True, digest="")
    saved, _ = load(b"".join(dump(made, version="0", created="")))
    for n in range(20):
        assert f'"order/O{n}"' in data
    assert sum(1 for _ in saved.records()) == 20


def test_changes_beside_conflicts_are_never_left_out(world: World) -> None:
    """A unit of which anything is written is shown as a whole."""
    planned = world.plan(*(order(f"O{n}", [line(f"O{n}:1", nope="1")]) for n in range(10)))
    lines = lines_of(planned)
    assert sum(text.startswith("  + order/") for text in lines) == 10
    assert sum(text.startswith("    ! line_item/") for text in lines) == 10


def test_each_hint_stands_once_after_its_reasons(world: World) -> None:
    """Of several reasons each has its own hint below it, and equal hints are put once."""
    world.converge(order("A"))
    world.archive("orders", world.id_of("orders", "A"))
    lines = lines_of(world.plan(order("A", channel="x", topics="z")))
    at = next(number for number, text in enumerate(lines) if "is archived in HubSpot" in text)
    assert lines[at + 1].startswith("      hint: restore it in HubSpot, create")
    assert [".yaml:" in text for text in lines[at + 2 :]] == [True, True, False, False, False]

"""The planner's decisions about units: lines with their roots, and lines found in their parents."""

from collections.abc import Iterator

import pytest
from pure import (
    ARCHIVE,
    CONFLICT,
    CREATE,
    HERE,
    IDENTITIES,
    LINE,
    ORDER,
    UPDATE,
    WITHIN_PARENT,
    Inputs,
    actual,
    applied,
    changes_of,
    context_of,
    desired,
    fields_of,
    plan_of,
)
from world import explained

from reconcile.manifests.identity_rules import identity_problems
from reconcile.model.address import Address
from reconcile.model.plan import Reason, RecordChange, UnitChange
from reconcile.model.records import (
    Desired,
    LastApplied,
    Lifecycle,
    Location,
    Missing,
    Reference,
    Unit,
)
from reconcile.planning.identity_collisions import mark_collisions
from reconcile.planning.planner import plan_unit

ABSENT = {"lifecycle": Lifecycle.ABSENT}
SECOND = Address("line_item", "A:2")
IN_PARENT = {"lines": frozenset({"2"})}
FOUND_WITHIN = {"identities": WITHIN_PARENT}


def actions(changes: tuple[RecordChange, ...]) -> dict[str, str]:
    """Return the actions by address."""
    return {str(change.address): str(change.action) for change in changes}


def test_lines_wait_for_a_root_in_conflict() -> None:
    """No line is created under an order that is left alone."""
    unit = Unit(ORDER, desired(nothing="1"), (desired(LINE),))
    root, line = changes_of(Inputs(unit))
    assert (root.action, line.action) == (CONFLICT, CONFLICT)
    assert explained(line) == "order/A is in conflict"
    assert line.unreachable


def test_a_root_is_not_archived_while_a_line_is_in_conflict() -> None:
    """The line would be left without its parent."""
    unit = Unit(ORDER, desired(options=ABSENT), (desired(LINE, options=ABSENT),))
    records = {ORDER: actual(), LINE: actual("2", key="A:1")}
    last = {ORDER: applied(), LINE: applied("9", options={"key": "A:1"})}
    root, line = changes_of(Inputs(unit, records, last, IN_PARENT))
    assert line.action is CONFLICT
    assert (root.action, explained(root)) == (CONFLICT, "line_item/A:1 is in conflict")


def test_an_order_is_archived_together_with_its_lines() -> None:
    """Lines know the parent that they must still have just before they are archived."""
    unit = Unit(ORDER, desired(options=ABSENT), (desired(LINE, options=ABSENT),))
    records = {ORDER: actual(), LINE: actual("2", key="A:1")}
    last = {ORDER: applied(), LINE: applied("2", options={"key": "A:1"})}
    changes = changes_of(Inputs(unit, records, last, IN_PARENT))
    assert [(one.action, one.id, one.parent_id) for one in changes] == [
        (ARCHIVE, "1", ""),
        (ARCHIVE, "2", "1"),
    ]


def test_unchanged_records_of_a_unit_are_counted() -> None:
    """A unit with one change has only that one."""
    unit = Unit(ORDER, desired(memo="1"), (desired(LINE, memo="2"),))
    records = {ORDER: actual(memo="1"), LINE: actual("2", key="A:1", memo="1")}
    last = {
        ORDER: applied(memo="1"),
        LINE: applied("2", options={"key": "A:1", "parent": ORDER}, memo="1"),
    }
    inputs = Inputs(unit, records, last, {**IN_PARENT, "others": 3})
    planned, unchanged = plan_unit(*inputs.arguments, context_of([inputs]))
    assert planned is not None
    assert (actions(planned.changes), unchanged) == ({"line_item/A:1": "update"}, 1)
    assert planned.others == 3


def test_a_line_item_of_another_record_is_left_alone() -> None:
    """A change would silently alter that record."""
    unit = Unit(ORDER, desired(), (desired(LINE, memo="2"),))
    records = {ORDER: actual(), LINE: actual("2", key="A:1", memo="1")}
    observed = {"other_parents": {LINE: frozenset({("deal", "801")})}}
    line = changes_of(Inputs(unit, records, {ORDER: applied()}, observed))[-1]
    assert line.action is CONFLICT
    assert explained(line) == (
        "it belongs to deal 801 in HubSpot\n"
        "remove it from the manifests, or remove it from deal 801 there"
    )


# Lines that are found by a property within their parent


def within(line: Desired, **options: object) -> Inputs:
    """Return an order in sync with one line item that is found within it."""
    records = {ORDER: actual(), **options.pop("actual", {})}  # type: ignore[dict-item]
    last = {ORDER: applied(), **options.pop("last", {})}  # type: ignore[dict-item]
    return Inputs(Unit(ORDER, desired(), (line,)), records, last, options, FOUND_WITHIN)


def test_a_new_line_is_created_without_a_key_in_hubspot() -> None:
    """Its key is a name in git; the identity property is a value like any other."""
    (change,) = changes_of(within(desired(LINE, name="Tea")))
    assert (change.action, change.parent_id) == (CREATE, "1")
    assert fields_of(change) == {"name": ("", "Tea", Reason.NEW)}


def test_a_line_found_in_its_parent_is_updated() -> None:
    """No key is written."""
    last = {LINE: applied("2", options={"key": "A:1", "parent": ORDER}, name="Tea", memo="1")}
    (change,) = changes_of(
        within(
            desired(LINE, name="Tea", memo="2"),
            actual={LINE: actual("2", key="", name="Tea", memo="1")},
            last=last,
            **IN_PARENT,
        )
    )
    assert change.action is UPDATE
    assert fields_of(change) == {"memo": ("1", "2", Reason.CHANGE)}


DUPLICATES = [
    (None, "line items 2, 3 of order/A have the same name, which must be different for each"),
    (
        applied("2", options={"key": "A:1", "parent": ORDER}, name="Coffee"),
        "record 3 of order/A has the name that record 2 would get",
    ),
]


@pytest.mark.parametrize(("last", "why"), DUPLICATES, ids=["unknown to the state", "known"])
def test_a_line_that_several_records_match_is_in_conflict(
    last: LastApplied | None, why: str
) -> None:
    """None of the records is changed, and no other one is created."""
    (change,) = changes_of(
        within(
            desired(LINE, name="Tea"),
            actual={LINE: actual("2", key="", name="Tea")},
            last={LINE: last} if last else {},
            duplicates={LINE: ("2", "3")},
            lines=frozenset({"2", "3"}),
        )
    )
    assert change.action is CONFLICT
    assert why in explained(change)


def test_a_line_whose_record_left_its_parent_is_in_conflict() -> None:
    """Another line with its name is not taken for it."""
    (change,) = changes_of(
        within(
            desired(LINE, name="Tea"),
            actual={LINE: actual("3", key="", name="Tea")},
            last={LINE: applied("2", options={"key": "A:1"}, name="Tea")},
            key_moved={LINE: "2"},
            lines=frozenset({"3"}),
        )
    )
    assert change.action is CONFLICT
    assert "record 3 has this name, and record 2, which was applied" in explained(change)


def test_a_missing_line_is_not_recreated_unasked() -> None:
    """Line items that were deleted in HubSpot are conflicts, as orders are."""
    (change,) = changes_of(
        within(
            desired(LINE, name="Tea"),
            last={LINE: applied("2", options={"key": "A:1"}, name="Tea")},
            missing={LINE: Missing("2", "archived")},
        )
    )
    assert change.action is CONFLICT
    assert "--recreate line_item/A:1" in explained(change)


def collisions(
    *units: UnitChange, entries: tuple[tuple[Address, Address, LastApplied], ...] = ()
) -> dict[str, RecordChange]:
    """Return the changes of units after collisions were marked."""
    marked: Iterator[UnitChange] = mark_collisions(units, WITHIN_PARENT, lambda: entries)
    return {str(change.address): change for unit in marked for change in unit.changes}


def adoption(unit: Address, line: Address, id_: str) -> UnitChange:
    """Return a unit whose line item adopts a record."""
    inputs = Inputs(
        Unit(unit, desired(unit), (desired(line, name="Tea"),)),
        {unit: actual("1", key=unit.key), line: actual(id_, key="", name="Tea")},
        {unit: applied(options={"key": unit.key})},
        {"lines": frozenset({id_})},
        FOUND_WITHIN,
    )
    planned, _ = plan_unit(*inputs.arguments, context_of([inputs]))
    assert planned is not None
    return planned


def test_two_lines_that_would_adopt_one_record_are_in_conflict() -> None:
    """Each names the other one."""
    units = [adoption(Address("order", key), Address("line_item", key), "2") for key in "AB"]
    found = collisions(*units)
    assert {change.action for change in found.values()} == {CONFLICT}
    assert explained(found["line_item/A"]).startswith("record 2 is also declared as line_item/B\n")


def test_a_record_that_the_state_has_under_another_address_is_not_adopted() -> None:
    """The entry is named, since moved_from may be what is missing."""
    old = Address("line_item", "OLD")
    entries = ((ORDER.folded(), old.folded(), applied("2", options={"key": "OLD"})),)
    found = collisions(adoption(ORDER, LINE, "2"), entries=entries)
    assert explained(found["line_item/A:1"]).startswith("the state has record 2 as line_item/OLD\n")
    assert "moved_from: OLD" in explained(found["line_item/A:1"])
    own = ((ORDER.folded(), LINE.folded(), applied("2")),)
    assert collisions(adoption(ORDER, LINE, "2"), entries=own)["line_item/A:1"].action != CONFLICT


def test_two_new_lines_with_one_value_under_one_parent_are_in_conflict() -> None:
    """They may be declared in units of their own, of one parent by key and by id."""
    by_id = Address("order", "id:1")
    parent = Reference("order", "id", "1", "", HERE)
    own = within(desired(LINE, name="Tea"))
    other = Inputs(
        Unit(by_id, None, (desired(SECOND, name="tea"),), parent),
        observed={"parent_id": "1"},
        context=FOUND_WITHIN,
    )
    units = [unit for unit in plan_of([own, other]).units if unit.changes]
    found = collisions(*units)
    assert {change.action for change in found.values()} == {CONFLICT}
    assert "line_item/A:2 has the same name under the same parent" in explained(
        found["line_item/A:1"]
    )


PROBLEMS = [
    ("missing", (desired(LINE),), "name identifies line items here, and is missing"),
    (
        "twice",
        (desired(LINE, name="Tea"), desired(SECOND, name="TEA ")),
        "name identifies line items here, and is 'tea' in line_item/A:1 too",
    ),
    (
        "ignored",
        (desired(LINE, name="Tea", options={"ignore": frozenset({"name"})}),),
        "lifecycle.ignore names name, which identifies line items",
    ),
]


@pytest.mark.parametrize(
    ("lines", "message"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS]
)
def test_lines_without_an_identity_of_their_own_are_problems(
    lines: tuple[Desired, ...], message: str
) -> None:
    """What manifests get wrong by themselves fails the plan; with unique keys it is fine."""
    unit = Unit(ORDER, desired(), lines)
    (problem,) = identity_problems(unit, WITHIN_PARENT)
    assert problem.message.startswith(message)
    assert Location(problem.file, problem.line, problem.column) == HERE
    assert identity_problems(unit, IDENTITIES) == []

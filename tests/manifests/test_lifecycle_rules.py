"""Absent, forgotten and moved records: what manifests may declare, and what is a problem."""

from typing import Any

import pytest

from reconcile.model.address import Address
from reconcile.model.records import Lifecycle


def test_an_absent_order_takes_its_nested_lines_along(project: Any) -> None:
    """Its other fields have no effect; a line with a lifecycle state of its own keeps it."""
    (unit,) = project.units(
        "{kind: order, key: A, properties: {x: a}, associations: {contact: [{id: 5}]},\n"
        " lifecycle: {state: absent, ignore: [x]}, line_items: [{key: B, properties: {y: b}},\n"
        " {key: C, lifecycle: {state: forget, protect: true}}]}"
    )
    assert [(one.address.key, one.lifecycle) for one in unit.records] == [
        ("A", Lifecycle.ABSENT),
        ("B", Lifecycle.ABSENT),
        ("C", Lifecycle.FORGET),
    ]
    assert all(not one.properties and not one.references for one in unit.records)


def test_a_former_key_has_its_place(project: Any) -> None:
    """On a document, on a nested line, and on a standalone line."""
    unit, alone = project.units(
        "{kind: order, key: A, moved_from: B, line_items: [{key: C, moved_from: D}]}\n---\n"
        '{kind: line_item, key: E, moved_from: F, parent: {order: {id: "5"}}}\n'
    )
    assert [str(one.former) for one in (*unit.records, *alone.records)] == [
        "order/B",
        "line_item/D",
        "line_item/F",
    ]
    assert unit.former == Address("order", "B")
    assert alone.former is None
    assert unit.root.moved_from.location == ("a.yaml", 1, 35)


@pytest.mark.parametrize(
    ("other", "place", "words"),
    [
        ("{kind: order, key: old}", ("a.yaml", 1, 37), "the order 'OLD' is declared too, in b.y"),
        (
            "{kind: order, key: X, moved_from: old}",
            ("b.yaml", 1, 35),
            "the order 'old' was moved to 'NEW' already",
        ),
        (
            "{kind: cart, key: C, associations: {order: [{key: old}]}}",
            ("b.yaml", 1, 45),
            "the order 'old' is 'NEW' now",
        ),
        (
            "{kind: line_item, key: L, parent: {order: {key: old}}}",
            ("b.yaml", 1, 35),
            "the order 'old' is 'NEW' now",
        ),
    ],
)
def test_a_former_key_means_nothing_else(
    project: Any, other: str, place: tuple[str, int, int], words: str
) -> None:
    """A reference by the former key is a problem: it is invalid once the record has its new key."""
    project.write("a.yaml", "{kind: order, key: NEW, moved_from: OLD}")
    project.write("b.yaml", other)
    (problem,) = project.problems()
    assert (problem.file, problem.line, problem.column) == place
    assert words in problem.message
    assert problem.hint


def test_ids_cannot_be_renamed(project: Any) -> None:
    """HubSpot hands them out."""
    project.write("a.yaml", '{kind: order, key: "2", moved_from: "1"}')
    assert project.load()
    (problem,) = project.problems(by_id=["order"])
    assert "ids do not change" in problem.message


@pytest.mark.parametrize("state", ["absent", "forget"])
def test_a_standing_line_must_say_itself_that_it_goes(project: Any, state: str) -> None:
    """A standalone line may be in another file, written by somebody else."""
    project.write("a.yaml", f"{{kind: order, key: A, lifecycle: {{state: {state}}}}}")
    line = "{{kind: line_item, key: L, parent: {{order: {{key: a}}}}{}}}"
    project.write("b.yaml", line.format(""))
    (problem,) = project.problems()
    assert (problem.file, problem.message) == (
        "b.yaml",
        f"its order 'A' is declared {state}, in a.yaml:1:1",
    )
    assert problem.hint == f"declare lifecycle: {{state: {state}}} here too"
    project.write("b.yaml", line.format(f", lifecycle: {{state: {state}}}"))
    (unit,) = project.load()
    assert len(unit.lines) == 1


def test_nothing_points_at_what_is_absent(project: Any) -> None:
    """What is forgotten is still there, and can be pointed at."""
    project.write("a.yaml", "{kind: order, key: A, associations: {cart: [{key: c}]}}")
    project.write("b.yaml", "{kind: cart, key: C, lifecycle: {state: absent}}")
    (problem,) = project.problems()
    assert (problem.file, problem.message) == ("a.yaml", "the cart 'c' is declared absent")
    assert "b.yaml:1:1" in problem.hint
    project.write("b.yaml", "{kind: cart, key: C, lifecycle: {state: forget}}")
    assert len(project.load()) == 2


def test_a_protected_line_does_not_go_with_its_order(project: Any) -> None:
    """A manifest cannot say both."""
    problem = project.problem(
        "{kind: order, key: A, lifecycle: {state: absent},\n"
        " line_items: [{key: B, lifecycle: {protect: true}}]}"
    )
    assert problem.message == "the line_item 'B' is protected, but its order is declared absent"

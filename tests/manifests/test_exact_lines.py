"""``lines``: whether an order or cart has no other line items than the declared ones."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("default", "own", "exact"),
    [
        ("", "", False),
        ("", "lines: exact", True),
        ("", "lines: open", False),
        ("lines: exact", "", True),
        ("lines: exact", "lines: open", False),
        ("lines: open", "lines: exact", True),
    ],
)
def test_a_document_wins_over_a_default(
    project: Any,
    default: str,
    own: str,
    exact: bool,  # noqa: FBT001
) -> None:
    """Lines are open unless something says otherwise."""
    project.write("a.yaml", f"kind: order\nkey: A\n{own}\n")
    if default:
        project.write("defaults.yaml", f"kind: defaults\norder: {{{default}}}\n")
    (unit,) = project.load()
    assert unit.root.exact_lines is exact


def test_an_absent_order_has_no_lines_to_compare(project: Any) -> None:
    """It goes with what is declared and managed under it."""
    (unit,) = project.units("{kind: order, key: A, lines: exact, lifecycle: {state: absent}}")
    assert not unit.root.exact_lines


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (
            "{kind: order, key: A, lines: exakt}",
            (1, 30),
            "'lines' must be exact or open, not 'exakt'",
        ),
        ("{kind: order, key: A, lines: [exact]}", (1, 30), "'lines' must be text"),
        (
            '{kind: line_item, key: A, lines: exact, parent: {order: {id: "5"}}}',
            (1, 27),
            "unknown field 'lines'",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    project: Any, text: str, place: tuple[int, int], words: str
) -> None:
    """With its place."""
    problem = project.problem(text)
    assert (problem.line, problem.column) == place
    assert words in problem.message

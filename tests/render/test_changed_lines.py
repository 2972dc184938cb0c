"""The changed lines of a file, as `state mv` shows them."""

from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.render.changed_lines import changed_lines

LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


def shown(before: str, after: str, *, personal: bool = True) -> list[str]:
    """The lines as text."""
    return [line.text() for line in changed_lines("a.yaml", before, after, personal=personal)]


def test_changed_and_added_lines_stand_below_their_place() -> None:
    """Each group has the line where it begins in the new file."""
    assert shown("a\nb\nc\nd\ne\nf\ng\n", "a\nB\n+\nc\nd\ne\nf\nG\n") == [
        "a.yaml:2",
        "  - b",
        "  + B",
        "  + +",
        "a.yaml:8",
        "  - g",
        "  + G",
    ]


def test_texts_that_are_equal_show_nothing() -> None:
    """Nothing changed."""
    assert shown("a\nb\n", "a\nb\n") == []


def test_of_a_long_line_the_difference_is_shown() -> None:
    """A document may be one line."""
    before = "x" * 500 + "key: OLD" + "y" * 5_000
    place, removed, added = shown(before, before.replace("OLD", "NEW"))
    assert place == "a.yaml:1"
    assert "key: OLD" in removed
    assert "key: NEW" in added
    assert len(removed) < 400


def test_nothing_in_a_line_reaches_the_terminal_as_it_is() -> None:
    """Neither what moves the cursor nor what hides."""
    assert shown("a\x1b[2J\n", "a\u202eb\n")[1:] == ["  - a\\x1b[2J", "  + a\\u202eb"]


def test_without_personal_values_only_places_are_shown() -> None:
    """Others may read a CI log."""
    assert shown("a\nmail: ana@example.com\n", "a\nb\n", personal=False) == ["a.yaml:2"]


@given(LINES, LINES)
@examples(200)
def test_shown_lines_turn_one_text_into_the_other(old: list[str], new: list[str]) -> None:
    """Every removed and every added line is shown, in order."""
    made, rest = [], list(old)
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    for line in shown(before, after):
        if line.startswith("a.yaml:"):
            while len(made) < int(line[7:]) - 1:
                made.append(rest.pop(0))
        elif line.startswith("  - "):
            assert rest.pop(0) == line[4:]
        else:
            made.append(line[4:])
    assert made + rest == [*new]

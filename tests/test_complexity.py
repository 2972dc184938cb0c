"""The complexity gate's list: what it lets pass, and that it only shrinks."""

import runpy
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parents[1] / ".ci"
GATE = runpy.run_path(str(CI / "complexity"))


def failing(found: str, listed: str) -> list[tuple[str, int, int]]:
    """Return what the gate reports of measured and listed complexities."""
    read, compare = GATE["read"], GATE["compare"]
    return [one for one in compare(read(found), read(listed)) if one[1] != one[2]]


@pytest.mark.parametrize(
    ("found", "listed", "reported"),
    [
        ("", "", []),
        ("plan 20\n", "plan 20\n", []),
        ("plan 20\n", "", [("plan", 20, 15)]),
        ("plan 21\n", "plan 20\n", [("plan", 21, 20)]),
        ("plan 19\n", "plan 20\n", [("plan", 19, 20)]),
        ("", "plan 20\n", [("plan", 15, 20)]),
        ("run 30\nrun 18\n", "run 18\nrun 30\n", []),
        ("run 30\nrun 18\n", "run 30\n", [("run", 18, 15)]),
    ],
    ids=["fine", "listed", "unlisted", "worse", "better", "done", "two of a name", "one more"],
)
def test_list_says_exactly_what_is_complex(
    found: str, listed: str, reported: list[tuple[str, int, int]]
) -> None:
    """A function above the limit has the listed complexity, and no other function is listed."""
    assert failing(found, listed) == reported


@pytest.mark.parametrize(
    ("found", "after"),
    [
        ("load 30\nplan 20\n", "load 30\nplan 20\n"),
        ("load 16\nplan 21\n", "load 16\nplan 20\n"),
        ("plan 20\napply 40\n", "plan 20\n"),
        ("", ""),
    ],
    ids=["same", "better and worse", "removed and added", "all done"],
)
def test_update_only_removes_and_lowers(found: str, after: str) -> None:
    """An update adds no function to the list and raises no value."""
    listed = GATE["read"]("load 30\nplan 20\n")
    assert GATE["write"](GATE["shrink"](GATE["read"](found), listed)) == after


def test_list_is_as_an_update_writes_it() -> None:
    """The list is sorted, and each function in it is above the limit."""
    text = (CI / "complex.txt").read_text(encoding="utf-8")
    listed = GATE["read"](text)
    assert GATE["write"](listed) == text
    assert all(value > GATE["LIMIT"] for values in listed.values() for value in values)

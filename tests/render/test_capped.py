"""Long lists: a few examples of each group, the rest counted."""

import io
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import ManifestError, Problem
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import Outcome, Report, Status
from reconcile.model.plan import Action, TargetPin
from reconcile.render.capped import capped
from reconcile.render.error_lines import format_error
from reconcile.render.outcome_lines import LINES
from reconcile.render.report import write_report
from reconcile.render.unit_lines import REASONS


def problems(many: int, message: str = "no {n}", start: int = 0) -> list[Problem]:
    """Return problems at different places; ``{n}`` makes their messages differ."""
    return [
        Problem("a.yaml", n, 1, message.format(n=n), "write yes")
        for n in range(start + 1, start + many + 1)
    ]


def test_equal_problems_are_shown_at_five_places() -> None:
    """Twenty thousand of them take eight lines, which say how many there are and who lists all."""
    text = format_error(ManifestError(problems(20_000, "no")), every="reconcile validate --json")
    assert text.split("\n") == [
        "error: 20,000 problems in the manifests",
        *(f"a.yaml:{n}:1: no" for n in range(1, 6)),
        "  … and 19,995 more like this",
        "  hint: write yes",
        "`reconcile validate --json` lists every problem",
    ]


def test_fifty_groups_of_problems_are_shown() -> None:
    """Of problems that all differ fifty are shown, and the rest is counted."""
    lines = format_error(ManifestError(problems(20_000))).split("\n")
    assert len(lines) == 1 + 50 + 1 + 2
    assert lines[-2:] == [
        "… and 19,950 more problems",
        "`reconcile plan --json` lists every problem",
    ]


def test_a_rare_problem_is_not_buried_by_a_common_one() -> None:
    """A group that comes late has its line all the same, in the order of the places."""
    many = problems(1000, "no") + problems(1, "quite another", start=1000)
    lines = format_error(ManifestError(many)).split("\n")
    assert "a.yaml:1001:1: quite another" in lines


def test_a_few_problems_are_listed_as_they_stand() -> None:
    """Up to five of a kind nothing is counted, and nobody is sent anywhere."""
    few = problems(5, "no") + problems(5, "nor this", start=5)
    assert format_error(ManifestError(few)).count("\n") == 11
    assert "more" not in format_error(ManifestError(few))
    assert "--json" not in format_error(ManifestError(few))


def test_conflicts_beside_problems_are_capped_too() -> None:
    """They are counted as what they are."""
    error = ManifestError(problems(1, "no"), conflicts=problems(300, "orders have no x"))
    text = format_error(error)
    assert "… and 295 more like this" in text
    assert "`reconcile plan --json` lists every conflict" in text


@given(
    st.lists(st.integers(0, 9), max_size=60),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(0, 20),
)
def test_nothing_is_lost_or_counted_twice(
    items: list[int], groups: int, places: int, lines: int
) -> None:
    """What is shown, what is counted and what is left out is the list, within all limits."""
    numbered = list(enumerate(items))
    found = capped(numbered, lambda one: one[1], groups=groups, places=places, lines=lines)
    shown = [one.item for one in found.shown]
    assert shown == sorted(shown)
    counted = sum(one.more for one in found.shown)
    assert len(shown) + counted + len(found.left_out) == len(items)
    assert len({group for _, group in shown}) <= groups
    assert max(Counter(group for _, group in shown).values(), default=0) <= places
    assert not {group for _, group in shown} & {group for _, group in found.left_out}
    if lines:
        used = len(shown) + sum(one.more > 0 for one in found.shown) + bool(found.left_out)
        assert used <= max(lines, 1)


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 6), st.integers(1, 40))
def test_items_of_several_lines_keep_the_limit(items: list[int], places: int, lines: int) -> None:
    """An item counts with all its lines, and nothing is lost; here an item is its height."""
    found = capped(items, int, places=places, lines=lines, height=int)
    counted = sum(one.more for one in found.shown)
    assert len(found.shown) + counted + len(found.left_out) == len(items)
    used = sum(one.item + (one.more > 0) for one in found.shown) + bool(found.left_out)
    assert used <= lines


def said(outcomes: list[Outcome], run: str = "R7") -> list[str]:
    """Return the lines of a report between its head and its last sentence."""
    stream = io.StringIO()
    report = Report(TargetPin("shop", 7, ""), tuple(outcomes), run=run)
    write_report(report, stream, personal=True, color=False)
    return stream.getvalue().split("\n")[2:-4]


def ended(status: Status, many: int, message: str = "{n}") -> list[Outcome]:
    """Return outcomes; ``{n}`` makes their reasons differ."""
    return [
        Outcome(
            Address("order", f"{status}-{n:04}"),
            Action.CREATE,
            status,
            message=message.format(n=n),
        )
        for n in range(many)
    ]


def test_unknown_records_are_grouped_by_their_reason() -> None:
    """An interrupted run of 851 records does not print 851 lines."""
    lines = said(ended(Status.UNKNOWN, 851, "the run ended before HubSpot answered"))
    assert lines == [
        *(
            f"  ? order/unknown-{n:04}  create unknown: the run ended before HubSpot answered"
            for n in range(5)
        ),
        "  … and 846 more unknown: the run ended before HubSpot answered",
    ]


@pytest.mark.parametrize("status", [Status.FAILED, Status.CONFLICT, Status.UNKNOWN, Status.SKIPPED])
def test_outcomes_that_all_differ_take_fifty_lines(status: Status) -> None:
    """The last line counts the rest and names the command that lists all."""
    lines = said(ended(status, 851))
    assert len(lines) == LINES
    assert lines[-1] == f"  … and 802 more (802 {status}); `reconcile audit show R7` lists all"


@pytest.mark.parametrize("many", [1, 2, 9])
def test_conflicts_with_several_reasons_take_fifty_lines(many: int) -> None:
    """The lines of reasons and hints are among them."""
    outcomes = [
        replace(one, why=tuple(Explanation(f"{n} {k}", f"hint {k}") for k in range(many)))
        for n, one in enumerate(ended(Status.CONFLICT, 851, ""))
    ]
    lines = said(outcomes)
    shown = [text for text in lines if text.startswith("  ! ")]
    assert LINES - 3 * REASONS < len(lines) <= LINES
    assert lines[-1].startswith(f"  … and {851 - len(shown)} more (")


def test_the_worst_comes_first() -> None:
    """A failure is shown however much was skipped before it."""
    lines = said([*ended(Status.SKIPPED, 900), *ended(Status.FAILED, 1, "bad value")])
    assert lines[0] == "  x order/failed-0000  create failed: bad value"
    assert len(lines) == LINES


def test_what_is_there_is_not_counted_with_what_is_not() -> None:
    """One reason for both: HubSpot has the ones, and the others are to be made."""
    failed = ended(Status.FAILED, 40, "no such label")
    lines = said([replace(one, written=n % 2 == 0) for n, one in enumerate(failed)])
    assert "… and 15 more created, then failed: no such label" in "\n".join(lines)
    assert "… and 15 more failed: no such label" in "\n".join(lines)

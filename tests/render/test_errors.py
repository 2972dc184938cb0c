"""Errors as people meet them."""

from reconcile.errors import HubSpotError, ManifestError, Problem, UsageError
from reconcile.render.error_lines import format_error, github_annotations

PROBLEM = Problem("orders/july.yaml", 12, 5, "unknown property", "did you mean hs_note?")


def test_every_problem_has_a_line_with_its_place() -> None:
    """Sorted by place, each with its hint below it."""
    error = ManifestError([PROBLEM, Problem("carts.yaml", 0, 0, "the file is empty")])
    assert format_error(error) == (
        "error: 2 problems in the manifests\n"
        "carts.yaml: the file is empty\n"
        "orders/july.yaml:12:5: unknown property\n"
        "  hint: did you mean hs_note?"
    )


def test_a_hint_for_several_problems_in_a_row_is_told_once() -> None:
    """A mistake that is made in every document does not bury the others."""
    problems = [Problem("a.yaml", n, 1, "no", "write yes") for n in (1, 2)]
    problems += [Problem("a.yaml", 3, 1, "no", "write maybe"), Problem("a.yaml", 4, 1, "no")]
    assert format_error(ManifestError(problems)).split("\n")[1:] == [
        "a.yaml:1:1: no",
        "a.yaml:2:1: no",
        "  hint: write yes",
        "a.yaml:3:1: no",
        "  hint: write maybe",
        "a.yaml:4:1: no",
    ]


def test_a_hint_stands_on_a_line_of_its_own() -> None:
    """At the end, where a reader looks for what to do."""
    error = UsageError("no target 'x'", hint="targets are named in reconcile.yaml")
    assert format_error(error) == "error: no target 'x'\nhint: targets are named in reconcile.yaml"


def test_hubspots_correlation_id_is_shown() -> None:
    """It is what HubSpot's support asks for."""
    text = format_error(HubSpotError("HubSpot refused", status=400, correlation_id="abc-1"))
    assert text == "error: HubSpot refused\n  HubSpot's correlation id: abc-1"


def test_a_message_cannot_pretend_to_be_another_error() -> None:
    """Later lines of a message are indented, and what acts on a terminal is written out."""
    error = UsageError("one\nerror: two\x1b[1m")
    assert format_error(error) == "error: one\n  error: two\\x1b[1m"
    assert format_error(ManifestError([Problem("::debug", 1, 1, "a\nb")])).endswith(
        "\n\\x3a:debug:1:1: a\\nb"
    )


def test_a_problem_is_annotated_at_its_place() -> None:
    """A problem of a whole file has no line."""
    assert github_annotations([PROBLEM, Problem("a,b:c%.yaml", 0, 0, "50%")]) == [
        "::error file=orders/july.yaml,line=12,col=5::"
        "unknown property%0Ahint: did you mean hs_note?",
        "::error file=a%2Cb%3Ac%25.yaml::50%25",
    ]


def test_many_problems_become_nine_annotations_and_a_count() -> None:
    """GitHub shows ten of a kind for each step."""
    lines = github_annotations([PROBLEM] * 12)
    assert len(lines) == 10
    assert (
        lines[-1]
        == "::error title=reconcile::3 more problems; the log has more, and --json has all"
    )
    assert "::1 more problem; the log has more" in github_annotations([PROBLEM] * 10)[-1]
    assert len(github_annotations([PROBLEM] * 9)) == 9

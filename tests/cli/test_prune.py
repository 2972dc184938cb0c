"""--prune: what no manifest declares any more, and the exact count that lets it pass."""

import pytest

from tests.cli.conftest import SHOP, Project

MORE = "\n---\nkind: order\nkey: A-9\nline_items:\n  - key: A-9:1\n"


def test_prune_by_its_exact_count(project: Project) -> None:
    """The hint is the text to pass; until then the records are held back, and stay."""
    project.write(SHOP + MORE)
    project.fine("apply", "--auto-approve")
    project.account.server.clear_requests()
    project.write(SHOP)
    assert "No longer declared (left alone): order/A-9, line_item/A-9:1" in project.fine("plan")
    shown = project.fine("plan", "--prune", "--out", "p")
    assert "- order/A-9  # held back: prune" in shown
    assert "hint: to let them in, plan with --prune --allow prune=2\n" in shown
    assert "2 declared changes were held back" in project.fine("apply", "p", code=5)
    again = project.fine("apply", "--prune", "--auto-approve")
    assert "2 declared changes are still held back" in again
    assert project.account.writes() == []
    project.fine("plan", "--prune", "--out", "p", "--allow", "prune=2")
    assert "1 order, 1 line item archived" in project.fine("apply", "p")
    assert "Already applied by run 2" in project.fine("apply", "p")
    assert "No changes." in project.fine("apply", "--prune")


@pytest.mark.parametrize(
    "command", [("plan", "--out", "p"), ("apply", "--auto-approve")], ids=["plan", "apply"]
)
@pytest.mark.parametrize(("count", "has"), [(3, 2), (1, 2), (5, 0)])
def test_another_count_makes_no_plan_file(
    project: Project, command: tuple[str, ...], count: int, has: int
) -> None:
    """The plan is shown, both numbers are named, nothing is saved or applied, exit code 3."""
    project.write(SHOP + MORE)
    project.fine("apply", "--auto-approve")
    project.account.server.clear_requests()
    if has:
        project.write(SHOP)
    refusal = project.run(*command, "--prune", "--allow", f"prune={count}")
    assert refusal.code == 3
    assert ("1 order, 1 line item to archive" in refusal.out) == bool(has)
    assert f"--allow prune={count} was given, but the plan has {has}" in refusal.err
    assert not (project.folder / "p").exists()
    assert project.account.writes() == []


def test_prune_and_paths_do_not_go_together(project: Project) -> None:
    """What is not named is not undeclared."""
    said = project.refused("plan", "--prune", "manifests")
    assert said.startswith("error: --prune cannot be combined with PATHS")


def test_prune_belongs_to_planning(project: Project) -> None:
    """A saved plan says already what is archived."""
    project.fine("plan", "--out", "p")
    assert "--prune cannot be used with a plan file" in project.refused("apply", "p", "--prune")

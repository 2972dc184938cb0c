"""Limits on repeated nodes and suggestions in one project."""

from collections.abc import Mapping

import pytest

from reconcile.errors import Problem
from reconcile.manifests import budget
from tests.manifests.conftest import Project

ORDER = "kind: order\nkey: {0}\nproperties: {{a: &x text, b: *x, c: *x}}\n"
"""Each repeats two nodes."""


def limits(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Set lower limits."""
    monkeypatch.setattr(budget, "MAX_REPEATED", {**budget.MAX_REPEATED, **limits})


def orders(many: int, prefix: str = "A") -> str:
    """Return documents that each repeat two nodes."""
    return "---\n".join(ORDER.format(f"{prefix}-{n}") for n in range(many))


def messages(found: tuple[Problem, ...]) -> Mapping[str, str]:
    """Return the problems' messages by file."""
    return {one.file: one.message for one in found}


def test_many_small_documents_repeat_no_more_than_one_large_one_may(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The aliases of a whole file are bounded, not only those of each document."""
    limits(monkeypatch, file=10)
    assert len(project.units(orders(5))) == 5
    problem = project.problem(orders(6))
    assert problem.message == "the aliases of this file repeat over 10 values"
    assert (problem.line, problem.column) == (23, 29)


def test_many_files_repeat_no_more_than_a_project_may(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that goes beyond is named, the others are read."""
    limits(monkeypatch, project=10)
    for name in "abc":
        project.write(f"{name}.yaml", orders(2, name))
    assert messages(project.problems()) == {
        "c.yaml": "the aliases of this project repeat over 10 values"
    }


def test_the_limits_of_a_real_project() -> None:
    """One order in ten may repeat an address of ten values in a file of 10,000 orders."""
    assert budget.MAX_REPEATED["document"] <= budget.MAX_REPEATED["file"]
    assert budget.MAX_REPEATED["file"] >= 10_000
    assert budget.MAX_REPEATED["file"] <= budget.MAX_REPEATED["project"]


def test_one_mistake_in_every_record_has_its_suggestion_everywhere(project: Project) -> None:
    """Equal problems stay equal, so that they are shown as one group."""
    many = "---\n".join(f"kind: order\nkey: A-{n}\npropertis: {{}}\n" for n in range(200))
    project.write("a.yaml", many)
    said = {one.message for one in project.problems()}
    assert said == {"unknown field 'propertis' in this order; did you mean 'properties'?"}


def test_nobody_is_given_more_than_fifty_suggestions(project: Project) -> None:
    """The fifty-first word that differs is not compared; the limit is the project's."""
    for file in range(3):
        many = "---\n".join(
            f"kind: order\nkey: A-{file}-{n}\nproperties{file}{n}: {{}}\n" for n in range(100, 140)
        )
        project.write(f"{file}.yaml", many)
    found = project.problems()
    assert len(found) == 120
    assert ["did you mean" in one.message for one in found] == [True] * 50 + [False] * 70

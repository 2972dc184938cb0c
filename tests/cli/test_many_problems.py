"""Thousands of problems: a screenful on a terminal, every one of them as JSON."""

import json

import pytest

from tests.cli.conftest import PROJECT, Project

MANY = 3000
EQUAL = "---\n".join(f"kind: order\nkey: M-{number}\npropertis: {{}}\n" for number in range(MANY))
NAMES = [f"hs_oder_name_{number}" for number in range(MANY)]


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_equal_problems_fill_no_screen(reader: Project, command: str) -> None:
    """Five places, how many more there are, and the command that lists all."""
    reader.write(EQUAL)
    lines = reader.refused(command).splitlines()
    assert lines == [
        "error: 3,000 problems in the manifests",
        *(
            f"manifests/shop.yaml:{4 * n + 3}:1: unknown field 'propertis' in this order; "
            "did you mean 'properties'?"
            for n in range(5)
        ),
        "  … and 2,995 more like this",
        "  hint: the fields are kind, key, moved_from, adopt, properties, associations, lifecycle, "
        "unmanaged, lines and line_items",
        f"`reconcile {command} --json` lists every problem",
    ]


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_json_has_every_problem(reader: Project, command: str) -> None:
    """Each with file, line, column, message and hint; the exit code is that of the error."""
    reader.write(EQUAL)
    result = reader.run(command, "--json")
    assert result.code == 1
    assert result.err == "error: 3,000 problems in the manifests\n"
    found = json.loads(result.out)
    assert len(found["problems"]) == MANY
    assert found["problems"][-1] == {
        "file": "manifests/shop.yaml",
        "line": 4 * MANY - 1,
        "column": 1,
        "message": "unknown field 'propertis' in this order; did you mean 'properties'?",
        "hint": "the fields are kind, key, moved_from, adopt, properties, associations, lifecycle, "
        "unmanaged, lines and line_items",
    }


def test_json_has_what_the_account_does_not_take(reader: Project) -> None:
    """Conflicts are listed apart from problems; the problem of a whole file has no line."""
    reader.write("kind: order\nkey: A\nproperties: {hs_oder_name: x}\n")
    reader.write("", "manifests/empty.yaml")
    found = json.loads(reader.run("plan", "--json").out)
    assert [(one["file"], one["line"]) for one in found["problems"]] == [
        ("manifests/empty.yaml", None)
    ]
    (conflict,) = found["conflicts"]
    assert (conflict["line"], conflict["column"]) == (3, 28)
    assert conflict["message"] == (
        "orders have no property 'hs_oder_name'; did you mean 'hs_order_name'?"
    )


def test_json_of_what_is_valid(reader: Project) -> None:
    """Validate counts the records; plan gives the plan in the form of show."""
    assert json.loads(reader.fine("validate", "--json")) | {"reconcile_version": ""} == {
        "format_version": "1.0",
        "reconcile_version": "",
        "records": {"cart": 1, "line_item": 1, "order": 1},
        "problems": [],
        "conflicts": [],
        "warnings": [],
    }
    planned = reader.fine("plan", "--json", "--out", "p")
    assert json.loads(planned) == json.loads(reader.fine("show", "p", "--format", "json"))
    assert len(json.loads(planned)["resource_changes"]) == 3


def test_json_of_a_broken_project_file(reader: Project) -> None:
    """The project file's problems have the same form."""
    reader.settings(PROJECT.replace("manifests:", "manifest:"))
    found = json.loads(reader.run("validate", "--json").out)
    assert found["text"].endswith(" in reconcile.yaml")
    assert {one["file"] for one in found["problems"]} == {"reconcile.yaml"}


def test_json_in_a_log_that_others_read(reader: Project) -> None:
    """With CI set no quoted value is in it, and nothing in it is a workflow command."""
    reader.write('kind: order\nkey: A\n"state ##[error]": a\nJo Smith: b\n')
    reader.env(CI="true", GITHUB_ACTIONS="true")
    result = reader.run("validate", "--json", "--target", "shop")
    assert len(json.loads(result.out)["problems"]) == 2
    assert "##[" not in result.out
    assert "Jo Smith" not in result.all
    assert "::error file=manifests/shop.yaml,line=3" in result.err


def test_conflicts_that_all_differ_are_shown_up_to_fifty(reader: Project) -> None:
    """Beside a problem, what the account lacks is capped as well."""
    many = "---\n".join(
        f"kind: order\nkey: M-{n}\nproperties: {{{NAMES[n]}: x}}\n" for n in range(120)
    )
    reader.write(many)
    reader.write("", "manifests/empty.yaml")
    lines = reader.refused("plan").splitlines()
    assert lines[-2:] == ["… and 70 more conflicts", "`reconcile plan --json` lists every conflict"]
    assert len(lines) == 56


def test_conflicts_have_no_more_than_fifty_suggestions(reader: Project) -> None:
    """Names that all differ are compared with the account's for the first fifty records only."""
    many = "---\n".join(
        f"kind: order\nkey: M-{n}\nproperties: {{{NAMES[n]}: x}}\n" for n in range(120)
    )
    reader.write(many)
    planned = reader.fine("plan", "--json")
    assert planned.count("orders have no property 'hs_oder_name_") == 120
    assert planned.count("did you mean") == 50


def test_one_mistake_in_every_record_has_its_suggestion_in_every_conflict(reader: Project) -> None:
    """A word that was compared once is suggested again."""
    many = "---\n".join(
        f"kind: order\nkey: M-{n}\nproperties: {{hs_oder_name: x}}\n" for n in range(120)
    )
    reader.write(many)
    assert reader.fine("plan", "--json").count("did you mean 'hs_order_name'?") == 120

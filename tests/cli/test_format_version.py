"""Every JSON that the program gives out says which version of its format it is."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest
from forge.server import Forge

from reconcile.model.definitions import Account
from reconcile.probing import Report, as_json
from reconcile.probing.results import FORMAT_VERSION as PROBE_VERSION
from tests.cli.conftest import Project
from tests.cli.test_docs import TEXTS
from tests.cli.test_help import ALL

REPORT = {"doctor"}
"""Commands whose JSON is a report in a file, which takes a whole probe."""

LINES = {
    "audit export": ("audit", "export", "--format", "jsonl"),
    "audit log": ("audit", "log", "--json"),
    "state list": ("state", "list", "--json"),
}
"""Commands that print a line of JSON for each thing, and how they are typed."""

DOCUMENTS = {
    "ci github check": ("ci", "github", "check", "--json"),
    "drift": ("drift", "--format", "json"),
    "explain": ("explain", "--json"),
    "plan": ("plan", "--json"),
    "show": ("show", "saved.plan", "--format", "json"),
    "status": ("status", "--json"),
    "validate": ("validate", "--json"),
}
"""Commands that print one document."""


def speaks_json(option: click.Parameter) -> bool:
    """Return whether an option asks for JSON, by its name, its choices or its help."""
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    words = [*option.opts, *choices, getattr(option, "help", None) or ""]
    return any("json" in str(word).lower() for word in words)


def with_json() -> Iterator[str]:
    """Yield the commands that can give out JSON."""
    for path, command in ALL:
        if any(map(speaks_json, command.params)):
            yield path.partition(" ")[2]


def is_versioned(data: Mapping[str, Any]) -> bool:
    """Return whether the first name is ``format_version``, with MAJOR.MINOR."""
    name, version = next(iter(data.items()))
    return name == "format_version" and re.fullmatch(r"[0-9]+\.[0-9]+", version) is not None


@pytest.fixture
def applied(project: Project, forge: Forge) -> Project:
    """Return a project with a saved plan that was applied, in a job on a forge."""
    project.env(**forge.environment())
    project.fine("plan", "--out", "saved.plan")
    project.fine("apply", "saved.plan")
    return project


def test_every_command_with_json_is_tested_here() -> None:
    """A command that learns to speak JSON is added to one of the tables."""
    assert set(with_json()) == REPORT | LINES.keys() | DOCUMENTS.keys()


def test_a_document_names_its_format(applied: Project) -> None:
    """Its first name is format_version."""
    for typed in DOCUMENTS.values():
        assert is_versioned(json.loads(applied.fine(*typed))), typed


def test_each_line_names_its_format(applied: Project) -> None:
    """So a line can be read that was cut out of its output, as grep and tail do."""
    for typed in LINES.values():
        lines = applied.fine(*typed).splitlines()
        assert lines
        assert all(is_versioned(json.loads(line)) for line in lines), typed


def test_the_page_on_compatibility_has_each_version(applied: Project) -> None:
    """Its table names every output with the version that the output has."""
    rows = re.findall(r"^\| (`.+) \| ([0-9.]+) \|$", TEXTS["compatibility"], re.MULTILINE)
    listed = {name: version for names, version in rows for name in re.findall("`(.+?)`", names)}
    given = {
        " ".join(typed).replace("saved.plan ", ""): json.loads(
            applied.fine(*typed).splitlines()[0]
            if typed in LINES.values()
            else applied.fine(*typed)
        )["format_version"]
        for typed in (*LINES.values(), *DOCUMENTS.values())
    }
    assert listed == given | {"doctor --probe --report": PROBE_VERSION}


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_problems_name_their_format(reader: Project, command: str) -> None:
    """The document in place of a plan as well."""
    reader.write("kind: order\n")
    done = reader.run(command, "--json")
    assert done.code == 1
    assert is_versioned(json.loads(done.out))


def test_the_report_of_the_probe_names_its_format() -> None:
    """`doctor --probe --report` saves what ``as_json`` returns."""
    made = Report("r-1", "v3", Account(1, "DEVELOPER_TEST"), (), 0)
    assert is_versioned(as_json(made, at="2026-01-02T03:04:05Z"))

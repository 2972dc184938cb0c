"""The files that are read."""

import os
from pathlib import Path
from typing import Any

import pytest

from reconcile.errors import ManifestError
from reconcile.manifests import files, load
from reconcile.manifests.problems import ProblemReport

ORDER = "{kind: order, key: A}"


def keys(units: Any) -> list[str]:
    """The keys of some units."""
    return [unit.address.key for unit in units]


def test_folders_are_walked(project: Any) -> None:
    """.yaml and .yml anywhere below, but nothing hidden, nothing else and no project file."""
    for n, name in enumerate(["a.yaml", "b/c.yml", "b/d/e.YAML"]):
        project.write(name, f"{{kind: order, key: A{n}}}")
    for name in [".git/x.yaml", "b/.x.yaml", "b/x.json", "reconcile.yaml", "b/reconcile.yaml"]:
        project.write(name, "not: a manifest")
    assert keys(project.load()) == ["A0", "A1", "A2"]


def test_overlapping_paths_are_read_once(project: Any) -> None:
    """A file that is named twice is read once."""
    project.write("b/a.yaml", ORDER)
    assert keys(project.load(".", "b", "b/a.yaml", "b/../b/a.yaml")) == ["A"]


def test_a_file_may_have_any_name_when_it_is_given(project: Any) -> None:
    """A path on the command line is what the user says it is."""
    project.write("orders.txt", ORDER)
    assert keys(project.load("orders.txt")) == ["A"]


@pytest.mark.parametrize(
    ("name", "text", "path", "words"),
    [
        ("a.yaml", ORDER, "b", "no such file or folder"),
        ("b/a.json", ORDER, "b", "no manifest in this folder"),
        ("b/a.yaml", "", "b", "no document"),
        ("b/a.yaml", "# all gone\n---\n---\n~\n...\n", "b", "no document"),
        ("b/a.yaml", "", "b/a.yaml", "no document"),
    ],
)
def test_nothing_is_never_what_is_desired(
    project: Any, name: str, text: str, path: str, words: str
) -> None:
    """A missing path, an empty folder and an empty file are errors."""
    project.write(name, text)
    (problem,) = project.problems(path)
    assert words in problem.message
    assert problem.line == 0


def test_no_paths_are_an_error(tmp_path: Path) -> None:
    """Somebody has to say where the manifests are."""
    with pytest.raises(ManifestError):
        load([], root=tmp_path)


def test_an_empty_document_among_others_is_fine(project: Any) -> None:
    """A trailing or doubled separator is not a document."""
    assert keys(project.units(f"---\n---\n{ORDER}\n---\n# end\n---\n")) == ["A"]


def test_large_files_are_refused(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read up to a limit and no further."""
    monkeypatch.setattr(files, "MAX_BYTES", 1024 * 1024)
    project.write("a.yaml", f"{ORDER}\n" + "#" * 1024 * 1024)
    (problem,) = project.problems()
    assert "larger than 1 MiB" in problem.message


def test_links_that_leave_the_project_are_refused(project: Any, tmp_path_factory: Any) -> None:
    """A repository cannot make reconcile read files outside of it, by file or by folder."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text(ORDER)
    project.write("a.yaml", ORDER)
    (project.root / "b.yaml").symlink_to(outside / "x.yaml")
    (project.root / "c").symlink_to(outside)
    assert [p.file for p in project.problems()] == ["b.yaml", "c"]
    assert all("leads out" in p.message for p in project.problems())


def test_links_within_the_project_are_followed_once(project: Any) -> None:
    """A link back up ends; a link to a folder already read adds nothing."""
    project.write("b/a.yaml", ORDER)
    (project.root / "b" / "up").symlink_to(project.root)
    (project.root / "c").symlink_to(project.root / "b")
    assert keys(project.load()) == ["A"]


def test_a_link_to_nothing_is_an_error(project: Any) -> None:
    """A manifest that is gone is not silently none."""
    project.write("a.yaml", ORDER)
    (project.root / "b.yaml").symlink_to(project.root / "gone.yaml")
    (problem,) = project.problems()
    assert problem.file == "b.yaml"


def test_paths_outside_the_root_may_be_given(project: Any, tmp_path_factory: Any) -> None:
    """What the user names on the command line is theirs to name; links inside it stay inside it."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text(ORDER)
    (outside / "y.yaml").symlink_to(outside / "x.yaml")
    (unit,) = load([outside], root=project.root)
    assert unit.root.location.file == (outside / "x.yaml").as_posix()


def test_what_is_no_file_is_refused(project: Any) -> None:
    """A pipe would wait for ever."""
    os.mkfifo(project.root / "a.yaml")
    (problem,) = project.problems("a.yaml")
    assert "neither a file nor a folder" in problem.message
    assert project.problems()[0].message == problem.message


def test_unreadable_files_are_errors(tmp_path: Path) -> None:
    """A file that cannot be read is not nothing."""
    report = ProblemReport("a.yaml")
    assert files.read_bytes(tmp_path, report) is None
    assert "cannot be read" in report.problems[0].message


def test_unreadable_folders_are_errors(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a folder that cannot be listed."""

    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    (problem,) = project.problems()
    assert problem.message == "cannot be read: Permission denied"


def test_file_names_are_shown_harmlessly(project: Any) -> None:
    """A file's name cannot bring control sequences into a message either."""
    project.write("a\x1b[31m.yaml", "")
    (problem,) = project.problems()
    assert problem.file == r"a\x1b[31m.yaml"

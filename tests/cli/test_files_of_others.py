"""Files of others survive every command that erases or moves, and no link leads out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, Project

OWN = """\
version: 1
manifests: [manifests]
targets: {own: {sandbox: true}}
"""
OTHERS = {
    "invoices.json": "[]",
    "events.jsonl": "{}\n",
    "shards/all.json": "{}",
    "runs/marathon.json": "{}",
    "runs/marathon/0000000001.json": "{}",
    "plans/2026.json": "{}",
    "plans/q1/report.json": "{}",
    "audit/export.jsonl": "{}\n",
    "audit/000000/notes.json": "{}",
    "audit-values/sums.json": "{}",
    "notes.txt": "remember",
}


def put(folder: Path) -> None:
    """Put files of others into a folder."""
    for name, text in OTHERS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def left(folder: Path) -> dict[str, str]:
    """What is left of them."""
    return {
        name: (folder / name).read_text(encoding="utf-8")
        for name in OTHERS
        if (folder / name).exists()
    }


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied once."""
    project.fine("apply", "--auto-approve")
    return project


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("name", OTHERS)
def test_push_refuses_a_place_with_files_of_others(
    applied: Project, tmp_path: Path, name: str
) -> None:
    """It names them, and writes nothing there, not even a lock."""
    there = tmp_path / "elsewhere" / "shop"
    (there / name).parent.mkdir(parents=True)
    (there / name).write_text(OTHERS[name], encoding="utf-8")
    before = tree(there)
    said = applied.refused("state", "push", f"file:{tmp_path / 'elsewhere'}")
    assert "has files that are not reconcile's" in said
    assert name in said
    assert "hint: choose an empty store; nothing was written or removed" in said
    assert tree(there) == before
    assert "No changes." in applied.fine("plan")


def test_push_accepts_a_readme_and_a_gitignore(applied: Project, tmp_path: Path) -> None:
    """Both stay as they are."""
    there = tmp_path / "elsewhere" / "shop"
    there.mkdir(parents=True)
    (there / "README.md").write_text("ours", encoding="utf-8")
    (there / ".gitignore").write_text("*.tmp\n", encoding="utf-8")
    applied.fine("state", "push", f"file:{tmp_path / 'elsewhere'}")
    assert (there / "README.md").read_text(encoding="utf-8") == "ours"
    assert (there / ".gitignore").read_text(encoding="utf-8") == "*.tmp\n"


def test_pull_refuses_a_folder_with_files_of_others(applied: Project, tmp_path: Path) -> None:
    """The state stays where it is."""
    other = f"file:{tmp_path / 'elsewhere'}"
    applied.fine("state", "push", other)
    home = applied.folder / "state" / "shop"
    put(home)
    before = tree(home)
    result = applied.run("state", "pull", other)
    assert result.code == 1
    assert "has files that are not reconcile's" in result.err
    assert tree(home) == before


def test_an_apply_that_prunes_plans_leaves_files_of_others(applied: Project) -> None:
    """Beside the plans and journals of earlier runs."""
    home = applied.folder / "state" / "shop"
    put(home / "plans")
    put(home / "runs")
    applied.write("kind: order\nkey: A-2\nproperties: {hs_order_name: Two}\n", "manifests/b.yaml")
    applied.fine("apply", "--auto-approve")
    assert left(home / "plans") == left(home / "runs") == OTHERS
    assert "No run is unfinished." in applied.fine("status")


def test_reset_leaves_files_of_others(project: Project) -> None:
    """All of them; what is reconcile's goes, but for the hash key."""
    project.write(OWN, "reconcile.yaml")
    project.fine("init", "--auto-approve")
    project.write("kind: order\nkey: A-1\n", "manifests/shop.yaml")
    project.fine("apply", "--auto-approve")
    home = project.folder / "state" / "own"
    put(home)
    project.fine("sandbox", "reset", "--auto-approve")
    assert left(home) == OTHERS
    ours = {".gitignore", "key", "lock", "lock-holder", "write-lock"}
    assert set(tree(home)) - set(OTHERS) == ours


def test_reset_leaves_another_programs_database(project: Project) -> None:
    """It is refused by name, without a hint to erase it."""
    project.write(OWN, "reconcile.yaml")
    file = project.folder / "state" / "own" / "sandbox.sqlite"
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE thing (name)")
    before = file.read_bytes()
    for command in (("sandbox", "reset", "--auto-approve"), ("plan",), ("sandbox", "info")):
        said = project.run(*command)
        assert said.code == 1
        assert "is another program's database" in said.err
        assert "hint: move it away" in said.err
        assert "sandbox reset" not in said.err
    assert file.read_bytes() == before


# Links


def elsewhere(project: Project) -> Path:
    """A folder outside the project, with something in it."""
    folder = project.folder.parent / f"{project.folder.name}-outside"
    folder.mkdir()
    put(folder)
    return folder


def link(at: Path, to: Path) -> None:
    """Make a symbolic link."""
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(to)


COMMANDS = [("plan",), ("apply", "--auto-approve"), ("status",), ("state", "list")]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("named", ["state", "state/shop"])
def test_a_state_folder_outside_the_project_is_refused(
    project: Project, named: str, command: tuple[str, ...]
) -> None:
    """Where a link leads there; nothing is written there."""
    outside = elsewhere(project)
    before = tree(outside)
    link(project.folder / named, outside)
    said = project.run(*command)
    assert said.code == 1
    assert "stay inside the folder" in said.err or "leads out of the project" in said.err
    assert tree(outside) == before
    assert project.account.writes() == []


def test_a_state_folder_outside_is_refused_without_a_project_file(project: Project) -> None:
    """The default folder is under the same rule."""
    (project.folder / "reconcile.yaml").unlink()
    outside = elsewhere(project)
    link(project.folder / "state", outside)
    before = tree(outside)
    said = project.run("sandbox", "reset", "--auto-approve")
    assert said.code == 1
    assert "leads out of the project" in said.err
    assert tree(outside) == before


@pytest.mark.parametrize("text", ["../state", "/elsewhere/state", "state/../../elsewhere"])
def test_state_must_be_inside_the_project(project: Project, text: str) -> None:
    """The project file's place of it is named."""
    project.settings(PROJECT + f"state: {text}\n")
    said = project.refused("plan")
    line = len(PROJECT.splitlines()) + 1
    assert f"reconcile.yaml:{line}:8: 'state' must stay inside the folder of reconcile.yaml" in said


def test_a_project_file_outside_the_project_is_refused(project: Project) -> None:
    """A link within the project is followed."""
    file = project.folder / "reconcile.yaml"
    outside = elsewhere(project) / "reconcile.yaml"
    inside = project.folder / "settings" / "all.yaml"
    inside.parent.mkdir()
    inside.write_bytes(file.read_bytes())
    file.rename(outside)
    link(file, outside)
    assert "this link leads out of the project" in project.refused("plan")
    file.unlink()
    link(file, inside)
    assert "Plan: 1 order" in project.fine("plan")
    file.unlink()
    link(file, file)
    assert "which does not exist" in project.refused("plan")


INNER = ["head.json", "shards", "runs", "audit", "audit-values", "plans", "applied.json"]
INNER += ["key", "lock", "lock-holder", "write-lock"]


@pytest.mark.parametrize("name", INNER)
def test_no_link_in_the_state_is_followed(project: Project, name: str) -> None:
    """Neither to a file nor to a folder: what it leads to stays as it is."""
    outside = elsewhere(project)
    target = outside if "." not in name and "lock" not in name and name != "key" else None
    link(project.folder / "state" / "shop" / name, target or outside / "notes.txt")
    before = tree(outside)
    said = project.run("apply", "--auto-approve")
    assert said.code != 0
    assert "is a symbolic link, which reconcile does not follow" in said.err
    assert tree(outside) == before
    assert project.account.writes() == []


@pytest.mark.parametrize(
    "name", ["sandbox.sqlite", "sandbox.sqlite-wal", "sandbox.sqlite-requests"]
)
def test_no_link_to_a_database_is_followed(project: Project, name: str) -> None:
    """Neither to serve it nor to erase it: what it leads to stays as it is."""
    project.write(OWN, "reconcile.yaml")
    outside = elsewhere(project)
    before = tree(outside)
    link(project.folder / "state" / "own" / name, outside / "notes.txt")
    assert "is a symbolic link" in project.refused("plan")
    assert "is a symbolic link" in project.run("sandbox", "reset", "--auto-approve").err
    assert tree(outside) == before


def test_a_manifest_link_that_leads_in_a_circle_is_one_problem(project: Project) -> None:
    """Not a failure of reconcile."""
    link(project.folder / "manifests" / "loop.yaml", project.folder / "manifests" / "loop.yaml")
    assert "manifests/loop.yaml: " in project.refused("validate")

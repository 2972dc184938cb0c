"""What git leaves alone by itself: every folder of state, and plan files."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Project, run_script


def untracked(folder: Path) -> set[str]:
    """What `git add` would take up: every file of a new repository that git does not ignore."""
    git = shutil.which("git")
    assert git
    if not (folder / ".git").exists():
        subprocess.run([git, "init", "-q"], cwd=folder, check=True)
    command = [git, "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines())


def test_git_takes_up_nothing_that_holds_state(project: Project) -> None:
    """Neither state, key, journal, audit log nor plan; manifests and the project file it does."""
    project.fine("apply", "--auto-approve")
    assert (project.folder / "state" / "shop" / "key").exists()
    assert list((project.folder / "state" / "shop" / "audit-values").rglob("*.json"))
    assert untracked(project.folder) == {"manifests/shop.yaml", "reconcile.yaml"}


@pytest.mark.long
def test_git_takes_up_nothing_that_a_first_command_leaves(tmp_path: Path) -> None:
    """A folder without a project file: planning makes the sandbox; init, the project file."""
    (tmp_path / "manifests").mkdir()
    manifest = tmp_path / "manifests" / "orders.yaml"
    manifest.write_text("kind: order\nkey: A-1\n", encoding="utf-8")
    assert run_script("sandbox", "seed", "northwind", cwd=tmp_path).returncode == 0
    assert list(tmp_path.rglob("sandbox.sqlite"))
    assert untracked(tmp_path) == {"manifests/orders.yaml"}
    assert run_script("init", "--auto-approve", cwd=tmp_path).returncode == 0
    done = run_script("plan", "--out", "first.plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "first.plan").exists()
    assert untracked(tmp_path) == {".gitignore", "manifests/orders.yaml", "reconcile.yaml"}


def test_a_shared_folder_is_left_alone_too(project: Project, tmp_path: Path) -> None:
    """The state that was pushed there; a folder that lost its .gitignore gets it back."""
    project.fine("apply", "--auto-approve")
    shared = tmp_path / "shared"
    project.fine("state", "push", f"file:{shared}")
    assert (shared / "shop" / "head.json").exists()
    assert untracked(shared) == set()
    (project.folder / "state" / "shop" / ".gitignore").unlink()
    project.fine("state", "pull", f"file:{shared}")
    assert untracked(project.folder) == {"manifests/shop.yaml", "reconcile.yaml"}


def test_a_gitignore_of_ones_own_stays(project: Project) -> None:
    """In the state's folder; nothing is added to it."""
    file = project.folder / "state" / "shop" / ".gitignore"
    file.parent.mkdir(parents=True)
    file.write_text("key\n", encoding="utf-8")
    project.fine("apply", "--auto-approve")
    assert file.read_text(encoding="utf-8") == "key\n"


def test_reading_makes_no_folder(project: Project) -> None:
    """Nor a .gitignore."""
    project.fine("plan")
    project.fine("status")
    assert not (project.folder / "state").exists()


BEFORE = {
    "none": (None, "*.plan\n"),
    "empty": ("", "*.plan\n"),
    "ended": ("build/\n", "build/\n*.plan\n"),
    "not ended": ("build/", "build/\n*.plan\n"),
    "there": ("# ours\n*.plan\nbuild/", "# ours\n*.plan\nbuild/"),
    "in a comment": ("# see *.plan files\n", "# see *.plan files\n*.plan\n"),
    "windows": ("*.plan\r\nbuild/\r\n", "*.plan\r\nbuild/\r\n"),
}


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize(("before", "after"), BEFORE.values(), ids=BEFORE)
def test_init_has_git_leave_plans_alone(tmp_path: Path, before: str | None, after: str) -> None:
    """Every byte that is in a .gitignore stays, and a second init adds nothing."""
    file = tmp_path / ".gitignore"
    if before is not None:
        file.write_bytes(before.encode())
        file.chmod(0o640)
    for _ in range(2):
        done = run_script("init", "--auto-approve", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == after.encode()
        if before is not None:
            assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (tmp_path / "reconcile.yaml").exists()


def test_init_leaves_a_project_as_it_is(project: Project) -> None:
    """Where there is a project file already, its .gitignore is not touched either."""
    project.fine("init", "--auto-approve")
    assert not (project.folder / ".gitignore").exists()


def test_init_writes_through_no_link(tmp_path: Path) -> None:
    """A .gitignore that is a link stays one, and what it leads to stays as it is."""
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    outside.write_text("of others\n", encoding="utf-8")
    (project / ".gitignore").symlink_to(outside)
    assert run_script("init", "--auto-approve", cwd=project).returncode == 0
    assert (project / ".gitignore").is_symlink()
    assert outside.read_text(encoding="utf-8") == "of others\n"


def test_an_unwritable_gitignore_is_one_clear_error(tmp_path: Path) -> None:
    """And no project file is written."""
    (tmp_path / ".gitignore").mkdir()
    done = run_script("init", "--auto-approve", cwd=tmp_path)
    assert done.returncode == 1
    assert ".gitignore cannot be written: Is a directory" in done.stderr
    assert not (tmp_path / "reconcile.yaml").exists()

"""A sandbox target on a full disk, without permission, locked or damaged: the cause is named.

A limit on the size of files stands for the disk; a small disk is used too where one can be mounted.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPT, Project, run_script

OWN = """\
version: 1
manifests: [manifests]
targets: {own: {sandbox: true}}
"""
_MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def can_mount() -> bool:
    """Whether a small disk can be mounted here, for one process to see."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_MOUNT, 'mount -t tmpfs -o size=1m tmpfs "$0"', folder]
        return (
            bool(shutil.which("unshare")) and subprocess.run(command, check=False).returncode == 0
        )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a project with a sandbox that was applied to once."""
    folder = tmp_path / "project"
    (folder / "manifests").mkdir(parents=True)
    (folder / "reconcile.yaml").write_text(OWN, encoding="utf-8")
    (folder / "manifests" / "shop.yaml").write_text("kind: order\nkey: A-1\n", encoding="utf-8")
    for command in (("init", "--auto-approve"), ("apply", "--auto-approve")):
        done = run_script(*command, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def database(folder: Path) -> Path:
    """The sandbox's file."""
    return folder / "state" / "own" / "sandbox.sqlite"


def limited(folder: Path, kibibytes: int, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run the program where no file can grow beyond a size."""
    command = ["bash", "-c", f'ulimit -f {kibibytes}; exec "$@"', "-", str(SCRIPT), *args]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """What a run that failed said, which is no traceback and no advice to erase anything."""
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    assert "internal error: " not in done.stderr
    assert "reset" not in done.stderr
    assert "not a sandbox database" not in done.stderr
    return done.stderr


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("kibibytes", [1, 16, 300])
def test_a_disk_too_small_to_make_the_sandbox(tmp_path: Path, kibibytes: int) -> None:
    """At the first step, while its tables are made, or later; nothing half made is left."""
    words = said(limited(tmp_path, kibibytes, "init", "--auto-approve"))
    assert "File too large" in words or "disk is full" in words
    assert list(tmp_path.rglob("*sandbox.sqlite*")) == []
    assert run_script("init", "--auto-approve", cwd=tmp_path).returncode == 0


@pytest.mark.long
def test_a_disk_too_small_to_open_the_sandbox(own: Path) -> None:
    """SQLite's own word for it is "disk I/O error"."""
    before = database(own).read_bytes()
    words = said(limited(own, 16, "plan"))
    assert f"{database(own)} cannot be used: File too large" in words
    assert "hint: make room on the disk" in words
    assert database(own).read_bytes() == before
    assert run_script("plan", cwd=own).returncode == 0


SMALL_DISK = """
set -e
mount -t tmpfs -o size=$1 tmpfs "$2"
cd "$2"
if [ -d "$3" ]; then
    cp -r "$3/." .
    dd if=/dev/zero of=filling bs=4096 2>/dev/null || true
fi
shift 3
set +e
"$@"
"""


@pytest.mark.long
@pytest.mark.parametrize("made", [True, False] if can_mount() else [])
def test_a_full_disk_is_called_full(own: Path, tmp_path: Path, made: bool) -> None:  # noqa: FBT001
    """Whether the sandbox is there or is to be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [str(SCRIPT), *(("plan",) if made else ("init", "--auto-approve"))]
    size, origin = ("16m", str(own)) if made else ("200k", "")
    done = subprocess.run(
        [*_MOUNT, SMALL_DISK, "sh", size, str(disk), origin, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    words = said(done)
    assert "No space left on device" in words or "the disk is full" in words
    assert "hint: make room on the disk" in words or "hint: check that the disk has room" in words


BOUND = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Has permissions bind root too."""


@pytest.mark.long
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_database_that_is_not_ours_to_use(own: Path, mode: int) -> None:
    """Neither to read nor to write, or to read alone."""
    database(own).chmod(mode)
    bound = BOUND if os.geteuid() == 0 else []
    command = [*bound, str(SCRIPT), "sandbox", "seed", "northwind"]
    words = said(subprocess.run(command, cwd=own, capture_output=True, text=True, check=False))
    assert f"{database(own)} cannot be used: Permission denied" in words
    assert "hint: see that the folder and the files in it are yours to read and write" in words


@pytest.mark.long
def test_a_locked_database(own: Path) -> None:
    """Another program has it for itself."""
    with closing(sqlite3.connect(database(own), isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        words = said(run_script("plan", cwd=own))
    assert "is locked by another process" in words


def spoil(file: Path, how: str) -> None:
    """Damage a database."""
    data = file.read_bytes()
    if how == "no header":
        file.write_bytes(b"x" * 100 + data[100:])
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "cut":
        file.write_bytes(data[:5000])
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA user_version = 1")


DAMAGES = {
    "no header": "is damaged, or not a sandbox database",
    "empty": "is damaged: it is empty",
    "cut": "is damaged",
    "version": "is not a sandbox database of this version: 1, not ",
}


@pytest.mark.long
@pytest.mark.parametrize("command", ["plan", "sandbox info", "sandbox seed northwind"])
@pytest.mark.parametrize(("how", "message"), DAMAGES.items())
def test_only_what_is_lost_is_to_be_erased(own: Path, how: str, message: str, command: str) -> None:
    """A database of another version, or damaged: erasing helps, and is what the hint says."""
    spoil(database(own), how)
    done = run_script(*command.split(), cwd=own)
    assert done.returncode == 1
    assert message in done.stderr
    assert "hint: `reconcile sandbox reset` erases it" in done.stderr
    assert "internal error: " not in done.stderr


@pytest.mark.long
def test_a_reset_of_what_is_lost(own: Path) -> None:
    """Helps indeed."""
    spoil(database(own), "cut")
    assert run_script("sandbox", "reset", "--auto-approve", cwd=own).returncode == 0
    assert run_script("init", "--auto-approve", cwd=own).returncode == 0
    assert "Plan: 1 order to create." in run_script("plan", cwd=own).stdout


def test_a_key_that_cannot_be_written(project: Project) -> None:
    """A full disk where the state is made is one clear error."""
    done = limited(project.folder, 0, "apply", "--auto-approve")
    assert "the state folder" in said(done)
    assert "cannot be used: File too large" in done.stderr
    assert project.account.writes() == []

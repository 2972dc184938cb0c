"""`sandbox reset` that is killed before any of its steps: the next one completes it."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from tests.cli.conftest import Project, run_script

OWN = """\
version: 1
manifests: [manifests]
targets: {own: {sandbox: true}}
"""
INFO = LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "apply")

KILLED = """
import os, signal, sys
steps = int(sys.argv.pop(1))
from reconcile.cli import main
from reconcile.cli.sandbox import command

def watch(event, args):
    global steps
    if event in ("os.remove", "os.rename") and ".gitignore" not in str(args[0]):
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
main()
"""
"""Runs the program, and kills it before its next change of a folder after so many."""


@pytest.fixture
def own(project: Project) -> Project:
    """Return a project with a sandbox that was applied to once."""
    project.write(OWN, "reconcile.yaml")
    project.write("kind: order\nkey: A-1\n", "manifests/shop.yaml")
    project.fine("init", "--auto-approve")
    project.fine("apply", "--auto-approve")
    return project


def data(folder: Path) -> set[str]:
    """The files that a reset erases, as far as they are there."""
    home = folder / "state" / "own"
    files = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    return files - {".gitignore", "key", "lock", "lock-holder", "write-lock"}


def killed(folder: Path, steps: int) -> bool:
    """Reset, and end after so many steps; whether that was before the end."""
    command = [sys.executable, "-c", KILLED, str(steps), "sandbox", "reset", "--auto-approve"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def test_a_reset_killed_before_any_step_is_completed_by_the_next(
    own: Project, tmp_path: Path
) -> None:
    """Until then everything is as it was before, or every command refuses the folder."""
    before = data(own.folder)
    assert {"sandbox.sqlite", "head.json"} <= before
    half = steps = 0
    while True:
        folder = tmp_path / f"killed-{steps}"
        shutil.copytree(own.folder, folder)
        if not killed(folder, steps):
            break
        if "being-erased" in data(folder):
            half += 1
            found = data(folder)
            for command in (("plan",), ("state", "list"), ("sandbox", "info")):
                refused = own.run(*command, cwd=folder)
                assert refused.code == 1
                assert "is half erased: a `sandbox reset` did not come to its end" in refused.err
                assert "hint: run `reconcile sandbox reset` again" in refused.err
            assert data(folder) == found
        elif before - data(folder):
            assert data(folder) == set()
        done = own.run("sandbox", "reset", "--auto-approve", cwd=folder)
        assert done.code == 0, done.all
        assert data(folder) == set()
        assert own.run("sandbox", "reset", cwd=folder).out.endswith("has no sandbox data yet.\n")
        steps += 1
    assert data(folder) == set()
    assert half >= len(before)
    assert own.run("init", "--auto-approve", cwd=folder).code == 0
    assert "Plan: 1 order to create." in own.run("plan", cwd=folder).out


def test_a_locked_state_is_not_erased(own: Project) -> None:
    """Nor is the sandbox, while a run has the lock: all of it is as it was."""
    before = data(own.folder)
    with LocalStore(own.folder / "state" / "own").lock(INFO):
        refused = own.run("sandbox", "reset", "--auto-approve")
    assert refused.code == 4
    assert "locked by ana@mill" in refused.err
    assert data(own.folder) == before
    assert "No changes." in own.fine("plan")


def test_a_state_without_its_sandbox_is_erased(own: Project) -> None:
    """Whatever took the database away."""
    (own.folder / "state" / "own" / "sandbox.sqlite").unlink()
    own.fine("sandbox", "reset", "--auto-approve")
    assert data(own.folder) == set()


def test_a_new_database_takes_nothing_from_a_former_one(tmp_path: Path) -> None:
    """What is left of one whose main file is gone is refused, and a reset erases it."""
    home = tmp_path / "state" / "sandbox"
    home.mkdir(parents=True)
    (home / "sandbox.sqlite-wal").write_bytes(b"the last writes")
    done = run_script("init", "--auto-approve", cwd=tmp_path)
    assert done.returncode == 1
    assert "sandbox.sqlite-wal is left of a database that is gone" in done.stderr
    assert "hint: `reconcile sandbox reset` erases it" in done.stderr
    assert run_script("sandbox", "reset", "--auto-approve", cwd=tmp_path).returncode == 0
    assert run_script("init", "--auto-approve", cwd=tmp_path).returncode == 0

"""`sandbox reset` that is killed before any of its steps: the next one completes it."""

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

pytestmark = pytest.mark.long  # processes that die at every step

KILLED = """
import os, shutil, signal, sys
from reconcile.cli import main
import reconcile.cli.sandbox, reconcile.sandbox.server

origin, into = sys.argv[1:]
sys.argv[1:] = ["sandbox", "reset", "--auto-approve"]
left = 0

def watch(event, args):
    global left
    if event in ("os.remove", "os.rename"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

steps = code = 0
while os.waitstatus_to_exitcode(code) != 0 or not steps:
    folder = f"{into}/{steps}"
    shutil.copytree(origin, folder)
    child = os.fork()
    if not child:
        os.chdir(folder)
        left = steps
        sys.addaudithook(watch)
        main()
    _, code = os.waitpid(child, 0)
    steps += 1
"""
"""Resets one copy of a project after the other, each killed one change of a file later.

The last one comes to its end.
"""


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
    # A process that is killed while it gives the lock back leaves a second note of its holder.
    kept = (".gitignore", "key", "lock", "write-lock", ".lock-holder.")
    return {name for name in files if not name.startswith(kept)}


def test_a_reset_killed_before_any_step_is_completed_by_the_next(
    own: Project, tmp_path: Path
) -> None:
    """Until then all is as it was before, or every command refuses the folder."""
    before = data(own.folder)
    assert {"sandbox.sqlite", "head.json"} <= before
    into = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(own.folder), str(into)]
    subprocess.run(command, capture_output=True, text=True, check=True)
    *killed, last = sorted(into.iterdir(), key=lambda folder: int(folder.name))
    assert data(last) == set()
    half = [folder for folder in killed if "being-erased" in data(folder)]
    assert len(half) >= len(before)
    for folder in killed:
        found = data(folder)
        if folder in half:
            refused = own.run("state", "list", cwd=folder)
            assert refused.code == 1
            assert "is half erased: a `sandbox reset` was interrupted" in refused.err
            assert "hint: run `reconcile sandbox reset` again" in refused.err
            assert data(folder) == found
        else:
            assert before <= found or not found
        own.run("sandbox", "reset", "--auto-approve", cwd=folder)
        assert data(folder) == set()
    for command in (("plan",), ("sandbox", "info"), ("sandbox", "seed", "northwind"), ("status",)):
        (last / "state" / "own" / "being-erased").touch()
        assert "is half erased" in own.run(*command, cwd=last).err
    own.run("sandbox", "reset", "--auto-approve", cwd=last)
    assert own.run("sandbox", "reset", cwd=last).out.endswith("has no sandbox data yet.\n")
    assert own.run("init", "--auto-approve", cwd=last).code == 0
    assert "Plan: 1 order to create." in own.run("plan", cwd=last).out


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
    assert "sandbox.sqlite-wal belongs to a database that no longer exists" in done.stderr
    assert "hint: `reconcile sandbox reset` erases it" in done.stderr
    assert run_script("sandbox", "reset", "--auto-approve", cwd=tmp_path).returncode == 0
    assert run_script("init", "--auto-approve", cwd=tmp_path).returncode == 0

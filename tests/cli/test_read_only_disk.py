"""Reading commands write nothing: they work on a read-only disk."""

import subprocess
import sys
from pathlib import Path

import pytest
from forge.server import Forge

from tests.cli.conftest import Project

READING = [
    ("ci", "github", "check"),
    ("status",),
    ("lock", "show"),
    ("lock", "show", "file:state"),
    ("plan",),
    ("drift",),
    ("validate",),
    ("state", "list"),
    ("state", "show", "order/A-1"),
    ("state", "mv", "order/A-1", "order/B-1", "--dry-run"),
    ("pull", "--drift", "--dry-run"),
    ("pull", "order/A-1", "--dry-run"),
    ("audit", "log"),
    ("audit", "verify"),
    ("audit", "export"),
]
WATCHED = """
import os, sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.utime",
           "os.chmod", "os.truncate")

def watch(event, args):
    path = str(args[0]) if args else ""
    if event == "open" and args[2] & WRITING and path != os.devnull and "__pycache__" not in path:
        raise OSError(30, f"Read-only file system: {path}")
    if event in CHANGES and "__pycache__" not in path:
        raise OSError(30, f"Read-only file system: {path}")

from reconcile.cli import main

sys.addaudithook(watch)
main()
"""
"""Runs a command with every attempt to write refused, as a read-only disk does."""


def read_only(project: Project, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that can write nothing."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED, *args],
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied once."""
    project.fine("apply", "--auto-approve")
    return project


def test_the_watch_refuses_to_write(applied: Project) -> None:
    """Otherwise the tests below would say nothing."""
    done = read_only(applied, "state", "rm", "order/A-1", "--auto-approve")
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_reading_command_writes_nothing(
    applied: Project, forge: Forge, command: tuple[str, ...]
) -> None:
    """Not even a lock of its own, or what has git leave the folder alone."""
    applied.env(**forge.environment())
    home = applied.folder / "state" / "shop"
    (home / ".gitignore").unlink()
    before = sorted(applied.folder.rglob("*"))
    done = read_only(applied, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(applied.folder.rglob("*")) == before


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("gone", ["lock", "write-lock", "lock-holder"])
def test_who_holds_the_lock_is_read_without_its_files(applied: Project, gone: str) -> None:
    """A folder that was copied without them is not locked."""
    file = applied.folder / "state" / "shop" / gone
    file.unlink()
    done = read_only(applied, "lock", "show")
    assert done.stdout == "Target shop is not locked.\n"
    assert not Path(file).exists()

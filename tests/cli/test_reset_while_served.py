"""`sandbox reset` while another process has the sandbox open, or after the sandbox was lost."""

import json
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Project

pytestmark = pytest.mark.long  # several processes a test

OWN = """\
version: 1
manifests: [manifests]
targets: {own: {sandbox: true}}
"""
CONTACT = {"properties": {"email": "ana@example.com"}}


@pytest.fixture
def own(project: Project) -> Project:
    """Return a project with a sandbox that was applied to once."""
    project.write(OWN, "reconcile.yaml")
    project.write("kind: order\nkey: A-1\n", "manifests/shop.yaml")
    project.fine("init", "--auto-approve")
    project.fine("apply", "--auto-approve")
    return project


def home(project: Project) -> Path:
    """Return the target's folder."""
    return project.folder / "state" / "own"


def served(project: Project) -> "tuple[subprocess.Popen[str], str, str]":
    """Start `sandbox serve`; the process, its URL and its token."""
    process = project.process("sandbox", "serve")
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    return process, url, process.stdout.readline().split()[-1]


def test_a_reset_is_refused_while_the_sandbox_is_served(own: Project) -> None:
    """What is made through the server meanwhile is there afterwards; then the reset is done."""
    process, url, token = served(own)
    refused = own.run("sandbox", "reset", "--auto-approve")
    assert refused.code == 4, refused.all
    assert f"is in use by process {process.pid}" in refused.err
    assert "hint: nothing was erased; wait until that process ends, or stop it" in refused.err
    headers = {"Authorization": f"Bearer {token}"}
    made = httpx.post(f"{url}/crm/v3/objects/contacts", json=CONTACT, headers=headers)
    assert made.status_code == 201
    assert "No changes." in own.fine("plan")
    assert own.end(process, signal.SIGINT).code == 0
    assert "contacts" in own.fine("sandbox", "info")
    assert "No changes." in own.fine("plan")
    own.fine("sandbox", "reset", "--auto-approve")
    assert not (home(own) / "sandbox.sqlite").exists()


def test_each_of_several_servers_is_in_the_way(own: Project) -> None:
    """One that has ended is not named."""
    first, *_ = served(own)
    second, *_ = served(own)
    own.end(first, signal.SIGINT)
    refused = own.run("sandbox", "reset", "--auto-approve")
    assert f"is in use by process {second.pid}" in refused.err
    own.end(second, signal.SIGINT)
    own.fine("sandbox", "reset", "--auto-approve")


def test_a_server_that_was_killed_is_in_nobodys_way(own: Project) -> None:
    """Its lock ended with it; what it left behind is erased too."""
    process, *_ = served(own)
    own.end(process, signal.SIGKILL)
    assert list(home(own).glob("serving-*")) != []
    own.fine("sandbox", "reset", "--auto-approve")
    assert list(home(own).glob("serving-*")) == []
    own.fine("init", "--auto-approve")


def test_a_refused_reset_does_not_count_as_begun(own: Project) -> None:
    """A half done one goes on being half done."""
    process, *_ = served(own)
    own.run("sandbox", "reset", "--auto-approve")
    assert not (home(own) / "being-erased").exists()
    (home(own) / "being-erased").touch()
    assert own.run("sandbox", "reset", "--auto-approve").code == 4
    assert (home(own) / "being-erased").exists()
    own.end(process, signal.SIGINT)
    own.fine("sandbox", "reset", "--auto-approve")


def test_a_seed_is_loaded_while_the_sandbox_is_served(own: Project) -> None:
    """Any number of processes may have it open, as long as none erases it."""
    process, *_ = served(own)
    own.write(json.dumps({"objects": {"contacts": [CONTACT]}}), "seed.json")
    assert "1 added" in own.fine("sandbox", "seed", "seed.json")
    own.end(process, signal.SIGINT)
    assert list(home(own).glob("serving-*")) == []


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")])
def test_a_lost_sandbox_is_called_lost(own: Project, command: tuple[str, ...]) -> None:
    """There is no other token to use; a reset helps, and so does the former file."""
    file = home(own) / "sandbox.sqlite"
    kept = file.read_bytes()
    for part in home(own).glob("sandbox.sqlite*"):
        part.unlink()
    said = own.run(*command)
    assert said.code == 1
    assert "the sandbox of that state was lost or replaced" in said.err
    assert "token" not in said.err
    for part in home(own).glob("sandbox.sqlite*"):
        part.unlink()
    file.write_bytes(kept)
    assert "No changes." in own.fine("plan")
    for part in home(own).glob("sandbox.sqlite*"):
        part.unlink()
    assert "hint: restore " in own.run("plan").err
    own.fine("sandbox", "reset", "--auto-approve")
    own.fine("init", "--auto-approve")
    own.fine("apply", "--auto-approve")

"""A repository that names programs wherever git takes one: reading it starts none of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconcile.audit import git
from reconcile.audit.actor import commit, origin
from reconcile.audit.git_objects import GitObjects
from reconcile.audit.source import FilesRead
from reconcile.model.source import UNKNOWN, Files

ANA = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the environment of somebody who has set up nothing."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def run(folder: Path, environ: dict[str, str], *args: str) -> str:
    """Run the real git as anybody does."""
    done = subprocess.run(
        ["git", *ANA, *args], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Return the file that a started program leaves."""
    return tmp_path / "started"


@pytest.fixture
def root(tmp_path: Path, environ: dict[str, str], marker: Path) -> Path:
    """Return a project in a repository whose settings, attributes and hooks name a program."""
    folder = tmp_path / "repository"
    (folder / "manifests").mkdir(parents=True)
    run(folder, environ, "init", "--quiet", "--initial-branch=main")
    (folder / "manifests" / "a.yaml").write_text("one\n")
    (folder / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    run(folder, environ, "add", ".")
    run(folder, environ, "commit", "--quiet", "-m", "first")
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    program.chmod(0o755)
    settings = {
        "core.fsmonitor": program,
        "core.hooksPath": folder / "hooks",
        "core.pager": program,
        "core.editor": program,
        "core.askPass": program,
        "core.sshCommand": program,
        "core.gitProxy": program,
        "core.alternateRefsCommand": program,
        "pager.config": program,
        "pager.ls-tree": program,
        "pager.rev-parse": program,
        "diff.external": program,
        "diff.evil.command": program,
        "diff.evil.textconv": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "filter.evil.required": "true",
        "merge.evil.driver": program,
        "gpg.program": program,
        "credential.helper": program,
        "uploadpack.packObjectsHook": program,
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{program}",
        "remote.origin.uploadpack": program,
        "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none",
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        **{f"alias.{name}": f"!{program}" for name in ("rev-parse", "config", "ls-tree", "var")},
        "user.name": "Ana",
        "user.email": "ana@example.com",
    }
    for name, value in settings.items():
        run(folder, environ, "config", name, str(value))
    (folder / "hooks").mkdir()
    for name in HOOKS:
        shutil.copy(program, folder / "hooks" / name)
        shutil.copy(program, folder / ".git" / "hooks" / name)
    marker.unlink(missing_ok=True)
    return folder


def compare(root: Path, environ: dict[str, str]) -> Files:
    """Compare the repository's manifest with the commit."""
    read = FilesRead(root, commit(environ, root), environ)
    for file in (root / "manifests").iterdir():
        read.add(file, file.read_bytes())
    return read.source(lambda path: path.parent.name == "manifests").files


def test_reading_a_hostile_repository_starts_nothing(
    root: Path, environ: dict[str, str], marker: Path
) -> None:
    """Who, which commit, and whether files differ are known, and no program was started."""
    found = origin(environ, root)
    assert found.actor.name == "Ana <ana@example.com>"
    assert git.is_commit(found.commit)
    assert compare(root, environ) is Files.SAME
    (root / "manifests" / "a.yaml").write_text("two\n")
    assert compare(root, environ) is Files.DIFFER
    assert not marker.exists()
    run(root, environ, "status")
    assert marker.exists()  # what anybody else who looks at this repository starts


def test_what_a_partial_clone_misses_is_not_fetched(
    root: Path, environ: dict[str, str], marker: Path
) -> None:
    """A commit whose tree is not there cannot be compared; no transport is started to get it."""
    tree = run(root, environ, "rev-parse", "HEAD^{tree}")
    (root / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    marker.unlink(missing_ok=True)
    assert compare(root, environ) is Files.UNKNOWN
    assert not marker.exists()


def test_reading_the_files_of_a_commit_starts_nothing(
    root: Path, environ: dict[str, str], marker: Path
) -> None:
    """The bytes are those in the repository, and no filter, pager or transport has seen them."""
    run(root, environ, "config", "pager.cat-file", str(root / "program"))
    run(root, environ, "config", "alias.cat-file", f"!{root / 'program'}")
    (root / "manifests" / "a.yaml").write_text("two\n")
    marker.unlink(missing_ok=True)
    head = git.resolve(root, "main", environ)
    assert head == commit(environ, root)
    assert not git.is_shallow(root, environ)
    objects = GitObjects(root, environ)
    entry = objects.tree(head)[root / "manifests" / "a.yaml"]
    sizes = objects.sizes([entry.id])
    assert list(objects.blobs([entry.id], sizes)) == [b"one\n"]
    (root / ".git" / "objects" / entry.id[:2] / entry.id[2:]).unlink()
    with pytest.raises(git.GitUnavailable, match="does not have all files"):
        objects.sizes([entry.id])
    with pytest.raises(git.GitUnavailable, match="cannot read"):
        list(objects.blobs([entry.id], sizes))
    assert not marker.exists()


def test_a_folder_that_looks_like_a_repository_is_none(
    root: Path, environ: dict[str, str], marker: Path
) -> None:
    """Files of a tree can make up a bare repository with settings; git must not take them."""
    bare = root / "bare"
    shutil.copytree(root / ".git", bare)
    run(bare, environ, "config", "core.bare", "true")
    run(bare, environ, "config", "user.name", "Mallory")
    marker.unlink(missing_ok=True)
    found = origin(environ, bare)
    assert (found.actor.name, found.commit) == (UNKNOWN, UNKNOWN)
    assert not marker.exists()


def test_git_gets_no_token(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    """Of the environment git gets what it needs, and no variable that may hold a secret."""
    seen = tmp_path / "seen"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/sh\nenv >> '{seen}'\nexec '{shutil.which('git')}' \"$@\"\n")
    wrapper.chmod(0o755)
    path = f"{wrapper.parent}:{environ['PATH']}"
    secrets = {"HUBSPOT_TOKEN": "secret-1", "GIT_ASKPASS": "secret-2", "GIT_TRACE": "secret-3"}
    assert git.is_commit(origin(environ | secrets | {"PATH": path}, root).commit)
    assert "secret" not in seen.read_text()

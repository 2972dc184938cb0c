"""Whether the files that were read are those of the commit, on real repositories."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile.audit.actor import commit
from reconcile.audit.source import FilesRead
from reconcile.manifests.files import find, is_manifest
from reconcile.model.source import UNKNOWN, Files, Source

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}


def run(folder: Path, *args: str) -> str:
    """Run the real git."""
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    done = subprocess.run(
        ["git", *names, "-c", "protocol.file.allow=always", *args],
        cwd=folder,
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def keep(folder: Path) -> None:
    """Commit all that is there."""
    run(folder, "add", "--all")
    run(folder, "commit", "--quiet", "--allow-empty", "-m", "all")


@pytest.fixture(params=["sha1", "sha256"])
def top(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a repository, by either of git's hashes, with a project in a folder of it."""
    folder = tmp_path / "repository"
    (folder / "shop" / "manifests" / "deep").mkdir(parents=True)
    run(folder, "init", "--quiet", f"--object-format={request.param}")
    (folder / "shop" / "manifests" / "a.yaml").write_text("one\n")
    (folder / "shop" / "manifests" / "deep" / "ü b.yml").write_text("two\n")
    (folder / "shop" / "manifests" / "notes.txt").write_text("no manifest\n")
    (folder / "shop" / "reconcile.yaml").write_text("version: 1\n")
    (folder / "elsewhere.yaml").write_text("not of the project\n")
    keep(folder)
    return folder


def source(root: Path, *given: Path) -> Source:
    """What is said of a plan that is made from these paths and the project file."""
    paths = given or (root / "manifests",)
    read = FilesRead(root, commit(ENVIRON, root), ENVIRON)
    for file in (*find(paths, root).files, root / "reconcile.yaml"):
        if file.exists():
            read.add(file, file.read_bytes())
    return read.source(lambda path: is_manifest(path, (*paths, root / "reconcile.yaml")))


def test_files_as_committed_are_the_same(top: Path) -> None:
    """What else there is in the repository, changed or not committed, does not matter."""
    (top / "elsewhere.yaml").write_text("changed\n")
    (top / "shop" / "manifests" / "notes.txt").unlink()
    (top / "shop" / "manifests" / ".hidden.yaml").write_text("not read\n")
    assert source(top / "shop") == Source(run(top, "rev-parse", "HEAD"), Files.SAME)


@pytest.mark.parametrize(
    "change",
    [
        lambda shop: (shop / "manifests" / "a.yaml").write_text("changed\n"),
        lambda shop: (shop / "manifests" / "a.yaml").write_text("one"),
        lambda shop: (shop / "manifests" / "new.yaml").write_text("new\n"),
        lambda shop: (shop / "manifests" / "deep" / "ü b.yml").unlink(),
        lambda shop: (shop / "reconcile.yaml").write_text("version: 1 # changed\n"),
        lambda shop: (shop / "reconcile.yaml").unlink(),
        lambda shop: [
            run(shop, "rm", "--quiet", "--cached", "manifests/a.yaml"),
            run(shop, "commit", "--quiet", "-m", "less"),
        ],
    ],
    ids=["edited", "shorter", "untracked", "deleted", "project file", "no project file", "removed"],
)
def test_files_that_are_not_the_commits_differ(top: Path, change: Callable[[Path], object]) -> None:
    """An edit, a file that git does not know, and one that is not there any more are seen."""
    change(top / "shop")
    assert source(top / "shop").files is Files.DIFFER


@pytest.mark.parametrize("stage", [False, True])
def test_what_is_only_staged_differs(top: Path, *, stage: bool) -> None:
    """The index is not a commit."""
    (top / "shop" / "manifests" / "a.yaml").write_text("changed\n")
    if stage:
        run(top, "add", ".")
    assert source(top / "shop").files is Files.DIFFER


def test_ignored_files_count(top: Path) -> None:
    """A manifest that .gitignore names is read, and is not the commit's."""
    (top / ".gitignore").write_text("ignored.yaml\n")
    keep(top)
    assert source(top / "shop").files is Files.SAME
    (top / "shop" / "manifests" / "ignored.yaml").write_text("read\n")
    assert source(top / "shop").files is Files.DIFFER


def test_line_endings_do_not_count(top: Path) -> None:
    """Where git checks files out with CRLF, they are the commit's all the same."""
    (top / "shop" / "manifests" / "a.yaml").write_bytes(b"one\r\n")
    assert source(top / "shop").files is Files.SAME


def test_what_a_link_leads_to_is_not_compared(top: Path) -> None:
    """Which file a link stood for in the commit is not known, but an edit behind it is seen."""
    (top / "shop" / "kept.yaml").write_text("linked\n")
    (top / "shop" / "manifests" / "link.yaml").symlink_to("../kept.yaml")
    keep(top)
    assert source(top / "shop").files is Files.UNKNOWN
    (top / "shop" / "kept.yaml").write_text("changed\n")
    assert source(top / "shop").files is Files.DIFFER
    (top / "shop" / "kept.yaml").write_text("linked\n")
    (top / "shop" / "manifests" / "link.yaml").unlink()
    assert source(top / "shop").files is Files.DIFFER


def test_a_submodule_is_not_compared(top: Path, tmp_path: Path) -> None:
    """The commit only names the submodule's commit."""
    other = tmp_path / "other"
    other.mkdir()
    hash_ = "sha256" if len(run(top, "rev-parse", "HEAD")) == 64 else "sha1"
    run(other, "init", "--quiet", f"--object-format={hash_}")
    (other / "c.yaml").write_text("three\n")
    keep(other)
    run(top, "submodule", "--quiet", "add", str(other), "shop/manifests/other")
    keep(top)
    assert source(top / "shop").files is Files.UNKNOWN


def test_files_outside_the_project_are_compared_too(top: Path, tmp_path: Path) -> None:
    """In the repository they are the commit's; outside of it they are not."""
    shop = top / "shop"
    assert source(shop, shop / "manifests", top / "elsewhere.yaml").files is Files.SAME
    (tmp_path / "outside.yaml").write_text("outside\n")
    assert source(shop, shop / "manifests", tmp_path / "outside.yaml").files is Files.DIFFER


def test_a_commit_is_what_its_hash_says(top: Path) -> None:
    """A replacement that git shows in its place is not what the files are compared with."""
    first = run(top, "rev-parse", "HEAD")
    (top / "shop" / "manifests" / "a.yaml").write_text("changed\n")
    keep(top)
    second = run(top, "rev-parse", "HEAD")
    run(top, "checkout", "--quiet", "--detach", first)
    run(top, "replace", first, second)
    (top / "shop" / "manifests" / "a.yaml").write_text("changed\n")
    assert source(top / "shop") == Source(first, Files.DIFFER)


def test_an_edit_after_reading_does_not_count(top: Path) -> None:
    """What was read is compared, not what is there by now."""
    shop = top / "shop"
    read = FilesRead(shop, commit(ENVIRON, shop), ENVIRON)
    read.add(shop / "reconcile.yaml", b"version: 1\n")
    (shop / "reconcile.yaml").write_text("changed\n")
    assert read.source(lambda _: False).files is Files.SAME


def test_outside_git_no_commit_is_named(tmp_path: Path) -> None:
    """Nor before the first commit; and where git does not say, that is said."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("one\n")
    assert source(tmp_path) == Source("", Files.UNKNOWN)
    run(tmp_path, "init", "--quiet")
    assert source(tmp_path) == Source("", Files.UNKNOWN)
    (tmp_path / ".git" / "HEAD").write_text("nonsense")
    assert source(tmp_path) == Source(UNKNOWN, Files.UNKNOWN)

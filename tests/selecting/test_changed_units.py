"""What a commit declares, compared with what the folder does, for the examples as they are."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconcile.manifests.files import MAX_BYTES
from reconcile.project import load_settings
from reconcile.project.declared import read_declared
from reconcile.selecting.changed_units import declared_at

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *args: str) -> None:
    """Run the real git."""
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    subprocess.run(["git", *names, *args], cwd=folder, env=ENVIRON, check=True)


def changed(root: Path, ref: str = "HEAD") -> set[str]:
    """Return the folded addresses of what is declared otherwise than in a commit."""
    settings = load_settings(root, target=None, environ={})
    declared = read_declared(settings)
    declared.require_valid()
    past = declared_at(ref, settings, (), ENVIRON)
    assert past.notes == ()
    return {str(one) for one in past.compared(declared.everything).units}


@pytest.fixture(params=["sha1", "sha256"])
def northwind(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a repository with the example, committed."""
    root = tmp_path / "northwind"
    shutil.copytree(EXAMPLES / "northwind", root, ignore=shutil.ignore_patterns("state"))
    git(root, "init", "--quiet", f"--object-format={request.param}")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "all")
    return root


def test_a_commit_declares_what_its_files_do(northwind: Path) -> None:
    """Nothing differs as long as nothing is edited, also by way of a link to the folder."""
    assert changed(northwind) == set()
    link = northwind.with_name("link")
    link.symlink_to(northwind)
    assert changed(link) == set()


def test_a_file_that_is_too_large_counts_as_changed(northwind: Path) -> None:
    """It is not read in a commit either, and a warning says so."""
    large = northwind / "orders" / "large.yaml"
    large.write_bytes(b"# " + b"x" * MAX_BYTES + b"\nkind: order\nkey: LARGE\n")
    git(northwind, "add", "--all")
    git(northwind, "commit", "--quiet", "-m", "large")
    large.write_text("kind: order\nkey: LARGE\n")
    settings = load_settings(northwind, target=None, environ={})
    past = declared_at("HEAD", settings, (), ENVIRON)
    assert past.notes == (
        "1 problem in the manifests of 'HEAD': what cannot be read there counts as changed",
    )
    units = read_declared(settings).everything
    assert {str(one) for one in past.compared(units).units} == {"order/large"}


def test_many_files_are_read_in_several_calls(
    northwind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many fit into one, each gets its own content."""
    monkeypatch.setattr("reconcile.audit.git_objects._AT_ONCE", 100)
    for number in range(1, 21):
        text = f"kind: order\nkey: N-{number}\nproperties: {{hs_order_name: {'ä' * number}}}\n"
        (northwind / "orders" / f"n{number}.yaml").write_text(text)
    git(northwind, "add", "--all")
    git(northwind, "commit", "--quiet", "-m", "many")
    assert changed(northwind) == set()
    assert changed(northwind, "HEAD~1") == {f"order/n-{number}" for number in range(1, 21)}

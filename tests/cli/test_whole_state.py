"""Whatever commands write into a state is reconcile's own: it moves along, and it is erased."""

from pathlib import Path

import pytest

from reconcile.stores.local import LocalStore
from tests.cli.conftest import Project

OWN = """\
version: 1
manifests: [manifests]
targets: {own: {sandbox: true}}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project with everything in its state that commands write there."""
    project.fine("apply", "--auto-approve")
    project.write("kind: order\nkey: A-1\nproperties: {hs_order_name: Another}\n")
    project.fine("apply", "--auto-approve", "--reason", "a better name")
    project.fine("audit", "redact", "cart/C-1", "--reason", "asked to", "--auto-approve")
    project.fine("state", "rm", "cart/C-1", "--auto-approve")
    return project


def content(home: Path) -> dict[str, bytes]:
    """Every blob below a folder but the head."""
    store = LocalStore(home)
    return dict(store.read_many(name for name in store.names("") if name != "head.json"))


def test_nothing_that_commands_write_is_an_unknown_file(applied: Project) -> None:
    """In the folder of a target there is reconcile's own alone."""
    assert list(LocalStore(applied.folder / "state" / "shop").unknown_names()) == []


def test_a_state_moves_with_all_that_belongs_to_it(applied: Project, tmp_path: Path) -> None:
    """There and back: the audit log is whole, and its values are there."""
    before = content(applied.folder / "state" / "shop")
    other = f"file:{tmp_path / 'elsewhere'}"
    applied.fine("state", "push", other)
    after = content(tmp_path / "elsewhere" / "shop")
    assert before.keys() - after.keys() == set()
    assert any(name.startswith("audit-values/") for name in after)
    applied.fine("state", "pull", other)
    assert "Another" in applied.fine("audit", "export")
    applied.fine("audit", "verify")


def test_a_reset_leaves_no_value_of_the_audit_log(project: Project) -> None:
    """They may be personal, and belong to what is erased."""
    project.write(OWN, "reconcile.yaml")
    project.write("kind: order\nkey: A-1\nproperties: {hs_order_name: One}\n")
    project.fine("init", "--auto-approve")
    project.fine("apply", "--auto-approve")
    project.fine("sandbox", "reset", "--auto-approve")
    assert list(LocalStore(project.folder / "state" / "own").names("")) == []

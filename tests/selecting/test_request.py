"""A pull request as it would be merged, for the examples as they are."""

from pathlib import Path

import pytest

from reconcile.selecting.request import Requested, read_request
from tests.selecting.test_changed_units import ENVIRON, git, northwind

__all__ = ["northwind"]  # a fixture


def request_of(root: Path, tree: str = "work", trusted_ref: str = "main") -> Requested:
    """Return what a branch would change."""
    found = read_request(root, tree, trusted_ref, target=None, environ=ENVIRON)
    found.declared.require_valid()
    return found


def changed(found: Requested) -> set[str]:
    """Return the folded addresses of what a request changes."""
    (selector,) = found.selection.select
    return {
        str(one.address)
        for one in found.declared.units
        if selector.matches(one.address.folded(), ())
    }


@pytest.fixture
def branches(northwind: Path) -> Path:
    """Return the repository, by either hash, with one order more on each of two branches."""
    git(northwind, "branch", "--move", "main")
    git(northwind, "switch", "--quiet", "--create", "work")
    for branch in ("work", "main"):
        git(northwind, "switch", "--quiet", branch)
        (northwind / "orders" / f"{branch}.yaml").write_text(f"kind: order\nkey: {branch}\n")
        git(northwind, "add", "--all")
        git(northwind, "commit", "--quiet", "-m", branch)
    return northwind


def test_the_merge_has_both_and_the_request_one(branches: Path) -> None:
    """Declared is what the merge declares; changed is what main does not."""
    found = request_of(branches)
    names = {str(one.address) for one in found.declared.everything}
    assert {"order/work", "order/main"} <= names
    assert changed(found) == {"order/work"}
    assert changed(request_of(branches, "main", "work")) == {"order/main"}
    assert found.source.request is not None
    assert len(found.source.request.merged) == len(found.source.request.head)


@pytest.mark.matrix
@pytest.mark.parametrize("name", ['a"b', "a:b", "a\\b", "a\nb", "#a", "\u00e4 b"])
def test_a_clone_that_borrows_objects(branches: Path, tmp_path: Path, name: str) -> None:
    """The names of folders are taken as they are, and what a clone borrows is borrowed too."""
    place = tmp_path / name
    branches.rename(place)
    assert changed(request_of(place)) == {"order/work"}
    if "\n" in name or '"' in name:
        return  # git itself does not clone from there with --shared
    shared = tmp_path / "shared"
    git(tmp_path, "clone", "--quiet", "--shared", str(place), str(shared))
    assert changed(request_of(shared, "origin/work", "origin/main")) == {"order/work"}


def test_a_linked_working_tree(branches: Path, tmp_path: Path) -> None:
    """Its objects are those of the repository that it belongs to."""
    place = tmp_path / "linked"
    git(branches, "worktree", "add", "--quiet", "--detach", str(place), "work")
    assert changed(request_of(place)) == {"order/work"}


def test_a_file_moved_on_main_and_edited_in_the_request(branches: Path) -> None:
    """The merge follows the file, as a forge's does."""
    git(branches, "switch", "--quiet", "work")
    order = branches / "orders" / "work.yaml"
    text = "".join(f"# {number}\n" for number in range(30)) + "kind: order\nkey: work\n"
    order.write_text(text)
    git(branches, "commit", "--quiet", "--all", "-m", "long")
    git(branches, "switch", "--quiet", "main")
    git(branches, "merge", "--quiet", "--no-edit", "work")
    git(branches, "mv", "orders/work.yaml", "orders/moved.yaml")
    git(branches, "commit", "--quiet", "-m", "moved")
    git(branches, "switch", "--quiet", "work")
    order.write_text(text + "properties: {hs_order_name: x}\n")
    git(branches, "commit", "--quiet", "--all", "-m", "edited")
    found = request_of(branches)
    assert changed(found) == {"order/work"}
    (unit,) = (one for one in found.declared.units if str(one.address) == "order/work")
    assert unit.records[0].location.file == "orders/moved.yaml"

"""Defaults as the commands see them: whole projects, single paths, renaming, the commit."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Project

TOP = """\
kind: defaults
order:  # in every shop
  properties: {hs_tags: all}
  associations:
    cart: [{key: C-1}]   # ours
"""
EU = "kind: defaults\norder: {properties: {hs_source_store: EU}}\n"
CART = "kind: cart\nkey: C-1\nproperties: {hs_cart_name: A cart}\n"
BELOW = "kind: order\nkey: E-1\nproperties: {hs_order_name: Below}\n"


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with defaults for all orders and for those of a folder."""
    project.write(TOP, "manifests/defaults.yaml")
    project.write(CART)
    project.write("kind: order\nkey: A-1\nproperties: {hs_order_name: Top}\n", "manifests/a.yaml")
    project.write(EU, "manifests/eu/defaults.yaml")
    project.write(BELOW, "manifests/eu/deep/b.yaml")
    return project


def git(folder: Path, *args: str) -> None:
    """Run the real git."""
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    subprocess.run(["git", *names, *args], cwd=folder, capture_output=True, check=True)


@pytest.mark.parametrize(
    "path", ["manifests/eu/deep/b.yaml", "manifests/eu/deep", "manifests/eu", "manifests"]
)
def test_a_path_is_planned_as_in_the_whole_project(shop: Project, path: str) -> None:
    """After an apply of everything, a plan of any part of it is empty."""
    shop.fine("apply", "--auto-approve")
    assert "No changes." in shop.fine("plan", path)
    shop.write(BELOW.replace("Below", "New"), "manifests/eu/deep/b.yaml")
    plan = shop.fine("plan", path)
    assert "Plan: 1 order to update" in plan
    assert "hs_tags" not in plan
    assert "hs_source_store" not in plan
    assert "cart" not in plan


def test_a_path_beside_the_projects_manifests_is_always_planned_the_same(shop: Project) -> None:
    """The defaults of all folders above it in the project apply, whichever of them is named."""
    shop.write("kind: defaults\norder: {properties: {hs_tags: draft}}\n", "drafts/defaults.yaml")
    shop.write(BELOW.replace("E-1", "D-1"), "drafts/deep/d.yaml")
    plans = [shop.fine("plan", path) for path in ("drafts", "drafts/deep", "drafts/deep/d.yaml")]
    assert "hs_tags" in plans[0]
    assert plans[0] == plans[1] == plans[2]
    shop.fine("plan", "drafts/deep", "--out", "p")
    shop.fine("apply", "p")
    assert "No changes." in shop.fine("plan", "drafts")


def test_defaults_edited_after_planning_leave_their_records_alone(shop: Project) -> None:
    """A saved plan is of the declarations that were resolved when it was made."""
    shop.fine("plan", "--out", "p")
    shop.write(EU.replace("EU", "PT"), "manifests/eu/defaults.yaml")
    result = shop.run("apply", "p")
    assert result.code == 5, result.all
    assert "order/E-1" in result.out
    orders = shop.account.properties("orders")
    assert len(orders) == 1
    assert "A-1" in orders[0]


def test_one_wrong_default_is_one_problem(shop: Project) -> None:
    """It is shown once, in its line, for all records below it."""
    shop.write(TOP.replace("hs_tags: all", "reconcile_key: all"), "manifests/defaults.yaml")
    for command in ("validate", "plan"):
        assert shop.refused(command).splitlines()[:2] == [
            "error: 1 problem in the manifests",
            "manifests/defaults.yaml:3:31: reconcile_key holds the record's key; write it as "
            "`key:` only",
        ]


def test_a_rename_takes_the_references_in_defaults_along(shop: Project) -> None:
    """They get the new key in place, and the next plan changes nothing else."""
    shop.fine("apply", "--auto-approve")
    shop.fine("state", "mv", "cart/C-1", "cart/C-2")
    text = (shop.folder / "manifests" / "defaults.yaml").read_text()
    assert text == TOP.replace("key: C-1", "key: C-2")
    shop.fine("apply", "--auto-approve")
    assert "No changes." in shop.fine("plan")
    shop.fine("state", "mv", "order/E-1", "order/E-2")
    assert (shop.folder / "manifests" / "defaults.yaml").read_text() == text


@pytest.mark.parametrize(
    "change",
    [
        "edit manifests/defaults.yaml",
        "delete manifests/defaults.yaml",
        "delete defaults.yaml",
        "add defaults.yml",
    ],
)
@pytest.mark.parametrize("path", ["manifests", "manifests/eu/deep/b.yaml"])
def test_a_plan_knows_that_defaults_are_not_the_commits(
    shop: Project, change: str, path: str
) -> None:
    """Also where they are above the path that is planned."""
    shop.write("kind: defaults\ncart: {}\n", "defaults.yaml")
    git(shop.folder, "init", "--quiet")
    git(shop.folder, "add", "manifests", "reconcile.yaml", "defaults.yaml")
    git(shop.folder, "commit", "--quiet", "-m", "all")
    assert "differ" not in shop.run("plan", path).err
    how, name = change.split()
    if how == "delete":
        (shop.folder / name).unlink()
    else:
        shop.write(TOP.replace("all}", "some}"), name)
    assert "but the files read differ from it" in shop.run("plan", path).err


def test_a_default_in_conflict_is_annotated_once(shop: Project) -> None:
    """Each record is listed as left alone; the pull request has one note, in the default's line."""
    shop.write(TOP.replace("C-1", "C-9"), "manifests/defaults.yaml")
    shop.env(GITHUB_ACTIONS="true")
    result = shop.run("plan")
    assert result.out.count("no cart has key 'C-9'") == 2
    notes = [line for line in result.all.splitlines() if line.startswith("::warning")]
    assert len(notes) == 1
    assert "file=manifests/defaults.yaml,line=5,col=12" in notes[0]

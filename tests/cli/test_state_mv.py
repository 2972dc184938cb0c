"""`state mv` renames a record in the manifests, and nothing else; the next apply does the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPT, SHOP, Project, run_script

REFERRING = """\
kind: order
key: B-1  # refers to the cart
associations:
  cart: [{key: c-1}]
"""
STANDALONE = """\
kind: line_item
key: A-1:cup
parent: {order: {key: A-1}}
properties: {name: Cup, quantity: 1, price: 2.00}
"""
MOVE = ("state", "mv", "order/A-1", "order/N-1")
WATCHED = """
import os, signal, sys
from reconcile.cli import main

def watch(event, args):
    if {when}:
        {happens}

sys.addaudithook(watch)
main()
"""
"""Runs a command during which something happens."""

TEMPORARY = 'event == "open" and "/.cup.yaml." in str(args[0]) and args[2] & os.O_CREAT'
"""When the new content of the first of two files is about to be written."""


def watched(project: Project, when: str, happens: str) -> "subprocess.CompletedProcess[str]":
    """Rename in a process of its own, in which something happens at a certain moment."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED.format(when=when, happens=happens), *MOVE],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )


def manifest(project: Project, name: str = "shop") -> str:
    """A manifest's text, with the line ends it has."""
    return (project.folder / "manifests" / f"{name}.yaml").read_bytes().decode()


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("order/A-1", "order/N-1", "key: A-1\n", "key: N-1\nmoved_from: A-1\n"),
        (
            "line_item/A-1:mug",
            "line_item/N 1",
            "  - key: A-1:mug\n",
            "  - key: N 1\n    moved_from: A-1:mug\n",
        ),
        ("cart/C-1", "cart/C-2", "key: C-1\n", "key: C-2\nmoved_from: C-1\n"),
    ],
)
def test_the_next_apply_moves_the_record_and_does_nothing_else(
    project: Project, old: str, new: str, before: str, after: str
) -> None:
    """The plan has one update; no record is made or archived; after it the plan is empty."""
    project.fine("apply", "--auto-approve")
    counts = [project.account.count(kind) for kind in ("orders", "line_items", "carts")]
    account, state = project.account.dump(), project.fine("state", "list")
    assert f"Renamed {old} to {new}" in project.fine("state", "mv", old, new)
    assert manifest(project) == SHOP.replace(before, after)
    assert (project.account.dump(), project.fine("state", "list")) == (account, state)
    plan = project.fine("plan")
    assert "moved: its key was" in plan
    assert f"Plan: 1 {old.partition('/')[0].replace('_', ' ')} to update; 2 unchanged." in plan
    project.fine("apply", "--auto-approve")
    assert [project.account.count(kind) for kind in ("orders", "line_items", "carts")] == counts
    assert "No changes" in project.fine("plan", "--detailed-exitcode")
    listed = project.fine("state", "list")
    assert f"{new} " in listed
    assert f"{old} " not in listed


def test_references_in_other_files_follow(project: Project) -> None:
    """Associations and parents by key, however it is spelled there; the plan has no conflict."""
    project.write(REFERRING, "manifests/b.yaml")
    project.write(STANDALONE, "manifests/deep/cup.yaml")
    project.fine("apply", "--auto-approve")
    project.fine("state", "mv", "cart/C-1", "cart/C-9")
    project.fine(*MOVE)
    assert manifest(project, "b") == REFERRING.replace("c-1", "C-9")
    assert manifest(project, "deep/cup") == STANDALONE.replace("{key: A-1}", "{key: N-1}")
    assert "Plan: 1 order, 1 cart to update; 3 unchanged." in project.fine("plan")
    project.fine("apply", "--auto-approve")
    assert "No changes" in project.fine("plan", "--detailed-exitcode")


def test_the_changed_lines_are_shown(project: Project) -> None:
    """With their place, and what to do next."""
    assert project.fine(*MOVE).splitlines() == [
        "manifests/shop.yaml:2",
        "  - key: A-1",
        "  + key: N-1",
        "  + moved_from: A-1",
        "Renamed order/A-1 to order/N-1 in the manifests. Next: `reconcile plan`.",
    ]


def test_a_dry_run_writes_nothing(project: Project) -> None:
    """It shows the same lines."""
    before = project.files()
    result = project.run(*MOVE, "--dry-run")
    assert (result.code, result.err) == (0, "Nothing was written.\n")
    assert result.out.splitlines()[1:] == ["  - key: A-1", "  + key: N-1", "  + moved_from: A-1"]
    assert project.files() == before


def test_a_ci_log_has_only_places(project: Project) -> None:
    """A changed line may hold personal values."""
    project.env(CI="true")
    project.write("{kind: order, key: A-1, properties: {hs_order_name: Ines Rocha}}\n")
    result = project.run(*MOVE, "--target", "shop")
    assert result.code == 0
    assert "Rocha" not in result.all
    assert result.out.startswith("manifests/shop.yaml:1\nRenamed order/A-1")


def test_it_needs_no_token_account_state_or_lock(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename is in git until somebody applies it."""
    monkeypatch.delenv("SHOP_TOKEN")
    project.account.server.clear_requests()
    project.fine(*MOVE)
    assert list(project.account.server.requests()) == []
    assert not (project.folder / "state").exists()


def test_every_other_byte_of_a_file_stays(project: Project) -> None:
    """Line ends of Windows, a byte order mark, comments, spaces at line ends, other documents."""
    before = (
        "\ufeff# ours\r\nkind: order   \r\nkey:   'A-1'  # first\r\n\r\n"
        'properties: {hs_order_name: "x" }\r\n...\r\n# next\r\n---\r\nkind: cart\r\nkey: C-1'
    )
    path = project.write("")
    path.write_bytes(before.encode())
    path.chmod(0o640)
    project.fine(*MOVE)
    after = before.replace("'A-1'  # first\r\n", "'N-1'  # first\r\nmoved_from: 'A-1'\r\n")
    assert path.read_bytes() == after.encode()
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("order/A-2", "order/N-1"), "no manifest declares 'order/A-2'; did you mean 'order/A-1'?"),
        (("order/A-1", "cart/N-1"), "'cart/N-1' is not an address of the same kind"),
        (("order/A-1", "N-1"), "'N-1' is not an address: write kind/key"),
        (("order/A-1", "order/a-1"), "hint: to spell it otherwise, edit manifests/shop.yaml:1:1"),
        (("order/A-1", "order/\x1b[2J"), "contains an invisible character"),
        (("deal/A-1", "deal/N-1"), "'deal/A-1' does not name a known kind"),
    ],
)
def test_a_rename_that_makes_no_sense_is_refused(
    project: Project, args: tuple[str, str], said: str
) -> None:
    """With the reason, and no trace anywhere."""
    error = project.refused("state", "mv", *args)
    assert said in error
    assert "\x1b" not in error


def test_a_record_is_not_renamed_twice_before_everybody_applied_it(project: Project) -> None:
    """Its first key would be forgotten, and an account that still has it would get a second one."""
    project.fine(*MOVE)
    error = project.refused("state", "mv", "order/N-1", "order/N-2")
    assert "'order/N-1' was moved from 'A-1' already, in manifests/shop.yaml:1:1" in error
    assert "hint: once every target has applied that, remove its moved_from" in error


def test_broken_yaml_elsewhere_stops_the_rename(project: Project) -> None:
    """What refers to the record there is not known."""
    project.write("kind: order\nkey: [\n", "manifests/z.yaml")
    assert "manifests/z.yaml:" in project.refused(*MOVE)


def test_a_place_that_cannot_be_edited_is_named_with_what_to_write(project: Project) -> None:
    """Nothing is written, also not where it could be."""
    project.write(
        "kind: order\nkey: B\nassociations:\n  cart:\n  - key: |-\n      C-1\n", "manifests/b.yaml"
    )
    error = project.refused("state", "mv", "cart/C-1", "cart/C-2")
    assert "manifests/b.yaml:5:10: a block of lines (|) is not edited" in error
    assert "associations.cart[0].key must be 'C-2'" in error


def test_a_read_only_file_is_left_alone(project: Project) -> None:
    """Whoever made it so does not expect another file in its place."""
    (project.folder / "manifests/shop.yaml").chmod(0o444)
    error = project.refused(*MOVE)
    assert "manifests/shop.yaml is read-only" in error


def test_a_link_within_the_project_stays_a_link(project: Project) -> None:
    """What it leads to is edited."""
    link = project.folder / "manifests" / "shop.yaml"
    real = link.rename(project.folder / "real.yaml")
    link.symlink_to("../real.yaml")
    project.settings((project.folder / "reconcile.yaml").read_text().replace("[manifests]", "[.]"))
    project.fine(*MOVE)
    assert link.is_symlink()
    assert "moved_from: A-1" in real.read_text()


def test_a_link_that_leads_out_of_the_project_is_not_followed(
    project: Project, tmp_path: Path
) -> None:
    """Not even to look whether the record is there."""
    link = project.folder / "manifests" / "shop.yaml"
    outside = link.rename(tmp_path / "outside.yaml")
    link.symlink_to(outside)
    before = outside.read_bytes()
    assert "this link leads out of the project" in project.refused(*MOVE)
    assert outside.read_bytes() == before


def test_a_full_disk_changes_nothing(project: Project) -> None:
    """The cause is named, and every file of the project is what it was."""
    project.write(STANDALONE, "manifests/cup.yaml")
    before = project.files()
    command = ["bash", "-c", 'ulimit -f 0; exec "$@"', "-", str(SCRIPT), *MOVE]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error: the manifests cannot be written: File too large\n" in done.stderr
    assert project.files() == before
    assert not [*project.folder.rglob("*.yaml.*")]


def test_an_interrupt_changes_nothing(project: Project) -> None:
    """Not even a temporary file is left."""
    before = project.files()
    done = watched(project, 'event == "os.rename"', "os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, done.stderr) == (1, "\ninterrupted\n")
    assert project.files() == before


def test_an_interrupt_between_two_files_leaves_what_validate_explains(project: Project) -> None:
    """The record comes first, so nothing can be applied until the references follow."""
    project.write(STANDALONE, "manifests/cup.yaml")
    second = 'event == "os.rename" and "cup.yaml" in str(args[1])'
    done = watched(project, second, "os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, done.stdout) == (1, "")
    assert "moved_from: A-1" in manifest(project)
    assert manifest(project, "cup") == STANDALONE
    error = project.refused("plan")
    assert "manifests/cup.yaml:3:9: the order 'A-1' is 'N-1' now" in error
    assert "hint: write the new key in line_item 'A-1:cup'" in error


def test_a_file_that_somebody_saves_meanwhile_is_not_overwritten(project: Project) -> None:
    """All files stay as they are, also those that nobody saved."""
    project.write(STANDALONE, "manifests/cup.yaml")
    done = watched(project, TEMPORARY, 'open("manifests/shop.yaml", "a").write("# mine")')
    assert done.returncode == 1
    assert "manifests/shop.yaml was changed meanwhile\nhint: run the command again" in done.stderr
    assert manifest(project) == f"{SHOP}# mine"
    assert manifest(project, "cup") == STANDALONE
    assert len([*project.folder.rglob("*.yaml*")]) == 3


def test_a_file_that_becomes_a_link_out_of_the_project_is_not_followed(
    project: Project, tmp_path: Path
) -> None:
    """Even if it leads to the same content."""
    project.write(STANDALONE, "manifests/cup.yaml")
    link = project.folder / "manifests" / "shop.yaml"
    outside = tmp_path / "outside.yaml"
    happens = (
        f"os.rename({str(link)!r}, {str(outside)!r}); os.symlink({str(outside)!r}, {str(link)!r})"
    )
    done = watched(project, TEMPORARY, happens)
    assert done.returncode == 1
    assert "manifests/shop.yaml is outside the project" in done.stderr
    assert outside.read_text() == SHOP
    assert manifest(project, "cup") == STANDALONE


def test_without_a_project_file_there_is_nothing_to_rename(tmp_path: Path) -> None:
    """The project file alone says which manifests there are."""
    done = run_script(*MOVE, cwd=tmp_path)
    assert done.returncode == 1
    assert "no manifests were given" in done.stderr

"""plan --tree: a pull request as it would be merged, read from git's objects alone."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PROJECT, Account, MakeProject, Project
from tests.cli.test_commit_in_log import git
from tests.cli.test_selecting import ORDERS

OF_WORK = ("--tree", "work", "--trusted-ref", "main")
LIMITED = PROJECT + "limits: {update: 1}\n"
RENAMED = {"Fifty-one": "One", "Fifty-two": "Two", "Sixty-one": "Three"}
LINE = "line_items:\n  - key: SHOP-51:mug\n    properties: {name: Mug, quantity: 2}\n"


def keep(project: Project) -> str:
    """Commit the project's own files; return the commit."""
    git(project.folder, "add", "--all", ":!state")
    git(project.folder, "commit", "--quiet", "--allow-empty", "-m", "all")
    return git(project.folder, "rev-parse", "HEAD")


def switch(project: Project, branch: str) -> None:
    """Check out another branch."""
    git(project.folder, "switch", "--quiet", branch)


def document(project: Project, *args: str, code: int = 0) -> Any:
    """Return the plan of the branch ``work`` as JSON."""
    return json.loads(project.fine("plan", "--json", *OF_WORK, *args, code=code))


def planned(project: Project, *args: str) -> set[str]:
    """Return the addresses of the records that it changes or holds back."""
    found = document(project, *args)
    return {one["address"] for name in ("resource_changes", "held_back") for one in found[name]}


def edited(text: str, changes: dict[str, str]) -> str:
    """Return a text with some words replaced."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with its orders applied, on main, and a branch ``work`` checked out."""
    project.write(ORDERS)
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    keep(project)
    project.fine("apply", "--auto-approve")
    git(project.folder, "switch", "--quiet", "--create", "work")
    return project


def test_what_a_request_changes_is_planned(shop: Project) -> None:
    """From any checkout with equal results, and into the plan go the commits."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    head = keep(shop)
    here = shop.fine("plan", *OF_WORK)
    switch(shop, "main")
    assert shop.fine("plan", *OF_WORK) == here
    base = git(shop.folder, "rev-parse", "main")
    said = (
        f"Planned for review: commit {head[:12]} merged into {base[:12]}; 1 order or cart differs"
    )
    assert said in here
    found = document(shop)
    tree = git(shop.folder, "rev-parse", "work^{tree}")
    assert found["request"] == {
        "head": head,
        "base": base,
        "merged_tree": tree,
        "settings_differ": [],
        "settings_unreadable": "",
    }
    (change,) = found["resource_changes"]
    assert change["address"] == "order/SHOP-52"
    by_hash = ("--tree", head, "--trusted-ref", base)
    assert shop.fine("plan", *by_hash) == here


def test_a_head_behind_main(shop: Project) -> None:
    """What main got meanwhile is in the merge: it is neither undone nor shown."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    switch(shop, "main")
    later = edited(ORDERS, {"A cart": "The cart"})
    shop.write(later + "---\nkind: order\nkey: LATER\n")
    keep(shop)
    assert planned(shop) == {"order/SHOP-52"}
    # Each of them alone: a request that is merged already, and one that has all of main.
    git(shop.folder, "branch", "--quiet", "--force", "work", "main~1")
    assert planned(shop) == set()
    assert "No changes. Nothing is selected." in shop.fine("plan", *OF_WORK)
    git(shop.folder, "branch", "--quiet", "--force", "work", "main")
    assert planned(shop) == set()


def test_nothing_of_the_working_tree_counts(shop: Project) -> None:
    """Manifests, the project file, ignored and broken files: the commits decide alone."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    clean = shop.fine("plan", *OF_WORK)
    shop.write("{ broken")
    shop.write("kind: order\nkey: NEW\n", "manifests/new.yaml")
    shop.write("also: broken\n", "reconcile.yaml")
    shop.write("*.yaml merge=ours\n", ".gitattributes")
    assert shop.fine("plan", *OF_WORK) == clean
    shutil.rmtree(shop.folder / "manifests")
    (shop.folder / "manifests").symlink_to("/etc")
    (shop.folder / "reconcile.yaml").unlink()
    assert shop.fine("plan", *OF_WORK) == clean


def test_the_repository_stays_as_it_is(shop: Project) -> None:
    """No object is written, so a read-only clone can be planned."""
    switch(shop, "main")
    shop.write("kind: order\nkey: MAIN\n", "manifests/main.yaml")
    keep(shop)
    switch(shop, "work")
    shop.write("kind: order\nkey: WORK\n", "manifests/work.yaml")
    keep(shop)

    def files() -> dict[Path, bytes]:
        return {one: one.read_bytes() for one in shop.folder.rglob(".git/**/*") if one.is_file()}

    before = files()
    assert planned(shop) == {"order/WORK"}
    assert files() == before


def test_without_a_temporary_folder_nothing_is_planned(shop: Project) -> None:
    """The merge needs one; where none can be made, that is an error as any other."""
    shop.monkeypatch.setattr(tempfile, "tempdir", str(shop.folder / "nowhere"))
    assert shop.refused("plan", *OF_WORK).startswith(
        "error: the commits cannot be read: no temporary folder can be made to merge them in: No "
    )


def test_no_temporary_folder_is_left(shop: Project, tmp_path: Path) -> None:
    """However the plan ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    shop.monkeypatch.setattr(tempfile, "tempdir", str(folder))
    shop.fine("plan", *OF_WORK)
    shop.write("{", "manifests/broken.yaml")
    keep(shop)
    shop.refused("plan", *OF_WORK)
    assert list(folder.iterdir()) == []


def test_a_merge_conflict(shop: Project) -> None:
    """Both sides changed a value: the files are named and nothing is planned."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    shop.write("kind: order\nkey: N\n", "manifests/new\nfile.yaml")
    keep(shop)
    switch(shop, "main")
    shop.write(edited(ORDERS, {"Fifty-two": "Zwei"}))
    shop.write("kind: order\nkey: M\n", "manifests/new\nfile.yaml")
    keep(shop)
    said = shop.refused("plan", *OF_WORK)
    assert said == (
        "error: the request cannot be merged: conflicts in manifests/new\\nfile.yaml, "
        "manifests/shop.yaml\n"
        "hint: merge or rebase, and resolve the conflicts; nothing was planned\n"
    )


def test_many_conflicts_are_counted(shop: Project) -> None:
    """The message does not grow with the request."""
    for branch in ("work", "main"):
        switch(shop, branch)
        for number in range(23):
            shop.write(f"kind: order\nkey: {branch}-{number}\n", f"manifests/{number:02}.yaml")
        keep(shop)
    said = shop.refused("plan", *OF_WORK)
    assert "manifests/19.yaml and 3 more files\n" in said
    assert "manifests/20.yaml" not in said


def test_links_and_submodules_in_the_head(shop: Project) -> None:
    """Nothing is followed: what cannot be read is a problem with its place."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    (shop.folder / "manifests" / "secret.yaml").symlink_to("/etc/passwd")
    (shop.folder / "defaults.yaml").symlink_to("/etc/passwd")
    (shop.folder / "elsewhere").symlink_to("/etc")
    (shop.folder / "manifests" / ".hidden").symlink_to("/etc")
    git(shop.folder, "add", "--all", ":!state")
    git(shop.folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},manifests/module")
    git(shop.folder, "commit", "--quiet", "-m", "all")
    said = shop.refused("plan", *OF_WORK)
    for name in ("manifests/secret.yaml", "manifests/module", "defaults.yaml"):
        assert f"{name}: a link or submodule, which is not followed in a commit" in said
    assert "3 problems in the manifests" in said
    assert "root:" not in said


@pytest.mark.parametrize("where", ["the head", "main", "the clone", "the user's settings"])
def test_attributes_start_nothing(shop: Project, tmp_path: Path, where: str) -> None:
    """Whoever names a merge driver or a filter: git's own merge would start it, a plan does not."""
    started = tmp_path / "started"
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    shop.env(HOME=str(home), XDG_CONFIG_HOME=str(home / ".config"))
    evil = "*.yaml merge=evil filter=evil\n"
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    if where == "the head":
        shop.write(evil, ".gitattributes")
    keep(shop)
    switch(shop, "main")
    shop.write(edited(ORDERS, {"A cart": "The cart"}))
    if where == "main":
        shop.write(evil, ".gitattributes")
    keep(shop)
    if where == "the clone":
        (shop.folder / ".git" / "info").mkdir(exist_ok=True)
        (shop.folder / ".git" / "info" / "attributes").write_text(evil)
    if where == "the user's settings":
        (home / ".config" / "git" / "attributes").write_text(evil)
    for name in ("merge.evil.driver", "filter.evil.smudge"):
        git(shop.folder, "config", "--global", name, f"touch '{started}'; false")
        git(shop.folder, "config", name, f"touch '{started}'; false")
    for branch in ("main", "work"):
        git(shop.folder, "-c", "filter.evil.smudge=cat", "switch", "--quiet", branch)
        assert planned(shop) == {"order/SHOP-52"}
    assert not started.exists()
    git(shop.folder, "-c", "filter.evil.smudge=cat", "switch", "--quiet", "main")
    with suppress(subprocess.CalledProcessError):
        git(shop.folder, "merge", "--quiet", "--no-edit", "work")
    assert started.exists()


def test_edited_defaults(shop: Project) -> None:
    """They are manifests, so the merge's count, and what inherits them is planned."""
    text = "kind: defaults\norder:\n  properties: {hs_currency_code: EUR}\n"
    shop.write(text, "manifests/north/defaults.yaml")
    own = "properties: {hs_currency_code: GBP}\n"
    shop.write(
        f"kind: order\nkey: N-1\n---\nkind: order\nkey: N-2\n{own}", "manifests/north/a.yaml"
    )
    keep(shop)
    git(shop.folder, "branch", "--quiet", "--force", "main")
    shop.write(text.replace("EUR", "USD"), "manifests/north/defaults.yaml")
    keep(shop)
    assert planned(shop) == {"order/N-1"}


@pytest.mark.parametrize("raised", ["limits: {update: 99}", ""])
def test_a_guard_raised_in_the_same_request(shop: Project, raised: str) -> None:
    """The limit of main refuses the plan, and the banner names what the request would change."""
    switch(shop, "main")
    shop.settings(LIMITED)
    keep(shop)
    git(shop.folder, "branch", "--quiet", "--force", "work")
    switch(shop, "work")
    shop.settings(LIMITED.replace("limits: {update: 1}", raised))
    shop.write(edited(ORDERS, RENAMED))
    keep(shop)
    said = shop.run("plan", *OF_WORK)
    assert said.code == 3
    assert (
        "This request changes reconcile.yaml; it counts only after it is merged: limits.update\n"
        in said.out
    )
    assert "3 records would be updated, and the limit is 1\n" in said.err
    found = document(shop, "--allow", "limit-update=3")
    assert found["request"]["settings_differ"] == ["limits.update"]
    # Nothing differs for a head that only lacks what main has changed meanwhile.
    git(shop.folder, "switch", "--quiet", "--force-create", "work", "main~1")
    shop.write("kind: order\nkey: N\n", "manifests/n.yaml")
    keep(shop)
    assert document(shop)["request"]["settings_differ"] == []


def test_a_request_cannot_widen_what_may_be_managed(shop: Project) -> None:
    """Nor name another account, folder, identity or drift to put back."""
    switch(shop, "main")
    narrow = "    manage: {order: [hs_order_name], cart: all, line_item: all, create: true}\n"
    shop.settings(PROJECT + narrow)
    keep(shop)
    git(shop.folder, "branch", "--quiet", "--force", "work")
    switch(shop, "work")
    shop.settings(PROJECT.replace("[manifests]", "[elsewhere]") + "drift: {order: {x: revert}}\n")
    shop.write("kind: order\nkey: N\nproperties: {hs_tags: x}\n", "manifests/n.yaml")
    keep(shop)
    said = shop.refused("plan", *OF_WORK)
    assert "manifests/n.yaml:3:23: " in said
    assert "hs_tags" in said


def test_an_unreadable_project_file_in_the_head(shop: Project) -> None:
    """The banner says what is wrong with it, escaped; the plan is main's."""
    shop.settings(PROJECT + "limitz: {update: 1}\n")
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    shown = shop.fine("plan", *OF_WORK)
    assert (
        "This request makes reconcile.yaml unreadable; the plan uses the one before it: "
        "reconcile.yaml:8:1: unknown field 'limitz'"
    ) in shown
    assert "~ order/SHOP-52" in shown
    (shop.folder / "reconcile.yaml").unlink()
    keep(shop)
    assert "reconcile.yaml: not a file that can be read" in shop.fine("plan", *OF_WORK)


def test_a_line_moved_between_orders(shop: Project) -> None:
    """Both orders are planned, as the move that it is."""
    moved = ORDERS.replace(LINE, "").replace(
        "{hs_order_name: Fifty-two}\n", "{hs_order_name: Fifty-two}\n" + LINE
    )
    shop.write(moved)
    keep(shop)
    assert planned(shop) == {"line_item/SHOP-51:mug"}
    shown = shop.fine("plan", *OF_WORK)
    assert "2 orders and carts differ" in shown
    assert "moved: it was in order/SHOP-51" in shown


def test_a_removed_unit(shop: Project) -> None:
    """It is named as no longer declared; --prune shows its archiving, held back, and no other's."""
    shop.write(ORDERS.partition("---\n")[2])
    keep(shop)
    shown = shop.fine("plan", *OF_WORK)
    assert "No longer declared (left alone): order/SHOP-51, line_item/SHOP-51:mug\n" in shown
    assert planned(shop, "--prune") == {"order/SHOP-51", "line_item/SHOP-51:mug"}


def test_two_targets(make_project: MakeProject, account: Account) -> None:
    """Each is planned with its own settings of the trusted commit."""
    project = make_project(account)
    other = "  other:\n    url: {url}\n    token: ${env:SHOP_TOKEN}\n"
    project.settings(PROJECT + other)
    project.write(ORDERS)
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    keep(project)
    git(project.folder, "switch", "--quiet", "--create", "work")
    project.settings(PROJECT)
    project.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(project)
    for target in ("shop", "other"):
        found = document(project, "--target", target)
        assert found["target"]["name"] == target
        assert found["request"]["settings_differ"] == ["targets.other.token", "targets.other.url"]
        assert [one["address"] for one in found["resource_changes"]] == ["order/SHOP-52"]
    said = project.refused("plan", "--target", "third", *OF_WORK)
    assert "there is no target 'third' in reconcile.yaml" in said


def test_a_project_in_a_folder_of_the_repository(
    make_project: MakeProject, account: Account
) -> None:
    """Its own project file and manifests count, also where its folder's name is odd."""
    project = make_project(account)
    top = project.folder / 'to"p:1'
    inner = top / "my [shop]"
    project.write(ORDERS, f"{top.name}/manifests/a.yaml")
    project.write(ORDERS, f"{top.name}/my [shop]/manifests/a.yaml")
    project.write(PROJECT.replace("{url}", account.url), f"{top.name}/my [shop]/reconcile.yaml")
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "all")
    git(top, "switch", "--quiet", "--create", "work")
    (inner / "manifests" / "a.yaml").write_text(ORDERS.replace("Fifty-two", "x"))
    (top / "manifests" / "a.yaml").write_text("")
    git(top, "commit", "--quiet", "--all", "-m", "work")
    shown = project.run("-C", str(inner), "plan", *OF_WORK)
    assert shown.code == 0, shown.all
    assert "1 order or cart differs from that, 3 left out\n" in shown.out
    (inner / "manifests" / "a.yaml").write_text("kind: order\nkey: A\nproperty: {}\n")
    git(top, "commit", "--quiet", "--all", "-m", "bad")
    shown = project.run("-C", str(inner), "plan", *OF_WORK)
    assert shown.code == 1
    assert "manifests/a.yaml:3:1: " in shown.err


def test_a_problem_of_main_is_reported_too(shop: Project) -> None:
    """As every plan does, since the merge has it."""
    switch(shop, "main")
    shop.write("{", "manifests/broken.yaml")
    keep(shop)
    switch(shop, "work")
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    assert "manifests/broken.yaml:" in shop.refused("plan", *OF_WORK)
    # A request that repairs it can be planned; what main declares there is not known.
    git(shop.folder, "merge", "--quiet", "--no-edit", "main")
    shop.write("kind: order\nkey: N\n", "manifests/broken.yaml")
    keep(shop)
    assert planned(shop) == {"order/SHOP-52", "order/N"}


def test_no_manifest_left_is_a_problem(shop: Project) -> None:
    """An emptied folder would be one after the merge."""
    git(shop.folder, "rm", "--quiet", "-r", "manifests")
    git(shop.folder, "commit", "--quiet", "-m", "gone")
    assert "manifests: no manifest there in the merge" in shop.refused("plan", *OF_WORK)


def test_a_shallow_clone(shop: Project, tmp_path: Path) -> None:
    """It is no base for a merge, even where both commits are there; the hint says what to fetch."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    keep(shop)
    source = f"file://{shop.folder}"
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=work", source, str(clone))
    said = shop.run("-C", str(clone), "plan", *OF_WORK)
    assert said.code == 1
    assert "git does not know the commit 'main'; this clone is shallow" in said.err
    git(clone, "fetch", "--quiet", "--depth=1", "origin", "main:main")
    said = shop.run("-C", str(clone), "plan", *OF_WORK)
    assert said.code == 1
    assert "git finds no common history of the commits; this clone is shallow\n" in said.err
    assert "hint: fetch more: `git fetch --unshallow`, or fetch-depth: 0" in said.err
    git(clone, "fetch", "--quiet", "--unshallow")
    said = shop.run("-C", str(clone), "plan", *OF_WORK)
    assert said.code == 0, said.all


def test_a_clone_without_the_files(shop: Project, tmp_path: Path) -> None:
    """Nothing is fetched for it."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    git(shop.folder, "config", "uploadpack.allowFilter", "true")
    clone, source = tmp_path / "clone", f"file://{shop.folder}"
    partial = ("clone", "--quiet", "--no-checkout", "--filter=blob:none", "--branch=work")
    git(tmp_path, *partial, source, str(clone))
    said = shop.run("-C", str(clone), "plan", "--tree", "work", "--trusted-ref", "origin/main")
    assert said.code == 1
    assert "the commits cannot be read: this clone does not have all files" in said.err


def test_the_trusted_ref_without_a_project_file(shop: Project) -> None:
    """The request that introduces it cannot say what it may do; nor can a link."""
    git(shop.folder, "switch", "--quiet", "main")
    git(shop.folder, "rm", "--quiet", "reconcile.yaml")
    git(shop.folder, "commit", "--quiet", "-m", "gone")
    said = shop.refused("plan", *OF_WORK)
    assert "the trusted ref 'main' has no reconcile.yaml" in said
    assert "hint: merge the project file first" in said
    (shop.folder / "reconcile.yaml").symlink_to("/etc/passwd")
    keep(shop)
    assert "the trusted ref 'main' has no reconcile.yaml" in shop.refused("plan", *OF_WORK)
    (shop.folder / "reconcile.yaml").unlink()
    shop.write("version: 1\n", "reconcile.yaml")
    keep(shop)
    said = shop.refused("plan", *OF_WORK)
    assert "problems in reconcile.yaml of the trusted ref 'main'\n" in said
    assert "'manifests' is missing" in said


def test_commits_without_a_common_history(shop: Project) -> None:
    """They are not merged."""
    git(shop.folder, "switch", "--quiet", "--orphan", "alone")
    shop.settings(PROJECT + "# Alone.\n")
    shop.write(ORDERS)
    keep(shop)
    said = shop.refused("plan", "--tree", "alone", "--trusted-ref", "main")
    assert said.startswith(
        "error: the two commits have no history in common\nhint: name the branch"
    )


@pytest.mark.parametrize("ref", ["nowhere", "--help", "-h", "main:manifests", "0" * 40])
@pytest.mark.parametrize("option", ["--tree", "--trusted-ref"])
def test_an_unknown_commit(shop: Project, option: str, ref: str) -> None:
    """A name is never taken for an option of git."""
    given = dict(zip(OF_WORK[::2], OF_WORK[1::2], strict=True)) | {option: ref}
    said = shop.refused("plan", *(f"{name}={value}" for name, value in given.items()))
    assert said.startswith(f"error: git does not know the commit {ref!r}\nhint: name a branch, tag")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["manifests"], "PATHS cannot be combined with --tree"),
        (["--select", "order"], "--select cannot be combined with --tree"),
        (["--exclude", "order"], "--exclude cannot be combined with --tree"),
    ],
)
def test_what_cannot_be_combined(shop: Project, more: list[str], message: str) -> None:
    """The request says what is planned."""
    assert message in shop.refused("plan", *OF_WORK, *more)
    assert "--tree and --trusted-ref belong together" in shop.refused("plan", *OF_WORK[:2])
    assert "--tree and --trusted-ref belong together" in shop.refused("plan", *OF_WORK[2:])


def test_outside_a_repository(project: Project) -> None:
    """There are no commits."""
    said = project.refused("plan", *OF_WORK)
    assert "--trusted-ref names a commit, and the project is not in a git repository" in said


def test_an_old_git(shop: Project, tmp_path: Path) -> None:
    """It cannot merge without a checkout, and none is made instead."""
    real = shutil.which("git")
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncase "$*" in *merge-tree*) exit 129;; esac\nexec {real} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    shop.env(PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    said = shop.refused("plan", *OF_WORK)
    assert said == (
        "error: git is too old to merge without a working tree\nhint: install git 2.38 or newer\n"
    )


def test_a_saved_plan_is_for_review(shop: Project) -> None:
    """It can be shown, with its banner; what is applied is what was merged."""
    shop.settings(PROJECT + "limits: {update: 5}\n")
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    head = keep(shop)
    switch(shop, "main")
    said = shop.run("plan", *OF_WORK, "--out", "p")
    assert (
        "The plan is saved in p. It is for review: what is applied is what is merged." in said.err
    )
    assert "To apply exactly" not in said.err
    shown = shop.fine("show", "p")
    assert f"Planned for review: commit {head[:12]} merged" in shown
    assert "it counts only after it is merged: limits.update\n" in shown
    as_markdown = shop.fine("show", "p", "--format", "markdown")
    assert "it counts only after it is merged: `limits.update`\n" in as_markdown
    for checked_out in ("main", "work"):
        switch(shop, checked_out)
        shop.account.server.clear_requests()
        said = shop.run("apply", "p", "--auto-approve")
        assert said.code == 6, said.all
        assert "this plan was made for review, of a pull request" in said.err
        assert "hint: merge it, then plan and apply what is merged" in said.err
        assert shop.account.writes() == []


def test_names_in_the_request_are_text(shop: Project) -> None:
    """What the request calls a setting can be markup; it is shown as text."""
    switch(shop, "main")
    git(shop.folder, "branch", "--quiet", "--force", "work")
    switch(shop, "work")
    shop.settings(PROJECT + '"@team `x` <b> \\u202e": x\n')
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}))
    keep(shop)
    shown = shop.fine("plan", *OF_WORK, "--out", "p")
    assert "\u202e" not in shown
    assert "unreadable; the plan uses the one before it: reconcile.yaml:" in shown
    switch(shop, "main")
    as_markdown = shop.fine("show", "p", "--format", "markdown")
    (line,) = (one for one in as_markdown.splitlines() if one.startswith("> **Warning:**"))
    *_, code = line.partition(": ``")
    assert "@team" in code
    assert "\u202e" not in as_markdown


def test_hints_name_the_same_request(shop: Project) -> None:
    """The command to type next plans it again."""
    shop.write(ORDERS.partition("---\n")[2])
    keep(shop)
    shown = shop.fine("plan", *OF_WORK, "--prune").replace("\n  ", " ")
    assert "--tree work --trusted-ref main --prune --allow prune=" in " ".join(shown.split())


def test_a_request_is_validated_offline(shop: Project) -> None:
    """Without a token or a call, so that forks can be checked."""
    shop.write(edited(ORDERS, {"Fifty-two": "Two"}) + "---\nkind: order\nkey: N\n")
    keep(shop)
    switch(shop, "main")
    shop.account.server.clear_requests()
    shop.monkeypatch.delenv("SHOP_TOKEN")
    said = shop.fine("validate", *OF_WORK)
    assert said == "The manifests are valid: 4 orders, 1 line item, 1 cart.\n"
    switch(shop, "work")
    shop.write("kind: order\nkey: N\nproperty: {}\n")
    keep(shop)
    switch(shop, "main")
    assert "manifests/shop.yaml:3:1: " in shop.refused("validate", *OF_WORK)
    assert shop.account.server.requests() == []

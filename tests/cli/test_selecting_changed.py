"""changed:REF: the orders and carts whose resolved declaration differs from that of a commit."""

from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, Account, MakeProject, Project
from tests.cli.test_commit_in_log import git
from tests.cli.test_selecting import ORDERS, planned

SINCE = ("--select", "changed:main")
DEFAULTS = "kind: defaults\norder:\n  properties: {hs_currency_code: EUR}\n"


def keep(project: Project) -> None:
    """Commit the project's own files."""
    git(project.folder, "add", "--all", ":!state")
    git(project.folder, "commit", "--quiet", "--allow-empty", "-m", "all")


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project in a repository: orders and a cart on main, and work on a branch."""
    project.write(ORDERS)
    git(project.folder, "init", "--quiet", "--initial-branch=main")
    keep(project)
    git(project.folder, "switch", "--quiet", "--create", "work")
    return project


def units(project: Project, *args: str) -> set[str]:
    """Return the orders and carts that a plan changes or holds back."""
    return {one for one in planned(project, *args) if not one.startswith("line_item/")}


def test_an_edited_document_is_selected(shop: Project) -> None:
    """Committed or not: compared is what would be planned; comments and order do not count."""
    text = ORDERS.replace("Fifty-two", "Two and fifty").replace("Mug,", "Mug blue,")
    shop.write("# A comment.\n" + "---\n".join(reversed(text.split("---\n"))))
    assert units(shop, *SINCE) == {"order/SHOP-51", "order/SHOP-52"}
    keep(shop)
    assert units(shop, *SINCE) == {"order/SHOP-51", "order/SHOP-52"}
    assert units(shop, "--exclude", "changed:main") == {"order/Shop-61", "cart/SHOP-5"}
    assert units(shop, *SINCE, "--exclude", "order/*2") == {"order/SHOP-51"}
    assert units(shop, "--select", "changed:HEAD~1", "--select", "cart") == {
        "order/SHOP-51",
        "order/SHOP-52",
        "cart/SHOP-5",
    }


def test_nothing_changed_is_an_answer(shop: Project) -> None:
    """A pull request that changes no manifest must not fail."""
    shop.write("# Only this.\n" + ORDERS)
    shown = shop.fine("plan", *SINCE)
    assert "Selection: --select changed:main\n  0 orders and carts are selected, 4 are" in shown
    assert "No changes. Nothing is selected.\n" in shown
    assert "No drift." in shop.fine("drift", *SINCE)


def test_an_edited_default_selects_what_inherits_it(shop: Project) -> None:
    """A document with a value of its own does not differ; nor does one of another folder."""
    shop.write(DEFAULTS, "manifests/north/defaults.yaml")
    own = "properties: {hs_currency_code: GBP}\n"
    shop.write(
        f"kind: order\nkey: N-1\n---\nkind: order\nkey: N-2\n{own}", "manifests/north/a.yaml"
    )
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    shop.write(DEFAULTS.replace("EUR", "USD"), "manifests/north/defaults.yaml")
    assert units(shop, *SINCE) == {"order/N-1"}
    (shop.folder / "manifests/north/defaults.yaml").unlink()
    assert units(shop, *SINCE) == {"order/N-1"}


def test_a_default_written_into_the_documents_is_no_change(shop: Project) -> None:
    """What the documents declare in the end is compared, not how; also of defaults above."""
    shop.write(DEFAULTS, "defaults.yaml")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    (shop.folder / "defaults.yaml").unlink()
    written = ORDERS.replace("{hs_order_name:", "{hs_currency_code: EUR, hs_order_name:")
    shop.write(written.replace("Sixty-one", "One and sixty"))
    assert units(shop, *SINCE) == {"order/Shop-61"}


def test_a_removed_document_is_selected_for_pruning(shop: Project) -> None:
    """Only what was removed since, not what was undeclared before; without --prune it is named."""
    shop.write("kind: order\nkey: OLD\n", "manifests/old.yaml")
    shop.fine("apply", "--auto-approve")
    (shop.folder / "manifests/old.yaml").unlink()
    shop.write(ORDERS.partition("---\n")[2].replace("Fifty-two", "Two and fifty"))
    shown = shop.fine("plan", *SINCE)
    assert "No longer declared (left alone): order/SHOP-51, line_item/SHOP-51:mug\n" in shown
    assert "OLD" not in shown
    assert planned(shop, *SINCE, "--prune") == {
        "order/SHOP-51",
        "line_item/SHOP-51:mug",
        "order/SHOP-52",
    }


def test_a_removed_line_item_selects_its_order(shop: Project) -> None:
    """It is part of what the order declares."""
    shop.fine("apply", "--auto-approve")
    line = "line_items:\n  - key: SHOP-51:mug\n    properties: {name: Mug, quantity: 2}\n"
    shop.write(ORDERS.replace(line, ""))
    assert planned(shop, *SINCE, "--prune") == {"line_item/SHOP-51:mug"}


def test_a_rename_selects_the_new_name(shop: Project) -> None:
    """And nothing is pruned under the former one."""
    shop.fine("apply", "--auto-approve")
    renamed = "key: SHOP-53\nmoved_from: SHOP-52"
    shop.write(ORDERS.replace("key: SHOP-52", renamed))
    assert planned(shop, *SINCE, "--prune") == {"order/SHOP-53"}
    shop.fine("plan", *SINCE, "--out", "p")
    shop.fine("apply", "p")
    assert "No changes." in shop.fine("plan")


def test_a_file_outside_the_manifests_does_not_count(shop: Project) -> None:
    """Neither are hidden files read, nor a project file in a folder of manifests."""
    for name in ("other/more.yaml", "manifests/.hidden.yaml", "manifests/sub/reconcile.yaml"):
        shop.write("kind: order\nkey: SHOP-52\nproperties: {hs_order_name: Else}\n", name)
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    assert units(shop, *SINCE) == set()


def test_paths_beside_the_manifests_are_compared_too(shop: Project) -> None:
    """As far as they are in the project."""
    shop.write("kind: order\nkey: M-1\n---\nkind: order\nkey: M-2\n", "more/a.yaml")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    shop.write(
        "kind: order\nkey: M-1\n---\nkind: order\nkey: M-2\nline_items: [{key: x}]\n", "more/a.yaml"
    )
    assert units(shop, "more", *SINCE) == {"order/M-2"}


def test_names_of_files_are_taken_as_they_are(shop: Project) -> None:
    """Spaces, umlauts, quotes and line breaks included."""
    for number, name in enumerate(("a b", "ü", "'q\"", "new\nline", "-x", "[c]")):
        shop.write(f"kind: order\nkey: F-{number}\n", f"manifests/{name}/{name}.yaml")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    assert units(shop, *SINCE) == set()
    shop.write("kind: order\nkey: F-0\nproperties: {hs_order_name: x}\n", "manifests/a b/a b.yaml")
    assert units(shop, *SINCE) == {"order/F-0"}


def test_a_project_in_a_folder_of_the_repository(
    make_project: MakeProject, account: Account
) -> None:
    """Its own manifests are compared, not those at the top."""
    project = make_project(account)
    top = project.folder / "top"
    project.write(ORDERS, "top/manifests/a.yaml")
    project.write(ORDERS, "top/my shop/manifests/a.yaml")
    project.write(PROJECT.replace("{url}", account.url), "top/my shop/reconcile.yaml")
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "all")
    project.write(ORDERS.replace("Fifty-two", "x"), "top/my shop/manifests/a.yaml")
    project.write("", "top/manifests/a.yaml")
    shown = project.run("-C", str(top / "my shop"), "plan", *SINCE)
    assert shown.code == 0
    assert "  1 order or cart is selected, 3 are left out\n" in shown.out


def test_links_and_submodules_are_not_followed(shop: Project, tmp_path: Path) -> None:
    """What they lead to counts as changed, and a warning says so; nothing is checked out."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "m.yaml").write_text("kind: order\nkey: MODULE\n")
    git(module, "init", "--quiet")
    git(module, "add", "--all")
    git(module, "commit", "--quiet", "-m", "all")
    add = ("submodule", "--quiet", "add", str(module), "manifests/module")
    git(shop.folder, "-c", "protocol.file.allow=always", *add)
    shop.write("kind: order\nkey: LINKED\n", "elsewhere/linked.yaml")
    (shop.folder / "manifests/link.yaml").symlink_to("../elsewhere/linked.yaml")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    said = shop.run("plan", *SINCE)
    assert said.code == 0
    assert "2 orders and carts are selected, 4 are left out\n" in said.out
    assert "order/LINKED" in said.out
    assert "order/MODULE" in said.out
    assert "warning: 2 links and submodules of 'main' are not followed: what" in said.err


def test_what_cannot_be_read_in_the_commit_counts_as_changed(shop: Project) -> None:
    """So that whoever repairs the main branch can plan; the rest is compared.

    Below defaults with a problem nothing is sure.
    """
    shop.write("kind: defaults\nordr: {}\n", "manifests/low/defaults.yaml")
    shop.write("kind: order\nkey: LOW\n", "manifests/low/a.yaml")
    shop.write("kind: order\nkey: BAD\nproperty: {}\n", "manifests/bad.yaml")
    shop.write("{", "manifests/syntax.yaml")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    shop.write("kind: order\nkey: BAD\n", "manifests/bad.yaml")
    shop.write("kind: order\nkey: NEW\n", "manifests/syntax.yaml")
    shop.write(DEFAULTS, "manifests/other/defaults.yaml")
    (shop.folder / "manifests/low/defaults.yaml").unlink()
    said = shop.run("plan", *SINCE)
    assert said.code == 0
    assert "3 orders and carts are selected, 4 are left out\n" in said.out
    assert "warning: 3 problems in the manifests of 'main': what cannot be read" in said.err


@pytest.mark.parametrize("how", ["a problem", "a link"])
def test_what_was_removed_unread_counts_as_changed(shop: Project, how: str) -> None:
    """Nothing says what it declared, so managed records that nothing declares may be of it."""
    path = shop.folder / "manifests" / "gone.yaml"
    gone = "kind: order\nkey: GONE\n"
    if how == "a link":
        shop.write(gone, "elsewhere/gone.yaml")
        path.symlink_to("../elsewhere/gone.yaml")
    else:
        path.write_text(gone)
    shop.fine("apply", "--auto-approve")
    if how == "a problem":
        path.write_text("{")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    path.unlink()
    assert planned(shop, *SINCE, "--prune") == {"order/GONE"}
    assert planned(shop, "--exclude", "changed:main", "--prune") == set()


def test_the_project_file_of_the_commit_does_not_count(shop: Project) -> None:
    """Its folders of manifests are today's."""
    shop.settings(PROJECT.replace("[manifests]", "[nowhere]"))
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    shop.settings(PROJECT)
    assert units(shop, *SINCE) == set()


def test_filters_are_not_started(shop: Project) -> None:
    """The commit's bytes are compared, and attributes name nothing that runs."""
    started = shop.folder / "started"
    git(shop.folder, "config", "filter.evil.smudge", f"touch '{started}'; cat")
    git(shop.folder, "config", "diff.evil.textconv", f"touch '{started}'; cat")
    shop.write("*.yaml filter=evil diff=evil text eol=crlf\n", ".gitattributes")
    keep(shop)
    git(shop.folder, "branch", "--force", "main")
    shop.write(ORDERS.replace("\n", "\r\n"))
    started.unlink(missing_ok=True)
    assert units(shop, *SINCE) == set()
    assert not started.exists()


@pytest.mark.parametrize(
    "ref", ["nowhere", "", "--help", "-h", "main:manifests", "HEAD~9", "0" * 40]
)
def test_an_unknown_commit_is_an_error(shop: Project, ref: str) -> None:
    """It says what can be named."""
    said = shop.refused("plan", "--select", f"changed:{ref}")
    assert said.startswith(f"error: git does not know the commit {ref!r}\nhint: name a branch, tag")


def test_a_shallow_clone_says_how_to_fetch_more(shop: Project, tmp_path: Path) -> None:
    """As CI services make them; what is fetched can be compared."""
    keep(shop)
    clone = tmp_path / "clone"
    source = f"file://{shop.folder}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=work", source, str(clone))
    said = shop.run("-C", str(clone), "plan", "--select", "changed:HEAD~1")
    assert said.code == 1
    assert "git does not know the commit 'HEAD~1'; this clone is shallow" in said.err
    assert "hint: fetch more: `git fetch --unshallow`, or fetch-depth: 0" in said.err
    git(clone, "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    said = shop.run("-C", str(clone), "plan", "--select", "changed:origin/main")
    assert said.code == 0
    assert "0 orders and carts are selected, 4 are left out" in said.out


def test_a_clone_without_the_files_is_an_error(shop: Project, tmp_path: Path) -> None:
    """Nothing is fetched for it."""
    shop.write(ORDERS.replace("Fifty-two", "x"))
    keep(shop)
    git(shop.folder, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    source = f"file://{shop.folder}"
    partial = ("clone", "--quiet", "--filter=blob:none", "--branch=work")
    git(tmp_path, *partial, source, str(clone))
    said = shop.run("-C", str(clone), "plan", "--select", "changed:HEAD~1")
    assert said.code == 1
    assert "what changed since 'HEAD~1' cannot be read: this clone does not have all" in said.err


def test_outside_a_repository_nothing_can_be_compared(project: Project) -> None:
    """The hint names other selectors."""
    said = project.refused("plan", *SINCE)
    assert "the project is not in a git repository" in said
    assert "hint: select by address or kind" in said


def test_git_missing_is_an_error(shop: Project) -> None:
    """A selection is never guessed."""
    shop.env(PATH=str(shop.folder))
    said = shop.refused("plan", *SINCE)
    assert "what changed since 'main' cannot be read: git is not installed" in said

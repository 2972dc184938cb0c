"""What commands say: whole commands to type, true ends, and ways out."""

import json
import re
import shlex
from pathlib import Path

import pytest

from reconcile.cli.project_fields import FIELDS
from reconcile.project import starter_text
from reconcile.project.settings import Limits, ProjectFile, TargetSettings
from tests.cli.conftest import PROJECT, SHOP, Project

TWO = """\
version: 1
manifests: [manifests]
target: local
targets:
  local: {sandbox: true}
  shop:
    url: {url}
    token: ${env:SHOP_TOKEN}
"""


def test_version_has_an_option_of_its_own(reader: Project) -> None:
    """`reconcile --version` says what `reconcile version` says."""
    assert reader.fine("--version") == reader.fine("version")
    assert re.fullmatch(r"reconcile \S+ \(Python 3\.\S+\)\n", reader.fine("--version"))


def test_an_empty_state_says_so(reader: Project) -> None:
    """The list stays empty for programs; people are told why."""
    for words in (("state", "list"), ("state", "list", "--json")):
        result = reader.run(*words)
        assert (result.code, result.out) == (0, "")
        assert result.err == "The state of target shop is empty: no record is managed.\n"


def typed(text: str) -> list[str]:
    """The words of the command that a line ends with."""
    return shlex.split(text.strip().partition("reconcile ")[2])


def test_the_saved_plan_is_applied_by_the_command_that_is_shown(
    project: Project, tmp_path: Path
) -> None:
    """With -C where plan had it, and quoted for the shell; it works from where plan was typed."""
    folder = project.folder.rename(tmp_path / "my shop")
    result = project.run("-C", "my shop", "plan", "--out", "the plan", cwd=tmp_path)
    last = result.err.splitlines()[-1]
    assert last.endswith("To apply exactly this plan: reconcile -C 'my shop' apply 'the plan'")
    done = project.run(*typed(last.partition("exactly this plan: ")[2]), cwd=tmp_path)
    assert done.code == 0, done.all
    folder.rename(project.folder)


@pytest.mark.parametrize(
    ("given", "named"),
    [((), ""), (("--target", "shop"), " --target shop"), (("--target", "local"), "")],
    ids=["none", "another", "the default"],
)
def test_commands_name_the_target_where_it_is_another(
    reader: Project, given: tuple[str, ...], named: str
) -> None:
    """A target that is worked on anyway need not be named."""
    reader.settings(TWO)
    reader.write("kind: order\nkey: A\nx: 1\n")
    reader.write(
        "---\n".join(f"kind: order\nkey: B{n}\ny: 1\n" for n in range(9)), "manifests/b.yaml"
    )
    said = reader.refused("validate", *given)
    assert said.endswith(f"`reconcile validate --json{named}` lists every problem\n")


def test_applying_again_what_is_applied_says_nothing_of_creating(project: Project) -> None:
    """Neither the finished plan nor one that an earlier run carried out is done twice."""
    project.fine("plan", "--out", "p")
    assert "created" in project.fine("apply", "p")
    again = project.fine("apply", "p")
    assert "created" not in again
    assert "Already applied by run" in again


def test_a_record_whose_protection_alone_changed_is_not_added_to_the_state(
    project: Project,
) -> None:
    """It is in the state already: only its entry there is updated, which is no change."""
    protected = "kind: order\nkey: A-1\nlifecycle: {protect: true}\n"
    project.write(protected)
    project.fine("apply", "--auto-approve")
    project.write("kind: order\nkey: A-1\n")
    shown = project.fine("plan")
    assert "1 record: only what reconcile remembers of it changes" in shown
    assert "No changes. 1 record is as declared." in shown
    project.fine("apply")
    assert "reconcile remembers" not in project.fine("plan")
    project.write(protected)
    project.fine("apply")
    project.write("kind: order\nkey: A-1\n")
    project.fine("state", "rm", "order/A-1", "--auto-approve")
    listed = project.fine("plan", "--verbose")
    assert "# adopt: already matches; will be added to the state" in listed


def test_what_is_no_longer_declared_has_a_way_out(project: Project) -> None:
    """Orders stand before their line items, and the hint's commands do what they say."""
    project.fine("apply", "--auto-approve")
    project.write("kind: cart\nkey: C-1\nproperties: {hs_cart_name: A cart}\n")
    lines = project.fine("plan").splitlines()
    at = lines.index("No longer declared (left alone): order/A-1, line_item/A-1:mug")
    assert lines[at + 1] == (
        "  hint: declare them again, archive them with `reconcile plan --prune`, or stop managing "
        "them with `reconcile state rm ADDRESS`"
    )
    assert "- order/A-1" in project.fine("plan", "--prune")
    project.fine("state", "rm", "order/A-1", "line_item/A-1:mug", "--auto-approve")
    assert "No longer declared" not in project.fine("plan")


def test_what_is_dissociated_is_named_as_it_was_declared(project: Project) -> None:
    """An order's cart by its key; a label by its name, in the plan and in the saved one."""
    declared = """\
kind: order
key: A-1
associations:
  cart: [{key: C-1}]
  company: [{id: "501", label: primary}]
---
kind: cart
key: C-1
"""
    project.write(declared)
    project.fine("apply", "--auto-approve")
    project.write("kind: order\nkey: A-1\n---\nkind: cart\nkey: C-1\n")
    planned = project.fine("plan", "--out", "p")
    assert "- cart key=C-1  # dissociate; both records stay" in planned
    assert "- company id=501 (primary)  # dissociate; both records stay" in planned
    assert project.fine("show", "p").splitlines()[:-1] == planned.splitlines()[:-1]
    project.fine("apply", "p")
    assert "No changes." in project.fine("plan")


def test_a_dissociation_under_a_name_that_the_state_does_not_know_is_left_alone(
    project: Project,
) -> None:
    """A saved plan shows a key; where the state has another record under it, nothing is done."""
    both = "kind: order\nkey: A-1\n{}---\nkind: cart\nkey: C-1\n"
    project.write(both.format("associations: {cart: [{key: C-1}]}\n"))
    project.fine("apply", "--auto-approve")
    project.write(both.format(""))
    project.fine("plan", "--out", "p")
    project.fine("state", "rm", "cart/C-1", "--auto-approve")
    result = project.run("apply", "p")
    assert result.code in (5, 6)
    assert "another key in the state than it had when planning; plan again" in result.out


def test_the_starter_points_at_what_the_program_has(reader: Project) -> None:
    """The comment names a command, and that explains every field of the project file."""
    command, *_ = re.findall(r"`reconcile (.+?)`", starter_text())
    shown = reader.fine(*command.split())
    fields = {*ProjectFile.model_fields, *TargetSettings.model_fields, *Limits.model_fields}
    assert {name for name in fields if not re.search(rf"\b{name}\b", shown)} == set()
    assert "README" not in starter_text() + FIELDS


def test_a_lock_is_broken_by_the_command_that_is_shown(project: Project) -> None:
    """`lock show` repeats the options that lead to the target."""
    from tests.cli.test_state import INFO, local  # noqa: PLC0415

    project.settings(TWO)
    with local(project).lock(INFO) as lease:
        shown = project.fine("lock", "show", "--target", "shop")
        command = typed(shown.splitlines()[-1])
        assert command == ["lock", "break", str(lease.fencing_token), "--target", "shop"]
        project.fine(*command)


def test_status_names_the_whole_command(project: Project) -> None:
    """For people and for programs."""
    project.write(SHOP)
    project.settings(PROJECT)
    assert json.loads(project.fine("status", "--json"))["next"] is None

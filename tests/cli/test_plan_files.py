"""Plan files that must not be carried out: refused, and nothing written."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from reconcile.planning.plan_file import FORMAT
from tests.cli.conftest import SHOP, Account, MakeProject, Project


@pytest.fixture
def saved(reader: Project) -> Path:
    """A good plan file."""
    reader.fine("plan", "--out", "good.plan")
    return reader.folder / "good.plan"


DAMAGE = {
    "a value changed": lambda data: data.replace(b"20.00", b"21.00"),
    "a line left out": lambda data: b"".join(data.splitlines(keepends=True)[::2]),
    "the end cut off": lambda data: data[:-20],
    "the last line cut off": lambda data: b"".join(data.splitlines(keepends=True)[:-1]),
    "empty": lambda _: b"",
    "not a plan": lambda _: b"kind: order\nkey: A\nproperties: {}\n",
    "binary": lambda _: bytes(range(256)) * 20,
    "a later format": lambda data: data.replace(
        b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1), 1
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("command", [("apply",), ("show",), ("show", "--format", "json")])
def test_damaged(reader: Project, saved: Path, damage: object, command: tuple[str, ...]) -> None:
    """A plan file that is not whole as it was written is neither shown nor applied."""
    assert callable(damage)
    saved.write_bytes(damage(saved.read_bytes()))
    said = reader.refused(*command, "good.plan")
    assert said.startswith("error: the plan file ")
    assert "hint: make the plan again" in said


@pytest.mark.parametrize("command", ["apply", "show"])
def test_not_there(reader: Project, command: str) -> None:
    """A plan file that is not there is told by its name."""
    said = reader.refused(command, "no.plan")
    assert said == (
        "error: the plan file no.plan cannot be read: No such file or directory\n"
        "hint: `reconcile plan --out FILE` creates one\n"
    )


def test_another_account(
    reader: Project, saved: Path, make_project: MakeProject, account: Account, tmp_path: Path
) -> None:
    """A plan of one account is not applied to another."""
    path = tmp_path / "fresh.sqlite"
    other = Account(path)
    with other.server:
        project = make_project(other)
        (project.folder / "p").write_bytes(saved.read_bytes())
        said = project.refused("apply", "p")
    mine, theirs = reader.account.server.portal_id, other.server.portal_id
    assert f"the plan is for account {mine}, but target shop is account {theirs}" in said


def test_another_target(reader: Project, saved: Path) -> None:
    """A plan whose target is not in reconcile.yaml is refused."""
    text = (reader.folder / "reconcile.yaml").read_text().replace("shop:", "store:")
    reader.write(text.replace("target: shop", "target: store"), "reconcile.yaml")
    assert "there is no target 'shop'" in reader.refused("apply", saved.name)


def test_another_state(project: Project) -> None:
    """A plan made from another state than the one here is stale: exit 6."""
    project.fine("apply", "--auto-approve")
    project.write(SHOP.replace("20.00", "21.00"))
    project.fine("plan", "--out", "p")
    head = project.folder / "state" / "shop" / "head.json"
    head.write_text(json.dumps({**json.loads(head.read_text()), "lineage": "another"}))
    said = project.refused("apply", "p", code=6)
    assert "error: the plan was made from a different state" in said


def test_applied_before(project: Project) -> None:
    """A plan that was applied already is done, and changes nothing when applied again."""
    project.fine("plan", "--out", "p")
    project.fine("apply", "p")
    before = project.account.dump(), (project.folder / "state/shop/head.json").read_bytes()
    project.account.server.clear_requests()
    assert "Already applied by run 2" in project.fine("apply", "p")
    after = project.account.dump(), (project.folder / "state/shop/head.json").read_bytes()
    assert after == before
    assert project.account.writes() == []


def test_held_back(project: Project) -> None:
    """What would overwrite values never seen is held back until it is allowed by its number."""
    project.fine("apply", "--auto-approve")
    (project.folder / "state").rename(project.folder / "lost")
    project.write(SHOP.replace("20.00", "21.00"))
    shown = project.fine("plan", "--out", "p")
    assert "# held back: adopt-update" in shown
    assert "hint: to let them in, plan with --allow adopt-update=1\n" in shown
    account = project.account.dump()
    assert "2 declared changes were held back" in project.fine("apply", "p", code=5)
    for command in (("apply", "--auto-approve"), ("apply",)):
        assert "2 declared changes are still held back" in project.fine(*command)
    assert project.account.dump() == account
    said = project.refused("apply", "p", "--allow", "adopt-update=1")
    assert "--allow cannot be used with a plan file" in said
    project.fine("plan", "--out", "p", "--allow", "adopt-update=1")
    assert "1 order updated" in project.fine("apply", "p")


def test_locked(project: Project) -> None:
    """While another run holds the lock apply says who, since when and doing what: exit 4."""
    project.fine("apply", "--auto-approve")
    project.write(SHOP.replace("20.00", "21.00"))
    home = project.folder / "state" / "shop"
    holder = home / "lock-holder"
    info = {
        "who": "ann@build-7 (process 12)",
        "since": "2026-01-02T03:04:05+00:00",
        "doing": "apply",
        "fencing_token": 3,
    }
    holder.write_text(json.dumps(info))
    with FileLock(home / "lock"):
        said = project.refused("apply", "--auto-approve", code=4)
        assert "locked by ann@build-7 (process 12), since 2026-01-02T03:04:05+00:00" in said
        assert "doing apply" in said
        holder.write_text('{"who": "\x1b[31m')
        assert "locked by another process" in project.refused("apply", "--auto-approve", code=4)
        holder.unlink()
        assert "1 order to update" in project.fine("plan")
    assert "1 order updated" in project.fine("apply", "--auto-approve")


def test_damaged_state(project: Project) -> None:
    """A damaged state file is named, and nothing is done."""
    project.fine("apply", "--auto-approve")
    (project.folder / "state" / "shop" / "head.json").write_text('{"format": 1')
    for command in (("plan",), ("apply", "--auto-approve")):
        assert "is damaged: head.json" in project.refused(*command)

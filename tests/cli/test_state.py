"""`state`, `status`, `resume` and `lock`: what is remembered, and work on it by hand."""

import json
from pathlib import Path

import pytest

from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from tests.cli.conftest import PROJECT, Project

INFO = LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "apply")


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied once."""
    project.fine("apply", "--auto-approve")
    return project


def local(project: Project) -> LocalStore:
    """The target's own folder."""
    return LocalStore(project.folder / "state" / "shop")


def test_list_and_show(applied: Project) -> None:
    """Addresses with ids; of one record its parent, properties and associations, no values."""
    lines = applied.fine("state", "list").splitlines()
    assert [line.split()[0] for line in lines] == ["cart/C-1", "line_item/A-1:mug", "order/A-1"]
    one = json.loads(applied.fine("state", "list", "--json").splitlines()[2])
    assert one == {"format_version": "1.0", "address": "order/A-1", "id": lines[2].split()[1]}
    shown = applied.fine("state", "show", "order/a-1")
    assert f"id          {one['id']}" in shown
    assert "hs_total_price" in shown
    assert "20.00" not in shown
    assert "parent      order/A-1" in applied.fine("state", "show", "line_item/A-1:mug")


@pytest.mark.parametrize("words", [("show",), ("rm", "--auto-approve")])
def test_a_record_nobody_knows(applied: Project, words: tuple[str, ...]) -> None:
    """Is an error, and nothing is forgotten."""
    result = applied.run("state", *words, "order/B-9")
    assert result.code == 1
    assert "not in the state: order/" in result.err
    assert len(applied.fine("state", "list").splitlines()) == 3


def test_what_is_forgotten_is_adopted_anew(applied: Project) -> None:
    """HubSpot is not touched; the audit log has it."""
    before = applied.account.dump()
    told = applied.fine("state", "rm", "order/A-1", "--auto-approve", "--reason", "by mistake")
    assert told == "Forgot 1 record.\n"
    assert applied.account.dump() == before
    assert "= order/A-1" in applied.fine("plan", "--verbose")
    assert "reason: by mistake" in applied.fine("audit", "log")
    assert "The audit log is intact." in applied.fine("audit", "verify")


def test_forgetting_asks_first(applied: Project) -> None:
    """Where nobody can answer, nothing happens."""
    result = applied.run("state", "rm", "order/A-1")
    assert result.code == 1
    assert len(applied.fine("state", "list").splitlines()) == 3


def test_the_state_moves_there_and_back(applied: Project, tmp_path: Path) -> None:
    """With its audit log; what is left behind refuses to be used."""
    other = f"file:{tmp_path / 'elsewhere'}"
    assert "is in" in applied.fine("state", "push", other)
    refused = applied.run("plan")
    assert refused.code == 1
    assert "was moved to" in refused.err
    applied.fine("state", "pull", other)
    assert "No changes." in applied.fine("plan")
    log = applied.fine("audit", "log")
    assert "state push" in log
    assert "state pull" in log
    assert "The audit log is intact." in applied.fine("audit", "verify")


def test_another_state_is_not_written_over(applied: Project, tmp_path: Path) -> None:
    """Nor is anything moved."""
    other = LocalStore(tmp_path / "elsewhere" / "shop")
    other.write("head.json", b'{"format": 4, "lineage": "another", "serial": 1}', None)
    result = applied.run("state", "push", f"file:{tmp_path / 'elsewhere'}")
    assert result.code == 1
    assert "already has another state" in result.err
    assert "No changes." in applied.fine("plan")


def test_a_shared_store_is_no_new_beginning(applied: Project, tmp_path: Path) -> None:
    """A project that names a store before its state was moved there is told so."""
    applied.settings(PROJECT.replace("manifests:", "store: ${env:STORE}\nmanifests:"))
    applied.monkeypatch.setenv("STORE", f"file:{tmp_path / 'shared'}")
    applied.monkeypatch.setenv("RECONCILE_STATE_KEY", "0123456789abcdef")
    result = applied.run("plan")
    assert result.code == 1
    assert "reconcile state pull file:" in result.err
    applied.fine("state", "pull", "file:")
    # Another key: hashes are made anew by the next apply, ids count as before.
    planned = applied.fine("plan")
    assert "3 records: only what reconcile remembers of them changes" in planned
    assert "No changes. 3 records are as declared." in planned
    applied.fine("apply", "--auto-approve")
    assert "No changes." in applied.fine("plan")


def test_a_shared_store_wants_a_key(project: Project, tmp_path: Path) -> None:
    """Hashes that everybody can compare."""
    project.settings(PROJECT.replace("manifests:", "store: ${env:STORE}\nmanifests:"))
    project.monkeypatch.setenv("STORE", "s3://bucket/prefix")
    project.monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = project.run("status")
    assert result.code == 1
    assert "Traceback" not in result.err


def test_lock_show_and_break(applied: Project) -> None:
    """Who has it, and by which number it can be taken; a wrong number takes nothing."""
    assert applied.fine("lock", "show") == "Target shop is not locked.\n"
    assert applied.run("lock", "break", "1").code == 1
    store = local(applied)
    with store.lock(INFO) as lease:
        shown = applied.fine("lock", "show")
        assert "locked by ana@mill, since 2026-01-02T03:04:05+00:00, doing apply" in shown
        assert f"reconcile lock break {lease.fencing_token}" in shown
        assert applied.run("apply", "--auto-approve").code in (0, 4)
        assert applied.run("lock", "break", str(lease.fencing_token + 7)).code == 4
        applied.fine("lock", "break", str(lease.fencing_token), "--reason", "it hangs")
    assert "lock broken" in applied.fine("audit", "log")


def test_status_and_resume_without_a_run(applied: Project) -> None:
    """Nothing is pending, and that is fine."""
    assert "No run is unfinished." in applied.fine("status")
    assert json.loads(applied.fine("status", "--json"))["runs"] == []
    assert applied.fine("resume") == "No run is unfinished.\n"


@pytest.mark.parametrize(
    ("begin", "named"),
    [
        (PROJECT, True),
        (PROJECT.replace("target: shop\n", "target: shop # ours\n\n# the end\n"), True),
        (PROJECT + "  other: {sandbox: true}\n", False),
        (PROJECT.replace("manifests: [manifests]", "manifests:\n    - manifests"), True),
    ],
    ids=["plain", "comments", "two targets", "an unusual indent"],
)
def test_push_names_the_store(applied: Project, tmp_path: Path, begin: str, *, named: bool) -> None:
    """In one line of the project file, or not at all."""
    applied.settings(begin)
    before = (applied.folder / "reconcile.yaml").read_text()
    applied.monkeypatch.setenv("STORE", f"file:{tmp_path / 'shared'}")
    result = applied.run("state", "push", "${env:STORE}")
    assert result.code == 0
    after = (applied.folder / "reconcile.yaml").read_text()
    assert after == (before + "store: ${env:STORE}\n" if named else before)
    assert ("reconcile.yaml names it" in result.out) is named
    assert ("once the state of every target is there: store: ${env:STORE}" in result.out) != named

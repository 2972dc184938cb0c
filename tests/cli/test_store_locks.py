"""Commands that work on a store by hand wait for its lock, and reach the lock of another store."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconcile.cli.store_access import as_argument
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from tests.cli.conftest import Project

INFO = LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "state push")
COMMANDS = {
    "state rm": ("state", "rm", "order/A-1", "--auto-approve"),
    "state push": ("state", "push", "file:elsewhere"),
    "state pull": ("state", "pull", "file:elsewhere"),
    "audit redact": ("audit", "redact", "order/A-1", "--auto-approve"),
}


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied once."""
    project.fine("apply", "--auto-approve")
    return project


def own(project: Project) -> LocalStore:
    """Return the target's own store."""
    return LocalStore(project.folder / "state" / "shop")


def elsewhere(project: Project) -> LocalStore:
    """Return the store at ``file:elsewhere``."""
    return LocalStore(project.folder / "elsewhere" / "shop")


@contextmanager
def locked_for_a_while(store: LocalStore) -> Iterator[threading.Event]:
    """Have another thread hold a store's lock until the event is set, and a little longer."""
    held, end = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(INFO):
            held.set()
            end.wait(60)
            threading.Event().wait(0.5)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    try:
        yield end
    finally:
        end.set()
        thread.join()


def prepare(project: Project, what: str) -> None:
    """Have the state where a command takes it from."""
    if what == "state pull":
        project.fine("state", "push", "file:elsewhere")


@pytest.mark.parametrize("what", COMMANDS)
def test_it_waits_for_the_lock_when_told_to(applied: Project, what: str) -> None:
    """Without --lock-timeout it says who holds the lock, and changes nothing."""
    prepare(applied, what)
    with locked_for_a_while(own(applied)) as end:
        before = applied.files()
        refused = applied.run(*COMMANDS[what])
        assert refused.code == 4, refused.all
        assert "is locked by ana@mill" in refused.err
        assert "--lock-timeout" in refused.err
        assert applied.files() == before
        end.set()
        applied.fine(*COMMANDS[what], "--lock-timeout", "60")
    assert what.split()[1] in applied.fine("audit", "log")


@pytest.mark.parametrize("what", ["state push", "state pull"])
def test_it_waits_for_the_other_store_too(applied: Project, what: str) -> None:
    """The hint names that store: `lock break` without it would break the wrong lock."""
    prepare(applied, what)
    with locked_for_a_while(elsewhere(applied)) as end:
        refused = applied.run(*COMMANDS[what])
        assert refused.code == 4, refused.all
        assert "reconcile lock show file:elsewhere" in refused.err
        assert "lock break" not in refused.err
        end.set()
        applied.fine(*COMMANDS[what], "--lock-timeout", "60")


def test_the_lock_of_another_store_is_shown_and_broken(applied: Project) -> None:
    """By its URL; the project's own audit log has it, since the other has no state yet."""
    shown = applied.fine("lock", "show", "file:elsewhere")
    assert shown == f"The store {applied.folder}/elsewhere/shop is not locked.\n"
    missing = applied.run("lock", "break", "1", "file:elsewhere")
    assert missing.code == 1
    assert f"the store {applied.folder}/elsewhere/shop is not locked" in missing.err
    with elsewhere(applied).lock(INFO) as lease:
        shown = applied.fine("lock", "show", "file:elsewhere")
        assert "elsewhere/shop is locked by ana@mill" in shown
        assert f"reconcile lock break {lease.fencing_token} file:elsewhere" in shown
        assert applied.fine("lock", "show") == "Target shop is not locked.\n"
        applied.fine(
            "lock", "break", str(lease.fencing_token), "file:elsewhere", "--reason", "it died"
        )
        assert applied.fine("lock", "show", "file:elsewhere").endswith("is not locked.\n")
    assert list(elsewhere(applied).folders("")) == []
    assert "reason: it died" in applied.fine("audit", "log")
    assert "The audit log is intact." in applied.fine("audit", "verify")


def test_a_broken_lock_is_logged_where_the_state_is(applied: Project) -> None:
    """A store that holds a state has an audit log that lasts."""
    applied.fine("state", "push", "file:elsewhere")
    before = len(list(elsewhere(applied).names("audit/000000/")))
    with elsewhere(applied).lock(INFO) as lease:
        applied.fine("lock", "break", str(lease.fencing_token), "file:elsewhere")
    assert len(list(elsewhere(applied).names("audit/000000/"))) == before + 1


def test_a_store_may_be_named_by_a_variable(applied: Project, tmp_path: Path) -> None:
    """As in `state push`; one that is not set is an error."""
    applied.monkeypatch.setenv("STORE", f"file:{tmp_path / 'there'}")
    assert "is not locked" in applied.fine("lock", "show", "${env:STORE}")
    refused = applied.run("lock", "show", "${env:NOT_SET}")
    assert refused.code == 1
    assert "NOT_SET is not set" in refused.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("${env:STORE}", "'${env:STORE}'"),
        ("file:else where", "'file:else where'"),
        ("postgresql://ana:s3cret@db/state", "URL"),
        ("s3cret", "URL"),
    ],
)
def test_a_hint_repeats_no_secret(url: str, shown: str) -> None:
    """A URL that may hold a password is not written out."""
    assert as_argument(url) == shown


def test_a_repeated_push_names_the_store_in_the_project_file(applied: Project) -> None:
    """Killed right before that, it had moved everything; the state is not counted as lost."""
    applied.monkeypatch.setenv("STORE", f"file:{applied.folder / 'elsewhere'}")
    before = (applied.folder / "reconcile.yaml").read_text()
    applied.fine("state", "push", "${env:STORE}")
    (applied.folder / "reconcile.yaml").write_text(before)
    assert "was moved to" in applied.run("plan").err
    assert "reconcile.yaml names it now." in applied.fine("state", "push", "${env:STORE}")
    head = json.loads((applied.folder / "elsewhere" / "shop" / "head.json").read_text())
    assert "moved_to" not in head


def test_a_half_pushed_state_is_pulled_by_a_project_that_names_its_store(applied: Project) -> None:
    """Killed before the last write of a push, as far as the hint of the store left behind goes."""
    applied.monkeypatch.setenv("STORE", f"file:{applied.folder / 'elsewhere'}")
    applied.fine("state", "push", "${env:STORE}")
    file = applied.folder / "elsewhere" / "shop" / "head.json"
    half = json.loads(file.read_text()) | {"moving_from": str(applied.folder / "state" / "shop")}
    file.write_text(json.dumps(half))

    refused = applied.run("plan")
    assert refused.code == 1
    assert "is incomplete: moving it there from" in refused.err
    assert "reconcile state pull URL" in refused.err
    applied.fine("state", "pull", "file:")

    assert "No changes." in applied.fine("plan")

"""A store that a newer version of reconcile wrote to: it can be read, and is not written to."""

import json
from pathlib import Path

import pytest

from reconcile import __version__
from reconcile.state.head import FORMAT, OLDEST_WRITER
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from tests.cli.conftest import PROJECT, SHOP, Project
from tests.cli.test_help import ALL

NEWER = "999.0.0"

WRITING = {
    "apply": ("apply", "--auto-approve"),
    "apply FILE": ("apply", "saved.plan"),
    "audit redact": ("audit", "redact", "order/A-1", "--auto-approve"),
    "init": ("init", "--auto-approve"),
    "state pull": ("state", "pull", "file:elsewhere"),
    "state push": ("state", "push", "file:elsewhere"),
    "state rm": ("state", "rm", "order/A-1", "--auto-approve"),
}
"""Commands that write to a target's store."""

READING = {
    "audit export": ("audit", "export"),
    "audit log": ("audit", "log"),
    "audit show": ("audit", "show", "1"),
    "audit verify": ("audit", "verify"),
    "doctor": ("doctor",),
    "drift": ("drift",),
    "explain": ("explain", "order/A-1"),
    "lock show": ("lock", "show"),
    "plan": ("plan",),
    "pull": ("pull", "orders", "--all"),
    "show": ("show", "saved.plan"),
    "state list": ("state", "list"),
    "state show": ("state", "show", "order/A-1"),
    "status": ("status",),
    "validate": ("validate",),
}
"""Commands that only read."""

ELSEWHERE = {"lock break", "resume"}
"""Commands that write to a store which is in use: see the test below, and tests/releases."""

WITHOUT_STORE = {
    "ci github check",
    "docs",
    "sandbox info",
    "sandbox reset",
    "sandbox seed",
    "sandbox serve",
    "state mv",
    "version",
}
"""Commands that use no store, or erase it as a whole."""

GROUPS = {"", "audit", "ci", "ci github", "lock", "sandbox", "state"}


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied and has more to apply."""
    project.fine("apply", "--auto-approve")
    project.write(SHOP.replace("20.00", "21.00"))
    project.fine("plan", "--out", "saved.plan")
    return project


def head_of(folder: Path) -> Path:
    """Return the file of a state's head."""
    return folder / "head.json"


def write_as_newer(folder: Path, **fields: object) -> None:
    """Change a state's head as a newer version would have written it."""
    head = json.loads(head_of(folder).read_bytes())
    assert head["oldest_writer"] == OLDEST_WRITER
    newer = {"oldest_writer": NEWER, "something_new": {"a": [1]}} | fields
    head_of(folder).write_text(json.dumps(head | newer), encoding="utf-8")


def everything(project: Project) -> dict[str, bytes]:
    """Return every file of the project, locks and audit log too."""
    return {str(p): p.read_bytes() for p in project.folder.rglob("*") if p.is_file()}


def require_refused(project: Project, *typed: str) -> None:
    """Run a command; it must refuse before it writes anything, a lock included."""
    before = everything(project), project.account.dump()
    done = project.run(*typed)
    assert done.code == 1, done.all
    assert f"only reconcile {NEWER} or newer may write to" in done.err
    assert f"this is {__version__}" in done.err
    assert "hint: upgrade reconcile" in done.err
    assert (everything(project), project.account.dump()) == before


def test_every_command_is_in_a_table() -> None:
    """A new command is found to read or to write."""
    named = {name.removesuffix(" FILE") for name in (*WRITING, *READING)} | ELSEWHERE
    leaves = {path.partition(" ")[2] for path, _ in ALL}
    assert named | WITHOUT_STORE | GROUPS == leaves


def test_what_writes_is_refused(applied: Project) -> None:
    """Nothing is written: no lock, no audit entry, nothing in HubSpot."""
    write_as_newer(applied.folder / "state" / "shop")
    for name in WRITING.keys() - {"init", "state pull"}:
        require_refused(applied, *WRITING[name])
    applied.settings(PROJECT + '    identity: {cart: "unique:cart_number"}\n')
    require_refused(applied, *WRITING["init"])


def test_a_state_is_not_moved_from_a_store_of_a_newer_version(applied: Project) -> None:
    """Moving it here would drop what this version does not know."""
    applied.fine("state", "push", "file:elsewhere")
    write_as_newer(applied.folder / "elsewhere" / "shop")
    require_refused(applied, *WRITING["state pull"])


def test_its_lock_is_not_broken(applied: Project) -> None:
    """Breaking one is logged, in a log that this version may not write to."""
    folder = applied.folder / "state" / "shop"
    write_as_newer(folder)
    info = LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "apply")
    with LocalStore(folder).lock(info) as lease:
        require_refused(applied, "lock", "break", str(lease.fencing_token))


def test_what_reads_works(applied: Project) -> None:
    """What this version does not know is ignored, and nothing is written."""
    write_as_newer(applied.folder / "state" / "shop")
    before = everything(applied)
    for typed in READING.values():
        applied.fine(*typed)
    assert everything(applied) == before


def test_a_newer_format_is_not_even_read(applied: Project) -> None:
    """It may say anything; what needs the state is refused."""
    write_as_newer(applied.folder / "state" / "shop", format=FORMAT + 1)
    before = everything(applied)
    for name in ("plan", "state list", "state show"):
        done = applied.run(*READING[name])
        assert done.code == 1
        assert f"head.json has format {FORMAT + 1}; this version reads {FORMAT}" in done.err
        assert "hint: upgrade reconcile" in done.err
    for name in ("apply", "apply FILE", "audit redact", "state push", "state rm"):
        done = applied.run(*WRITING[name])
        assert done.code == 1
        assert f"head.json has format {FORMAT + 1}" in done.err
    assert everything(applied) == before


@pytest.mark.parametrize("text", ["", "1", "new", "1.2", 3, None])
def test_text_that_is_not_a_version_is_damage(applied: Project, text: object) -> None:
    """A head that somebody edited is not guessed at."""
    write_as_newer(applied.folder / "state" / "shop", oldest_writer=text)
    done = applied.run("apply", "--auto-approve")
    assert done.code == 1
    assert "is damaged: head.json is not a head" in done.err

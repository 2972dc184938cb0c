"""What every released version left behind is read, recovered and carried on by this one."""

import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconcile import __version__
from reconcile.cli import main
from reconcile.model.versions import Release
from reconcile.recovery import recover
from reconcile.state.head import OLDEST_WRITER, read_head
from reconcile.stores.local import LocalStore
from tests.cli.conftest import Result
from tests.releases.make import CART, PROTECTED, RENAMED, orders, require_unreleased
from tests.releases.sample import ACCOUNT, FIELDS, FORMATS, SAMPLES, STATE, restore, versions

ORDERS = ("N-1", "P-1", "S-1", "S-2", "S-5", "S-6")
"""The keys of the orders that the sample's manifests declare, but for the one in conflict."""


@dataclass(frozen=True)
class Shop:
    """A project restored from a sample, with the program of today."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *typed: str) -> Result:
        """Run ``reconcile TYPED``, in this process."""
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "argv", ["reconcile", "-C", str(self.folder), *typed])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = self.capsys.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        assert "internal error" not in err
        return Result(code, out, err)

    def fine(self, *typed: str, code: int = 0) -> str:
        """Run what must end with a code; what it said."""
        done = self.run(*typed)
        assert done.code == code, done.all
        return done.out

    def json(self, *typed: str, code: int = 0) -> Any:
        """Run what prints one document of JSON."""
        return json.loads(self.fine(*typed, code=code))

    def keys(self) -> Counter[str]:
        """Return how many live orders, carts and line items have each key."""
        with closing(sqlite3.connect(self.folder / ACCOUNT)) as connection:
            rows = connection.execute(
                "SELECT properties ->> 'reconcile_key' FROM record "
                "WHERE archived_at IS NULL AND type IN ('0-123', '0-142', '0-8')"
            )
            return Counter(key for (key,) in rows)


@pytest.fixture(params=versions())
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shop]:
    """Return what a version left behind: a run was killed, and nobody read an answer."""
    monkeypatch.setattr(recover, "LAST_CALLS_ARRIVE", 0.1)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    restore(SAMPLES / request.param, tmp_path / "restored")
    yield Shop(tmp_path / "restored", monkeypatch, capsys)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def declared() -> Counter[str]:
    """Return the keys of all records that are declared and not in conflict, once each."""
    lines = [f"S-{n}:{name}" for n in (1, 2, 4, 5, 6) for name in ("mug", "cup")]
    return Counter([*ORDERS, *lines, "C-1", "C-1:bowl"])


def test_this_version_has_a_sample() -> None:
    """It is made again whenever a format changes, until the version is released."""
    newest = SAMPLES / __version__ / "formats.json"
    now = {"formats": FORMATS, "fields": FIELDS}
    assert newest.exists(), f"python tests/releases/make.py {__version__}"
    assert json.loads(newest.read_bytes()) == now, f"run make.py {__version__} again"


@pytest.mark.parametrize("version", versions())
def test_a_new_format_or_field_keeps_older_versions_from_writing(version: str) -> None:
    """The head of a state is what they look at, for its journals and audit log too."""
    former = json.loads((SAMPLES / version / "formats.json").read_bytes())
    now = {"formats": FORMATS, "fields": FIELDS}
    assert former == now or Release.parse(OLDEST_WRITER) > Release.parse(version)


@pytest.mark.parametrize("version", versions())
def test_a_new_format_of_plans_comes_with_one_of_journals(version: str) -> None:
    """An older version looks at the journal's first, and does not take the plan for damaged."""
    former = json.loads((SAMPLES / version / "formats.json").read_bytes())["formats"]
    new = {name for name, number in FORMATS.items() if former[name] != number}
    assert "journal" in new or "kept plan" not in new


def test_a_version_may_write_what_it_has_written() -> None:
    """The oldest version that may write is this one or an older one."""
    assert Release.parse(OLDEST_WRITER) <= Release.parse(__version__)


def test_what_only_reads_says_how_it_was_left(shop: Shop) -> None:
    """The interrupted run, its in-doubt writes, the state and the log."""
    (run,) = shop.json("status", "--json")["runs"]
    assert run["in_doubt"] > 0
    plan = shop.json("plan", "--json", "--detailed-exitcode", code=2)
    assert plan["in_doubt"]
    listed = shop.fine("state", "list")
    assert "order/N-1" in listed
    assert "order/S-4" not in listed
    assert "protected" in shop.fine("state", "show", "order/P-1")
    assert "The audit log is intact." in shop.fine("audit", "verify")
    events = [
        json.loads(line)["event"] for line in shop.fine("audit", "log", "--json").splitlines()
    ]
    assert {"apply", "redact", "state push", "state pull"} <= set(events)
    assert len(list(LocalStore(shop.folder / STATE).folders("audit/"))) > 1


def test_its_interrupted_run_is_resumed(shop: Shop) -> None:
    """The in-doubt write is resolved, nothing is made twice, and then nothing is left to do."""
    shop.fine("resume")
    assert shop.keys() == declared()
    assert shop.json("status", "--json")["runs"] == []
    assert "The audit log is intact." in shop.fine("audit", "verify")
    # What was in conflict when the earlier version applied it is no new conflict.
    (left,) = shop.json("plan", "--json")["resource_changes"]
    assert (left["address"], left["change"]["actions"]) == ("order/X-1", ["no-op"])
    assert shop.run("apply", "--auto-approve").code == 0


def test_work_goes_on(shop: Shop) -> None:
    """A plan made now resolves what was in doubt, and its apply writes to that state."""
    manifests = orders(1, 2, 5, 6, price="31.00") + CART + PROTECTED + RENAMED
    (shop.folder / "shop.yaml").write_text(manifests, encoding="utf-8")
    shop.fine("apply", "--auto-approve")
    assert shop.keys() == declared()
    assert "No changes." in shop.fine("plan", "--detailed-exitcode")
    assert "The audit log is intact." in shop.fine("audit", "verify")
    assert shop.json("status", "--json")["runs"] == []
    head = read_head(LocalStore(shop.folder / STATE))
    assert head is not None
    assert head.oldest_writer == OLDEST_WRITER


def test_what_was_redacted_stays_redacted(shop: Shop) -> None:
    """The log says so, and has the values of others."""
    rows = [json.loads(line) for line in shop.fine("audit", "export").splitlines()]
    absent = {row["absent"] for row in rows if row["address"] == "order/S-1" and row["what"]}
    assert "erased" in absent
    assert any(row["after"] == "A cart" for row in rows)


def test_an_interrupted_run_of_it_is_not_resumed_where_only_a_newer_version_may(shop: Shop) -> None:
    """Resolving the in-doubt writes would write to the journal."""
    head = shop.folder / STATE / "head.json"
    newer = json.loads(head.read_bytes()) | {"oldest_writer": "999.0.0"}
    head.write_text(json.dumps(newer), encoding="utf-8")
    before = {p: p.read_bytes() for p in (shop.folder / STATE).rglob("*.json")}
    for typed in (("resume",), ("apply", "--auto-approve")):
        done = shop.run(*typed)
        assert done.code == 1
        assert "only reconcile 999.0.0 or newer may write to" in done.err
    assert {p: p.read_bytes() for p in (shop.folder / STATE).rglob("*.json")} == before


def test_a_journal_of_a_newer_format_is_refused(shop: Shop) -> None:
    """Nobody guesses what became of a run whose journal says it in a newer way."""
    (line,) = (shop.folder / STATE / "runs").glob("*/0000000000.json")
    newer = FORMATS["journal"] + 1
    entry = json.loads(line.read_bytes()) | {"format": newer}
    line.write_text(json.dumps(entry), encoding="utf-8")
    for typed in (("status",), ("plan",), ("resume",), ("apply", "--auto-approve")):
        done = shop.run(*typed)
        assert done.code == 1
        assert f"has format {newer}; this version reads {newer - 1}" in done.err
        assert "hint: upgrade reconcile" in done.err


def test_the_sample_of_a_released_version_is_not_made_again(tmp_path: Path) -> None:
    """From its tag on a sample is frozen."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    require_unreleased("1.2.3", tmp_path)
    subprocess.run([*git, "tag", "v1.2.3"], check=True)
    require_unreleased("1.2.30", tmp_path)
    with pytest.raises(SystemExit, match=r"v1\.2\.3 is released"):
        require_unreleased("1.2.3", tmp_path)

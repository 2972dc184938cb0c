"""A folder as a store: what lies in it, and what a crash leaves."""

import json
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconcile.errors import Locked, UsageError
from reconcile.state.hash_key import find_key, make_key
from reconcile.stores.contract import LockInfo, VersionMoved
from reconcile.stores.erase import erase, holds_state
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

INFO = LockInfo(who="ana@mill (process 7)", since="2026-01-02T03:04:05+00:00", doing="apply")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "state" / "test"


def test_reading_makes_no_folder(folder: Path) -> None:
    """Whatever is asked."""
    store = LocalStore(folder)
    assert store.read("head.json") is None
    assert list(store.names("shards/")) == list(store.folders("")) == []
    assert list(Log(store, "log").entries()) == []
    assert store.holder() is None
    store.break_lock(1)
    assert not folder.exists()


def test_what_an_interrupted_write_leaves_is_not_listed(folder: Path) -> None:
    """Nor are the key and the sandbox's data."""
    store = LocalStore(folder)
    store.write("shards/0a.json", b"{}", None)
    for other in ("shards/.0a.json.tmp12.json", "key", "sandbox.sqlite"):
        (folder / other).write_bytes(b"half")
    assert list(store.names("")) == ["shards/0a.json"]
    assert list(store.folders("")) == ["shards"]


def test_erasing_leaves_what_is_not_the_stores(folder: Path) -> None:
    """The key, and what others put there, stay; the fencing token keeps rising."""
    store = LocalStore(folder)
    store.write("shards/0a.json", b"{}", None)
    store.write("notes.json", b"{}", None)
    Log(store, "runs/20260102T030405-1f2e3d").append(0, b"entry")
    Log(store, "runs/mine").append(0, b"entry")
    make_key(folder)
    with store.lock(INFO) as before:
        pass
    assert holds_state(folder)
    erase(folder, INFO, lambda: None)
    assert not holds_state(folder)
    assert list(store.names("")) == ["notes.json", "runs/mine/0000000000.json"]
    assert find_key(folder, {}) is not None
    with store.lock(INFO) as after:
        assert after.fencing_token > before.fencing_token


def test_files_are_for_their_owner_only(folder: Path) -> None:
    """Folders 0700, files 0600."""
    store = LocalStore(folder)
    store.write("shards/00.json", b"{}", None)
    Log(store, "runs/a").append(0, b"entry")
    with store.lock(INFO):
        pass
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.rglob("*")]}
    folders = {"test", "shards", "runs", "a"}
    files = {"00.json", "0000000000.json", "lock", "lock-holder", "write-lock", ".gitignore"}
    assert modes == dict.fromkeys(folders, 0o700) | dict.fromkeys(files, 0o600)


WRITER = """
import json, sys
from pathlib import Path
from reconcile.stores.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
found = store.read("head.json")
number, version = (json.loads(found[0])["number"], found[1]) if found else (0, None)
print("ready", flush=True)
while True:
    number += 1
    data = json.dumps({"number": number, "filling": str(number) * 20_000, "again": number})
    version = store.write("head.json", data.encode(), version)
    print(number, flush=True)
"""


def test_kill_9_at_any_moment_leaves_the_old_content_or_the_new(folder: Path) -> None:
    """What a writer reported as written is there, and never half of the next."""
    rng = random.Random(7)
    number = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.001, 0.04))
            os.kill(writer.pid, signal.SIGKILL)
            said = [int(text) for text in writer.stdout.read().split()]
        found = LocalStore(folder).read("head.json")
        if found is None:
            assert said == []
            continue
        body = json.loads(found[0])
        assert body["number"] == body["again"]
        assert body["filling"] == str(body["number"]) * 20_000
        promised = said[-1] if said else number
        assert promised <= body["number"] <= promised + 1
        number = body["number"]
    assert number > 0


APPENDER = """
import json, sys
from pathlib import Path
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), 10**9):
    Log(store, "log").append(number, json.dumps([number] * (1 + number * 7 % 2000)).encode())
    print(number, flush=True)
"""


def test_kill_9_while_appending_leaves_every_promised_entry_complete(folder: Path) -> None:
    """And at most one more; the next writer continues right there."""
    rng = random.Random(8)
    known = -1
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(folder), str(known + 1)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.001, 0.04))
            os.kill(writer.pid, signal.SIGKILL)
            said = [int(text) for text in writer.stdout.read().split()]
        found = list(Log(LocalStore(folder), "log").entries())
        assert [position for position, _ in found] == list(range(len(found)))
        for position, entry in found:
            assert json.loads(entry) == [position] * (1 + position * 7 % 2000)
        promised = said[-1] if said else known
        assert promised <= len(found) - 1 <= promised + 1
        known = len(found) - 1
    assert known > 0


def test_what_an_interrupted_append_leaves_is_never_shown(folder: Path) -> None:
    """Nor is it in the way of the next append at the same position."""
    store = LocalStore(folder)
    Log(store, "log").append(0, b"first")
    (folder / "log" / ".0000000001.json.abcd_123").write_bytes(b"sec")
    for reader in (store, LocalStore(folder)):
        assert list(Log(reader, "log").entries()) == [(0, b"first")]
    Log(LocalStore(folder), "log").append(1, b"again")
    assert list(Log(store, "log").entries()) == [(0, b"first"), (1, b"again")]
    with pytest.raises(VersionMoved):
        Log(store, "log").append(1, b"taken")


def test_a_folder_whose_last_blob_was_removed_is_removed(folder: Path) -> None:
    """With what killed writers left; not the store itself, nor where others keep something."""
    store = LocalStore(folder)
    store.write("plans/a/b/000000.json", b"{}", None)
    Log(store, "runs/a").append(0, b"entry")
    (folder / "runs" / "notes.txt").write_bytes(b"of others")
    run = "runs/20260102T030405-1f"
    Log(store, run).append(0, b"entry")
    (folder / run / ".0000000001.json.abcd_123").write_bytes(b"half")
    Log(store, run).drop()
    Log(store, "runs/a").drop()
    store.remove("plans/a/b/000000.json")
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert left == {".gitignore", "write-lock", "runs", "runs/notes.txt"}


def test_a_full_disk_leaves_the_log_as_it_was(folder: Path) -> None:
    """A limit on the size of files stands for the disk."""
    log = Log(LocalStore(folder), "log")
    log.append(0, b"first")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(UsageError, match="cannot be used"):
            log.append(1, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path.name for path in (folder / "log").iterdir()] == ["0000000000.json"]
    log.append(1, b"second")
    assert list(log.entries()) == [(0, b"first"), (1, b"second")]


def test_errors_of_the_holders_own_work_stay_what_they_are(folder: Path) -> None:
    """They are not taken for the folder's."""
    with pytest.raises(FileNotFoundError), LocalStore(folder).lock(INFO):
        raise FileNotFoundError("something else")
    with LocalStore(folder).lock(INFO):
        pass


def test_a_folder_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "state").write_text("no folder")
    store = LocalStore(tmp_path / "state" / "test")
    with pytest.raises(UsageError, match="cannot be used"):
        store.read("head.json")
    with pytest.raises(UsageError, match="cannot be used"):
        store.write("head.json", b"1", None)
    with pytest.raises(UsageError, match="cannot be used"):
        Log(store, "log").append(0, b"entry")
    with pytest.raises(UsageError, match="cannot be used"):
        list(Log(store, "log").entries())
    with pytest.raises(UsageError, match="cannot be used"):
        list(store.names("shards/"))
    with pytest.raises(UsageError, match="cannot be used"):
        list(store.folders("runs/"))
    with pytest.raises(UsageError, match="cannot be used"), store.lock(INFO):
        pass


def test_a_damaged_note_of_the_holder_does_not_hide_the_lock(folder: Path) -> None:
    """Then the holder is unknown, and the lock is held."""
    for note in (b"", b"[]", b'{"who": 1}', b"\xff"):
        with LocalStore(folder).lock(INFO):
            (folder / "lock-holder").write_bytes(note)
            with pytest.raises(Locked, match="another process"), LocalStore(folder).lock(INFO):
                pass


def test_the_key_file_is_made_once_and_read_again(folder: Path) -> None:
    """With mode 0600; a second one would make every hash worthless."""
    assert find_key(folder, {}) is None
    key = make_key(folder)
    assert key == find_key(folder, {})
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        make_key(folder)


def test_the_environments_key_comes_first(folder: Path) -> None:
    """A short one hides nothing and is refused."""
    make_key(folder)
    environ = {"RECONCILE_STATE_KEY": "a key of some length"}
    assert find_key(folder, environ) == find_key(folder / "other", environ) != find_key(folder, {})
    with pytest.raises(UsageError, match="too short"):
        find_key(folder, {"RECONCILE_STATE_KEY": "short"})

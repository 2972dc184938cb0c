"""A folder as the home of the state: versions, the lock, and what a crash leaves."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconcile.errors import Locked, UsageError
from reconcile.stores.contract import LockInfo, VersionMoved
from reconcile.stores.key import find_key, make_key
from reconcile.stores.local import LocalStore

INFO = LockInfo(who="ana@mill (process 7)", since="2026-01-02T03:04:05+00:00", doing="apply")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "state" / "test"


def test_what_is_not_there_reads_as_none_and_makes_no_folder(home: Path) -> None:
    """Reading writes nothing."""
    assert LocalStore(home).read("head.json") is None
    assert list(LocalStore(home).names("shards/")) == []
    assert not home.exists()


def test_two_clients_see_each_others_writes_and_versions(home: Path) -> None:
    """A version tells whether somebody else wrote in between."""
    one, other = LocalStore(home), LocalStore(home)
    first = one.write("head.json", b"1", None)
    assert (b"1", first) == other.read("head.json")
    second = other.write("head.json", b"2", first)
    assert first != second
    with pytest.raises(VersionMoved):
        one.write("head.json", b"3", first)
    assert (b"2", second) == one.read("head.json")


def test_a_first_write_must_be_the_first(home: Path) -> None:
    """Nor can something be replaced that is not there."""
    one, other = LocalStore(home), LocalStore(home)
    version = one.write("head.json", b"1", None)
    with pytest.raises(VersionMoved):
        other.write("head.json", b"2", None)
    with pytest.raises(VersionMoved):
        other.write("shards/00.json", b"2", version)


def test_names_are_sorted_and_begin_with_the_prefix(home: Path) -> None:
    """Files of an interrupted write are no names."""
    store = LocalStore(home)
    for name in ("shards/b0.json", "shards/0a.json", "head.json"):
        store.write(name, b"{}", None)
    (home / "shards" / ".0a.json.tmp123").write_bytes(b"half")
    assert list(store.names("shards/")) == ["shards/0a.json", "shards/b0.json"]


def test_files_are_for_their_owner_only(home: Path) -> None:
    """Folders 0700, files 0600."""
    store = LocalStore(home)
    store.write("shards/00.json", b"{}", None)
    with store.lock(INFO):
        pass
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [home, *home.rglob("*")]}
    assert modes == {"test": 0o700, "shards": 0o700, "00.json": 0o600, "lock": 0o600}


def test_the_lock_tells_who_holds_it_since_when_and_for_what(home: Path) -> None:
    """And is free again afterwards."""
    with (
        LocalStore(home).lock(INFO),
        pytest.raises(Locked) as caught,
        LocalStore(home).lock(INFO),
    ):
        pass
    for part in (INFO.who, INFO.since, INFO.doing):
        assert part in str(caught.value)
    with LocalStore(home).lock(INFO):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
with LocalStore(Path(sys.argv[1])).lock(LockInfo("bo@forge", "2026-05-06T07:08:09+00:00", "apply")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_held_by_another_process_ends_with_that_process(home: Path) -> None:
    """However that ends: kill -9 leaves no lock behind."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(Locked, match=r"bo@forge, since 2026-05-06T07:08:09\+00:00, doing apply"),
            LocalStore(home).lock(INFO),
        ):
            pass
        holder.kill()
    with LocalStore(home).lock(INFO):
        pass


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


def test_kill_9_at_any_moment_leaves_the_old_content_or_the_new(home: Path) -> None:
    """What a writer said is written is there, and never half of the next."""
    rng = random.Random(7)
    number = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.001, 0.04))
            os.kill(writer.pid, signal.SIGKILL)
            said = [int(text) for text in writer.stdout.read().split()]
        found = LocalStore(home).read("head.json")
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


def test_a_folder_that_cannot_be_used_is_one_clear_error(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "state").write_text("no folder")
    store = LocalStore(tmp_path / "state" / "test")
    with pytest.raises(UsageError, match="cannot be used"):
        store.read("head.json")
    with pytest.raises(UsageError, match="cannot be used"):
        store.write("head.json", b"1", None)
    with pytest.raises(UsageError, match="cannot be used"), store.lock(INFO):
        pass


def test_a_damaged_note_of_the_holder_does_not_hide_the_lock(home: Path) -> None:
    """Then somebody holds it, and nobody knows who."""
    for note in (b"", b"[]", b'{"who": 1}', b"\xff"):
        with LocalStore(home).lock(INFO):
            (home / "lock-holder.json").write_bytes(note)
            with pytest.raises(Locked, match="another process"), LocalStore(home).lock(INFO):
                pass


def test_the_key_file_is_made_once_and_read_again(home: Path) -> None:
    """With mode 0600; a second one would make every hash worthless."""
    assert find_key(home, {}) is None
    key = make_key(home)
    assert key == find_key(home, {})
    assert stat.S_IMODE((home / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        make_key(home)


def test_the_environments_key_comes_first(home: Path) -> None:
    """A short one hides nothing and is refused."""
    make_key(home)
    environ = {"RECONCILE_STATE_KEY": "a key of some length"}
    assert find_key(home, environ) == find_key(home / "other", environ) != find_key(home, {})
    with pytest.raises(UsageError, match="too short"):
        find_key(home, {"RECONCILE_STATE_KEY": "short"})

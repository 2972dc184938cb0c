"""A bucket as a store: which ones are accepted, and responses that never come."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import obstore
import pytest
import servers
from obstore.store import LocalStore, MemoryStore

from reconcile.errors import Locked, UsageError
from reconcile.stores.bucket import Bucket
from reconcile.stores.contract import LockInfo, LockLost
from reconcile.stores.lease import RenewedLease
from reconcile.stores.logs import Log
from reconcile.stores.objects import ObjectStore
from reconcile.stores.store_urls import open_store

INFO = LockInfo(who="ana@mill", since="2026-01-02T03:04:05+00:00", doing="apply")


class Bad(Bucket):
    """A bucket that can be made to fail. ``lost`` says what of a write does not come through."""

    lost = ""

    def _put(self, name: str, body: bytes, expected: str | None) -> str | None:
        if self.lost == "request":
            raise UsageError("no network")
        done = super()._put(name, body, expected)
        if self.lost == "answer" and done is not None:
            # As it looks when a client tries again after the answer was lost.
            return super()._put(name, body, expected)
        return done


@pytest.fixture
def memory() -> MemoryStore:
    """Return an empty bucket."""
    return MemoryStore()


def bad(memory: MemoryStore) -> Bad:
    """A client of the bucket that can be made to fail."""
    return Bad(memory, "", "memory")


def test_a_bucket_that_ignores_conditions_is_refused(
    monkeypatch: pytest.MonkeyPatch, memory: MemoryStore
) -> None:
    """Before anything is written; reading it is harmless."""

    def careless(self: Bucket, name: str, body: bytes, expected: str | None) -> str:
        return str(time.monotonic_ns())

    monkeypatch.setattr(Bucket, "_put", careless)
    store = ObjectStore(Bucket(memory, "", "memory"))
    assert store.read("head.json") is None
    for write in (
        lambda: store.write("head.json", b"1", None),
        lambda: Log(store, "log").append(0, b"1"),
        lambda: store.lock(INFO).__enter__(),
    ):
        with pytest.raises(UsageError, match="cannot hold the state"):
            write()


@pytest.fixture
def rclone(monkeypatch: pytest.MonkeyPatch) -> Iterator[servers.Server]:
    """Serve S3 without conditional writes."""
    with servers.rclone() as server:
        for variable, value in server.environ.items():
            monkeypatch.setitem(os.environ, variable, value)
        yield server


@pytest.mark.servers
def test_a_server_that_ignores_conditions_is_refused(rclone: servers.Server, tmp_path) -> None:
    """A real one, and nothing is left in it."""
    store = open_store(rclone.url, tmp_path / "target")
    assert store.read("head.json") is None
    with pytest.raises(UsageError, match="ignores the conditions"), store.lock(INFO):
        pass
    with pytest.raises(UsageError, match="ignores the conditions"):
        store.write("head.json", b"1", None)
    assert list(store.names("")) == []


@pytest.mark.parametrize("host", ["127.0.0.1.store.example", "localhost.example", "store.example"])
def test_credentials_leave_this_machine_only_over_tls(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a host's name begins as this machine's does."""
    monkeypatch.setenv("AWS_ENDPOINT", f"http://{host}:9000")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    with pytest.raises(UsageError) as caught:
        open_store("s3://state/x", tmp_path / "target").read("head.json")
    assert caught.value.hint.startswith("use https://; http:// works on this machine only")


def test_objects_after_one_that_is_gone_are_removed(tmp_path: Path) -> None:
    """A deletion of many ends at the first one that another deletion, half done, has removed."""
    folder = LocalStore(tmp_path)
    names = [f"runs/a/{number:02}.json" for number in range(30)]
    for name in names[1:]:
        obstore.put(folder, name, b"1")
    bucket = Bucket(folder, "", "folder")
    bucket.delete(names)
    assert list(bucket.all_names()) == []
    bucket.delete(names)


def test_reading_writes_nothing(memory: MemoryStore) -> None:
    """Not even to try the bucket."""
    client = bad(memory)
    client.lost = "request"
    store = ObjectStore(client)
    assert store.read("head.json") is None
    assert list(store.names("")) == list(store.folders("")) == []
    assert list(Log(store, "log").entries()) == []
    assert store.holder() is None


def test_a_write_whose_answer_was_lost_is_known_again(memory: MemoryStore) -> None:
    """The client's own second try is not taken for somebody else's write."""
    client = bad(memory)
    store = ObjectStore(client)
    first = store.write("head.json", b"1", None)
    client.lost = "answer"
    second = store.write("head.json", b"2", first)
    Log(store, "log").append(0, b"entry")
    assert store.read("head.json") == (b"2", second)
    with store.lock(INFO) as lease:
        lease.check()
        assert ObjectStore(bad(memory)).holder() is not None
    assert store.holder() is None


def test_a_holder_that_cannot_renew_stops_before_others_may_begin(memory: MemoryStore) -> None:
    """Its own clock says so, half a lease before; with the network back in time, it continues."""
    client = bad(memory)
    waited: list[float] = []
    gone: list[float] = []

    def wait() -> None:
        begun = time.monotonic()
        with ObjectStore(Bucket(memory, "", "memory")).lock(INFO, timeout=30, lease=1):
            waited.append(time.monotonic() - begun)
            gone.append(time.monotonic())

    with ObjectStore(client).lock(INFO, lease=4) as lease:
        client.lost = "request"
        back = threading.Timer(1.8, setattr, (client, "lost", ""))
        back.start()
        time.sleep(1.5)
        lease.check()  # waits for the heartbeat, which is late
        assert client.lost == ""
        time.sleep(1.5)
        lease.check()
        client.lost = "request"
        other = threading.Thread(target=wait)
        other.start()
        while True:
            passed = time.monotonic()
            try:
                lease.check()
            except LockLost as lost:
                stopped = time.monotonic()
                assert "could not be renewed" in str(lost)
                break
            passed_last = passed
            time.sleep(0.005)
        other.join()
    assert waited[0] >= 4
    assert stopped < gone[0]
    # The last call that a check let leave had half a lease to end in.
    assert passed_last + 2 <= gone[0]


def test_a_holder_is_shown_with_the_age_of_its_heartbeat(memory: MemoryStore) -> None:
    """By the server's clock; with what to do."""
    store = ObjectStore(Bucket(memory, "", "memory"))
    with ExitStack() as stack:
        lease = stack.enter_context(store.lock(INFO, lease=2))
        assert isinstance(lease, RenewedLease)
        lease.stop()
        time.sleep(1)
        with pytest.raises(Locked) as caught, store.lock(INFO):
            pass
        assert "last heartbeat 1 s ago" in str(caught.value)
        assert "its lease ends in 1 s unless renewed" in str(caught.value)
        assert "--lock-timeout 3 " in caught.value.hint
        time.sleep(1.5)
        with pytest.raises(Locked, match="its lease has ended"), store.lock(INFO):
            pass
        with pytest.raises(LockLost):
            lease.check()
        with store.lock(INFO, timeout=10) as next_:
            assert next_.fencing_token == lease.fencing_token + 1
            assert list(store.names("")) == []


def test_a_holder_is_shown_to_those_who_may_not_write(memory: MemoryStore) -> None:
    """Without the age of its heartbeat, which takes a write to the server to know."""
    reader = bad(memory)
    reader.lost = "request"
    with ObjectStore(Bucket(memory, "", "memory")).lock(INFO):
        found = ObjectStore(reader).holder()
        assert found is not None
        assert found.info == INFO
        assert found.heartbeat_age is None
        told = ObjectStore(Bucket(memory, "", "memory")).holder()
        assert told is not None
        assert told.heartbeat_age is not None
        assert told.heartbeat_age < 5


def test_a_damaged_lock_is_one_clear_error(memory: MemoryStore) -> None:
    """It says what to remove."""
    store = ObjectStore(Bucket(memory, "", "memory"))
    for damage in (b"", b"mark\n", b"mark\n[]", b'mark\n{"fencing_token": 1}', b"mark\n\xff"):
        memory.put("lock", damage)
        with pytest.raises(UsageError, match="damaged"), store.lock(INFO):
            pass
        with pytest.raises(UsageError, match="damaged"):
            store.holder()


def test_a_hanging_heartbeat_does_not_hold_up_the_end(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the lock is left to end by itself, since what hangs may still arrive."""
    monkeypatch.setattr("reconcile.stores.lease._JOIN_TIMEOUT", 0.2)
    hanging, go = threading.Event(), threading.Event()

    class Hanging(Bucket):
        def _put(self, name: str, body: bytes, expected: str | None) -> str | None:
            if threading.current_thread().name == "lock":
                hanging.set()
                go.wait(20)
            return super()._put(name, body, expected)

    with ObjectStore(Hanging(memory, "", "memory")).lock(INFO, lease=1):
        assert hanging.wait(20)
    assert "lock" in {thread.name for thread in threading.enumerate()}  # it hangs still
    assert ObjectStore(Bucket(memory, "", "memory")).holder() is not None
    go.set()


class NoMetadata(BaseHTTPRequestHandler):
    """A cloud's service for its own machines, which has no credentials for this one."""

    def do_PUT(self) -> None:
        """Refuse to give a token."""
        self.send_error(403)

    do_GET = do_PUT  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any in the environment the hint names the variables, not a cloud's address."""
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    with ThreadingHTTPServer(("127.0.0.1", 0), NoMetadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        with pytest.raises(UsageError) as caught:
            open_store("s3://state/team", tmp_path / "shop").read("head.json")
        server.shutdown()
    assert str(caught.value) == (
        "the store s3://state/team/shop cannot be used: the environment has no credentials for it, "
        "and this machine has none of its own"
    )
    assert caught.value.hint == (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; see `reconcile docs stores`"
    )


@pytest.mark.servers
def test_errors_are_reported_without_secrets(
    seaweedfs: servers.Server, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """Wrong credentials, no bucket, nobody there."""
    for variable, value in seaweedfs.environ.items():
        monkeypatch.setitem(os.environ, variable, value)
    home = tmp_path / "target"

    def refused(url: str, what: str) -> None:
        store = open_store(url, home)
        for use in (
            lambda: store.read("head.json"),
            lambda: list(store.names("")),
            lambda: list(Log(store, "log").entries()),
        ):
            with pytest.raises(UsageError, match=what) as caught:
                use()
            said = f"{caught.value} {caught.value.hint}"
            assert "wrong-s3cret" not in said
            assert "\n" not in said
            assert url in said

    with pytest.raises(UsageError, match="was not found"):
        open_store("s3://no-such-bucket", home).read("head.json")
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", "wrong-s3cret")
    refused("s3://state", "SignatureDoesNotMatch")
    (port,) = servers.free_ports(1)
    monkeypatch.setitem(os.environ, "AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    refused("s3://state", "cannot be used")

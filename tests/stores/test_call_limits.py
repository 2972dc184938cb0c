"""Shared stores that do not respond: every call has a limit, and a long one is reported."""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import servers
from obstore.store import MemoryStore

from reconcile import call_watchdog
from reconcile.call_watchdog import CALL_LIMIT
from reconcile.errors import UsageError
from reconcile.stores import bucket, postgres_connection
from reconcile.stores.bucket import Bucket
from reconcile.stores.contract import LEASE, LockInfo
from reconcile.stores.objects import ObjectStore
from reconcile.stores.postgres import PostgresStore
from reconcile.stores.store_urls import open_store

INFO = LockInfo(who="ana@mill", since="2026-01-02T03:04:05+00:00", doing="apply")


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """Have long calls reported soon."""
    monkeypatch.setattr(call_watchdog, "NOTICE_INTERVAL", 0.2)
    caplog.set_level(logging.INFO, "reconcile.call_watchdog")
    return caplog


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_lease_outlasts_its_heartbeats_and_a_call() -> None:
    """A call that may leave at any moment between two heartbeats is over before the lease is."""
    assert LEASE / 6 + LEASE / 6 + CALL_LIMIT < LEASE


def test_a_bucket_that_does_not_answer_is_an_error_in_the_end(
    silent: int, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """With all its tries within one limit."""
    monkeypatch.setattr(bucket, "CALL_LIMIT", 1.0)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent}",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://state/x", tmp_path)
    with pytest.raises(UsageError, match="cannot be used"):
        store.read("head.json")
    lines = [record.getMessage() for record in said.records]
    assert lines
    assert all(line.startswith("waiting for the store s3://state/x/") for line in lines)


def test_a_database_that_does_not_answer_is_waited_for_aloud(
    silent: int, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture
) -> None:
    """Connecting has its limit too, and its line names no password."""
    monkeypatch.setitem(postgres_connection._SETTINGS, "connect_timeout", 2)  # type: ignore[index]
    store = PostgresStore(f"postgresql://ana:s3cret@127.0.0.1:{silent}/shop", "shop")
    with pytest.raises(UsageError, match="cannot be used"):
        store.read("head.json")
    lines = [record.getMessage() for record in said.records]
    assert lines
    assert all(line.startswith("waiting for the store postgresql://127.0.0.1:") for line in lines)
    assert "s3cret" not in "".join(lines)


@pytest.mark.servers
def test_options_in_the_address_add_to_ours(postgresql: servers.Server) -> None:
    """A search path does not take the limits of waiting away."""
    url = f"{postgresql.url}?options=-csearch_path%3Delsewhere"
    with closing(postgres_connection.Database(url, "shop")) as opened:
        limits = {
            name: opened.read("select current_setting(%s)", (name,))[0][0]
            for name in (
                "search_path",
                "lock_timeout",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
            )
        }
    assert limits == {
        "search_path": "elsewhere",
        "lock_timeout": "5s",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "30s",
    }


def test_a_check_waits_for_a_heartbeat_rather_than_let_a_call_outlast_the_lease() -> None:
    """What passes it has half the lease, and a heartbeat that is only late costs nothing."""
    memory = MemoryStore()
    with ExitStack() as stack:
        lease = stack.enter_context(ObjectStore(Bucket(memory, "", "memory")).lock(INFO, lease=2.0))
        end = time.monotonic() + 3.0
        while time.monotonic() < end:
            lease.check()
            time.sleep(0.01)

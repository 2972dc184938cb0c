"""PostgreSQL when a client stops in the middle: none waits for ever, and none writes late."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from secrets import token_hex
from urllib.parse import urlsplit

import psycopg
import pytest
import servers
from psycopg import sql
from wire import Wire

from reconcile.errors import UsageError
from reconcile.stores import postgres_connection
from reconcile.stores.contract import LockInfo, LockLost
from reconcile.stores.logs import Log
from reconcile.stores.postgres import PostgresStore

INFO = LockInfo(who="ana@mill", since="2026-01-02T03:04:05+00:00", doing="apply")
OTHER = LockInfo(who="bo@mill", since="2026-01-02T03:04:06+00:00", doing="apply")

pytestmark = pytest.mark.servers


@pytest.fixture
def url(postgresql: servers.Server) -> str:
    """Return the URL of a database that is new."""
    name = f"test_{token_hex(4)}"
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgresql.url.removesuffix("/postgres") + f"/{name}"


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    """Return a wire to the server."""
    port = urlsplit(url).port
    assert port is not None
    with Wire(port) as wire:
        yield wire


@pytest.fixture
def opened() -> Iterator[Callable[[str], PostgresStore]]:
    """Open stores that are closed in the end."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(PostgresStore(url, "shop")))


def through(url: str, wire: Wire) -> str:
    """The same database by way of a wire."""
    return url.replace(f":{urlsplit(url).port}/", f":{wire.port}/")


WRITES: dict[str, Callable[[PostgresStore], object]] = {
    "write": lambda store: store.write("held.json", b"late", None),
    "replace": lambda store: store.write("head.json", b"late", version_of(store)),
    "remove": lambda store: store.remove("head.json"),
    "write many": lambda store: store.write_many([("some.json", b"late"), ("more.json", b"late")]),
    "append": lambda store: Log(store, "log").append(1, b"late"),
    "drop": lambda store: Log(store, "log").drop(),
}


def version_of(store: PostgresStore) -> str | None:
    """The version of the head."""
    found = store.read("head.json")
    return found[1] if found else None


@pytest.mark.parametrize("pieces", [0, 1, 2])
@pytest.mark.parametrize("name", WRITES)
def test_a_holder_whose_wire_is_held_keeps_nobody_waiting(
    opened: Callable[[str], PostgresStore], url: str, wire: Wire, name: str, pieces: int
) -> None:
    """Wherever it stops: another takes over after the lease, and what arrives late is refused."""
    holder, other = opened(through(url, wire)), opened(url)
    other.write("head.json", b"1", None)
    Log(other, "log").append(0, b"1")
    ended: list[Exception | None] = []

    def write() -> None:
        try:
            WRITES[name](holder)
        except (LockLost, UsageError) as error:
            ended.append(error)
        else:
            ended.append(None)

    with ExitStack() as stack:
        stack.enter_context(holder.lock(INFO, lease=1.0))
        wire.hold_after(pieces)
        writing = threading.Thread(target=write)
        writing.start()
        writing.join(0.3)
        with other.lock(OTHER, timeout=10, lease=30):
            shown = other.holder()
            assert shown is not None
            assert shown.info.who == "bo@mill"
            before = everything(other)
            other.write("mine.json", b"1", None)
            wire.let_go()
            writing.join(30)
            assert not writing.is_alive()
            if ended != [None]:  # else all of it had arrived before its wire was held
                assert everything(other) == before | {"mine.json": b"1"}


def everything(store: PostgresStore) -> dict[str, bytes]:
    """All that a store holds."""
    return dict(store.read_many(list(store.names(""))))


def test_no_client_keeps_a_transaction_open(
    opened: Callable[[str], PostgresStore], url: str, wire: Wire
) -> None:
    """Whatever a holder does, between two of its statements it has nothing locked."""
    holder = opened(through(url, wire))
    holder.write("head.json", b"1", None)
    with holder.lock(INFO, lease=60):
        holder.write("other.json", b"1", None)
        before = wire.passed
        Log(holder, "log").append(0, b"1")
        holder.remove("other.json")
        # One piece for each of the two statements, their parameters and their ends.
        assert wire.passed == before + 2
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select state from pg_stat_activity where application_name = 'reconcile'"
            ).fetchall()
        assert {state for (state,) in rows} == {"idle"}


def test_a_row_that_somebody_else_has_locked_is_waited_for_only_so_long(
    opened: Callable[[str], PostgresStore], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking the lock, and writing under it, end with an error that says what is in the way."""
    settings = dict(postgres_connection._SETTINGS)
    settings["options"] = settings["options"].replace("lock_timeout=5s", "lock_timeout=300ms")
    monkeypatch.setattr(postgres_connection, "_SETTINGS", settings)
    one, other = opened(url), opened(url)
    with one.lock(INFO, lease=60), psycopg.connect(url) as connection:
        connection.execute("select * from reconcile.lock for update")
        with pytest.raises(UsageError, match="is busy: another connection"), other.lock(OTHER):
            pass
        with pytest.raises(UsageError, match="is busy: another connection"):
            one.write("head.json", b"1", None)
        shown = other.holder()
        assert shown is not None
        assert shown.info == INFO
        connection.rollback()
        one.write("head.json", b"1", None)


def test_a_server_that_does_not_answer_is_an_error_in_the_end(
    opened: Callable[[str], PostgresStore], url: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hung database does not hang a command for ever."""
    monkeypatch.setattr(postgres_connection, "LIMIT", 0.2)
    monkeypatch.setattr(postgres_connection, "_GRACE", 0.2)
    store = opened(through(url, wire))
    store.write("head.json", b"1", None)
    wire.hold_after(0)
    with pytest.raises(UsageError, match="cannot be used"):
        store.read("head.json")
    wire.let_go()
    assert store.read("head.json") is not None

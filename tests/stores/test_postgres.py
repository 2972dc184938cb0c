"""PostgreSQL as a store: who may do what, and connections that break."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
import pytest
import servers
from psycopg import sql

from reconcile.errors import UsageError
from reconcile.stores.contract import LockInfo, LockLost, Store, VersionMoved
from reconcile.stores.logs import Log
from reconcile.stores.postgres import PostgresStore, _portions
from reconcile.stores.postgres_connection import Database
from reconcile.stores.store_urls import open_store

INFO = LockInfo(who="ana@mill", since="2026-01-02T03:04:05+00:00", doing="apply")


@pytest.fixture
def url(postgresql: servers.Server) -> str:
    """Return the URL of a database that is new."""
    name = f"test_{token_hex(4)}"
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgresql.url.replace("/postgres", f"/{name}").replace(f"/{name}:", "/postgres:", 1)


@pytest.fixture
def client(url: str) -> Iterator[Callable[[], PostgresStore]]:
    """Open clients of the database."""
    made: list[PostgresStore] = []

    def make() -> PostgresStore:
        made.append(PostgresStore(url, "shop"))
        return made[-1]

    yield make
    for store in made:
        store.close()


def tables(url: str) -> list[str]:
    """The tables and schemas of ours that a database has."""
    query = """
        select table_name from information_schema.tables where table_schema = 'reconcile'
        union select nspname from pg_namespace where nspname = 'reconcile' order by 1
    """
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(query)]


def role(url: str, *grants: str) -> str:
    """Make a user with these rights; the database's URL as that user."""
    name = f"user_{token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login password {}").format(
                sql.Identifier(name), sql.Literal(servers.PASSWORD)
            )
        )
        for grant in grants:
            connection.execute(sql.SQL(grant).format(sql.Identifier(name)))  # type: ignore[arg-type]
    return url.replace("//postgres:", f"//{name}:")


READS = (
    "grant usage on schema reconcile to {}",
    "grant select on all tables in schema reconcile to {}",
)


@pytest.mark.servers
def test_reading_makes_nothing(client: Callable[[], PostgresStore], url: str) -> None:
    """The first write makes two tables in a schema of their own."""
    store = client()
    assert store.read("head.json") is None
    assert list(store.names("")) == list(store.folders("")) == []
    assert list(Log(store, "log").entries()) == []
    assert store.holder() is None
    store.break_lock(1)
    assert tables(url) == []
    store.write("head.json", b"1", None)
    assert tables(url) == ["blob", "lock", "reconcile"]


@pytest.mark.servers
def test_many_who_are_first_make_the_tables_once(client: Callable[[], PostgresStore]) -> None:
    """Each of twelve clients meets an empty database at the same moment."""
    clients = [client() for _ in range(12)]
    gate = threading.Barrier(12)

    def write(number: int) -> None:
        gate.wait()
        clients[number].write(f"{number}.json", b"1", None)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(write, range(12)))
    assert len(list(client().names(""))) == 12


@pytest.mark.servers
def test_targets_of_one_database_do_not_meet(url: str, tmp_path: Path) -> None:
    """Each has its own names, logs and lock."""
    one, other = (open_store(url, tmp_path / name) for name in ("one", "other"))
    one.write("head.json", b"1", None)
    Log(one, "log").append(0, b"1")
    assert other.read("head.json") is None
    assert list(other.folders("")) == list(other.names("")) == []
    with one.lock(INFO), other.lock(INFO):
        pass
    one.close()
    other.close()


@pytest.mark.servers
def test_who_may_only_read_can_plan(client: Callable[[], PostgresStore], url: str) -> None:
    """Before the tables are there, and after; writing is refused with what is missing."""
    early = PostgresStore(role(url), "shop")
    assert early.read("head.json") is None
    assert early.holder() is None
    with pytest.raises(UsageError, match="permission denied for database"), early.lock(INFO):
        pass
    owner = client()
    owner.write("head.json", b"1", None)
    Log(owner, "log").append(0, b"entry")
    reader = PostgresStore(role(url, *READS), "shop")
    with owner.lock(INFO):
        found = reader.read("head.json")
        assert found is not None
        assert found[0] == b"1"
        assert list(Log(reader, "log").entries()) == [(0, b"entry")]
        assert list(reader.folders("")) == ["log"]
        assert reader.holder() is not None
    for write in (
        lambda: reader.write("head.json", b"2", found[1]),
        lambda: Log(reader, "log").append(1, b"entry"),
        lambda: reader.lock(INFO).__enter__(),
    ):
        with pytest.raises(UsageError, match="refused: permission denied for table") as caught:
            write()
        assert "INSERT" in caught.value.hint
    with pytest.raises(UsageError, match="permission denied for schema reconcile"):
        early.read("head.json")
    for store in (early, reader):
        store.close()


@pytest.mark.servers
def test_who_may_write_need_not_make_the_tables(
    client: Callable[[], PostgresStore], url: str
) -> None:
    """An admin's first write makes them; an apply then needs the rights on them alone."""
    client().write("head.json", b"1", None)
    rights = "grant select, insert, update, delete on all tables in schema reconcile to {}"
    writer = PostgresStore(role(url, READS[0], rights), "shop")
    with writer.lock(INFO):
        writer.write("other.json", b"1", None)
        Log(writer, "log").append(0, b"entry")
        writer.remove("other.json")
        Log(writer, "log").drop()
    writer.close()


def cut(url: str) -> None:
    """Have the server end every other connection to a database, as its restart would."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )


@pytest.mark.servers
def test_a_connection_that_broke_is_made_again(
    client: Callable[[], PostgresStore], url: str
) -> None:
    """Reading at any time; writing when the connection lay idle; the lock's by itself."""
    store = client()
    version = store.write("head.json", b"1", None)
    with store.lock(INFO, lease=3) as lease:
        time.sleep(1.2)
        cut(url)
        assert store.read("head.json") == (b"1", version)
        cut(url)
        time.sleep(1.2)
        version = store.write("head.json", b"2", version)
        time.sleep(1.5)
        lease.check()
        Log(store, "log").append(0, b"entry")
    assert store.holder() is None


@pytest.mark.servers
def test_a_write_that_may_have_been_carried_out_is_not_repeated(
    client: Callable[[], PostgresStore], url: str
) -> None:
    """It is an error, and reading shows whether it took effect."""
    store = client()
    version = store.write("head.json", b"1", None)
    cut(url)
    with pytest.raises(UsageError, match="cannot be used"):
        store.write("head.json", b"2", version)
    assert store.read("head.json") == (b"1", version)
    store.write("head.json", b"2", version)


@pytest.mark.servers
def test_the_database_itself_refuses_who_lost_the_lock(
    client: Callable[[], PostgresStore], url: str
) -> None:
    """Although the holder's own clock and thread do not know it yet."""
    one = client()
    with one.lock(INFO, lease=60) as lease:
        one.write("head.json", b"1", None)
        with psycopg.connect(url) as connection:
            connection.execute(
                "update reconcile.lock set fencing_token = fencing_token + 1, holder = 'other'"
            )
        lease.check()
        for write in (
            lambda: one.write("head.json", b"2", None),
            lambda: one.write_many([("other.json", b"2")]),
            lambda: Log(one, "log").append(0, b"entry"),
            lambda: one.remove("head.json"),
            lambda: Log(one, "log").drop(),
        ):
            with pytest.raises(LockLost, match="broke it or took it over"):
                write()
    assert one.read("head.json") is not None


@pytest.mark.servers
def test_a_version_of_another_backend_is_just_another(client: Callable[[], PostgresStore]) -> None:
    """A text that is not a number is refused as an outdated version."""
    store = client()
    store.write("head.json", b"1", None)
    with pytest.raises(VersionMoved):
        store.write("head.json", b"2", "1a2b.3c")


@pytest.mark.servers
def test_a_statement_has_a_few_megabytes(
    client: Callable[[], PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written and read; so each of them ends in time, and a larger blob goes alone."""
    store, sent = client(), Counter[str]()
    for name in ("read", "write"):
        monkeypatch.setattr(Database, name, _counting(getattr(Database, name), name, sent))
    sizes = [1, 3, 0, 2, 5, 1, 1]
    blobs = {f"b{n}.json": bytes([n]) * (mb * 1024 * 1024) for n, mb in enumerate(sizes)}
    store.write("a.json", b"", None)
    sent.clear()
    store.write_many(blobs.items())
    assert sent == {"write": 4}
    sent.clear()
    asked = [*reversed(blobs), "lost.json"]
    assert list(store.read_many(asked)) == [(name, blobs[name]) for name in reversed(blobs)]
    assert sent == {"read": 4}


def _counting(method: Callable[..., Any], name: str, sent: Counter[str]) -> Callable[..., Any]:
    def counted(*given: Any) -> Any:
        sent[name] += 1
        return method(*given)

    return counted


@pytest.mark.parametrize(
    ("sizes", "portions"),
    [
        ([], []),
        ([9], [1]),
        ([1, 3, 1], [2, 1]),
        ([4, 4, 9, 0, 0], [1, 1, 1, 2]),
        ([0] * 45, [20, 20, 5]),
    ],
)
def test_blobs_are_divided_by_number_and_size(sizes: list[int], portions: list[int]) -> None:
    """At most 20 and 4 MiB each, but for one that is larger alone; all of them, in order."""
    blobs = [(str(number), bytes(mb * 1024 * 1024)) for number, mb in enumerate(sizes)]
    found = list(_portions(blobs))
    assert [blob for portion in found for blob in portion] == blobs
    assert [len(portion) for portion in found] == portions


@pytest.mark.servers
def test_a_wrong_password_is_reported_without_it(url: str) -> None:
    """In the error, its hint, and what led to it."""
    wrong = url.replace(servers.PASSWORD, "wr0ng-pass")
    check_refused(PostgresStore(wrong, "shop"), "password authentication failed")


def test_a_lost_server_is_reported_without_the_password() -> None:
    """With where it should be."""
    (port,) = servers.free_ports(1)
    url = f"postgresql://ana:wr0ng-pass@127.0.0.1:{port}/state?sslpassword=wr0ng-pass"
    check_refused(PostgresStore(url, "shop"), f"127.0.0.1:{port}/state \\(shop\\) cannot be used")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:wr0ng-pass@host:port:1/state",
        "postgresql://ana:wr0ng-pass@host/state?nonsense=wr0ng-pass",
        "postgresql://ana:wr0ng-pass%@host/state",
        "postgresql://ana:pa@wr0ng@host/state",
        "postgresql://ana:wr0ng/pass@host/state",
        "postgresql://ana:12/wr0ng@host/state",
        "postgresql://ana:wr0ng-pass@[host/state",
    ],
)
def test_an_invalid_url_is_reported_without_the_password(url: str, tmp_path: Path) -> None:
    """Its own text would show it."""
    with pytest.raises(UsageError, match="URL is not valid") as caught:
        open_store(url, tmp_path / "shop")
    assert "wr0ng" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def check_refused(store: Store, what: str) -> None:
    """Reading, writing and locking fail alike, and none of them waits for ever."""
    for use in (
        lambda: store.read("head.json"),
        lambda: store.write("head.json", b"1", None),
        lambda: store.lock(INFO).__enter__(),
        store.holder,
    ):
        with pytest.raises(UsageError, match=what) as caught:
            use()
        said = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
        assert "wr0ng" not in said
        assert "\n" not in said

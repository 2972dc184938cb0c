"""A store in PostgreSQL: rows in three tables of the schema ``reconcile``, by target.

What a holder of the lock writes is checked in the same statement against the lock's row, so one
that lost it writes nothing, whatever its clock says. The row is locked for as long as the server
takes for that statement: a holder that stops, or a network that is cut, keeps nobody waiting.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import LiteralString

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.database import Database
from reconcile.stores.lease import Held, lost
from reconcile.stores.own_names import is_own_blob, is_own_log
from reconcile.stores.postgres_lock import PostgresLock
from reconcile.stores.valid_names import check_blob_name, check_entry, check_log_name

_PAGE = 1000

_THERE = "select to_regclass('reconcile.blob'), to_regclass('reconcile.entry'), \
to_regclass('reconcile.lock'), to_regnamespace('reconcile')"
_ALONE = "select pg_advisory_xact_lock(hashtextextended('reconcile', 0))"
_SCHEMA = "create schema if not exists reconcile"
_TABLES = (
    """
    create table if not exists reconcile.blob (
        home text not null,
        name text collate "C" not null,
        data bytea not null,
        serial bigint generated always as identity,
        primary key (home, name)
    )
    """,
    """
    create table if not exists reconcile.entry (
        home text not null,
        log text collate "C" not null,
        position bigint not null,
        entry bytea not null,
        primary key (home, log, position)
    )
    """,
    """
    create table if not exists reconcile.lock (
        home text primary key,
        number bigint not null,
        token text not null,
        who text not null,
        since text not null,
        doing text not null,
        lease double precision not null,
        renewed timestamptz not null
    )
    """,
)
_HELD: LiteralString = """
    with held as (
        select from reconcile.lock
        where home = %(home)s and number = %(holder)s and token <> '' for share
    ),
    allowed as (select where %(holder)s::bigint is null or exists (select from held)),
    written as (
"""
_ANSWER: LiteralString = ") select exists (select from allowed), max(answer) from written"


def _if_held(change: LiteralString) -> LiteralString:
    """Return a statement that makes a change only where the writer has the lock, or needs none.

    Its row says whether it was allowed, and the ``answer`` of what was changed, null for nothing.
    """
    return _HELD + change + _ANSWER


_INSERT = _if_held("""
    insert into reconcile.blob (home, name, data)
    select %(home)s, %(name)s, %(data)s from allowed
    on conflict do nothing returning serial::text as answer
""")
_UPDATE = _if_held("""
    update reconcile.blob set data = %(data)s, serial = default
    where home = %(home)s and name = %(name)s and serial::text = %(expected)s
        and exists (select from allowed)
    returning serial::text as answer
""")
_REMOVE = _if_held("""
    delete from reconcile.blob
    where home = %(home)s and name = %(name)s and exists (select from allowed)
    returning name as answer
""")
_APPEND = _if_held("""
    insert into reconcile.entry (home, log, position, entry)
    select %(home)s, %(log)s, %(position)s, %(entry)s from allowed
    on conflict do nothing returning log as answer
""")
_DROP = _if_held("""
    delete from reconcile.entry
    where home = %(home)s and log = %(log)s and exists (select from allowed)
    returning log as answer
""")
_LOGS = """
    with recursive found as (
        (
            select log from reconcile.entry
            where home = %(home)s and log >= %(prefix)s order by log limit 1
        )
        union all
        select (
            select later.log from reconcile.entry as later
            where later.home = %(home)s and later.log > found.log order by later.log limit 1
        )
        from found where starts_with(found.log, %(prefix)s)
    )
    select log from found where starts_with(log, %(prefix)s)
"""
"""From one log to the next by the index, so that a long one costs no more than a short one."""


class PostgresStore:
    """The rows of ``home`` in the database of ``url``. Reading makes nothing.

    Tables are made by the first write. Versions are numbers that the database gives out once.
    """

    def __init__(self, url: str, home: str) -> None:
        self._home = home
        self._database = Database(url, home)
        self._lock = PostgresLock(url, home, self._database)
        self._held = Held()
        self._making = Lock()
        self._made = False

    @property
    def where(self) -> str:
        """See Store."""
        return self._database.where

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        query = "select data, serial::text from reconcile.blob where home = %s and name = %s"
        rows = self._database.read(query, (self._home, check_blob_name(name)))
        return (bytes(rows[0][0]), rows[0][1]) if rows else None

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        values = {"name": check_blob_name(name), "data": data, "expected": expected}
        serial = self._change(_INSERT if expected is None else _UPDATE, values)
        if serial is None:
            raise VersionMoved(f"{name} was written by somebody else in between")
        return serial

    def remove(self, name: str) -> None:
        """See Store."""
        self._change(_REMOVE, {"name": check_blob_name(name)})

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        query = "select name from reconcile.blob where home = %s and starts_with(name, %s) \
order by name"
        return (str(row[0]) for row in self._database.read(query, (self._home, prefix)))

    def append(self, log: str, position: int, entry: bytes) -> None:
        """See Store."""
        check_entry(position, entry)
        values = {"log": check_log_name(log), "position": position, "entry": entry}
        if self._change(_APPEND, values) is None:
            raise VersionMoved(f"{log} has an entry {position} already")

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """See Store."""
        query = "select position, entry from reconcile.entry \
where home = %s and log = %s and position >= %s order by position limit %s"
        check_log_name(log)
        while rows := self._database.read(query, (self._home, log, start, _PAGE)):
            for position, entry in rows:
                yield int(position), bytes(entry)
            start = int(rows[-1][0]) + 1

    def logs(self, prefix: str) -> Iterator[str]:
        """See Store."""
        values = {"home": self._home, "prefix": prefix}
        return (str(row[0]) for row in self._database.read(_LOGS, values))

    def drop(self, log: str) -> None:
        """See Store."""
        self._change(_DROP, {"log": check_log_name(log)})

    def unknown_names(self) -> Iterator[str]:
        """See Store. The tables are reconcile's alone; blobs and logs in them may not be."""
        yield from (name for name in self.names("") if not is_own_blob(name))
        yield from (log for log in self.logs("") if not is_own_log(log))

    @contextmanager
    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> Iterator[Lease]:
        """See Store."""
        self._make()
        with self._lock.hold(info, timeout, lease) as taken, self._held.under(taken):
            yield taken

    def holder(self) -> Holder | None:
        """See Store."""
        return self._lock.holder()

    def break_lock(self, number: int) -> None:
        """See Store."""
        self._lock.break_(number)

    def close(self) -> None:
        """See Store."""
        self._database.close()

    def _change(self, query: LiteralString, values: Mapping[str, object]) -> str | None:
        """Carry out a change and return its answer, None where it changed nothing.

        Raises LockLost where a lock was held and is lost.
        """
        self._make()
        self._held.check()
        lease = self._held.lease
        holder = lease.fencing_token if lease is not None else None
        rows = self._database.write(query, {"home": self._home, "holder": holder, **values})
        ((allowed, answer),) = rows
        if not allowed:
            raise lost(self.where, "somebody else broke it or took it over")
        return None if answer is None else str(answer)

    def _make(self) -> None:
        """Make what is missing. Two at once wait for each other: `if not exists` alone can fail."""
        with self._making:
            if self._made:
                return
            ((*tables, schema),) = self._database.read(_THERE, ())
            if not all(tables):
                making = () if schema else (_SCHEMA,)
                self._database.define((_ALONE, *making, *_TABLES))
            self._made = True

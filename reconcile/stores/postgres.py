"""A store in PostgreSQL: rows in three tables of the schema ``reconcile``, by target.

Every write of a lock's holder checks the lock's row in the same statement, so a holder that lost
the lock writes nothing, whatever its clock says. The row is locked only while the server executes
that statement: a holder that stops, or a network that is cut, keeps nobody waiting.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import LiteralString

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held, lost
from reconcile.stores.own_names import is_own_blob, is_own_log
from reconcile.stores.postgres_connection import Database
from reconcile.stores.postgres_lock import PostgresLock
from reconcile.stores.valid_names import check_blob_name, check_entry, check_log_name

_PAGE = 1000

_EXISTING = "select to_regclass('reconcile.blob'), to_regclass('reconcile.entry'), \
to_regclass('reconcile.lock'), to_regnamespace('reconcile')"
_EXCLUSIVE = "select pg_advisory_xact_lock(hashtextextended('reconcile', 0))"
_SCHEMA = "create schema if not exists reconcile"
_TABLES = (
    """
    create table if not exists reconcile.blob (
        target text not null,
        name text collate "C" not null,
        data bytea not null,
        serial bigint generated always as identity,
        primary key (target, name)
    )
    """,
    """
    create table if not exists reconcile.entry (
        target text not null,
        log text collate "C" not null,
        position bigint not null,
        entry bytea not null,
        primary key (target, log, position)
    )
    """,
    """
    create table if not exists reconcile.lock (
        target text primary key,
        fencing_token bigint not null,
        holder text not null,
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
        where target = %(target)s and fencing_token = %(fencing_token)s and holder <> '' for share
    ),
    allowed as (select where %(fencing_token)s::bigint is null or exists (select from held)),
    written as (
"""
_ANSWER: LiteralString = ") select exists (select from allowed), max(answer) from written"


def _if_held(change: LiteralString) -> LiteralString:
    """Return a statement that makes a change only where the writer has the lock, or needs none.

    Its row says whether it was allowed, and has the ``answer`` of the change, null for none.
    """
    return _HELD + change + _ANSWER


_INSERT = _if_held("""
    insert into reconcile.blob (target, name, data)
    select %(target)s, %(name)s, %(data)s from allowed
    on conflict do nothing returning serial::text as answer
""")
_UPDATE = _if_held("""
    update reconcile.blob set data = %(data)s, serial = default
    where target = %(target)s and name = %(name)s and serial::text = %(expected)s
        and exists (select from allowed)
    returning serial::text as answer
""")
_REMOVE = _if_held("""
    delete from reconcile.blob
    where target = %(target)s and name = %(name)s and exists (select from allowed)
    returning name as answer
""")
_APPEND = _if_held("""
    insert into reconcile.entry (target, log, position, entry)
    select %(target)s, %(log)s, %(position)s, %(entry)s from allowed
    on conflict do nothing returning log as answer
""")
_DROP = _if_held("""
    delete from reconcile.entry
    where target = %(target)s and log = %(log)s and exists (select from allowed)
    returning log as answer
""")
_LOGS = """
    with recursive found as (
        (
            select log from reconcile.entry
            where target = %(target)s and log >= %(prefix)s order by log limit 1
        )
        union all
        select (
            select later.log from reconcile.entry as later
            where later.target = %(target)s and later.log > found.log order by later.log limit 1
        )
        from found where starts_with(found.log, %(prefix)s)
    )
    select log from found where starts_with(log, %(prefix)s)
"""
"""Goes from one log to the next by the index, so that a long log costs no more than a short one."""


class PostgresStore:
    """The rows of a target in the database of ``url``. Reading creates nothing.

    The first write creates the tables. Versions are numbers that the database gives out once.
    """

    def __init__(self, url: str, target: str) -> None:
        self._target = target
        self._database = Database(url, target)
        self._lock = PostgresLock(url, target, self._database)
        self._held = Held()
        self._creating = Lock()
        self._created = False

    @property
    def where(self) -> str:
        """See Store."""
        return self._database.where

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        query = "select data, serial::text from reconcile.blob where target = %s and name = %s"
        rows = self._database.read(query, (self._target, check_blob_name(name)))
        return (bytes(rows[0][0]), rows[0][1]) if rows else None

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        values = {"name": check_blob_name(name), "data": data, "expected": expected}
        serial = self._change(_INSERT if expected is None else _UPDATE, values)
        if serial is None:
            raise VersionMoved(f"{name} was written by another process in between")
        return serial

    def remove(self, name: str) -> None:
        """See Store."""
        self._change(_REMOVE, {"name": check_blob_name(name)})

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        query = "select name from reconcile.blob where target = %s and starts_with(name, %s) \
order by name"
        return (str(row[0]) for row in self._database.read(query, (self._target, prefix)))

    def append(self, log: str, position: int, entry: bytes) -> None:
        """See Store."""
        check_entry(position, entry)
        values = {"log": check_log_name(log), "position": position, "entry": entry}
        if self._change(_APPEND, values) is None:
            raise VersionMoved(f"{log} has an entry {position} already")

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """See Store."""
        query = "select position, entry from reconcile.entry \
where target = %s and log = %s and position >= %s order by position limit %s"
        check_log_name(log)
        while rows := self._database.read(query, (self._target, log, start, _PAGE)):
            for position, entry in rows:
                yield int(position), bytes(entry)
            start = int(rows[-1][0]) + 1

    def logs(self, prefix: str) -> Iterator[str]:
        """See Store."""
        values = {"target": self._target, "prefix": prefix}
        return (str(row[0]) for row in self._database.read(_LOGS, values))

    def drop(self, log: str) -> None:
        """See Store."""
        self._change(_DROP, {"log": check_log_name(log)})

    def unknown_names(self) -> Iterator[str]:
        """See Store. Only reconcile uses the tables, but names in them may not be its own."""
        yield from (name for name in self.names("") if not is_own_blob(name))
        yield from (log for log in self.logs("") if not is_own_log(log))

    @contextmanager
    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> Iterator[Lease]:
        """See Store."""
        self._create_tables()
        with self._lock.hold(info, timeout, lease) as taken, self._held.under(taken):
            yield taken

    def holder(self) -> Holder | None:
        """See Store."""
        return self._lock.holder()

    def break_lock(self, fencing_token: int) -> None:
        """See Store."""
        self._lock.break_(fencing_token)

    def close(self) -> None:
        """See Store."""
        self._database.close()

    def _change(self, query: LiteralString, values: Mapping[str, object]) -> str | None:
        """Make a change and return its answer, None where it changed nothing.

        Raise LockLost where the lock was held and is lost.
        """
        self._create_tables()
        self._held.check()
        lease = self._held.lease
        fencing_token = lease.fencing_token if lease is not None else None
        rows = self._database.write(
            query, {"target": self._target, "fencing_token": fencing_token, **values}
        )
        ((allowed, answer),) = rows
        if not allowed:
            raise lost(self.where, "another process broke it or took it over")
        return None if answer is None else str(answer)

    def _create_tables(self) -> None:
        """Create missing tables. One process at a time: `if not exists` can fail in a race."""
        with self._creating:
            if self._created:
                return
            ((*tables, schema),) = self._database.read(_EXISTING, ())
            if not all(tables):
                schema_first = () if schema else (_SCHEMA,)
                self._database.define((_EXCLUSIVE, *schema_first, *_TABLES))
            self._created = True

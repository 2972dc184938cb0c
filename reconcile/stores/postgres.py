"""A store in PostgreSQL: rows in two tables of the schema ``reconcile``, by target.

Every write of a lock's holder checks the lock's row in the same statement, so a holder that lost
the lock writes nothing, whatever its clock says. The row is locked only while the server executes
that statement: a holder that stops, or a network that is cut, keeps nobody waiting.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Lock
from typing import LiteralString

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held, lost
from reconcile.stores.own_names import is_own_blob
from reconcile.stores.postgres_connection import Database
from reconcile.stores.postgres_lock import PostgresLock
from reconcile.stores.valid_names import check_blob_name

_PAGE = 1000
"""Names of one answer."""
_BLOBS = 20
"""Most blobs of one statement."""
_BYTES = 4 * 1024 * 1024
"""Most bytes of one statement's blobs, unless one alone has more.

At a megabit per second that many arrive just within the limit of a statement.
"""

_EXISTING = "select to_regclass('reconcile.blob'), to_regclass('reconcile.lock'), \
to_regnamespace('reconcile')"
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
_ANSWER: LiteralString = ") select exists (select from allowed), count(*), max(answer) from written"


def _if_held(change: LiteralString) -> LiteralString:
    """Return a statement that makes a change only where the writer has the lock, or needs none.

    Its row says whether it was allowed, how many rows it changed, and the largest ``answer``.
    """
    return _HELD + change + _ANSWER


_INSERT = _if_held("""
    insert into reconcile.blob (target, name, data)
    select %(target)s, given.name, given.data
    from allowed, unnest(%(names)s::text[], %(data)b::bytea[]) as given (name, data)
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
    where target = %(target)s and name = any(%(names)s::text[]) and exists (select from allowed)
    returning name as answer
""")
_READ = "select data, serial::text from reconcile.blob where target = %s and name = %s"
_READ_MANY = """
    select name, case when total <= %(most)s then data end from (
        select name, data, number, coalesce(octet_length(data) + sum(octet_length(data)) over (
            order by number rows between unbounded preceding and 1 preceding
        ), 0) as total
        from reconcile.blob
        join unnest(%(names)s::text[]) with ordinality as asked (name, number) using (name)
        where target = %(target)s
    ) as found order by number
"""
"""Answers no data for blobs, after the first, with which the answer would be too large."""
_NAMES = """
    select name from reconcile.blob
    where target = %(target)s and name >= %(prefix)s and name > %(after)s
        and starts_with(name, %(prefix)s)
    order by name limit %(page)s
"""
_FOLDERS = """
    with recursive found as (
        (
            select name from reconcile.blob
            where target = %(target)s and name >= %(prefix)s and name > %(after)s
            order by name limit 1
        )
        union all
        select (
            select later.name from reconcile.blob as later
            where later.target = %(target)s
                and later.name >= %(prefix)s
                    || split_part(substr(found.name, length(%(prefix)s) + 1), '/', 1) || '0'
            order by later.name limit 1
        )
        from found where starts_with(found.name, %(prefix)s)
    )
    select split_part(substr(name, length(%(prefix)s) + 1), '/', 1) from found
    where starts_with(name, %(prefix)s) and strpos(substr(name, length(%(prefix)s) + 1), '/') > 0
"""
"""Goes from one folder to the next by the index, so that a full one costs no more than another.

A zero follows the slash in ASCII, so a folder's name with a zero comes after all that is in it.
"""


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
        rows = self._database.read(_READ, (self._target, check_blob_name(name)))
        return (bytes(rows[0][0]), rows[0][1]) if rows else None

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        left = map(check_blob_name, names)
        some: list[str] = []
        while some := some or list(islice(left, _BLOBS)):
            values = {"target": self._target, "names": some, "most": _BYTES}
            rows = self._database.read(_READ_MANY, values)
            yield from ((name, bytes(data)) for name, data in rows if data is not None)
            some = [name for name, data in rows if data is None]

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        if expected is None:
            return self._insert([(name, data)])
        values = {"name": check_blob_name(name), "data": data, "expected": expected}
        changed, serial = self._change(_UPDATE, values)
        if not changed:
            raise _moved(name)
        return serial

    def write_many(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """See Store."""
        for some in _portions(blobs):
            self._insert(some)

    def remove(self, *names: str) -> None:
        """See Store."""
        self._change(_REMOVE, {"names": list(map(check_blob_name, names))})

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        full = True
        while full:
            rows = self._database.read(_NAMES, self._within(prefix, after))
            yield from (name for (name,) in rows)
            full = len(rows) == _PAGE
            after = rows[-1][0] if full else ""

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        rows = self._database.read(_FOLDERS, self._within(prefix, after))
        found = sorted(prefix + folder for (folder,) in rows)
        return (folder for folder in found if folder > after)

    def unknown_names(self) -> Iterator[str]:
        """See Store. Only reconcile uses the tables, but names in them may not be its own."""
        return (name for name in self.names("") if not is_own_blob(name))

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

    def _within(self, prefix: str, after: str) -> Mapping[str, object]:
        return {"target": self._target, "prefix": prefix, "after": after, "page": _PAGE}

    def _insert(self, blobs: Sequence[tuple[str, bytes]]) -> str:
        """Create blobs; return the version of one, where there is only one."""
        names = [check_blob_name(name) for name, _ in blobs]
        values = {"names": names, "data": [data for _, data in blobs]}
        created, serial = self._change(_INSERT, values)
        if created < len(blobs):
            raise _moved(" or ".join(names))
        return serial

    def _change(self, query: LiteralString, values: Mapping[str, object]) -> tuple[int, str]:
        """Make a change, and return how many rows it changed, and its answer.

        Raise LockLost where the lock was held and is lost.
        """
        self._create_tables()
        self._held.check()
        lease = self._held.lease
        fencing_token = lease.fencing_token if lease is not None else None
        rows = self._database.write(
            query, {"target": self._target, "fencing_token": fencing_token, **values}
        )
        ((allowed, changed, answer),) = rows
        if not allowed:
            raise lost(self.where, "another process broke it or took it over")
        return changed, str(answer)

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


def _portions(blobs: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, bytes]]]:
    """Yield blobs in portions, each for one statement."""
    portion: list[tuple[str, bytes]] = []
    size = 0
    for blob in blobs:
        size += len(blob[1])
        if portion and (len(portion) == _BLOBS or size > _BYTES):
            yield portion
            portion, size = [], len(blob[1])
        portion.append(blob)
    if portion:
        yield portion


def _moved(name: str) -> VersionMoved:
    return VersionMoved(f"{name} was written by another process in between")

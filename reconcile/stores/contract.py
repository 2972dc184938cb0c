"""The contract of a store, which every backend fulfils.

Names consist of letters, digits, ``-`` and ``_``, in parts separated by ``/``. The name of a blob
ends in ``.json``, that of a folder has no ending: ``head.json``, ``shards/3f.json``,
``runs/20260102T030405-1f``.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.errors import ReconcileError

LEASE = 2 * CALL_LIMIT
"""Seconds for which a lock is valid after its holder's last heartbeat.

Half of them are reserved for the last call: see Lease.check.
"""


class VersionMoved(ReconcileError):
    """The content no longer has the expected version; nothing was written."""


class LockLost(ReconcileError):
    """This process may have lost the lock: it was broken, or could not be renewed in time."""


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds a lock, since when (ISO 8601, UTC), and which command."""

    who: str
    since: str
    doing: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A lock as others see it.

    Every holder's ``fencing_token`` is larger than those before. ``heartbeat_age`` is the time
    since the last heartbeat in seconds, or None where it is unknown.
    """

    info: LockInfo
    fencing_token: int
    heartbeat_age: float | None = None


class Lease(Protocol):
    """A held lock, as its holder sees it: see Store.lock."""

    @property
    def fencing_token(self) -> int:
        """The holder's fencing token."""
        ...

    def check(self) -> None:
        """Raise LockLost unless this process certainly still holds the lock.

        To be called before every call to HubSpot. Where others can take the lock over from a
        living holder, the lock is also certain to be held for another half of the lease, so that
        a call that is sent now is over before another holder begins. Where a heartbeat is late,
        wait for it as long as it may still come.
        """
        ...


class Store(Protocol):
    """Named blobs with versions, and one lock. Logs are made of blobs: see ``logs``.

    A version is an opaque text that changes with every write. Every write is atomic and durable:
    the old content survives a crash before the write returns, the new content a crash after it.
    A store may be used by several threads.

    While a lock is held through a store, its writes are that holder's: they raise LockLost once
    the lock is lost. Every method raises UsageError, without secrets, where the backend cannot be
    reached or used, and ValueError for an invalid name.
    """

    @property
    def where(self) -> str:
        """How messages name the store, without secrets."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Return a blob's content and version, or None where there is none."""
        ...

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield names and contents of the blobs that exist, in the order of ``names``.

        A backend that is far away reads several at a time, so blobs should be of some MB at most.
        """
        ...

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace the content that has version ``expected``, or create it for None.

        Return the new version. Raise VersionMoved when the content has another version: of
        several writers that expect the same one, one wins.
        """
        ...

    def write_many(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """Create blobs, which are all durable when this returns.

        Raise VersionMoved where one of them exists already. After that, as after a crash, any of
        the others may have been written, each of them as a whole.
        """
        ...

    def remove(self, *names: str) -> None:
        """Remove blobs; ignore those that do not exist. After a crash any of them may be left."""
        ...

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """Return the names of blobs that begin with ``prefix`` and sort after ``after``, sorted.

        No more is listed than the folder that the prefix names.
        """
        ...

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """Return the folders right below a folder that sort after ``after``, sorted.

        ``prefix`` is empty or ends in ``/``; the result does not: ``runs/20260102T030405-1f``. A
        folder exists as long as there are blobs in it, at whatever depth.
        """
        ...

    def unknown_names(self) -> Iterator[str]:
        """Yield the names of what is in the store but not reconcile's, in any order.

        A README and a .gitignore are not among them. Nothing is written, and no more is listed
        than is asked for.
        """
        ...

    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> AbstractContextManager[Lease]:
        """Hold the store's only lock.

        Wait up to ``timeout`` seconds for another holder to release it, then raise Locked, naming
        that holder. Where others cannot see a holder die, they may take the lock over once its
        last heartbeat is ``lease`` seconds ago, so their ``timeout`` must be longer than that.
        """
        ...

    def holder(self) -> Holder | None:
        """Return who holds the lock, or None. One that died may be shown until its lease ends."""
        ...

    def break_lock(self, fencing_token: int) -> None:
        """Take the lock from the holder with that fencing token; do nothing where it is free.

        Return when that holder's checks are sure to fail, which can take as long as its lease;
        nobody can take the lock before. Raise Locked when another process holds it by now.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...

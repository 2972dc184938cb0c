"""What every home of the state can do.

Names are of letters, digits, ``-`` and ``_``, in parts with ``/`` between. A blob's ends in
``.json``, a log's has no ending: ``head.json``, ``shards/3f.json``, ``runs/20260102T030405-1f``.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.errors import ReconcileError

LEASE = 2 * CALL_LIMIT
"""Seconds a lock outlives its holder's last heartbeat.

Half of them are for the last call: see Lease.check.
"""


class VersionMoved(ReconcileError):
    """Somebody else wrote in between; nothing was written now."""


class LockLost(ReconcileError):
    """The lock is no longer surely ours: it was broken, or could not be renewed in time."""


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds a lock, since when (ISO 8601, UTC), doing what."""

    who: str
    since: str
    doing: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A lock as others see it.

    ``number`` is the fencing number: every holder's is larger than those before. ``silent`` is for
    how many seconds the holder has given no heartbeat, or None where nobody can tell.
    """

    info: LockInfo
    number: int
    silent: float | None = None


class Lease(Protocol):
    """A lock that is held, and the only one: see Store.lock."""

    @property
    def number(self) -> int:
        """The fencing number."""
        ...

    def check(self) -> None:
        """Raise LockLost unless the lock is surely still ours. Asked before every call.

        Where others can take the lock over while its holder lives, it is also surely ours for half
        a lease from now, so that a call that leaves now is over before another holder begins. Where
        a heartbeat is late, this waits for it as long as it may still come.
        """
        ...


class Store(Protocol):
    """Named blobs with versions, append-only logs, and one lock.

    A version is an opaque text that changes with every write. Every write is atomic and durable:
    after it returns the new content survives a crash, and before that the old one does. A store
    may be used by several threads.

    While a lock is held through a store, its writes are that holder's: they raise LockLost once
    the lock is lost. Everything raises UsageError, without secrets, where the home cannot be
    reached or used, and ValueError for a name that is none.
    """

    @property
    def where(self) -> str:
        """The store as messages name it, without secrets."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and version, or None where there is none."""
        ...

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace the content that has version ``expected`` (None: there is none); new version.

        Raises VersionMoved when the content is not the expected one; of several writers that
        expect the same, one wins.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a blob; nothing happens where there is none."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Names of blobs that begin with ``prefix``, sorted."""
        ...

    def append(self, log: str, position: int, entry: bytes) -> None:
        """Make ``entry`` (one line, without its newline) the log's entry ``position``, from 0.

        Raises VersionMoved when the log has an entry there already, and ValueError for an entry
        of several lines. Writers may append several positions at a time, so a crash can leave a
        gap.
        """
        ...

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Positions and entries from ``start``, in order; what a crash left half is left out."""
        ...

    def logs(self, prefix: str) -> Iterator[str]:
        """Names of logs that begin with ``prefix``, sorted."""
        ...

    def drop(self, log: str) -> None:
        """Remove a log; nothing happens where there is none.

        Where a crash can leave half of it, the first entry is not in that half.
        """
        ...

    def unknown_names(self) -> Iterator[str]:
        """Names of what lies in the store's place and is not reconcile's, in any order.

        A README and a .gitignore are not among them. Writes nothing, and is as lazy as it can be.
        """
        ...

    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> AbstractContextManager[Lease]:
        """Hold the store's only lock.

        Waits up to ``timeout`` seconds for another holder to end. Raises Locked, naming the
        holder, when it is taken then. Where others cannot see a holder die, they may take the
        lock over once it has given no heartbeat for ``lease`` seconds, so their ``timeout``
        must be longer than that.
        """
        ...

    def holder(self) -> Holder | None:
        """Who holds the lock now, or None. One that died may be shown until its lease ends."""
        ...

    def break_lock(self, number: int) -> None:
        """Take the lock from the holder with that fencing number; nothing happens without one.

        Returns when that holder's checks are sure to fail, which can take as long as its lease,
        and nobody can have the lock before. Raises Locked when another holds it by now.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...

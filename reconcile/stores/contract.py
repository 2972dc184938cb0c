"""What every home of the state can do. Names are plain: ``head.json``, ``shards/3f.json``."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from reconcile.errors import ReconcileError


class VersionMoved(ReconcileError):
    """Somebody else wrote in between; nothing was written now."""


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds a lock, since when (ISO 8601, UTC), doing what."""

    who: str
    since: str
    doing: str


class Store(Protocol):
    """Named blobs with versions, and one lock.

    A version is an opaque text that changes with the content. Every write is atomic and durable:
    after it returns the new content survives a crash, and before that the old one does.
    """

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and version, or None where there is none."""
        ...

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """Replace the content that has version ``expected`` (None: there is none); new version.

        Raises VersionMoved when the content is not the expected one.
        """
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with ``prefix``, sorted."""
        ...

    def lock(self, info: LockInfo) -> AbstractContextManager[None]:
        """Hold the store's only lock. Raises Locked, naming the holder, when it is taken."""
        ...

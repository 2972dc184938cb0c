"""A store in a bucket: an object for each blob."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock

from reconcile.stores.bucket import Bucket, in_parallel
from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held
from reconcile.stores.object_lock import ObjectLock
from reconcile.stores.own_names import is_own_blob, is_tolerated
from reconcile.stores.valid_names import BLOB, check_blob_name

_OTHER_OWN_OBJECTS = re.compile("lock|probe-[0-9a-f]{16}")
"""The lock, and what a check of the bucket leaves when it is killed."""


class ObjectStore:
    """Keeps blobs under their names, and the lock as ``lock``.

    Before the first write the bucket is checked, and refused where two runs could overwrite each
    other. Reading checks nothing and writes nothing.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._lock = ObjectLock(bucket)
        self._held = Held()
        self._checking = Lock()
        self._checked = False

    @property
    def where(self) -> str:
        """See Store."""
        return self._bucket.where

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        found = self._bucket.get(check_blob_name(name))
        return (found.data, found.version) if found else None

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        for name, found in in_parallel(self._named, names):
            if found is not None:
                yield name, found[0]

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        check_blob_name(name)
        self._before_write()
        version = self._bucket.put(name, data, expected)
        if version is None:
            raise VersionMoved(f"{name} was written by another process in between")
        return version

    def write_many(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """See Store."""
        for _ in in_parallel(lambda blob: self.write(*blob, None), blobs):
            pass

    def remove(self, *names: str) -> None:
        """See Store."""
        checked = list(map(check_blob_name, names))
        self._before_write()
        self._bucket.delete(checked)

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        folder, slash, _ = prefix.rpartition("/")
        found = self._bucket.names(folder + slash, after)
        return (name for name in found if name.startswith(prefix) and name.endswith(BLOB))

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        return self._bucket.folders(prefix, after)

    def unknown_names(self) -> Iterator[str]:
        """See Store."""
        return (
            name for name in self._bucket.all_names() if not (_is_own(name) or is_tolerated(name))
        )

    @contextmanager
    def lock(
        self, info: LockInfo, *, timeout: float = 0.0, lease: float = LEASE
    ) -> Iterator[Lease]:
        """See Store."""
        self._check_bucket()
        with self._lock.hold(info, timeout, lease) as taken, self._held.under(taken):
            yield taken

    def holder(self) -> Holder | None:
        """See Store. The heartbeat's age is known only to those who may write."""
        return self._lock.holder()

    def break_lock(self, fencing_token: int) -> None:
        """See Store."""
        self._check_bucket()
        self._lock.break_(fencing_token)

    def close(self) -> None:
        """See Store."""

    def _before_write(self) -> None:
        self._check_bucket()
        self._held.check()

    def _check_bucket(self) -> None:
        with self._checking:
            if not self._checked:
                self._bucket.check_conditions()
                self._checked = True

    def _named(self, name: str) -> tuple[str, tuple[bytes, str] | None]:
        return name, self.read(name)


def _is_own(name: str) -> bool:
    return is_own_blob(name) or _OTHER_OWN_OBJECTS.fullmatch(name) is not None

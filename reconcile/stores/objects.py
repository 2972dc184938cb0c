"""A store in a bucket: an object for each blob, and for each entry of a log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from reconcile.stores.bucket import Bucket
from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held
from reconcile.stores.object_lock import ObjectLock
from reconcile.stores.own_names import is_own_blob, is_own_log, is_tolerated
from reconcile.stores.valid_names import BLOB, LOG, check_blob_name, check_entry, check_log_name

_ENTRY = re.compile(rf"(.+){re.escape(LOG)}/[0-9]{{10}}")
_OTHER_OWN_OBJECTS = re.compile("lock|probe-[0-9a-f]{16}")
"""The lock, and what a check of the bucket leaves when it is killed."""


class ObjectStore:
    """Keeps blobs as ``NAME.json``, logs as ``NAME.jsonl/0000000042``, the lock as ``lock``.

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

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        check_blob_name(name)
        self._before_write()
        version = self._bucket.put(name, data, expected)
        if version is None:
            raise VersionMoved(f"{name} was written by another process in between")
        return version

    def remove(self, name: str) -> None:
        """See Store."""
        check_blob_name(name)
        self._before_write()
        self._bucket.delete([name])

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        _, blobs = self._find(prefix)
        return iter(blobs)

    def append(self, log: str, position: int, entry: bytes) -> None:
        """See Store."""
        check_entry(position, entry)
        name = _entry(check_log_name(log), position)
        self._before_write()
        if self._bucket.put(name, entry, None) is None:
            raise VersionMoved(f"{log} has an entry {position} already")

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """See Store."""
        folder = check_log_name(log) + LOG + "/"
        last = _entry(log, start - 1) if start else folder
        for name, found in self._bucket.get_all(self._entries_after(folder, last)):
            if found:
                yield int(name.removeprefix(folder)), found.data

    def logs(self, prefix: str) -> Iterator[str]:
        """See Store."""
        logs, _ = self._find(prefix)
        return (log for log in logs if self._bucket.holds(log + LOG + "/"))

    def drop(self, log: str) -> None:
        """See Store."""
        folder = check_log_name(log) + LOG + "/"
        self._before_write()
        names = self._entries_after(folder, folder)
        if names:
            self._bucket.delete(names[:1])
            self._bucket.delete(names[1:])

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

    def _entries_after(self, folder: str, last: str) -> list[str]:
        """Return the names of a log's entries after ``last``, sorted; ignore all other objects."""
        return [name for name in self._bucket.after(folder, last) if _ENTRY.fullmatch(name)]

    def _find(self, prefix: str) -> tuple[list[str], list[str]]:
        """Return the logs and the blobs that begin with a prefix, without listing log entries."""
        folder, slash, _ = prefix.rpartition("/")
        folders, logs, blobs = [folder + slash], [], []
        while folders:
            inner, objects = self._bucket.inside(folders.pop())
            for name in inner:
                if name.endswith(LOG + "/"):
                    logs.append(name.removesuffix(LOG + "/"))
                else:
                    folders.append(name)
            blobs += [name for name in objects if name.endswith(BLOB)]
        return (
            sorted(name for name in logs if name.startswith(prefix)),
            sorted(name for name in blobs if name.startswith(prefix)),
        )


def _is_own(name: str) -> bool:
    entry = _ENTRY.fullmatch(name)
    return (
        is_own_log(entry[1])
        if entry
        else is_own_blob(name) or _OTHER_OWN_OBJECTS.fullmatch(name) is not None
    )


def _entry(log: str, position: int) -> str:
    return f"{log}{LOG}/{position:010d}"

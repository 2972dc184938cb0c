"""A store in a folder of this machine.

Writes go to a temporary file that is flushed to disk and renamed over the old one, so a reader or
a crash sees the old content or the new, never half. Logs are files that grow; see local_log.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.files import make_folder, replace_file, sync_folder, usable
from reconcile.stores.lease import Held
from reconcile.stores.local_lock import LocalLock
from reconcile.stores.local_log import LocalLogs
from reconcile.stores.naming import BLOB, LOG, check_blob, check_entry, check_log


class LocalStore:
    """Keeps blobs and logs as files under ``home``, which is made when first written, mode 0700.

    What else lies there (the key, a sandbox's data) has other endings, and is left alone.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = LocalLock(home)
        self._logs = LocalLogs()
        self._held = Held()

    @property
    def where(self) -> str:
        """See Store."""
        return str(self._home)

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        path = self._home / check_blob(name)
        with usable(self._home):
            try:
                data, stamp = _read(path)
            except FileNotFoundError:
                return None
        return data, _version(data, stamp)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        path = self._home / check_blob(name)
        with self._writing():
            make_folder(path.parent)
            current, stamp = None, 0
            if path.exists():
                content, stamp = _read(path)
                current = _version(content, stamp)
            if current != expected:
                raise VersionMoved(f"{name} was written by somebody else in between")
            return _version(data, replace_file(path, data, after=stamp))

    def remove(self, name: str) -> None:
        """See Store."""
        path = self._home / check_blob(name)
        with self._writing():
            if path.exists():
                path.unlink()
                sync_folder(path.parent)

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        return self._find(prefix, BLOB, BLOB)

    def append(self, log: str, position: int, entry: bytes) -> None:
        """See Store."""
        check_entry(position, entry)
        path = self._log(log)
        with self._writing():
            self._logs.append(path, position, entry)

    def entries(self, log: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """See Store."""
        path = self._log(log)
        with usable(self._home):
            yield from self._logs.entries(path, start)

    def logs(self, prefix: str) -> Iterator[str]:
        """See Store."""
        return self._find(prefix, LOG, "")

    def drop(self, log: str) -> None:
        """See Store."""
        path = self._log(log)
        with self._writing():
            self._logs.drop(path)

    @contextmanager
    def lock(
        self,
        info: LockInfo,
        *,
        timeout: float = 0.0,
        lease: float = LEASE,  # noqa: ARG002  (this lock ends with its process)
    ) -> Iterator[Lease]:
        """See Store."""
        with self._lock.hold(info, timeout) as taken, self._held.under(taken):
            yield taken

    def holder(self) -> Holder | None:
        """See Store."""
        return self._lock.holder()

    def break_lock(self, number: int) -> None:
        """See Store."""
        self._lock.break_(number)

    def erase(self) -> None:
        """Remove every blob and log, for an account that is no more. The hash key stays."""
        with self.lock(LockInfo("", "", "erase")):
            for log in list(self.logs("")):
                self.drop(log)
            for name in list(self.names("")):
                self.remove(name)

    def close(self) -> None:
        """See Store."""

    def _log(self, log: str) -> Path:
        return self._home / (check_log(log) + LOG)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with usable(self._home), self._lock.turn():
            self._held.check()
            yield

    def _find(self, prefix: str, ending: str, shown: str) -> Iterator[str]:
        folder = self._home / prefix.rpartition("/")[0]
        with usable(self._home):
            found = sorted(
                (Path(top) / file).relative_to(self._home).as_posix().removesuffix(ending) + shown
                for top, _, files in os.walk(folder, onerror=_unless_missing)
                for file in files
                if file.endswith(ending) and not file.startswith(".")
            )
        return (name for name in found if name.startswith(prefix))


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _read(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(), os.fstat(file.fileno()).st_mtime_ns


def _version(data: bytes, stamp: int) -> str:
    return f"{stamp:x}.{blake2b(data, digest_size=16).hexdigest()}"

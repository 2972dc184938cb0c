"""A store in a folder of this machine.

A write goes to a temporary file that is flushed to disk and renamed over the old one, so a reader
sees, and a crash leaves, the old content or the new. Logs are files that grow; see local_log.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held
from reconcile.stores.local_lock import LocalLock
from reconcile.stores.local_log import LocalLogs
from reconcile.stores.own_names import is_own_blob, is_own_log, is_tolerated
from reconcile.stores.state_folder import (
    GITIGNORE,
    make_folder,
    refuse_links,
    replace_file,
    sync_folder,
    usable,
)
from reconcile.stores.valid_names import BLOB, LOG, check_blob_name, check_entry, check_log_name

_OTHER_OWN_FILES = re.compile(
    r"key|lock|lock-holder|write-lock|being-erased"
    r"|serving-[0-9]+-[0-9a-f]{8}\.lock"
    r"|sandbox\.sqlite(-wal|-shm|-journal|-requests|-requests-journal)?"
    r"|\.sandbox\.sqlite\.[0-9a-f]{32}\.new(-wal|-shm|-journal)?"
)
_TEMPORARY = re.compile(r"((?:.+/)?)\.([^/]+)\.[a-z0-9_]{8}")


class LocalStore:
    """Keeps blobs and logs as files below ``folder``, which the first write makes, mode 0700.

    Other files in it (the key, a sandbox's data) have other endings and are left alone. Symbolic
    links below ``folder`` are refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = LocalLock(folder)
        self._logs = LocalLogs()
        self._held = Held()

    @property
    def where(self) -> str:
        """See Store."""
        return str(self._folder)

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        path = self._blob(name)
        with usable(self._folder):
            try:
                data, stamp = _read(path)
            except FileNotFoundError:
                return None
        return data, _version(data, stamp)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store."""
        path = self._blob(name)
        with self._writing():
            make_folder(path.parent)
            current, stamp = None, 0
            if path.exists():
                content, stamp = _read(path)
                current = _version(content, stamp)
            if current != expected:
                raise VersionMoved(f"{name} was written by another process in between")
            return _version(data, replace_file(path, data, after=stamp))

    def remove(self, name: str) -> None:
        """See Store."""
        path = self._blob(name)
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
        with usable(self._folder):
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

    def break_lock(self, fencing_token: int) -> None:
        """See Store."""
        self._lock.break_(fencing_token)

    def unknown_names(self) -> Iterator[str]:
        """See Store."""
        return (name for name in self._all_files() if not (_is_own(name) or is_tolerated(name)))

    def remove_temporary_files(self) -> None:
        """Remove the temporary files that killed writers have left."""
        with self._writing():
            for name in list(self._all_files()):
                if _TEMPORARY.fullmatch(name) and _is_own(name):
                    (self._folder / name).unlink()

    def close(self) -> None:
        """See Store."""

    def _blob(self, name: str) -> Path:
        path = self._folder / check_blob_name(name)
        refuse_links(self._folder, path)
        return path

    def _log(self, log: str) -> Path:
        path = self._folder / (check_log_name(log) + LOG)
        refuse_links(self._folder, path)
        return path

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with usable(self._folder), self._lock.turn():
            self._held.check()
            yield

    def _all_files(self) -> Iterator[str]:
        """Yield every file below the folder; a symbolic link counts as a file."""
        with usable(self._folder):
            for top, folders, files in os.walk(self._folder, onerror=_unless_missing):
                links = [name for name in folders if (Path(top) / name).is_symlink()]
                for file in (*files, *links):
                    yield (Path(top) / file).relative_to(self._folder).as_posix()

    def _find(self, prefix: str, ending: str, shown: str) -> Iterator[str]:
        folder = self._folder / prefix.rpartition("/")[0]
        refuse_links(self._folder, folder)
        with usable(self._folder):
            found = sorted(
                (Path(top) / file).relative_to(self._folder).as_posix().removesuffix(ending) + shown
                for top, _, files in os.walk(folder, onerror=_unless_missing)
                for file in files
                if file.endswith(ending) and not file.startswith(".")
            )
        return (name for name in found if name.startswith(prefix))


def _is_own(name: str) -> bool:
    half = _TEMPORARY.fullmatch(name)
    if half and (half[2] == GITIGNORE or _is_own(half[1] + half[2])):
        return True
    if name.endswith(LOG):
        return is_own_log(name.removesuffix(LOG))
    return is_own_blob(name) or _OTHER_OWN_FILES.fullmatch(name) is not None


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _read(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(), os.fstat(file.fileno()).st_mtime_ns


def _version(data: bytes, stamp: int) -> str:
    return f"{stamp:x}.{blake2b(data, digest_size=16).hexdigest()}"

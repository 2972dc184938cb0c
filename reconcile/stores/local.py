"""A store in a folder of this machine.

A write goes to a temporary file that is flushed to disk and renamed over the old one, so a reader
sees, and a crash leaves, the old content or the new.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from reconcile.stores.contract import LEASE, Holder, Lease, LockInfo, VersionMoved
from reconcile.stores.lease import Held
from reconcile.stores.local_lock import LocalLock
from reconcile.stores.own_names import is_own_blob, is_tolerated
from reconcile.stores.state_folder import (
    GITIGNORE,
    make_folder,
    refuse_links,
    remove_empty,
    replace_file,
    usable,
)
from reconcile.stores.valid_names import BLOB, check_blob_name

_OTHER_OWN_FILES = re.compile(
    r"key|lock|lock-holder|write-lock|being-erased"
    r"|serving-[0-9]+-[0-9a-f]{8}\.lock"
    r"|sandbox\.sqlite(-wal|-shm|-journal|-requests|-requests-journal)?"
    r"|\.sandbox\.sqlite\.[0-9a-f]{32}\.new(-wal|-shm|-journal)?"
)
_TEMPORARY = re.compile(r"((?:.+/)?)\.([^/]+)\.[a-z0-9_]{8}")


class LocalStore:
    """Keeps blobs as files below ``folder``, which the first write makes, mode 0700.

    Other files in it (the key, a sandbox's data) have other endings and are left alone. Symbolic
    links below ``folder`` are refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = LocalLock(folder)
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

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """See Store."""
        for name in names:
            if (found := self.read(name)) is not None:
                yield name, found[0]

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

    def write_many(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """See Store."""
        for name, data in blobs:
            self.write(name, data, None)

    def remove(self, *names: str) -> None:
        """See Store. Folders that become empty are removed too."""
        paths = [self._blob(name) for name in names]
        with self._writing():
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in {path.parent for path in paths}:
                if not any(_blobs_in(folder)):
                    self._remove_temporary(folder)
                remove_empty(folder, below=self._folder)

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        folder = self._inner(prefix.rpartition("/")[0])
        with usable(self._folder):
            found = sorted(map(self._name_of, _blobs_in(folder)))
        return (name for name in found if name.startswith(prefix) and name > after)

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        """See Store."""
        folder = self._inner(prefix)
        with usable(self._folder):
            _, inner, _ = next(os.walk(folder, onerror=_unless_missing), ("", [], []))
            found = sorted(name for name in (prefix + one for one in inner) if name > after)
            return iter([name for name in found if any(_blobs_in(self._folder / name))])

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
            self._remove_temporary(self._folder)

    def close(self) -> None:
        """See Store."""

    def _blob(self, name: str) -> Path:
        path = self._folder / check_blob_name(name)
        refuse_links(self._folder, path)
        return path

    def _inner(self, name: str) -> Path:
        """Return a folder within the store's."""
        folder = self._folder / name
        refuse_links(self._folder, folder)
        return folder

    def _name_of(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _remove_temporary(self, folder: Path) -> None:
        """Remove temporary files below a folder, in a turn: nobody is writing them any more."""
        for path in list(folder.rglob(".*")):
            name = self._name_of(path)
            if _TEMPORARY.fullmatch(name) and _is_own(name):
                path.unlink()

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


def _is_own(name: str) -> bool:
    half = _TEMPORARY.fullmatch(name)
    if half and (half[2] == GITIGNORE or _is_own(half[1] + half[2])):
        return True
    return is_own_blob(name) or _OTHER_OWN_FILES.fullmatch(name) is not None


def _blobs_in(folder: Path) -> Iterator[Path]:
    """Yield the files of blobs below a folder, in any order, without following links."""
    for top, _, files in os.walk(folder, onerror=_unless_missing):
        yield from (
            Path(top) / file for file in files if file.endswith(BLOB) and not file.startswith(".")
        )


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _read(path: Path) -> tuple[bytes, int]:
    with path.open("rb") as file:
        return file.read(), os.fstat(file.fileno()).st_mtime_ns


def _version(data: bytes, stamp: int) -> str:
    return f"{stamp:x}.{blake2b(data, digest_size=16).hexdigest()}"

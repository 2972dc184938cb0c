"""State in a folder of this machine.

Writes go to a temporary file that is flushed to disk and renamed over the old one, so a reader or
a crash sees the old content or the new, never half. The lock is the operating system's own: it
ends with the process, however that ends.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile

from filelock import FileLock, Timeout

from reconcile.errors import Locked, UsageError
from reconcile.stores.contract import LockInfo, VersionMoved


class LocalStore:
    """Keeps blobs as files under ``home``, which is made when first written, mode 0700."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Store."""
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self._home, error) from error
        return data, _version(data)

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        """See Store. Comparing and replacing is one step only for holders of the lock."""
        current = self.read(name)
        if (current[1] if current else None) != expected:
            raise VersionMoved(f"{name} was written by somebody else in between")
        path = self._path(name)
        try:
            # One by one: parents made on the way would get the usual mode.
            for folder in (self._home, path.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, data)
        except OSError as error:
            raise _unusable(self._home, error) from error
        return _version(data)

    def names(self, prefix: str) -> Iterator[str]:
        """See Store."""
        folder, _, _ = prefix.rpartition("/")
        for path in sorted(self._path(folder).glob("*.json")):
            name = path.relative_to(self._home).as_posix()
            if name.startswith(prefix):
                yield name

    @contextmanager
    def lock(self, info: LockInfo) -> Iterator[None]:
        """See Store."""
        try:
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._path("lock"), mode=0o600)
            lock.acquire(blocking=False)
        except Timeout:
            raise self._held() from None
        except OSError as error:
            raise _unusable(self._home, error) from error
        holder = self._path("lock-holder.json")
        try:
            replace_file(holder, json.dumps(asdict(info)).encode())
            yield
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()

    def erase(self) -> None:
        """Remove the state, for an account that is no more. The hash key stays."""
        with self.lock(LockInfo("", "", "")):
            for path in (*self._path("shards").glob("*.json"), self._path("head.json")):
                path.unlink(missing_ok=True)

    def _held(self) -> Locked:
        who = "another process"
        with suppress(OSError, ValueError, TypeError):
            info = LockInfo(**json.loads(self._path("lock-holder.json").read_bytes()))
            who = f"{info.who}, since {info.since}, doing {info.doing}"
        return Locked(
            f"the state in {self._home} is locked by {who}",
            hint="wait until that run has ended, then try again",
        )

    def _path(self, name: str) -> Path:
        return self._home / name


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of a file, mode 0600, so that a crash leaves the old or the new."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _version(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _unusable(home: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the state folder {home} cannot be used: {error.strerror or error}",
        hint="check that the disk has room and that the folder is yours",
    )

"""The lock of a folder: the operating system's own, so it ends with the process that holds it.

A note beside it says who holds the lock, and the fencing token, which the note keeps while the lock
is free. Breaking a lock raises the token and removes the locked file; the next holder locks a new
one. One process at a time does this, and every write, under a second, short lock: its turn.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from reconcile.errors import Locked
from reconcile.stores.contract import Holder, LockInfo
from reconcile.stores.lease import UNKNOWN_HOLDER, locked, lost, monotonic, stuck
from reconcile.stores.state_folder import make_state_folder, refuse_links, replace_file, usable

_LOCK_POLL = 0.1
"""Seconds between two attempts to take the lock."""
_TURN_POLL = 0.005
"""Seconds between two attempts to get a turn to write."""
TURN_TIMEOUT = 10.0
"""Seconds to wait for a turn. It takes milliseconds, unless a process hangs in its own."""


@dataclass(frozen=True, slots=True)
class _Note:
    """The content of the note; that of a free lock has only the fencing token."""

    fencing_token: NonNegativeInt
    who: str | None = None
    since: str = ""
    doing: str = ""


_NOTE = TypeAdapter(_Note)


def file_lock(path: Path) -> FileLock:
    """Return the operating system's lock on a file, which locking makes, mode 0600."""
    return FileLock(path, mode=0o600, thread_local=False)


def is_locked(path: Path) -> bool:
    """Return whether a process has the lock on a file. Write nothing, but share it for a moment.

    A process that tries to take it in that moment without waiting finds it taken.
    """
    with _shared(path, 0.0) as free:
        return not free


@contextmanager
def _shared(path: Path, timeout: float) -> Iterator[bool]:
    """Share the lock on a file; yield whether that was possible. Write nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = None
    if descriptor is None:
        yield True
        return
    try:
        end = monotonic() + timeout
        while not (free := _share(descriptor)) and monotonic() < end:
            time.sleep(_TURN_POLL)
        yield free
    finally:
        os.close(descriptor)


def _share(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


class LocalLease:
    """The held lock of a folder: valid as long as the note has what the holder wrote."""

    def __init__(self, note: Path, fencing_token: int, info: LockInfo) -> None:
        self._note = note
        self._fencing_token = fencing_token
        self.text = _encode(fencing_token, info)

    @property
    def fencing_token(self) -> int:
        """See Lease."""
        return self._fencing_token

    def check(self) -> None:
        """See Lease."""
        try:
            if self._note.read_bytes() == self.text:
                return
        except OSError as error:
            raise lost(str(self._note.parent), f"{error.strerror}: {self._note.name}") from error
        raise lost(str(self._note.parent), "it was broken")


class LocalLock:
    """The lock of a folder, and the turns of the processes that write there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "lock"
        self._note = folder / "lock-holder"
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Exclude all other writers, threads and processes, for a short, unnested block.

        Raise OSError where the folder cannot be used, UsageError where a file of the lock is a
        symbolic link, and Locked where another process hangs in its turn.
        """
        make_state_folder(self._folder)
        turns = self._folder / "write-lock"
        refuse_links(self._folder, turns, self._file, self._note)
        waiting = file_lock(turns)
        with self._turn:
            try:
                waiting.acquire(timeout=TURN_TIMEOUT, poll_interval=_TURN_POLL)
            except Timeout:
                raise stuck(str(self._folder), self._read()) from None
            try:
                yield
            finally:
                waiting.release()

    @contextmanager
    def hold(self, info: LockInfo, timeout: float) -> Iterator[LocalLease]:
        """See Store.lock."""
        end = monotonic() + timeout
        while not (taken := self._take(info)):
            if monotonic() >= end:
                raise locked(str(self._folder), self.holder() or Holder(UNKNOWN_HOLDER, 0))
            time.sleep(_LOCK_POLL)
        lease, file = taken
        try:
            yield lease
        finally:
            try:
                with suppress(OSError, Locked), self.turn():
                    if self._note.read_bytes() == lease.text:
                        replace_file(self._note, _encode(lease.fencing_token, None))
            finally:
                file.release()

    def holder(self) -> Holder | None:
        """See Store. Write nothing at all: the disk may be read-only."""
        refuse_links(self._folder, self._folder / "write-lock", self._file, self._note)
        with usable(self._folder), _shared(self._folder / "write-lock", TURN_TIMEOUT) as free:
            if not free:
                raise stuck(str(self._folder), self._read())
            return self._read() if is_locked(self._file) else None

    def break_(self, fencing_token: int) -> None:
        """See Store.break_lock."""
        if not self._file.exists():
            return
        with usable(self._folder), self.turn():
            if not is_locked(self._file):
                return
            holder = self._read()
            if holder.fencing_token != fencing_token:
                raise locked(str(self._folder), holder)
            replace_file(self._note, _encode(fencing_token + 1, None))
            self._file.unlink()

    def _take(self, info: LockInfo) -> tuple[LocalLease, FileLock] | None:
        with usable(self._folder), self.turn():
            # Before a run begins, so that it does not fail in the middle.
            refuse_links(self._folder, *self._folder.iterdir())
            file = file_lock(self._file)
            try:
                file.acquire(blocking=False)
            except Timeout:
                return None
            try:
                lease = LocalLease(self._note, self._read().fencing_token + 1, info)
                replace_file(self._note, lease.text)
            except BaseException:
                file.release()
                raise
            return lease, file

    def _read(self) -> Holder:
        try:
            note = _NOTE.validate_json(self._note.read_bytes(), strict=True)
        except (OSError, ValidationError):
            return Holder(UNKNOWN_HOLDER, 0)
        info = UNKNOWN_HOLDER if note.who is None else LockInfo(note.who, note.since, note.doing)
        return Holder(info, note.fencing_token)


def _encode(fencing_token: int, info: LockInfo | None) -> bytes:
    return json.dumps({"fencing_token": fencing_token} | (asdict(info) if info else {})).encode()

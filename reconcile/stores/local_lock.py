"""The lock of a folder: the operating system's own, so it ends with the process that holds it.

Beside it lies a note of who holds it and of the fencing number, which stays when the lock is free.
Breaking a lock raises the number and takes the locked file away; the next holder locks a new one.
All this, and every write, happens one process at a time, under a second, short lock.
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

_POLL = 0.1
_TURN = 0.005
"""Seconds between two tries to get a lock, and to get one's turn to write."""
PATIENCE = 10.0
"""Seconds to wait for one's turn. It takes milliseconds, unless a process stands still in it."""


@dataclass(frozen=True, slots=True)
class _Note:
    """What the note says: that of a free lock only the number."""

    number: NonNegativeInt
    who: str | None = None
    since: str = ""
    doing: str = ""


_NOTE = TypeAdapter(_Note)


def file_lock(path: Path) -> FileLock:
    """Return the operating system's lock on a file, which is made when it is taken, mode 0600."""
    return FileLock(path, mode=0o600, thread_local=False)


def is_locked(path: Path) -> bool:
    """Whether somebody has the lock on a file. Writes nothing, but shares it for a moment.

    So whoever tries to take it just then without waiting may find it taken.
    """
    with _shared(path, 0.0) as free:
        return not free


@contextmanager
def _shared(path: Path, patience: float) -> Iterator[bool]:
    """Share the lock on a file, and say whether that was possible. Writes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = None
    if descriptor is None:
        yield True
        return
    try:
        end = monotonic() + patience
        while not (free := _share(descriptor)) and monotonic() < end:
            time.sleep(_TURN)
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
    """The lock of a folder, held: the note still says what the holder wrote."""

    def __init__(self, note: Path, number: int, info: LockInfo) -> None:
        self._note = note
        self._number = number
        self.text = _encode(number, info)

    @property
    def number(self) -> int:
        """See Lease."""
        return self._number

    def check(self) -> None:
        """See Lease."""
        try:
            if self._note.read_bytes() == self.text:
                return
        except OSError as error:
            raise lost(str(self._note.parent), f"{error.strerror}: {self._note.name}") from error
        raise lost(str(self._note.parent), "somebody broke it")


class LocalLock:
    """The lock of the folder ``home``, and the turns of those who write there."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = home / "lock"
        self._note = home / "lock-holder"
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one that writes, among all threads and processes. Short, and not nested.

        Raises OSError where the folder cannot be used, UsageError where a file of the lock is a
        symbolic link, and Locked where another process keeps its turn and does not go on.
        """
        make_state_folder(self._home)
        turns = self._home / "write-lock"
        refuse_links(self._home, turns, self._file, self._note)
        waiting = file_lock(turns)
        with self._turn:
            try:
                waiting.acquire(timeout=PATIENCE, poll_interval=_TURN)
            except Timeout:
                raise stuck(str(self._home), self._read()) from None
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
                raise locked(str(self._home), self.holder() or Holder(UNKNOWN_HOLDER, 0))
            time.sleep(_POLL)
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
        """See Store. Writes nothing at all: the disk may be read-only."""
        refuse_links(self._home, self._home / "write-lock", self._file, self._note)
        with usable(self._home), _shared(self._home / "write-lock", PATIENCE) as quiet:
            if not quiet:
                raise stuck(str(self._home), self._read())
            return self._read() if is_locked(self._file) else None

    def break_(self, number: int) -> None:
        """See Store.break_lock."""
        if not self._file.exists():
            return
        with usable(self._home), self.turn():
            if not is_locked(self._file):
                return
            holder = self._read()
            if holder.fencing_token != number:
                raise locked(str(self._home), holder)
            replace_file(self._note, _encode(number + 1, None))
            self._file.unlink()

    def _take(self, info: LockInfo) -> tuple[LocalLease, FileLock] | None:
        with usable(self._home), self.turn():
            # Before a run begins: it must not find out in the middle what it may not write to.
            refuse_links(self._home, *self._home.iterdir())
            file = file_lock(self._file)
            try:
                file.acquire(blocking=False)
            except Timeout:
                return None
            try:
                lease = LocalLease(self._note, self._read().number + 1, info)
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
        return Holder(info, note.number)


def _encode(number: int, info: LockInfo | None) -> bytes:
    return json.dumps({"number": number} | (asdict(info) if info else {})).encode()

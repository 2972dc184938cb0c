"""Append-only logs in files: a line for each entry, with its position and a checksum.

A line is complete when it has its end and its checksum is right. Only the last line can be
incomplete: a crash cut it short before its append returned, and the next append removes it.
"""

import heapq
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.errors import UsageError
from reconcile.stores.contract import VersionMoved
from reconcile.stores.state_folder import make_folder, sync_folder

_HEAD = len("0123456789 01234567 ")


@dataclass(slots=True)
class _Seen:
    """What is known of a file: its inode, how far it was read, and which positions it has.

    Positions are nearly in order, so they are kept as the next one, and gaps before it.
    """

    inode: int = 0
    size: int = 0
    next: int = 0
    gaps: list[range] = field(default_factory=list)

    def has(self, position: int) -> bool:
        return position < self.next and not any(position in gap for gap in self.gaps)

    def add(self, position: int) -> None:
        if position >= self.next:
            if position > self.next:
                self.gaps.append(range(self.next, position))
            self.next = position + 1
            return
        for index, gap in enumerate(self.gaps):
            if position in gap:
                halves = range(gap.start, position), range(position + 1, gap.stop)
                self.gaps[index : index + 1] = [half for half in halves if half]
                return


class LocalLogs:
    """Logs as files. Methods raise OSError for an unusable file, UsageError for a damaged log."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def append(self, path: Path, position: int, entry: bytes) -> None:
        """See Store. Only one writer may append at a time."""
        new = not path.exists()
        if new:
            make_folder(path.parent)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            seen = self._seen[path] = self._look(path, file)
            if seen.has(position):
                raise VersionMoved(f"{path.stem} has an entry {position} already")
            line = _encode(position, entry)
            try:
                _write_all(file, line, seen.size)
                os.fsync(file)
            except BaseException:
                os.ftruncate(file, seen.size)
                raise
        finally:
            os.close(file)
        if new:
            sync_folder(path.parent)
        seen.size += len(line)
        seen.add(position)

    def entries(self, path: Path, start: int) -> Iterator[tuple[int, bytes]]:
        """See Store. Entries that were written out of order are sorted."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        waiting: list[tuple[int, bytes]] = []
        expected = start
        for position, entry, _ in _lines(path, data):
            if position >= start:
                heapq.heappush(waiting, (position, entry))
            while waiting and waiting[0][0] == expected:
                yield heapq.heappop(waiting)
                expected += 1
        yield from sorted(waiting)

    def drop(self, path: Path) -> None:
        """See Store."""
        self._seen.pop(path, None)
        try:
            path.unlink()
        except FileNotFoundError:
            return
        sync_folder(path.parent)

    def _look(self, path: Path, file: int) -> _Seen:
        """Read what was appended since the last look, and cut off an incomplete last line."""
        found = os.fstat(file)
        seen = self._seen.get(path)
        if seen is None or seen.inode != found.st_ino or seen.size > found.st_size:
            seen = _Seen(found.st_ino)
        if seen.size < found.st_size:
            base = seen.size
            for position, _, end in _lines(path, os.pread(file, found.st_size - base, base)):
                seen.add(position)
                seen.size = base + end
            if seen.size < found.st_size:
                os.ftruncate(file, seen.size)
        return seen


def _encode(position: int, entry: bytes) -> bytes:
    body = b"%010d " % position + entry
    return b"%s %08x %s\n" % (body[:10], zlib.crc32(body), entry)


def _lines(path: Path, data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield position, entry and where the next line begins, without an incomplete last line.

    Raise UsageError for any other incomplete line: a crash leaves none.
    """
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        line = data[begin : end + 1]
        position, entry = line[:10], line[_HEAD:-1]
        if not position.isdigit() or line != _encode(int(position), entry):
            if end in {-1, len(data) - 1}:
                return
            raise UsageError(
                f"the log {path} is damaged at byte {begin}",
                hint="restore it from a backup, or cut it off there",
            )
        begin = end + 1
        yield int(position), entry, begin


def _write_all(file: int, data: bytes, offset: int) -> None:
    while data:
        done = os.pwrite(file, data, offset)
        data, offset = data[done:], offset + done

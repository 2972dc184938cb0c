"""Append-only logs, made of blobs: a log is a folder, and each of its entries a blob in it.

An entry is written with "must not exist". So what a store promises of its blobs holds for entries:
of several writers at one position one wins, a holder that lost the lock cannot append, and a crash
leaves an entry as a whole or not at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.errors import ReconcileError
from reconcile.stores.contract import Store
from reconcile.stores.valid_names import BLOB, check_folder_name

_DIGITS = 10
ENTRY = rf"[0-9]{{{_DIGITS}}}{re.escape(BLOB)}"
"""Pattern of an entry's name within its log: its position. Names sort as positions do."""

_ENTRY = re.compile(ENTRY)


class LogDropped(ReconcileError):
    """A log was dropped while it was being read."""


@dataclass(frozen=True, slots=True)
class Log:
    """The log of a name in a store. Raise ValueError for an invalid name."""

    store: Store
    name: str

    def __post_init__(self) -> None:
        check_folder_name(self.name)

    def append(self, position: int, entry: bytes) -> None:
        """Write an entry at a position, from 0.

        Raise VersionMoved when the log already has an entry there. Writers may append several
        positions at a time, so a crash can leave a gap.
        """
        if not 0 <= position < 10**_DIGITS:
            raise ValueError(f"{position} is not a position of a log")
        self.store.write(self._blob(position), entry, None)

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield positions and entries from ``start``, in order; a gap shows in the positions.

        Raise LogDropped where the log is dropped meanwhile, rather than end early.
        """
        names = self._names(start)
        read = 0
        for name, entry in self.store.read_many(names):
            if name != names[read]:
                break
            read += 1
            yield int(name.removeprefix(f"{self.name}/")[:_DIGITS]), entry
        if read < len(names):
            raise LogDropped(
                f"{self.name} in {self.store.where} was removed while it was being read",
                hint="run the command again",
            )

    def drop(self) -> None:
        """Remove the log; do nothing where there is none.

        The first entry is removed first, so that what a crash leaves is recognisably incomplete.
        """
        names = self._names(0)
        self.store.remove(*names[:1])
        self.store.remove(*names[1:])

    def _blob(self, position: int) -> str:
        return f"{self.name}/{position:0{_DIGITS}}{BLOB}"

    def _names(self, start: int) -> list[str]:
        """Return the names of the entries from a position on; ignore all other blobs."""
        folder = f"{self.name}/"
        found = self.store.names(folder, after=self._blob(start - 1) if start else "")
        return [name for name in found if _ENTRY.fullmatch(name.removeprefix(folder))]

"""Files for new documents: collected beside the manifests, and put in place at the end."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from reconcile.atomic_files import atomic_write
from reconcile.errors import UsageError

DOCUMENTS = 1000
"""Documents in a file, unless it is said otherwise."""

_FULL = 8 * 1024 * 1024
"""Bytes after which a file is continued in another one; one of 16 MiB is not read any more."""

_COPIED = 1024 * 1024

_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-")  # the month becomes part of a file's name


class NewFiles:
    """Collects documents by file. Nothing is in the folder ``into`` before ``finish``.

    ``documents`` is how many a file holds; 0 puts them into files by month. A document is appended
    to the file of its month, and never to one that was full before.
    """

    def __init__(self, into: Path, stem: str, documents: int = DOCUMENTS) -> None:
        self._into, self._stem, self._documents = into, stem, documents
        self._stack = ExitStack()
        self._parts: dict[str, IO[bytes]] = {}
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._number = _last_number(into, stem) if documents else 0
        self._there = {path.name for path in into.glob("*.yaml")}

    def add(self, text: str, created: str) -> None:
        """Add one document of a record that was ``created`` at this ISO 8601 time."""
        name = self._numbered() if self._documents else self._of_month(created)
        if name not in self._parts:
            self._parts[name] = self._stack.enter_context(TemporaryFile())  # noqa: SIM115 (closed by the stack)
        self._counts[name] = self._counts.get(name, 0) + 1
        self._parts[name].write(text.encode())

    def finish(self) -> list[Path]:
        """Put the files in place, each as a whole; return them.

        Raises UsageError if one cannot be written; those before it stay.
        """
        written: list[Path] = []
        self._into.mkdir(parents=True, exist_ok=True)
        with self._stack:
            for name, part in sorted(self._parts.items()):
                path = self._into / self._free(name)
                try:
                    with atomic_write(path, mode=0o644) as file:
                        _copy_former(path, file)
                        part.seek(0)
                        while piece := part.read(_COPIED):
                            file.write(piece)
                except OSError as error:
                    raise UsageError(f"{path} cannot be written: {error.strerror}") from error
                written.append(path)
        return written

    def _free(self, name: str) -> str:
        """Return the name, or the next number if somebody else has made that file meanwhile."""
        while self._documents and name not in self._there and (self._into / name).exists():
            self._number = max(self._number, _last_number(self._into, self._stem)) + 1
            name = f"{self._stem}-{self._number:04}.yaml"
        return name

    def _numbered(self) -> str:
        name = f"{self._stem}-{self._number:04}.yaml"
        count = self._counts.get(name, 0)
        if count == 0 or count >= self._documents or self._full(name):
            self._number += 1
            name = f"{self._stem}-{self._number:04}.yaml"
        return name

    def _of_month(self, created: str) -> str:
        """Return the month's file, or the first one after it that is not full."""
        month = created[:7] if _DATED.match(created) else "undated"
        name = self._names.setdefault(month, f"{self._stem}-{month}.yaml")
        number = 1
        while self._full(name):
            number += 1
            name = f"{self._stem}-{month}-{number}.yaml"
        self._names[month] = name
        return name

    def _full(self, name: str) -> bool:
        size = self._parts[name].tell() if name in self._parts else 0
        with suppress(FileNotFoundError):
            size += (self._into / name).stat().st_size
        return size > _FULL


def _last_number(into: Path, stem: str) -> int:
    """Return the number of the last file of earlier runs, 0 without any."""
    return max(_numbers(into, stem), default=0)


def _numbers(into: Path, stem: str) -> Iterator[int]:
    for path in into.glob(f"{stem}-*.yaml"):
        number = path.stem.removeprefix(f"{stem}-")
        if number.isascii() and number.isdigit():
            yield int(number)


def _copy_former(path: Path, file: IO[bytes]) -> None:
    """Copy the content that a file has, up to where a document can follow."""
    with suppress(FileNotFoundError):
        data = path.read_bytes()
        file.write(data)
        if data and not data.endswith(b"\n"):
            file.write(b"\n")

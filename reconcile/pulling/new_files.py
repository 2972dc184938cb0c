"""Files for new documents: collected beside the manifests, and put in place at the end."""

import re
from contextlib import ExitStack, suppress
from itertools import count
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

    ``documents`` is how many a file holds; 0 puts them into files by month. A file that exists is
    left as it is, and so is one that somebody adds after this object was made. Make it before
    manifests are read: then no other file can have documents that were not looked at.
    """

    def __init__(self, into: Path, stem: str, documents: int = DOCUMENTS) -> None:
        self._into, self._stem, self._documents = into, stem, documents
        self._stack = ExitStack()
        self._parts: dict[str, IO[bytes]] = {}
        self._counts: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._there = self._names_there()
        self._number = _last_number(self._there, stem)

    def add(self, text: str, created: str) -> None:
        """Add one document of a record that was ``created`` at this ISO 8601 time."""
        series = ""
        if not self._documents:
            series = created[:7] if _DATED.match(created) else "undated"
        name = self._names.get(series, "")
        if not name or self._is_full(name):
            name = self._names[series] = self._next_name(series)
            self._parts[name] = self._stack.enter_context(TemporaryFile())  # noqa: SIM115 (closed by the stack)
        self._counts[name] = self._counts.get(name, 0) + 1
        self._parts[name].write(text.encode())

    def finish(self) -> list[Path]:
        """Put the files in place, each as a whole; return them.

        Raises UsageError if one cannot be written, or others were added meanwhile. Those before it
        stay.
        """
        written: list[Path] = []
        with self._stack:
            if self._parts:
                self._require_unchanged()
                self._make_folder()
            for name, part in sorted(self._parts.items()):
                path = self._into / name
                try:
                    with atomic_write(path, mode=0o644, new=True) as file:
                        part.seek(0)
                        while piece := part.read(_COPIED):
                            file.write(piece)
                except FileExistsError as error:
                    raise _meanwhile(path, written) from error
                except OSError as error:
                    message = f"{path} cannot be written: {error.strerror}"
                    raise UsageError(message, hint=_in_place(written)) from error
                written.append(path)
        return written

    def _require_unchanged(self) -> None:
        """Raise UsageError if files were added: they may declare the same records."""
        added = sorted(self._names_there() - self._there)
        if added:
            raise _meanwhile(self._into / added[0], [])

    def _make_folder(self) -> None:
        try:
            self._into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self._into} cannot be made: {error.strerror}") from error

    def _next_name(self, series: str) -> str:
        """Return the name of the next file that is neither there nor collected."""
        if not series:
            self._number += 1
            return f"{self._stem}-{self._number:04}.yaml"
        of_series = f"{self._stem}-{series}"
        names = (
            f"{of_series}-{number}.yaml" if number > 1 else f"{of_series}.yaml"
            for number in count(1)
        )
        return next(one for one in names if one not in self._there and one not in self._parts)

    def _is_full(self, name: str) -> bool:
        too_many = bool(self._documents) and self._counts[name] >= self._documents
        return too_many or self._parts[name].tell() > _FULL

    def _names_there(self) -> frozenset[str]:
        """Return the names in the folder that files of this object could have, in lower case."""
        with suppress(OSError):  # there is no such folder yet
            names = [path.name.lower() for path in self._into.iterdir()]
            return frozenset(
                one for one in names if one.startswith(f"{self._stem}-") and one.endswith(".yaml")
            )
        return frozenset()


def _last_number(names: frozenset[str], stem: str) -> int:
    """Return the number of the last file of earlier runs, 0 without any."""
    numbers = (one.removeprefix(f"{stem}-").removesuffix(".yaml") for one in names)
    return max((int(one) for one in numbers if one.isascii() and one.isdigit()), default=0)


def _meanwhile(path: Path, written: list[Path]) -> UsageError:
    what = "" if written else "; nothing was written"
    return UsageError(
        f"{path} was written meanwhile, by another pull perhaps{what}",
        hint=_in_place(written) or "run the command again",
    )


def _in_place(written: list[Path]) -> str:
    """Return which files were put in place before an error, and what to do."""
    if not written:
        return ""
    listed = ", ".join(map(str, written))
    return f"already written: {listed}; run the command again for the records that are left"

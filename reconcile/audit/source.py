"""Compare the files that a plan was made from with the commit that is checked out.

The files read are compared with the commit byte for byte, except that ``CRLF`` equals ``LF``, since
git may have converted one to the other. A file that a filter of git rewrites (LFS, an encoding)
differs, since the commit does not have the content that was read. So does a file that only one side
has. Targets of links, and submodules, are not compared.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconcile.audit import git
from reconcile.audit.git_objects import GitObjects, TreeEntry
from reconcile.model.audit import Facts, Origin
from reconcile.model.source import Files, Source

_LINK = "120000"


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read: its resolved path, and the possible git ids of its content."""

    resolved: Path
    ids: frozenset[str]


class FilesRead:
    """Collects the files of a plan as they are read. ``commit`` was checked out before that."""

    def __init__(self, root: Path, commit: str, environ: Mapping[str, str]) -> None:
        self._root = root
        self._commit = commit
        self._environ = environ
        self._read: dict[Path, _Read] = {}

    def add(self, path: Path, data: bytes) -> None:
        """Add a file's content. The last reading of a file counts."""
        if git.is_commit(self._commit):
            texts = {data, data.replace(b"\r\n", b"\n")}
            ids = frozenset(_blob_id(text, self._commit) for text in texts)
            self._read[Path(os.path.normpath(path.absolute()))] = _Read(path.resolve(), ids)

    def source(self, belongs: Callable[[Path], bool]) -> Source:
        """Return the commit, and whether the files read are the commit's.

        ``belongs`` says whether a file of the commit would have been read, had it existed.
        """
        if not git.is_commit(self._commit):
            return Source(self._commit)
        try:
            return Source(self._commit, self._compared(belongs))
        except git.GitUnavailable:
            return Source(self._commit)

    def _compared(self, belongs: Callable[[Path], bool]) -> Files:
        top = git.top(self._root, self._environ)
        folders = [one.resolved.parent for one in self._read.values()]
        if not all(folder.is_relative_to(top) for folder in folders):
            return Files.DIFFER
        folder = Path(os.path.commonpath([self._root, *folders]))
        held = GitObjects(folder, self._environ).tree(self._commit)
        there = {resolved for path, one in self._read.items() for resolved in (path, one.resolved)}
        if any(path not in there and belongs(path) for path in held):
            return Files.DIFFER
        modules = {path for path, entry in held.items() if entry.type == "commit"}
        answers = {_file(path, one, held, modules) for path, one in self._read.items()}
        return next((one for one in (Files.DIFFER, Files.UNKNOWN) if one in answers), Files.SAME)


def _file(path: Path, read: _Read, held: Mapping[Path, TreeEntry], modules: set[Path]) -> Files:
    if not modules.isdisjoint(read.resolved.parents):
        return Files.UNKNOWN
    entry = held.get(read.resolved)
    if entry is None or entry.mode == _LINK or entry.id not in read.ids:
        return Files.DIFFER
    return Files.SAME if path == read.resolved else Files.UNKNOWN


def _blob_id(data: bytes, commit: str) -> str:
    """Return git's id of a file's content, by the hash that the repository uses."""
    name = "sha256" if len(commit) == 64 else "sha1"
    found = hashlib.new(name, b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest()


def planned_at(origin: Origin, source: Source) -> tuple[Origin, Facts]:
    """Return the origin with the plan's commit instead of the one that is checked out, and facts.

    The facts say whether the files read were that commit's, and which commit was checked out at
    the time of the apply if it is another one.
    """
    facts: dict[str, str] = {}
    if git.is_commit(source.commit):
        facts["files"] = str(source.files)
    if origin.commit not in ("", source.commit):
        facts["commit_at_apply"] = origin.commit
    return replace(origin, commit=source.commit), facts

"""Manifest files: found under given paths without leaving the project, and read."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from reconcile.errors import Problem
from reconcile.manifests.paths import display_path, escaping_link, resolve_links
from reconcile.manifests.problems import ProblemReport

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read: about 10,000 orders."""

PROJECT_FILE = "reconcile.yaml"
"""The project's settings, never a manifest; skipped in folders."""

DEFAULTS = "defaults"
"""The kind of the documents that give defaults to others."""

DEFAULTS_FILES = (f"{DEFAULTS}.yaml", f"{DEFAULTS}.yml")
"""The files for such documents: only these have to be read before all others."""

_SUFFIXES = (".yaml", ".yml")


class ManifestFile(NamedTuple):
    """A file's content, and its name in messages.

    The defaults of ``folder`` apply to its documents. It is absolute, without links, and None
    outside the project.
    """

    name: str
    data: bytes
    folder: PurePath | None

    @property
    def has_defaults(self) -> bool:
        """Whether the file is for defaults."""
        return PurePath(self.name).name in DEFAULTS_FILES


def is_manifest(path: Path, given: Collection[Path]) -> bool:
    """Return whether ``find`` with these paths would include a file at ``path``."""
    for top in given:
        if path == top:
            return True
        if path.is_relative_to(top):
            hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
            if not hidden and _has_manifest_name(path):
                return True
    return False


def defaults_above(path: Path, root: Path) -> Iterator[Path]:
    """Yield the possible files of defaults for what is at ``path`` in the folder ``root``.

    Those of folders above others come first.
    """
    if path.is_relative_to(root):
        for folder in reversed([path, *path.parents]):
            if folder.is_relative_to(root):
                yield from (folder / name for name in DEFAULTS_FILES)


def _has_manifest_name(path: Path) -> bool:
    """Return whether a file in a folder is a manifest by its name."""
    return path.suffix.lower() in _SUFFIXES and path.name != PROJECT_FILE


class ManifestFiles:
    """The manifest files under some paths, and the problems found on the way.

    ``defaults`` are those of the files' folders and of all folders above them in the project, also
    beside the paths that were given.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.files: list[Path] = []
        self.defaults: list[Path] = []
        self.problems: list[Problem] = []
        self._seen: set[Path] = set()
        self._folders: dict[Path, Path] = {}

    def name(self, path: Path) -> str:
        """Return a file's name for messages: relative to the root if it is inside."""
        absolute = path.absolute()
        inside = absolute.is_relative_to(self.root)
        return display_path(absolute.relative_to(self.root) if inside else path)

    def add_problem(self, path: Path, message: str, hint: str = "") -> None:
        """Add a problem of a whole path."""
        self.problems.append(Problem(self.name(path), 0, 0, message, hint))

    def folder(self, path: Path) -> Path | None:
        """Return the folder whose defaults apply to a file; see ``ManifestFile``.

        A link has those of the file that it leads to: several links may, from several folders.
        """
        if path.is_symlink() and path.name not in DEFAULTS_FILES:
            path = path.resolve()
        folder = self._resolved(path.parent)
        return folder if folder.is_relative_to(self.root) else None

    def _resolved(self, folder: Path) -> Path:
        if folder not in self._folders:
            self._folders[folder] = folder.resolve()
        return self._folders[folder]

    def add(self, given: Path) -> None:
        """Add a path that the user gave: a file, or a folder to walk."""
        try:
            self._add(given)
        except OSError as error:  # a name that is too long, a folder that is not ours
            self.add_problem(given, f"cannot be read: {error.strerror}")

    def _add(self, given: Path) -> None:
        if link := escaping_link(given, self.root):
            self._refuse_link(link)
        elif given.is_dir():
            before = len(self.files) + len(self.problems)
            again = given.resolve() in self._seen
            self._walk(given, (self.root, given.resolve()))
            if len(self.files) + len(self.problems) == before and not again:
                self.add_problem(given, "no manifest in this folder", self._hint(given))
        elif given.is_file() and given.name in DEFAULTS_FILES:
            self.add_problem(
                given, "defaults declare no record", "name the folder whose records they are for"
            )
        elif given.is_file():
            self._take(given)
        elif given.exists():
            self.add_problem(given, "neither a file nor a folder")
        elif given.is_symlink():
            self._refuse_dangling(given)
        else:
            self.add_problem(
                given,
                "no such file or folder",
                f"create it, or correct the path: in `manifests:` of {PROJECT_FILE}, or as typed",
            )

    def _walk(self, folder: Path, within: tuple[Path, ...]) -> None:
        if not self._first_time(folder):
            return
        self._resolved(folder)
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.add_problem(folder, f"cannot be read: {error.strerror}")
            return
        for entry in entries:
            if entry.name.startswith(".") or not (_has_manifest_name(entry) or entry.is_dir()):
                continue
            if entry.name in DEFAULTS_FILES and not entry.is_dir():
                continue  # add_defaults looks at these, in this folder and those above
            if entry.is_symlink() and not self._stays(entry, within):
                self._refuse_link(entry)
            elif entry.is_dir():
                self._walk(entry, within)
            elif self._is_file(entry):
                self._take(entry)

    def add_defaults(self) -> None:
        """Add the files of defaults that apply to what was found, after the last ``add``."""
        for file in self.files:
            self.folder(file)
        folders = sorted(set(self._folders.values()))
        for folder in folders:
            if not folder.is_relative_to(self.root):
                self._refuse_defaults(folder)
        for path in dict.fromkeys(one for top in folders for one in defaults_above(top, self.root)):
            if not os.path.lexists(path) or path.is_dir():
                continue
            if path.is_symlink() and not self._stays(path, (self.root,)):
                self._refuse_link(path)
            elif self._is_file(path):
                self.defaults.append(path)

    def _refuse_defaults(self, folder: Path) -> None:
        for path in (folder / name for name in DEFAULTS_FILES):
            if os.path.lexists(path) and not path.is_dir():
                self.add_problem(
                    path,
                    "defaults apply in the project's folder only",
                    "move the manifests into the project, or write the values into each",
                )

    def _is_file(self, entry: Path) -> bool:
        """Return whether there is a file, or a link to one; report everything else."""
        if entry.is_file():
            return True
        if entry.is_symlink() and not entry.exists():
            self._refuse_dangling(entry)
        else:
            self.add_problem(entry, "neither a file nor a folder")
        return False

    @staticmethod
    def _hint(folder: Path) -> str:
        if any((folder / name).exists() for name in DEFAULTS_FILES):
            return "defaults declare no record; other manifests end in .yaml or .yml"
        return "manifests end in .yaml or .yml"

    def _refuse_link(self, link: Path) -> None:
        self.add_problem(
            link, "this link leads out of the project", "copy its target into the project"
        )

    def _refuse_dangling(self, link: Path) -> None:
        self.add_problem(
            link,
            f"a link to {display_path(resolve_links(link))}, which does not exist",
            "remove the link, or restore its target",
        )

    @staticmethod
    def _stays(link: Path, within: tuple[Path, ...]) -> bool:
        end = resolve_links(link)
        return any(end.is_relative_to(folder) for folder in within)

    def _take(self, file: Path) -> None:
        if self._first_time(file):
            self.files.append(file)

    def _first_time(self, path: Path) -> bool:
        """Whether links or overlapping paths have not led here before."""
        end = path.resolve()
        if end in self._seen:
            return False
        self._seen.add(end)
        return True


def find(paths: Sequence[Path], root: Path) -> ManifestFiles:
    """Return all manifest files under ``paths``, sorted whatever the order of ``paths``."""
    found = ManifestFiles(root)
    for path in sorted(set(paths)):
        found.add(path)
    found.files.sort(key=found.name)
    found.add_defaults()
    return found


def read_bytes(file: Path, report: ProblemReport) -> bytes | None:
    """Return a file's content, or None if it cannot be read or is too large."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        report.whole_file(f"cannot be read: {error.strerror}")
        return None
    if len(data) > MAX_BYTES:
        hint = "split it; every file in the folders is read"
        report.whole_file(f"larger than {MAX_BYTES // 1024 // 1024} MiB", hint)
        return None
    return data

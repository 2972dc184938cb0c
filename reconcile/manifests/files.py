"""Manifest files: found under given paths without leaving the project, and read."""

from collections.abc import Sequence
from pathlib import Path

from reconcile.errors import Problem
from reconcile.manifests.paths import display_path, escaping_link, resolve_links
from reconcile.manifests.problems import ProblemReport

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read: about 10,000 orders."""

PROJECT_FILE = "reconcile.yaml"
"""The project's settings, never a manifest; skipped in folders."""

_SUFFIXES = (".yaml", ".yml")


def is_manifest(path: Path, given: Sequence[Path]) -> bool:
    """Return whether ``find`` with these paths would include a file at ``path``."""
    for top in given:
        if path == top:
            return True
        if path.is_relative_to(top):
            hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
            if not hidden and _has_manifest_name(path):
                return True
    return False


def _has_manifest_name(path: Path) -> bool:
    """Return whether a file in a folder is a manifest by its name."""
    return path.suffix.lower() in _SUFFIXES and path.name != PROJECT_FILE


class ManifestFiles:
    """The manifest files under some paths, and the problems found on the way."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.files: list[Path] = []
        self.problems: list[Problem] = []
        self._seen: set[Path] = set()

    def name(self, path: Path) -> str:
        """Return a file's name for messages: relative to the root if it is inside."""
        absolute = path.absolute()
        inside = absolute.is_relative_to(self.root)
        return display_path(absolute.relative_to(self.root) if inside else path)

    def add_problem(self, path: Path, message: str, hint: str = "") -> None:
        """Add a problem of a whole path."""
        self.problems.append(Problem(self.name(path), 0, 0, message, hint))

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
                self.add_problem(
                    given, "no manifest in this folder", "manifests end in .yaml or .yml"
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
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.add_problem(folder, f"cannot be read: {error.strerror}")
            return
        for entry in entries:
            if entry.name.startswith(".") or not (_has_manifest_name(entry) or entry.is_dir()):
                continue
            if entry.is_symlink() and not self._stays(entry, within):
                self._refuse_link(entry)
            elif entry.is_dir():
                self._walk(entry, within)
            elif entry.is_file():
                self._take(entry)
            elif entry.is_symlink() and not entry.exists():
                self._refuse_dangling(entry)
            else:
                self.add_problem(entry, "neither a file nor a folder")

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

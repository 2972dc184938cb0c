"""Manifests: YAML → desired units, with source locations. The only I/O is reading files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reconcile.errors import ManifestError, Problem
from reconcile.manifests.budget import Budget
from reconcile.manifests.defaults import Defaults
from reconcile.manifests.documents import DeclaredDocument, read_document
from reconcile.manifests.files import ManifestFile, ManifestFiles, find, read_bytes
from reconcile.manifests.folder_defaults import FolderDefaults
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.units import build_units
from reconcile.manifests.yaml_nodes import read
from reconcile.model.records import Unit


def load(paths: Sequence[Path], *, root: Path, by_id: Collection[str] = ()) -> tuple[Unit, ...]:
    """Return the units that the manifests under ``paths`` declare, sorted by address; at least one.

    ``by_id`` names the kinds whose keys are HubSpot ids. Raise ManifestError with every problem
    found; its files are named relative to ``root``.
    """
    units, problems = load_some(paths, root=root, by_id=by_id)
    if problems:
        raise ManifestError(problems)
    return units


Seen = Callable[[Path, bytes], None]
"""Called with each file that is read, and its content."""


def load_some(
    paths: Sequence[Path],
    *,
    root: Path,
    by_id: Collection[str] = (),
    seen: Seen = lambda *_: None,
) -> tuple[tuple[Unit, ...], list[Problem]]:
    """Return the units that could be read, perhaps none, and every problem found; see ``load``."""
    found = find(paths, root)
    if not paths:
        found.add_problem(root, "no manifests were named", "list them in reconcile.yaml")
    units, problems = load_texts(_contents(found, seen), by_id=by_id)
    return units, found.problems + problems


def load_texts(
    files: Iterable[ManifestFile], *, by_id: Collection[str] = ()
) -> tuple[tuple[Unit, ...], list[Problem]]:
    """Return the same for files that were read already.

    Files of defaults come first, those of folders above others before these.
    """
    problems: list[Problem] = []
    builder = build_units(_documents(files, problems), by_id)
    return builder.units, problems + builder.problems


def load_defaults(folder: Path, *, root: Path) -> Mapping[str, Defaults]:
    """Return what a new document in a folder inherits, by kind.

    Raise ManifestError if files of defaults have problems.
    """
    found = ManifestFiles(root)
    inside = found.folder(folder / "new.yaml")
    found.add_defaults()
    problems: list[Problem] = []
    folders, budget = FolderDefaults(), Budget()
    for file in _contents(found, lambda *_: None):
        report = ProblemReport(file.name, budget)
        folders.add(file, report)
        problems += report.problems
    if found.problems or problems:
        raise ManifestError(found.problems + problems)
    return folders.of(inside)


def _contents(found: ManifestFiles, seen: Seen) -> Iterator[ManifestFile]:
    for path in (*found.defaults, *found.files):
        report = ProblemReport(found.name(path))
        data = read_bytes(path, report)
        found.problems += report.problems
        if data is not None:
            seen(path, data)
            yield ManifestFile(report.file, data, found.folder(path))


def _documents(
    files: Iterable[ManifestFile], problems: list[Problem]
) -> Iterator[DeclaredDocument]:
    budget = Budget()
    folders = FolderDefaults()
    for file in files:
        report = ProblemReport(file.name, budget)
        if file.has_defaults:
            folders.add(file, report)
        else:
            yield from _declared(file, folders, report)
        problems += report.problems


def _declared(
    file: ManifestFile, folders: FolderDefaults, report: ProblemReport
) -> Iterator[DeclaredDocument]:
    defaults = folders.of(file.folder)
    empty = True
    for node in read(file.data, report):
        empty = False
        declared = read_document(node, report, defaults)
        if declared:
            yield declared
    if empty and not report.problems:
        report.whole_file("no document in this file", "remove the file if this is intended")

"""Manifest files of a list of paths, such as those of a commit: nothing on disk is looked at."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from reconcile.manifests.files import (
    DEFAULTS_FILES,
    ManifestFile,
    defaults_above,
    is_manifest,
)
from reconcile.manifests.paths import display_path


def listed_manifests(paths: Collection[Path], given: Collection[Path], root: Path) -> list[Path]:
    """Return the manifests that ``find`` would find if these were all regular files there are.

    Files of defaults come first, those of folders above others before these, as ``load_texts``
    takes them. All paths are absolute, in the folder ``root``, and without links.
    """
    there = frozenset(paths)
    files = sorted(
        path for path in there if is_manifest(path, given) and path.name not in DEFAULTS_FILES
    )
    folders = sorted({path.parent for path in files})
    above = dict.fromkeys(one for folder in folders for one in defaults_above(folder, root))
    return [*(path for path in above if path in there), *files]


def as_manifests(files: Iterable[tuple[Path, bytes]], root: Path) -> Iterator[ManifestFile]:
    """Yield such files with their content, as ``load_texts`` takes them."""
    for path, data in files:
        yield ManifestFile(display_path(path.relative_to(root)), data, path.parent)

"""The commits that options name, and what manifests they have, read from git's objects.

A commit's files are data here: nothing is checked out, no filter is started, and links and
submodules are not followed.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from reconcile.audit import git
from reconcile.audit.git_objects import GitObjects, TreeEntry
from reconcile.errors import UsageError
from reconcile.manifests.files import DEFAULTS_FILES, MAX_BYTES, ManifestFile, is_manifest
from reconcile.manifests.listed_files import as_manifests, listed_manifests
from reconcile.model.values import show

SHALLOW_HINT = "fetch more: `git fetch --unshallow`, or fetch-depth: 0 for actions/checkout"


class Found(NamedTuple):
    """The manifests of a commit, by path, with the ids of their content.

    - ``sizes``: their sizes by id; ``too_large``: those that are not read
    - ``not_followed``: links and submodules that may lead to manifests
    """

    files: Mapping[Path, str]
    sizes: Mapping[str, int]
    too_large: tuple[Path, ...]
    not_followed: tuple[Path, ...]


def resolved_commit(
    root: Path, ref: str, environ: Mapping[str, str], *, option: str, outside: str
) -> str:
    """Return the commit that ``ref``, the value of an option, means.

    Raise UsageError if there is none; its hint is ``outside`` where there is no repository.
    Raise GitUnavailable.
    """
    commit = git.resolve(root, ref, environ)
    if commit:
        return commit
    if not git.is_repository(root):
        raise UsageError(
            f"{option} names a commit, and the project is not in a git repository",
            hint=outside,
        )
    message = f"git does not know the commit {show(ref)}"
    if git.is_shallow(root, environ):
        raise UsageError(
            f"{message}; this clone is shallow, so it does not have all commits", hint=SHALLOW_HINT
        )
    raise UsageError(
        message,
        hint="name a branch, tag or commit of this clone, such as origin/main; `git fetch` gets "
        "those of others",
    )


def find_in(objects: GitObjects, commit: str, given: Collection[Path]) -> Found:
    """Return the manifests that a commit, or a tree, has under some paths.

    Raise GitUnavailable if this clone does not have them.
    """
    entries = objects.tree(commit)
    regular = [path for path, entry in entries.items() if entry.is_regular]
    chosen = {path: entries[path].id for path in listed_manifests(regular, given, objects.folder)}
    sizes = objects.sizes([*chosen.values()])
    small = {path: id_ for path, id_ in chosen.items() if sizes[id_] <= MAX_BYTES}
    too_large = tuple(path for path in chosen if path not in small)
    return Found(small, sizes, too_large, tuple(_not_followed(entries, given)))


def read_files(objects: GitObjects, found: Found) -> Iterator[ManifestFile]:
    """Yield the manifests with their content. Raise GitUnavailable."""
    blobs = objects.blobs([*found.files.values()], found.sizes)
    yield from as_manifests(zip(found.files, blobs, strict=True), objects.folder)


def below(root: Path, paths: Iterable[Path], given_root: Path) -> Iterator[Path]:
    """Yield the paths that are in the project, as they are named in a commit: links stay."""
    for path in paths:
        plain = Path(os.path.normpath(path.absolute()))
        for top in (Path(os.path.normpath(given_root.absolute())), root):
            if plain.is_relative_to(top):
                yield root / plain.relative_to(top)
                break


def _not_followed(entries: Mapping[Path, TreeEntry], given: Collection[Path]) -> Iterator[Path]:
    for path, entry in entries.items():
        if not entry.is_regular and (
            _leads_to(path, given) or is_manifest(path, given) or _is_default(path, given)
        ):
            yield path


def _leads_to(path: Path, given: Iterable[Path]) -> bool:
    """Return whether a link or submodule has a folder of manifests in it, or is in one.

    What is hidden there is never read.
    """
    return any(
        top.is_relative_to(path)
        or (
            path.is_relative_to(top)
            and not any(part.startswith(".") for part in path.relative_to(top).parts)
        )
        for top in given
    )


def _is_default(path: Path, given: Iterable[Path]) -> bool:
    """Return whether a path is that of defaults for a folder of manifests."""
    return path.name in DEFAULTS_FILES and any(top.is_relative_to(path.parent) for top in given)

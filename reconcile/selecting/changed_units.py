"""Which units are declared otherwise than in a commit, read from git's objects.

A commit's files are data here: nothing is checked out, no filter is started, and links and
submodules are not followed. The project file of that commit does not count, so that the manifests
are those of today's folders. Compared is what the documents declare once defaults apply.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from reconcile.audit import git
from reconcile.errors import UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.files import DEFAULTS_FILES, MAX_BYTES, is_manifest
from reconcile.manifests.listed_files import as_manifests, listed_manifests
from reconcile.model.address import Address
from reconcile.model.digest import desired_digest
from reconcile.model.records import Unit
from reconcile.model.values import show
from reconcile.project import Settings
from reconcile.project.declared import found_by_id
from reconcile.selecting.selectors import Changes


class Past(NamedTuple):
    """What a commit declares: the digest of each unit, by folded address.

    It is empty, and so differs from any other, where the unit's files have problems. ``notes`` say
    what of the commit could not be read: that counts as changed.
    """

    digests: Mapping[Address, str]
    notes: tuple[str, ...] = ()

    def compared(self, units: Iterable[Unit]) -> Changes:
        """Return which units differ from these, on either side."""
        now = {unit.address.folded(): desired_digest(unit) for unit in units}
        every = now.keys() | self.digests.keys()
        same = frozenset(one for one in every if now.get(one) == self.digests.get(one))
        return Changes(frozenset(every - same), same if self.notes else None)


def declared_at(
    ref: str, settings: Settings, paths: Collection[Path], environ: Mapping[str, str]
) -> Past:
    """Return what the commit ``ref`` declares in the folders of manifests, or beside in ``paths``.

    Raise UsageError if git does not know the commit, or does not have its files.
    """
    root = settings.root.resolve()
    given = list(_below(root, (*settings.manifests, *paths), settings.root))
    try:
        commit = _commit(root, ref, environ)
        entries = git.tree(root, commit, environ)
        regular = [path for path, entry in entries.items() if entry.is_regular]
        chosen = {path: entries[path].id for path in listed_manifests(regular, given, root)}
        sizes = git.sizes(root, [*chosen.values()], environ)
        small = {path: id_ for path, id_ in chosen.items() if sizes[id_] <= MAX_BYTES}
        files = zip(small, git.blobs(root, [*small.values()], sizes, environ), strict=True)
        units, problems = load_texts(as_manifests(files, root), by_id=found_by_id(settings))
    except git.GitUnavailable as error:
        raise UsageError(
            f"what changed since {show(ref)} cannot be read: {error}",
            hint="changed:REF reads the commit from git, in a clone that has its files",
        ) from None
    unclear = {PurePath(one.file) for one in problems}
    digests = {
        unit.address.folded(): "" if _is_unclear(unit, unclear) else desired_digest(unit)
        for unit in units
    }
    others = sum(
        not entry.is_regular and (_leads_to(path, given) or is_manifest(path, given))
        for path, entry in entries.items()
    )
    return Past(digests, tuple(_notes(ref, len(problems) + len(chosen) - len(small), others)))


def _commit(root: Path, ref: str, environ: Mapping[str, str]) -> str:
    """Return the commit that is meant. Raise UsageError if there is none."""
    commit = git.resolve(root, ref, environ)
    if commit:
        return commit
    if not git.is_repository(root):
        raise UsageError(
            "changed:REF compares with a commit, and the project is not in a git repository",
            hint="select by address or kind, as in --select 'order/SHOP-5*'",
        )
    message = f"git does not know the commit {show(ref)}"
    if git.is_shallow(root, environ):
        raise UsageError(
            f"{message}; this clone is shallow, so it does not have all commits",
            hint="fetch more: `git fetch --unshallow`, or fetch-depth: 0 for actions/checkout",
        )
    raise UsageError(
        message,
        hint="name a branch, tag or commit of this clone, as in changed:origin/main; `git fetch` "
        "gets those of others",
    )


def _below(root: Path, paths: Iterable[Path], given_root: Path) -> Iterator[Path]:
    """Yield the paths that are in the project, as they are named in a commit: links stay."""
    for path in paths:
        plain = Path(os.path.normpath(path.absolute()))
        for top in (Path(os.path.normpath(given_root.absolute())), root):
            if plain.is_relative_to(top):
                yield root / plain.relative_to(top)
                break


def _is_unclear(unit: Unit, files: Collection[PurePath]) -> bool:
    """Return whether a unit is declared in files with problems, or below such defaults."""
    named = {PurePath(record.location.file) for record in unit.records}
    above = {one.parent for one in files if one.name in DEFAULTS_FILES}
    return not named.isdisjoint(files) or any(
        folder in path.parents for path in named for folder in above
    )


def _leads_to(path: Path, given: Iterable[Path]) -> bool:
    """Return whether a link or submodule has a folder of manifests in it, or is in one."""
    return any(top.is_relative_to(path) or path.is_relative_to(top) for top in given)


def _notes(ref: str, problems: int, others: int) -> Iterator[str]:
    if problems:
        many = "1 problem" if problems == 1 else f"{problems:,} problems"
        yield f"{many} in the manifests of {show(ref)}: what cannot be read there counts as changed"
    if others:
        many = "1 link or submodule" if others == 1 else f"{others:,} links and submodules"
        are = "is" if others == 1 else "are"
        yield f"{many} of {show(ref)} {are} not followed: what is there counts as changed"

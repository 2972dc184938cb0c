"""Which units are declared otherwise than in a commit, read from git's objects.

The project file of that commit does not count, so that the manifests are those of today's folders.
Compared is what the documents declare once defaults apply.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from reconcile.audit import git
from reconcile.audit.git_objects import GitObjects
from reconcile.errors import UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.files import DEFAULTS_FILES
from reconcile.model.address import Address
from reconcile.model.digest import desired_digest
from reconcile.model.records import Unit
from reconcile.model.values import show
from reconcile.project import Settings
from reconcile.project.declared import found_by_id
from reconcile.selecting.commits import below, find_in, read_files, resolved_commit
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
    given = list(below(root, (*settings.manifests, *paths), settings.root))
    try:
        commit = resolved_commit(
            root,
            ref,
            environ,
            option="changed:REF",
            outside="select by address or kind, as in --select 'order/SHOP-5*'",
        )
        return past_of(GitObjects(root, environ), commit, given, settings, name=ref)
    except git.GitUnavailable as error:
        raise UsageError(
            f"what changed since {show(ref)} cannot be read: {error}",
            hint="changed:REF reads the commit from git, in a clone that has its files",
        ) from None


def past_of(
    objects: GitObjects, commit: str, given: Collection[Path], settings: Settings, *, name: str
) -> Past:
    """Return what a commit declares under some paths; ``name`` is what notes call it.

    Raise GitUnavailable.
    """
    found = find_in(objects, commit, given)
    units, problems = load_texts(read_files(objects, found), by_id=found_by_id(settings))
    unclear = {PurePath(one.file) for one in problems}
    digests = {
        unit.address.folded(): "" if _is_unclear(unit, unclear) else desired_digest(unit)
        for unit in units
    }
    unread, others = len(problems) + len(found.too_large), len(found.not_followed)
    return Past(digests, tuple(_notes(name, unread, others)))


def _is_unclear(unit: Unit, files: Collection[PurePath]) -> bool:
    """Return whether a unit is declared in files with problems, or below such defaults."""
    named = {PurePath(record.location.file) for record in unit.records}
    above = {one.parent for one in files if one.name in DEFAULTS_FILES}
    return not named.isdisjoint(files) or any(
        folder in path.parents for path in named for folder in above
    )


def _notes(ref: str, problems: int, others: int) -> Iterator[str]:
    if problems:
        many = "1 problem" if problems == 1 else f"{problems:,} problems"
        yield f"{many} in the manifests of {show(ref)}: what cannot be read there counts as changed"
    if others:
        many = "1 link or submodule" if others == 1 else f"{others:,} links and submodules"
        are = "is" if others == 1 else "are"
        yield f"{many} of {show(ref)} {are} not followed: what is there counts as changed"

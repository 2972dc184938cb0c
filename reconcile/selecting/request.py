"""A pull request as it would be merged, read from git's objects alone.

Its commit is data. The trusted commit's project file says what that data may do: a request cannot
raise its own limits. Nothing that is checked out counts, so any clone with the commits gives the
same answer.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconcile.audit import git
from reconcile.audit.git_merge import Merge, NoMergeBase, TooOld, borrowed, merge
from reconcile.audit.git_objects import GitObjects
from reconcile.errors import ManifestError, Problem, UsageError
from reconcile.manifests.files import MAX_BYTES, PROJECT_FILE
from reconcile.manifests.paths import display_path
from reconcile.model.source import Request, Source
from reconcile.model.values import show
from reconcile.project import Settings, settings_of
from reconcile.project.declared import Declared, declared_in
from reconcile.project.project_file import committed_project
from reconcile.project.settings import ProjectFile
from reconcile.selecting.changed_units import past_of
from reconcile.selecting.commits import SHALLOW_HINT, Found, find_in, read_files, resolved_commit
from reconcile.selecting.selectors import Selection, UnitSelector
from reconcile.selecting.setting_changes import SettingChanges, setting_changes

MOST = 20
"""Maximum conflicting files to name."""

_OUTSIDE = "plan what is in the folder: omit --tree and --trusted-ref"


class Requested(NamedTuple):
    """What a pull request comes to: settings and manifests, and the units that it changes."""

    settings: Settings
    declared: Declared
    selection: Selection
    source: Source


def read_request(
    folder: Path, tree: str, trusted_ref: str, *, target: str | None, environ: Mapping[str, str]
) -> Requested:
    """Return what the merge of the commits ``tree`` and ``trusted_ref`` declares.

    Settings are those of ``trusted_ref``, for the project in ``folder``. Raise UsageError if git
    does not have the commits or they cannot be merged, and ManifestError for the project file of
    ``trusted_ref``. What is wrong with manifests is in ``declared``.
    """
    root = folder.resolve()
    try:
        base, head = (
            resolved_commit(root, ref, environ, option=option, outside=_OUTSIDE)
            for option, ref in (("--trusted-ref", trusted_ref), ("--tree", tree))
        )
        with borrowed(root, base, environ) as objects:
            trusted = _trusted_file(objects, base, trusted_ref)
            file = _trusted_project(trusted, root, trusted_ref)
            settings = settings_of(file, root, target=target, environ=environ)
            merged = _merged(objects, base, head, root)
            changes = _setting_changes(objects, trusted, merged, root)
            given = settings.manifests
            past = past_of(objects, base, given, settings, name=trusted_ref)
            declared = _declared(objects, merged, given, settings)
    except git.GitUnavailable as error:
        raise UsageError(
            f"the commits cannot be read: {error}",
            hint="--tree reads commits from git, in a clone that has their files",
        ) from None
    changed = past.compared(declared.everything)
    request = Request(tree, trusted_ref, head, base, merged, changes.names, changes.unreadable)
    selection = Selection((UnitSelector("", *changed),), notes=past.notes)
    return Requested(settings, declared, selection, Source(request=request))


def _trusted_file(objects: GitObjects, base: str, ref: str) -> bytes:
    """Return the project file of the trusted commit. Raise UsageError if it has none."""
    data = _project_file(objects, base)
    if data is None:
        raise UsageError(
            f"the trusted ref {show(ref)} has no {PROJECT_FILE} in this folder that can be read",
            hint="merge the project file first: it says which account may be changed, and how much",
        )
    return data


def _trusted_project(data: bytes, root: Path, ref: str) -> ProjectFile:
    """Return what the file says. Raise ManifestError that names the commit that it is of."""
    try:
        return committed_project(data, root)
    except ManifestError as error:
        title = f"{PROJECT_FILE} of the trusted ref {show(ref)}"
        raise ManifestError(error.problems, title=title) from None


def _project_file(objects: GitObjects, tree: str) -> bytes | None:
    """Return the project file of a tree; None if that is not a file, or too large."""
    entry = objects.tree(tree, PROJECT_FILE).get(objects.folder / PROJECT_FILE)
    if entry is None or not entry.is_regular:
        return None
    sizes = objects.sizes([entry.id])
    return next(objects.blobs([entry.id], sizes)) if sizes[entry.id] <= MAX_BYTES else None


def _merged(objects: GitObjects, base: str, head: str, root: Path) -> str:
    """Return the tree of the merge. Raise UsageError for commits that cannot be merged."""
    with _explained(root, objects.environ):
        found = merge(objects, base, head)
    if found.conflicts:
        raise UsageError(
            f"the request cannot be merged: {_conflicts(found)}",
            hint="merge or rebase, and resolve the conflicts; nothing was planned",
        )
    return found.tree


@contextmanager
def _explained(root: Path, environ: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except TooOld as error:
        raise UsageError(str(error), hint="install git 2.38 or newer") from None
    except NoMergeBase as error:
        if git.is_shallow(root, environ):
            raise UsageError(f"{error}; this clone is shallow", hint=SHALLOW_HINT) from None
        raise UsageError(
            "the two commits have no history in common",
            hint="name the branch that the request is to be merged into as --trusted-ref",
        ) from None


def _conflicts(found: Merge) -> str:
    names = ", ".join(display_path(Path(name)) for name in found.conflicts[:MOST])
    more = len(found.conflicts) - MOST
    return f"conflicts in {names}" + (f" and {more:,} more files" if more > 0 else "")


def _setting_changes(
    objects: GitObjects, trusted: bytes, merged: str, root: Path
) -> SettingChanges:
    after = _project_file(objects, merged)
    if after is None:
        return SettingChanges(unreadable=f"{PROJECT_FILE}: not a file that can be read")
    return setting_changes(trusted, after, root)


def _declared(
    objects: GitObjects, merged: str, given: Collection[Path], settings: Settings
) -> Declared:
    found = find_in(objects, merged, given)
    declared = declared_in(read_files(objects, found), settings)
    problems = (*_problems(found, given, objects.folder), *declared.problems)
    return replace(declared, problems=problems)


def _problems(found: Found, given: Collection[Path], root: Path) -> Iterator[Problem]:
    """Yield what cannot be read of a commit, in the words of what is read from a folder."""

    def problem(path: Path, message: str, hint: str) -> Problem:
        return Problem(display_path(path.relative_to(root)), 0, 0, message, hint)

    for path in found.too_large:
        most = f"larger than {MAX_BYTES // 1024 // 1024} MiB"
        yield problem(path, most, "split it; every file in the folders is read")
    for path in found.not_followed:
        yield problem(
            path,
            "a link or submodule, which is not followed in a commit",
            "put the files themselves there",
        )
    for top in given:
        if not any(path.is_relative_to(top) for path in (*found.files, *found.not_followed)):
            yield problem(top, "no manifest there in the merge", "manifests end in .yaml or .yml")

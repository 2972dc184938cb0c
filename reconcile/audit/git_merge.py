"""Merge two commits in memory, in a bare repository that exists only meanwhile.

It borrows the objects of the clone and has no settings, hooks, attributes or working tree, so that
no merge driver, filter or renormalisation can be named, by the commits, the files in the folder or
the clone, and so that every clone merges alike. New objects go into it; the clone stays as it is.

It does not know where a shallow clone ends either: git fails there instead of taking the end of
what it has for the beginning of the history, and merging on a wrong base.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from reconcile.audit import git
from reconcile.audit.git_objects import GitObjects

_USAGE = 129
"""Git's exit code for an option that it does not know: `--write-tree` is of git 2.38."""


class TooOld(git.GitUnavailable):
    """This git cannot merge without a working tree."""


class NoMergeBase(git.GitUnavailable):
    """The commits have no common history, or this clone does not have enough of it."""


class Merge(NamedTuple):
    """The tree of a merge, or the files in ``conflicts``, as paths in the repository."""

    tree: str
    conflicts: tuple[str, ...] = ()


@contextmanager
def borrowed(root: Path, commit: str, environ: Mapping[str, str]) -> Iterator[GitObjects]:
    """Yield a bare repository that has the objects of the one around ``root``.

    ``commit`` is one of them: its length says which hash the repository uses. Raise
    GitUnavailable.
    """
    borrowed_from, prefix = git.objects_folder(root, environ), git.prefix(root, environ)
    with ExitStack() as stack:
        try:
            folder = Path(tempfile.mkdtemp(prefix="reconcile-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            _make_bare(folder, borrowed_from, sha256=len(commit) == 64)
        except OSError as error:
            raise git.GitUnavailable(
                f"no temporary folder can be made to merge them in: {error.strerror}"
            ) from error
        yield GitObjects(root, environ, folder, prefix)


def _make_bare(folder: Path, borrowed_from: Path, *, sha256: bool) -> None:
    (folder / "refs").mkdir()
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    (folder / "config").write_text(_CONFIG_SHA256 if sha256 else _CONFIG)
    name = os.fsencode(borrowed_from)
    for plain, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        name = name.replace(plain, escaped)
    (folder / "objects" / "info" / "alternates").write_bytes(b'"' + name + b'"\n')


_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_CONFIG_SHA256 = (
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
)


def merge(objects: GitObjects, base: str, head: str) -> Merge:
    """Return the merge of two commits of a ``borrowed`` repository.

    Raise TooOld, NoMergeBase, or GitUnavailable for anything else.
    """
    code, _ = objects.run("merge-base", base, head)
    if code != 0:
        raise NoMergeBase("git finds no common history of the commits")
    code, out = objects.run(
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head
    )
    if code == _USAGE:
        raise TooOld("git is too old to merge without a working tree")
    tree, *names = out.decode(errors="surrogateescape").split("\0")
    if code not in (0, 1) or not git.is_commit(tree):
        raise git.GitUnavailable("git cannot merge the commits")
    return Merge(tree, tuple(dict.fromkeys(filter(None, names))) if code else ())

"""Read the trees and files of commits from git's objects: nothing is checked out or filtered."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconcile.audit import git

_AT_ONCE = 1 << 25
"""Bytes of files to ask for in one call."""


class TreeEntry(NamedTuple):
    """One entry of a commit's tree: git's mode, type and object id."""

    mode: str
    type: str
    id: str

    @property
    def is_regular(self) -> bool:
        """Whether it is a file, neither a link nor a submodule."""
        return self.type == "blob" and self.mode.startswith("100")


@dataclass(frozen=True, slots=True)
class GitObjects:
    """The objects of the repository around a folder, or of a bare one that has them too.

    That one is ``git_dir``; then ``prefix`` is the folder's path in the commits, with a slash at
    its end.
    """

    folder: Path
    environ: Mapping[str, str]
    git_dir: Path | None = None
    prefix: str = ""

    def run(self, *command: str, given: bytes = b"") -> tuple[int, bytes]:
        """Run git on the repository. Return its exit code and output. Raise GitUnavailable."""
        return git.run(self.folder, self.environ, *command, given=given, git_dir=self.git_dir)

    def tree(self, commit: str, name: str = "") -> dict[Path, TreeEntry]:
        """Return the entries of a commit, or tree, below the folder, by absolute path.

        ``name`` is that of a single file to look for there. Raise GitUnavailable.
        """
        below = (self.prefix + name,) if self.prefix or name else ()
        code, out = self.run("--literal-pathspecs", "ls-tree", "-r", "-z", commit, "--", *below)
        if code != 0:
            raise git.GitUnavailable("git cannot read the commit")
        found = {}
        for line in out.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, type_, id_ = about.decode("ascii", "replace").split(" ")
            inside = os.fsdecode(path).removeprefix(self.prefix)
            found[self.folder / inside] = TreeEntry(mode, type_, id_)
        return found

    def sizes(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the sizes of files by their ids.

        Raise GitUnavailable, also for a file that is not in this clone.
        """
        _, out = self.run("cat-file", "--batch-check", given=_lines(ids))
        found = [line.split() for line in out.splitlines()]
        if len(found) != len(ids) or any(line[1:2] != [b"blob"] for line in found):
            raise git.GitUnavailable("this clone does not have all files of the commit")
        return {id_: int(size) for id_, (_, _, size) in zip(ids, found, strict=True)}

    def blobs(self, ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[bytes]:
        """Yield the content of files as the repository has it. Raise GitUnavailable."""
        for some in _batches(ids, sizes):
            _, out = self.run("cat-file", "--batch", given=_lines(some))
            end = 0
            for id_ in some:
                begin = end + len(head := b"%s blob %d\n" % (id_.encode(), sizes[id_]))
                if out[end:begin] != head:
                    raise git.GitUnavailable("git cannot read the files of the commit")
                end = begin + sizes[id_]
                yield out[begin:end]
                end += 1  # a line break


def _batches(ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for id_ in ids:
        if batch and total + sizes[id_] > _AT_ONCE:
            yield batch
            batch, total = [], 0
        batch.append(id_)
        total += sizes[id_]
    if batch:
        yield batch


def _lines(ids: Sequence[str]) -> bytes:
    return "".join(f"{id_}\n" for id_ in ids).encode()

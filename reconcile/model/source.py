"""The commit behind the files that a plan was made from."""

import shlex
from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = "unknown"
"""Stands for a commit or an author that git does not name."""


class Files(StrEnum):
    """Whether the files that were read are the commit's, apart from line endings."""

    SAME = "same"
    DIFFER = "differ"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """A pull request that was planned from git's objects, as it would be merged.

    - ``tree``, ``trusted_ref``: the names of the commits as typed
    - ``head``, ``base``: these commits; ``merged``: git's id of the tree of their merge
    - ``settings``: the settings that the request changes, by dotted path
    - ``unreadable``: what is wrong with the project file that the merge would have

    The text of the request is untrusted; so is all of this.
    """

    tree: str
    trusted_ref: str
    head: str
    base: str
    merged: str
    settings: tuple[str, ...] = ()
    unreadable: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """The options that plan the same again."""
        return f"--tree {shlex.quote(self.tree)}", f"--trusted-ref {shlex.quote(self.trusted_ref)}"


@dataclass(frozen=True, slots=True)
class Source:
    """The commit that was checked out, and whether the files read were that commit's.

    ``commit`` is empty outside git and before the first commit, and ``unknown`` if git does not
    name it. Nothing is read from the folder for a ``request``, and both say nothing then. Like the
    rest of a plan file it is only as trustworthy as whoever made the file.
    """

    commit: str = ""
    files: Files = Files.UNKNOWN
    request: Request | None = None


NO_SOURCE = Source()
"""The source of a plan that was made outside git."""

"""The commit behind the files that a plan was made from."""

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
class Source:
    """The commit that was checked out, and whether the files read were that commit's.

    ``commit`` is empty outside git and before the first commit, and ``unknown`` if git does not
    name it. Like the rest of a plan file it is only as trustworthy as whoever made the file.
    """

    commit: str = ""
    files: Files = Files.UNKNOWN


NO_SOURCE = Source()
"""The source of a plan that was made outside git."""

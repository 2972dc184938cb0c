"""Where the files that a plan was made from come from: a commit, or not quite."""

from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = "unknown"
"""In place of a commit or a person that git would have to name, and does not."""


class Files(StrEnum):
    """How the files read compare with the commit's: bytes with bytes, line endings aside."""

    SAME = "same"
    DIFFER = "differ"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Source:
    """The commit that was checked out, and whether the files read were that commit's.

    ``commit`` is empty outside git and before a first commit, and ``unknown`` where git does not
    say. Like the rest of a plan file it is as true as whoever made the file.
    """

    commit: str = ""
    files: Files = Files.UNKNOWN


NO_SOURCE = Source()
"""Of a plan that was made outside git."""

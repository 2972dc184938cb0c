"""Which blobs and logs are reconcile's own.

A store may lie in a folder, bucket or database that holds things of others too. What erases or
moves a state touches only what is named here, so whatever writes a blob or a log under a new name
must add it.
"""

import re

VALUES = r"audit-values/[0-9A-Za-z-]+/[0-9a-f]{16}\.json"
"""A blob with values of the audit log: of a run, or of another event."""

_RUN = "[0-9]{8}T[0-9]{6}-[0-9a-f]+"

_BLOB = re.compile(
    "|".join(
        (
            r"head\.json",
            r"applied\.json",
            r"shards/[0-9a-f]{2}\.json",
            rf"plans/{_RUN}/[0-9]{{6,}}\.json",
            VALUES,
        )
    )
)
_LOG = re.compile(rf"runs/{_RUN}|audit/[0-9]{{6,}}")


def is_own_blob(name: str) -> bool:
    """Whether a blob of this name is reconcile's own."""
    return _BLOB.fullmatch(name) is not None


def is_own_log(name: str) -> bool:
    """Whether a log of this name is reconcile's own."""
    return _LOG.fullmatch(name) is not None


def is_tolerated(path: str) -> bool:
    """Whether a file of others may lie beside a state: a README, or what git is to leave out."""
    file = path.rpartition("/")[2]
    return file == ".gitignore" or file.upper().startswith("README")

"""Which blobs and logs are reconcile's own.

A store may lie in a folder, bucket or database that others use too. Erasing or moving a state
touches only names that are listed here. So code that writes a blob or a log under a new name must
add that name.
"""

import re

from reconcile.stores.logs import ENTRY

VALUES = r"audit-values/[0-9A-Za-z-]+/[0-9a-f]{16}\.json"
"""Pattern of a blob with values of the audit log: of a run, or of another event."""

_RUN = "[0-9]{8}T[0-9]{6}-[0-9a-f]+"
_LOG = rf"runs/{_RUN}|audit/[0-9]{{6,}}"

_BLOB = re.compile(
    "|".join(
        (
            r"head\.json",
            r"applied\.json",
            r"shards/[0-9a-f]{2}\.json",
            rf"plans/{_RUN}/[0-9]{{6,}}\.json",
            VALUES,
            rf"({_LOG})/{ENTRY}",
        )
    )
)


def is_own_blob(name: str) -> bool:
    """Return whether a blob of this name, which may be a log's entry, is reconcile's own."""
    return _BLOB.fullmatch(name) is not None


def is_own_log(name: str) -> bool:
    """Return whether a log of this name is reconcile's own."""
    return re.fullmatch(_LOG, name) is not None


def is_tolerated(path: str) -> bool:
    """Return whether a file may lie beside a state though it is not ours: README, .gitignore."""
    file = path.rpartition("/")[2]
    return file == ".gitignore" or file.upper().startswith("README")

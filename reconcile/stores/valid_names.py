"""What blobs and logs may be called, in every home alike; see the contract."""

import re

BLOB = ".json"
LOG = ".jsonl"
"""The ending of what holds a log, as a file or a folder; a log's name is without it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_LONGEST = 200
_POSITIONS = 10**10


def check_blob_name(name: str) -> str:
    """``name``, or ValueError where no blob can have it."""
    return _checked(name, name.removesuffix(BLOB) if name.endswith(BLOB) else "")


def check_log_name(name: str) -> str:
    """``name``, or ValueError where no log can have it."""
    return _checked(name, name)


def check_entry(position: int, entry: bytes) -> None:
    """Raise ValueError for a position or an entry that no log can have."""
    if not 0 <= position < _POSITIONS:
        raise ValueError(f"a log has no position {position}")
    if b"\n" in entry:
        raise ValueError("a log's entry is one line")


def _checked(name: str, plain: str) -> str:
    if len(name) > _LONGEST or not _PLAIN.fullmatch(plain):
        raise ValueError(f"{name!r} is no name")
    return name

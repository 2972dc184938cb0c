"""Which names of blobs and logs, and which log entries, every backend accepts."""

import re

BLOB = ".json"
LOG = ".jsonl"
"""The ending of a log's file or folder; the log's name does not have it."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_LONGEST = 200
_POSITIONS = 10**10


def check_blob_name(name: str) -> str:
    """Return ``name``. Raise ValueError if it is not a valid name of a blob."""
    return _checked(name, name.removesuffix(BLOB) if name.endswith(BLOB) else "")


def check_log_name(name: str) -> str:
    """Return ``name``. Raise ValueError if it is not a valid name of a log."""
    return _checked(name, name)


def check_entry(position: int, entry: bytes) -> None:
    """Raise ValueError for an invalid position, or an entry of several lines."""
    if not 0 <= position < _POSITIONS:
        raise ValueError(f"{position} is not a position of a log")
    if b"\n" in entry:
        raise ValueError("a log's entry must be one line")


def _checked(name: str, plain: str) -> str:
    if len(name) > _LONGEST or not _PLAIN.fullmatch(plain):
        raise ValueError(f"{name!r} is not a valid name")
    return name

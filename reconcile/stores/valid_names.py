"""Which names of blobs and folders every backend accepts."""

import re

BLOB = ".json"
"""The ending of every blob's name."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*")
_LONGEST = 200


def check_blob_name(name: str) -> str:
    """Return ``name``. Raise ValueError if it is not a valid name of a blob."""
    return _checked(name, name.removesuffix(BLOB) if name.endswith(BLOB) else "")


def check_folder_name(name: str) -> str:
    """Return ``name``. Raise ValueError if it is not a valid name of a folder."""
    return _checked(name, name)


def _checked(name: str, plain: str) -> str:
    if len(name) > _LONGEST or not _PLAIN.fullmatch(plain):
        raise ValueError(f"{name!r} is not a valid name")
    return name

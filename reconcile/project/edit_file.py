"""Set the store in the project file: change one value and keep every other byte.

The text is spliced where YAML's own marks say, and read again before it replaces the file.
"""

from enum import Enum
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconcile.atomic_files import atomic_write
from reconcile.manifests.files import PROJECT_FILE

FIELD = "store"


class Naming(Enum):
    """The result of setting the store in the project file."""

    NAMED = "named"
    MISSING = "there is no project file"
    SEVERAL = "the project file has several targets"
    UNSAFE = "the project file cannot be edited safely"
    UNWRITABLE = "the project file cannot be written"


def name_store(root: Path, url: str) -> Naming:
    """Set the project file's ``store:`` to ``url``, and return whether that was done.

    Not done where the file has several targets: the others' state is not there yet. Nor where the
    file is a link, or where the edit would change what anything else in it says.
    """
    path = root / PROJECT_FILE
    if path.is_symlink():
        return Naming.UNSAFE
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        return Naming.MISSING
    except OSError:
        return Naming.UNWRITABLE
    try:
        text = before.decode("utf-8")
        fields = _read(text)
        if len(fields["targets"]) != 1:
            return Naming.SEVERAL
        edited = _with_store(text, url)
        if _read(edited) != fields | {FIELD: url}:
            return Naming.UNSAFE
    except (UnicodeError, YAMLError, KeyError, TypeError, AttributeError):
        return Naming.UNSAFE
    try:
        with atomic_write(path, mode=path.stat().st_mode & 0o777) as file:
            file.write(edited.encode("utf-8"))
    except OSError:
        return Naming.UNWRITABLE
    return Naming.NAMED


def _read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(StringIO(text, newline=""))


def _with_store(text: str, url: str) -> str:
    """Return the text with one value replaced or added, whichever style its mapping has."""
    root = YAML(pure=True).compose(StringIO(text, newline=""))
    value = f'"{url}"' if root.flow_style else url  # a brace would end a mapping in braces
    for name, former in root.value:
        if name.value == FIELD:
            return text[: former.start_mark.index] + value + text[former.end_mark.index :]
    if root.flow_style:
        _, last = root.value[-1]
        end = last.end_mark.index
        return f"{text[:end]}, {FIELD}: {value}{text[end:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    start = text if text.endswith("\n") else text + newline
    return f"{start}{FIELD}: {value}{newline}"

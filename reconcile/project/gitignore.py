"""The .gitignore of a project."""

from pathlib import Path

from reconcile.errors import UsageError

_FILE = ".gitignore"
_PLANS = b"*.plan"


def ignore_plan_files(root: Path) -> None:
    """Add plan files to .gitignore: they hold order data.

    An existing .gitignore keeps every byte it has; a line is added where it does not have it yet.
    A symbolic link is left as it is. Raises UsageError if the file cannot be read or written.
    """
    path = root / _FILE
    if path.is_symlink():
        return
    try:
        before = path.read_bytes() if path.exists() else b""
        if _PLANS in map(bytes.strip, before.splitlines()):
            return
        added = (b"\n" if before and not before.endswith(b"\n") else b"") + _PLANS + b"\n"
        with path.open("ab") as file:
            file.write(added)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error

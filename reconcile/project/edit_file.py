"""Set the store in the project file: change one value and keep every other byte."""

from enum import Enum
from pathlib import Path

from reconcile.atomic_files import atomic_write
from reconcile.manifests.files import PROJECT_FILE
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_edit import edit_values
from reconcile.manifests.yaml_nodes import Table, read
from reconcile.manifests.yaml_slots import Edit

FIELD = "store"


class Naming(Enum):
    """The result of setting the store in the project file."""

    NAMED = "named"
    MISSING = "there is no project file"
    SEVERAL = "the project file has several targets"
    UNSAFE = "the project file cannot be edited safely"
    READ_ONLY = "the project file is read-only"
    CHANGED = "the project file was changed meanwhile"
    UNWRITABLE = "the project file cannot be written"


def name_store(root: Path, url: str) -> Naming:
    """Set the project file's ``store:`` to ``url``, and return whether that was done.

    Not done where the file has several targets: the others' state is not there yet. Nor where the
    file is a link, read-only or changed meanwhile, or where the edit would change what anything
    else in it says.
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
    targets = _targets(before)
    if targets is None:
        return Naming.UNSAFE
    if targets != 1:
        return Naming.SEVERAL
    report = ProblemReport(PROJECT_FILE)
    edited = edit_values(before, [Edit((0, FIELD), url)], report, any_comment=True)
    if edited is None:
        return Naming.UNSAFE
    try:
        mode = path.stat().st_mode & 0o777
        if not mode & 0o222:
            return Naming.READ_ONLY
        if path.is_symlink() or path.read_bytes() != before:
            return Naming.CHANGED
        with atomic_write(path, mode=mode) as file:
            file.write(edited)
    except OSError:
        return Naming.UNWRITABLE
    return Naming.NAMED


def _targets(data: bytes) -> int | None:
    """Return how many targets a project file has, or None if that cannot be read."""
    documents = list(read(data, ProblemReport(PROJECT_FILE), any_comment=True))
    root = documents[0] if len(documents) == 1 else None
    targets = root.entries.get("targets") if isinstance(root, Table) else None
    table = targets.value if targets else None
    return len(table.entries) if isinstance(table, Table) else None

"""Which settings a request changes in the project file."""

from pathlib import Path
from typing import NamedTuple

from reconcile.errors import ManifestError
from reconcile.project.project_file import committed_project, setting_texts


class SettingChanges(NamedTuple):
    """The dotted paths of what differs, or why the changed file cannot be read."""

    names: tuple[str, ...] = ()
    unreadable: str = ""


def setting_changes(before: bytes, after: bytes, folder: Path) -> SettingChanges:
    """Compare two versions of the project file of ``folder``; ``before`` is a valid one."""
    if before == after:
        return SettingChanges()
    try:
        committed_project(after, folder)
        now = setting_texts(after)
    except ManifestError as error:
        return SettingChanges(unreadable=str(error.problems[0]))
    old = setting_texts(before)
    return SettingChanges(
        tuple(sorted(name for name in old.keys() | now.keys() if old.get(name) != now.get(name)))
    )

"""Commands for the user to type next, with the options for the same project and target."""

import shlex
from collections.abc import Iterable
from pathlib import Path

_folder: list[str] = []
_target: list[str] = []
_paths: list[str] = []


def set_folder(chdir: Path | None) -> None:
    """Store the folder that a command was given, and reset target and paths."""
    _folder[:] = [] if chdir is None else ["-C", str(chdir)]
    _target.clear()
    _paths.clear()


def set_target(target: str | None) -> None:
    """Store the target that the next command must name, if any."""
    _target[:] = [] if target is None else ["--target", target]


def set_paths(paths: Iterable[Path]) -> None:
    """Store the PATHS of manifests that a command was given."""
    _paths[:] = map(str, paths)


def paths() -> tuple[str, ...]:
    """Return the PATHS of manifests that this command was given, if any."""
    return tuple(_paths)


def command_line(*words: str) -> str:
    """Return ``reconcile WORDS`` as it is to be typed where this command was, on its target."""
    from reconcile.render.escaping import visible  # noqa: PLC0415  (not for every page of help)

    return visible(shlex.join(["reconcile", *_folder, *words, *_target]))
